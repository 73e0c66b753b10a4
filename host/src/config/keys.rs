//! Who may come in.

use std::path::PathBuf;

use super::Secret;

/// Where the keys come from.
#[derive(Debug, Clone, Default)]
pub struct KeysConfig {
    /// The one key of the simple case; it may do everything.
    pub api_key: Option<Secret>,
    /// A file of named keys, read again when it changes.
    pub file: Option<PathBuf>,
    /// Ask nobody for a key.
    pub no_auth: bool,
}

/// One key of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedKey {
    /// What logs call it.
    pub name: String,
    /// The key.
    pub key: Secret,
    /// What it opens.
    pub scopes: Vec<Scope>,
}

/// What a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Registering as a device.
    Device,
    /// Registering as a constellation.
    Constellation,
    /// All of the HTTP API.
    Operator,
    /// What of the HTTP API only looks.
    ReadOnly,
    /// Messaging as an agent.
    Agent,
    /// Messaging as a broker.
    Broker,
    /// Messaging as a frontend.
    Frontend,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Device, Self::Constellation, Self::Operator, Self::ReadOnly, Self::Agent, Self::Broker, Self::Frontend];

    /// The word of the file of keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Constellation => "constellation",
            Self::Operator => "operator",
            Self::ReadOnly => "read-only",
            Self::Agent => "agent",
            Self::Broker => "broker",
            Self::Frontend => "frontend",
        }
    }
}
