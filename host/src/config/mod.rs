//! The configuration of the server: what there is to configure, what holds when nothing is said, and where each value
//! came from. Everything behind the command line is given parts of [`Config`] and knows nothing of flags or files.

mod checks;
mod effective;
mod environment;
mod file;
mod given;
mod groups;
mod injections;
mod key_file;
mod keys;
mod kind;
mod limits;
mod load;
mod loading;
mod metadata;
mod models;
mod plugin_entries;
mod secret;
mod secret_source;
mod setting;
pub mod user_folders;
mod watched;

pub use checks::Mistake;
pub use effective::{Entry, Origin};
pub use environment::Environment;
pub use file::HangarToml;
pub use groups::{GROUPS, PLATFORMS, setting_of, variable};

pub use key_file::{KeyFile, read_keys, readable_by_others};
pub use keys::{KeysConfig, NamedKey, Scope};
pub use kind::Kind;
pub use limits::{ConnectionLimits, SessionLimits};
pub use load::{ConfigError, Loaded, Loader};
pub use metadata::{DeviceMetadata, MetadataError};
pub use models::ModelConfig;
pub use secret::Secret;
pub use secret_source::SecretSource;
pub use watched::{FileInUse, Watched};

use given::{Field, Given};
use setting::{Said, Setting};

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use hangar_aip::Platform;
use hangar_runtime::manifest::HostConfig;

/// The effective configuration.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Where it listens, and to whom.
    pub server: ServerConfig,
    /// Who may come in.
    pub keys: KeysConfig,
    /// What drives sessions.
    pub plugins: PluginsConfig,
    /// What is known of devices beside what they say themselves.
    pub devices: DevicesConfig,
    /// What handlers must be there.
    pub handlers: HandlersConfig,
    /// What sessions may take.
    pub sessions: SessionLimits,
    /// What connections may take.
    pub connections: ConnectionLimits,
    /// The models that plugins may ask; the first one is the default.
    pub models: Vec<ModelConfig>,
    /// Secrets that are put into commands.
    pub inject: Vec<Injection>,
    /// What is logged.
    pub log: LogConfig,
}

/// Where the server listens, and to whom.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The address.
    pub host: IpAddr,
    /// The port; 0 for any that is free.
    pub port: u16,
    /// Refuse peers that are not on this machine.
    pub local: bool,
    /// Certificate and private key, if it speaks TLS.
    pub tls: Option<TlsFiles>,
    /// Names under which browsers may reach the server, beside the address itself and the names of loopback.
    pub allowed_hosts: Vec<String>,
    /// Origins of other sites whose pages may use the server.
    pub allowed_origins: Vec<String>,
    /// How long connections and sessions have when the server is told to stop.
    pub drain: Duration,
}

/// The files that TLS needs; they are read again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, PEM.
    pub cert: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// What drives sessions.
#[derive(Debug, Clone)]
pub struct PluginsConfig {
    /// The plugin directory.
    pub directory: PathBuf,
    /// Where what must outlast the process is kept: the library's ledger, journals.
    pub state: PathBuf,
    /// Where compiled plugins are kept; none to compile them at each start.
    pub cache: Option<PathBuf>,
    /// Look so often instead of waiting for the file system to tell.
    pub poll: Option<Duration>,
    /// What the operator says of plugins.
    pub host: HostConfig,
}

/// What is known of devices beside what they say themselves.
#[derive(Debug, Clone, Default)]
pub struct DevicesConfig {
    /// A YAML or JSON file `{devices: {<client id>: {...}}}` with names, tags and features.
    pub metadata: Option<PathBuf>,
    /// The platform of devices that name none.
    pub platform: Option<Platform>,
    /// Whether that platform holds for all devices, whatever they say.
    pub force_platform: bool,
}

/// What handlers must be there, and in which order they are asked.
#[derive(Debug, Clone, Default)]
pub struct HandlersConfig {
    /// Ids in the order in which they are asked; others follow by id.
    pub order: Vec<String>,
    /// By kind of message, the handlers without which no such message passes.
    pub required: BTreeMap<String, Vec<String>>,
}

/// A secret that is put into commands: into every tool whose schema has the parameter.
#[derive(Debug, Clone)]
pub struct Injection {
    /// The parameter of the tool.
    pub parameter: String,
    /// What is put in.
    pub value: Secret,
    /// Patterns of the ids of the devices that get it; empty for all.
    pub devices: Vec<String>,
    /// Names of the agents whose tools get it; empty for all.
    pub agents: Vec<String>,
}

/// What is logged.
#[derive(Debug, Clone)]
pub struct LogConfig {
    /// From which level on.
    pub level: LogLevel,
    /// A line of JSON for each event instead of text.
    pub json: bool,
}

/// The levels of the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What happens.
    Info,
    /// What should not happen.
    Warning,
    /// What went wrong.
    Error,
    /// What ends the server.
    Critical,
    /// Nothing.
    Off,
}

impl LogLevel {
    /// Their words, from the one that logs most.
    pub const NAMES: [&str; 6] = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "OFF"];

    /// The word of the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Critical => "CRITICAL",
            Self::Off => "OFF",
        }
    }

    /// The level of this word.
    fn named(name: &str) -> Option<Self> {
        let all = [Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Critical, Self::Off];
        all.into_iter().find(|level| level.name() == name)
    }
}

/// What should not happen, as text.
impl Default for LogConfig {
    fn default() -> Self {
        Self { level: LogLevel::Warning, json: false }
    }
}

/// In the working directory, and without a state or cache until it is known whose they are.
impl Default for PluginsConfig {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("plugins"),
            state: PathBuf::new(),
            cache: None,
            poll: None,
            host: HostConfig::default(),
        }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 5000,
            local: false,
            tls: None,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            drain: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod documented;
#[cfg(test)]
mod tests;
