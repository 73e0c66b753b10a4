//! Why a wait gave no answer.

use std::fmt;

use hangar_plugin_behaviour::actions::Fail;
use hangar_plugin_behaviour::events::ModelError;

use crate::blobs::Unavailable;

/// Why a wait gave no answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Error {
    /// The host did not carry it out: a limit, a missing grant, an unknown tool.
    Refused {
        /// A code of the contract.
        code: String,
        /// What was wrong and what to do about it.
        text: String,
    },
    /// The run is to end.
    Cancelled {
        /// Why, in the contract's words.
        reason: String,
    },
    /// It took longer than [`Cx::timeout`](super::Cx::timeout) allows.
    TimedOut {
        /// What was allowed.
        ms: u32,
    },
    /// The model gave no full answer.
    Model(ModelError),
    /// Something else came than the action's answer.
    Unexpected {
        /// What came.
        what: String,
    },
}

impl Error {
    /// The code of the contract that says it best.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            Self::Cancelled { .. } => "cancelled",
            Self::TimedOut { .. } => "timed-out",
            Self::Model(error) if error.code == "cancelled" => "cancelled",
            Self::Model(error) if matches!(error.code.as_str(), "budget" | "rate-limited") => "limit",
            Self::Model(_) => "unreachable",
            Self::Unexpected { .. } => "internal",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { text, .. } => f.write_str(text),
            Self::Cancelled { reason } => write!(f, "The run was cancelled: {reason}"),
            Self::TimedOut { ms } => write!(f, "There was no answer within {ms} ms"),
            Self::Model(error) => write!(f, "The model gave no answer ({}): {}", error.code, error.text),
            Self::Unexpected { what } => write!(f, "The host's answer was not expected here: {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<Unavailable> for Error {
    fn from(why: Unavailable) -> Self {
        Self::Refused { code: why.code, text: why.text }
    }
}

impl From<Error> for Fail {
    fn from(error: Error) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
