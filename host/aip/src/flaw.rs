//! What can be wrong with a frame.

use crate::id::{Id, IdError};
use crate::limits::{FRAME_BYTES, ITEMS, NESTING};
use crate::terms::ClientKind;

/// A frame that was not understood. Its text is fit to go back to the sender: short, and without control characters.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{flaw}")]
pub struct ReadError {
    /// What is wrong with it.
    pub flaw: Flaw,
    /// What it is, as far as that could be read.
    pub kind: Option<ClientKind>,
    /// The session that it speaks of, so that whoever waits for the session's end can be told of it.
    pub session_id: Option<Id>,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// It has too many bytes.
    #[error("The message has {bytes} bytes; {FRAME_BYTES} are allowed")]
    TooLarge {
        /// How many.
        bytes: usize,
    },
    /// Objects and lists stand inside of each other too deeply.
    #[error("The message is nested too deeply; {NESTING} levels are allowed")]
    TooDeep,
    /// It is not text.
    #[error("The message is not valid UTF-8 (at byte {at})")]
    NotText {
        /// Where it stops being text.
        at: usize,
    },
    /// It is not JSON.
    #[error("Invalid JSON: {what}")]
    NotJson {
        /// What and where.
        what: String,
    },
    /// It is JSON, but no object.
    #[error("The message must be a JSON object")]
    NotAnObject,
    /// It does not say what it is.
    #[error("The message has no type; name one, for example \"type\": \"heartbeat\"")]
    NoType,
    /// It says that it is something unheard of.
    #[error("Unknown message type: {value}")]
    UnknownType {
        /// What it says.
        value: String,
    },
    /// It comes from neither a device nor a constellation.
    #[error("client_type must be \"device\" or \"constellation\", not \"{value}\"")]
    UnknownClientType {
        /// What it says.
        value: String,
    },
    /// A registration without an id.
    #[error("Client ID is required for WebSocket registration")]
    NoClientId,
    /// It lacks what it cannot be understood without.
    #[error("{field} is required in {kind}")]
    Missing {
        /// The kind of message.
        kind: &'static str,
        /// The key.
        field: &'static str,
    },
    /// A value is of the wrong kind.
    #[error("{field} must be {wanted}")]
    Wrong {
        /// The key.
        field: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// An id is unfit.
    #[error("{field} {why}")]
    Id {
        /// The key.
        field: &'static str,
        /// Why.
        why: IdError,
    },
    /// A text is too long.
    #[error("{field} has {bytes} bytes; {limit} are allowed")]
    TooLong {
        /// The key.
        field: &'static str,
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A list is too long.
    #[error("{field} has {count} elements; {ITEMS} are allowed")]
    TooMany {
        /// The key.
        field: &'static str,
        /// How many it has.
        count: usize,
    },
    /// An element of a list is flawed.
    #[error("{field}[{index}]: {why}")]
    Item {
        /// The key of the list.
        field: &'static str,
        /// Which element, from 0.
        index: usize,
        /// What is wrong with it.
        why: Box<Flaw>,
    },
}

impl From<Flaw> for ReadError {
    fn from(flaw: Flaw) -> Self {
        Self { flaw, kind: None, session_id: None }
    }
}
