//! Why something could not be had from the server.

use std::time::Duration;

use crate::id::Id;
use crate::limits::FRAME_BYTES;

/// Why something could not be had from the server. No text has the key or the query of the URL in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The URL cannot be used.
    #[error("the server's URL must look like ws://host:5000/ws or wss://host/ws: {why}")]
    Url {
        /// Why.
        why: String,
    },
    /// No connection could be made.
    #[error("cannot connect to {host}: {why}")]
    Connect {
        /// To whom.
        host: String,
        /// Why.
        why: String,
    },
    /// The server does not take the key.
    #[error("{host} refuses the key (HTTP {status}); give the server's key in the options or as ?token= in the URL")]
    Denied {
        /// Who.
        host: String,
        /// 401 or 403.
        status: u16,
    },
    /// The server does not take the registration.
    #[error("the server refuses the registration: {text}")]
    Refused {
        /// Why, in the server's words.
        text: String,
    },
    /// The connection broke.
    #[error("the connection was lost: {why}")]
    Lost {
        /// Why.
        why: String,
    },
    /// There is no connection now, or it is another one by now.
    #[error("there is no connection to the server, or it is no longer the same one")]
    Away,
    /// The client was closed.
    #[error("the client is closed")]
    Closed,
    /// The answer did not come in time.
    #[error("{what} did not come within {after:?}")]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// How long.
        after: Duration,
    },
    /// A message is too large to be taken.
    #[error("the message has {bytes} bytes; {FRAME_BYTES} are allowed")]
    TooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// Too much was asked for and not answered.
    #[error("{limit} requests wait for their answers already")]
    TooMany {
        /// How many may wait.
        limit: usize,
    },
    /// A task of this session was not answered yet.
    #[error("session {0} of this client is still running")]
    SessionInUse(Id),
    /// The server does not want to do it.
    #[error("the server refuses: {0}")]
    Declined(String),
    /// Only constellations may do this.
    #[error("only constellations may ask about devices")]
    NotForDevices,
    /// Something has no JSON form.
    #[error("cannot be written as JSON: {why}")]
    Json {
        /// Why.
        why: String,
    },
}

impl ClientError {
    pub(super) fn json(error: &serde_json::Error) -> Self {
        Self::Json { why: error.to_string() }
    }

    pub(super) fn lost(why: impl Into<String>) -> Self {
        Self::Lost { why: why.into() }
    }

    /// Whether it is of no use to try again: nobody changes their mind about a key or a URL by being asked often.
    pub(super) const fn is_final(&self) -> bool {
        matches!(self, Self::Url { .. } | Self::Denied { .. } | Self::Closed)
    }
}
