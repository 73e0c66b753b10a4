//! What holds, value by value, and where each came from.

use std::fmt;

use serde_json::Value as Json;

use super::{Given, Kind};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nothing was said.
    Default,
    /// A line of hangar.toml, from 1.
    File(usize),
    /// A variable of the environment.
    Environment(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl Origin {
    /// The same for programs: where from, and the name or line there.
    pub fn json(&self) -> Json {
        match self {
            Self::Default => serde_json::json!({ "from": "default" }),
            Self::File(line) => serde_json::json!({ "from": "file", "line": line }),
            Self::Environment(name) => serde_json::json!({ "from": "environment", "name": name }),
            Self::Flag(name) => serde_json::json!({ "from": "flag", "name": name }),
        }
    }
}

/// In a few words; the file is named elsewhere.
impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File(line) => write!(formatter, "line {line}"),
            Self::Environment(name) => formatter.write_str(name),
            Self::Flag(name) => formatter.write_str(name),
        }
    }
}

/// One value that holds.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The head of the section that it stands in, as TOML has it: `[server]`, `[models.planner]`, `[[inject]]`.
    pub section: String,
    /// Which of several sections of that name it is, from 0.
    pub number: usize,
    /// Its key.
    pub key: String,
    /// What it is.
    pub doc: &'static str,
    /// Where it came from.
    pub origin: Origin,
    pub(super) kind: Kind,
    pub(super) given: Given,
}

impl Entry {
    /// Its key and value as TOML; none if nothing is said. A secret is not shown, but where it is kept is.
    pub fn toml(&self) -> Option<(String, String)> {
        let value = self.kind.toml(&self.given)?;
        Some((super::kind::key(self.shown_key()), value))
    }

    /// Its value for programs.
    pub fn json(&self) -> Json {
        self.kind.json(&self.given)
    }

    /// The key that says where the secret is kept, or else its own.
    pub fn shown_key(&self) -> &str {
        use super::SecretSource::{Environment, File};
        match (&self.kind, &self.given) {
            (Kind::Secret { environment, .. }, Given::Secret(Environment(_))) => environment,
            (Kind::Secret { file, .. }, Given::Secret(File(_))) => file,
            _ => &self.key,
        }
    }

    /// Whether both say the same of the same value.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.is_of(other) && self.given == other.given
    }

    /// Whether both are about the same value.
    pub(super) fn is_of(&self, other: &Self) -> bool {
        self.section == other.section && self.number == other.number && self.key == other.key
    }
}
