//! Ids of clients, sessions, messages and commands.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::limits::ID_BYTES;

/// An id: not blank, bounded, without control characters. It is compared as it is written, and is cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(Arc<str>);

/// Why a text is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing but blanks.
    #[error("must not be empty")]
    Empty,
    /// Longer than [`ID_BYTES`].
    #[error("is longer than {ID_BYTES} bytes")]
    TooLong,
    /// It would break lines of a log.
    #[error("must not contain control characters")]
    Control,
}

impl Id {
    /// Takes a text that is fit to be an id.
    pub fn new(text: &str) -> Result<Self, IdError> {
        if text.len() > ID_BYTES {
            Err(IdError::TooLong)
        } else if text.trim().is_empty() {
            Err(IdError::Empty)
        } else if text.chars().any(char::is_control) {
            Err(IdError::Control)
        } else {
            Ok(Self(text.into()))
        }
    }

    /// An id that nobody has used: a UUID, version 4.
    pub fn fresh() -> Self {
        let mut buffer = uuid::Uuid::encode_buffer();
        Self((&*uuid::Uuid::new_v4().hyphenated().encode_lower(&mut buffer)).into())
    }
}

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Id {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Id {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Id {
    fn eq(&self, other: &str) -> bool {
        &*self.0 == other
    }
}

impl PartialEq<&str> for Id {
    fn eq(&self, other: &&str) -> bool {
        &*self.0 == *other
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl std::str::FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_is_fit() {
        assert_eq!(Id::new("nightly@lab-linux-7").unwrap(), "nightly@lab-linux-7");
        assert_eq!(Id::new(" "), Err(IdError::Empty));
        assert_eq!(Id::new("a\nb"), Err(IdError::Control));
        assert_eq!(Id::new(&"x".repeat(ID_BYTES)).map(|id| id.len()), Ok(ID_BYTES));
        assert_eq!(Id::new(&"x".repeat(ID_BYTES + 1)), Err(IdError::TooLong));
        assert_ne!(Id::fresh(), Id::fresh());
        assert_eq!(Id::fresh().len(), 36);
    }
}
