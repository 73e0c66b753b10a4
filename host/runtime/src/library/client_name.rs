//! Names of clients as they are remembered. They come from outside, so a long one is remembered as what it begins with
//! and its hash: however long names are, a thousand of them take little room.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

/// As much of a name as is remembered, in bytes.
const BYTES: usize = 128;

/// A name; equal if the whole names are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct ClientName {
    beginning: Arc<str>,
    /// The hash of the whole name, where that is longer.
    whole: Option<[u8; 32]>,
}

impl From<&str> for ClientName {
    fn from(name: &str) -> Self {
        let beginning = name.get(..name.floor_char_boundary(BYTES)).unwrap_or_default();
        let whole = (name.len() > beginning.len()).then(|| Sha256::digest(name).into());
        Self { beginning: beginning.into(), whole }
    }
}

impl From<&Self> for ClientName {
    fn from(name: &Self) -> Self {
        name.clone()
    }
}

/// As it was given, and cut if it is long.
impl fmt::Display for ClientName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.beginning)?;
        formatter.write_str(if self.whole.is_some() { "…" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_take_little_room_and_stay_apart() {
        let long = "é".repeat(1 << 20);
        let [one, other] = [format!("{long}1"), format!("{long}2")].map(|name| ClientName::from(&*name));
        assert_ne!(one, other);
        assert_eq!(one, ClientName::from(&*format!("{long}1")));
        assert_eq!(one.to_string(), "é".repeat(64) + "…");
        assert_ne!(one, ClientName::from(&*one.to_string()), "nobody can call himself so");
        let short = "a".repeat(BYTES);
        assert_eq!(ClientName::from(&*short).to_string(), short);
    }
}
