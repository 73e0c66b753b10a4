//! **Every setting of the server**, by the sections of hangar.toml. What is read, printed and documented is this table.

use std::path::PathBuf;

use hangar_aip::limits::FRAME_BYTES;

use super::setting::setting;
use super::{Config, Field, Given, Kind, LogLevel, SecretSource, Setting};

/// A section of hangar.toml.
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub doc: &'static str,
    /// What can be said in it.
    pub settings: &'static [Setting<Draft>],
}

/// A configuration that is being put together. Some of it has another form until all of it is known.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// What has its form already.
    pub config: Config,
    /// The one key.
    pub api_key: Option<SecretSource>,
    /// Whether nobody is asked for a key.
    pub no_auth: NoAuth,
    /// Where the certificate chain is.
    pub tls_cert: Option<PathBuf>,
    /// Where its key is.
    pub tls_key: Option<PathBuf>,
    /// Where to keep what outlasts the process.
    pub state: Option<PathBuf>,
    /// Where to keep compiled plugins.
    pub cache: Cache,
}

/// Whether nobody is asked for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NoAuth {
    /// Who needs a key is asked.
    #[default]
    Off,
    /// Nobody is, as long as only this machine can reach the server.
    On,
    /// Nobody is.
    Forced,
}

/// The word that insists.
pub const FORCE: &str = "force";

impl Field for NoAuth {
    fn given(&self) -> Given {
        match self {
            Self::Off => Given::Switch(false),
            Self::On => Given::Switch(true),
            Self::Forced => Given::Text(FORCE.to_owned()),
        }
    }

    fn accept(&mut self, given: &Given) {
        *self = match given {
            Given::Text(_) => Self::Forced,
            Given::Switch(true) => Self::On,
            _ => Self::Off,
        };
    }
}

/// Where compiled plugins are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cache {
    /// In a folder of this user's.
    #[default]
    Usual,
    /// There.
    In(PathBuf),
    /// Nowhere.
    None,
}

impl Field for Cache {
    fn given(&self) -> Given {
        match self {
            Self::Usual => Given::Nothing,
            Self::In(path) => path.given(),
            Self::None => Given::Switch(false),
        }
    }

    fn accept(&mut self, given: &Given) {
        *self = match given {
            Given::Text(path) => Self::In(path.into()),
            Given::Switch(false) => Self::None,
            _ => Self::Usual,
        };
    }
}

/// The platforms that a command line knows.
pub const PLATFORMS: [&str; 4] = ["windows", "linux", "mobile", "macos"];

/// The kinds of messages that handlers are asked about.
const KINDS: &[&str] = &["task", "command", "results", "task-end", "client-registered", "client-gone"];

/// A peer must never count as gone before it had two pings to answer.
const LEAST_SILENCE: u64 = 40_000;

/// A time above 0.
const TIME: Kind = Kind::Time(1);

/// A number above 0.
const NUMBER: Kind = Kind::Number(1, u64::MAX);

/// The same where there is room for no more.
const SMALL: Kind = Kind::Number(1, u32::MAX as u64);

/// Bytes above 0.
const BYTES: Kind = Kind::Bytes(1);

/// Every section but those of models, injections and plugins.
pub const GROUPS: &[Group] = &[
    Group { name: "server", doc: "Where the server listens, to whom, and where it keeps what", settings: SERVER },
    Group { name: "keys", doc: "Who may come in", settings: KEYS },
    Group { name: "devices", doc: "What is known of devices beside what they say themselves", settings: DEVICES },
    Group {
        name: "handlers",
        doc: "Which handlers must be there, and in which order they are asked",
        settings: HANDLERS,
    },
    Group { name: "sessions", doc: "What sessions may take", settings: SESSIONS },
    Group { name: "connections", doc: "What connections may take", settings: CONNECTIONS },
    Group { name: "log", doc: "What is logged", settings: LOG },
];

const SERVER: &[Setting<Draft>] = &[
    setting!(
        "host"["--host"],
        Kind::Text(address),
        config.server.host,
        "The address to listen on; on any but a loopback one, clients need a key"
    ),
    setting!(
        "port"["--port"],
        Kind::Number(0, 65_535),
        config.server.port,
        "The port to listen on; 0 for any that is free"
    ),
    setting!(
        "local"["--local"],
        Kind::Switch,
        config.server.local,
        "Whether peers that are not on this machine are refused"
    ),
    setting!(
        "tls-cert"["--tls-cert"],
        Kind::Path,
        tls_cert,
        "The certificate chain, PEM, if the server speaks TLS; read again when it changes"
    ),
    setting!(
        "tls-key"["--tls-key"],
        Kind::Path,
        tls_key,
        "The private key of the certificate, PEM; read again when it changes"
    ),
    setting!(
        "allowed-hosts",
        Kind::Texts(host_name),
        config.server.allowed_hosts,
        "Names by which browsers may reach the server, beside its address and `localhost`; requests to others are refused"
    ),
    setting!(
        "allowed-origins",
        Kind::Texts(origin),
        config.server.allowed_origins,
        "Other sites whose pages may use the server, such as `https://console.example`; pages of others are refused"
    ),
    setting!(
        "drain",
        TIME,
        config.server.drain,
        "How long connections and sessions have when the server is told to stop; then they are cut off"
    ),
    setting!("plugins"["--plugins"], Kind::Path, config.plugins.directory, "The plugin directory"),
    setting!(
        "state"["--state"],
        Kind::Path,
        state,
        "Where to keep what must outlast the process: former versions of plugins, journals; a folder of this user's if nothing is said"
    ),
    setting!(
        "cache",
        Kind::PathOrNone,
        cache,
        "Where to keep compiled plugins, a folder of this user's if nothing is said; `false` to compile them at each start"
    ),
    setting!(
        "poll"["--poll"],
        Kind::Seconds,
        config.plugins.poll,
        "Look so often for changed plugins instead of waiting for the file system to tell"
    ),
];

const KEYS: &[Setting<Draft>] = &[
    setting!(
        "api-key"["--api-key"],
        Kind::Secret { environment: "api-key-env", file: "api-key-file" },
        api_key,
        "One key that opens everything; where a key is needed and there is none, one is generated at the start"
    ),
    setting!("file"["--keys"], Kind::Path, config.keys.file, "A file of named keys, read again when it changes"),
    setting!(
        "no-auth"["--no-auth"],
        Kind::Insist(FORCE),
        no_auth,
        "Whether nobody is asked for a key; `true` is refused on any but a loopback address, where it takes \"force\""
    ),
];

const DEVICES: &[Setting<Draft>] = &[
    setting!(
        "metadata"["--device-metadata"],
        Kind::Path,
        config.devices.metadata,
        "A YAML or JSON file with what is to be added to what devices say of themselves"
    ),
    setting!(
        "platform"["--platform"],
        Kind::Word(&PLATFORMS),
        config.devices.platform,
        "The platform of devices that name none; `windows` if nothing is said"
    ),
    setting!(
        "force-platform"["--force-platform"],
        Kind::Switch,
        config.devices.force_platform,
        "Whether that platform holds for all devices, whatever they say"
    ),
];

const HANDLERS: &[Setting<Draft>] = &[
    setting!(
        "order",
        Kind::Texts(plugin_id),
        config.handlers.order,
        "Ids of handlers in the order in which they are asked; others follow by id"
    ),
    setting!(
        "required",
        Kind::Lists(KINDS),
        config.handlers.required,
        "By kind of message, the handlers without which no such message passes"
    ),
];

const SESSIONS: &[Setting<Draft>] = &[
    setting!(
        "live",
        NUMBER,
        config.sessions.live,
        "Sessions that live at once, waiting ones included; beyond it tasks are refused"
    ),
    setting!(
        "live-per-client",
        NUMBER,
        config.sessions.live_per_client,
        "Of these, those of one requester; beyond it its tasks are refused"
    ),
    setting!(
        "waiting-per-device",
        NUMBER,
        config.sessions.waiting_per_device,
        "Sessions that may wait for one device; beyond it tasks for it are refused"
    ),
    setting!(
        "parallel",
        Kind::Numbers,
        config.sessions.parallel,
        "Sessions that run on one device at once, by platform, 1 where nothing is said; others wait"
    ),
    setting!(
        "take-up",
        TIME,
        config.sessions.take_up,
        "How long a device may take to take up a task that it was sent; then the task fails"
    ),
    setting!(
        "inventory",
        TIME,
        config.sessions.inventory,
        "How long is waited for an inventory of tools, a screenshot and the like; then they count as not answered"
    ),
    setting!(
        "command",
        TIME,
        config.sessions.command,
        "How long is waited for a command; then it counts as not answered"
    ),
    setting!(
        "unanswered",
        SMALL,
        config.sessions.unanswered,
        "Commands in a row that may stay without an answer; then the session fails"
    ),
    setting!("grace", TIME, config.sessions.grace, "How long a cancelled run has to end itself; then it is ended"),
    setting!("agent-steps", SMALL, config.sessions.agent_steps, "Agent steps of one run; beyond it the run fails"),
    setting!(
        "machine-steps",
        SMALL,
        config.sessions.machine_steps,
        "Steps of one run, each of which answers an event; beyond it the run fails"
    ),
    setting!("commands", SMALL, config.sessions.commands, "Commands of one run; beyond it no more are sent"),
    setting!("model-calls", SMALL, config.sessions.model_calls, "Model calls of one run; beyond it no more are made"),
    setting!(
        "tokens",
        SMALL,
        config.sessions.tokens,
        "Tokens of one run, in and out; beyond it no more model calls are made"
    ),
    setting!("time", TIME, config.sessions.time, "How long one run may take, from its start on; then it fails"),
    setting!(
        "long-string-bytes",
        BYTES,
        config.sessions.long_string_bytes,
        "Strings in results that are longer become blobs"
    ),
    setting!("results-age", TIME, config.sessions.results_age, "How long outcomes are kept, at least"),
    setting!("results", NUMBER, config.sessions.results, "So many of the newest outcomes are kept whatever their age"),
    setting!(
        "results-bytes",
        BYTES,
        config.sessions.results_bytes,
        "Bytes of all outcomes that are kept; beyond it the oldest go, whatever their age"
    ),
    setting!("journals", NUMBER, config.sessions.journals, "Journals that are kept; beyond it the oldest go"),
    setting!(
        "journal-bytes",
        BYTES,
        config.sessions.journal_bytes,
        "Bytes of all journals that are kept; beyond it the oldest go"
    ),
    setting!(
        "fail-as-completed",
        Kind::Switch,
        config.sessions.fail_as_completed,
        "Whether what a behaviour gave up is reported as completed"
    ),
];

const CONNECTIONS: &[Setting<Draft>] = &[
    setting!(
        "connections",
        NUMBER,
        config.connections.connections,
        "Connections at once; beyond it new ones are refused"
    ),
    setting!(
        "registration",
        TIME,
        config.connections.registration,
        "How long a peer may take to say who it is; then it is told so and closed"
    ),
    setting!("ping", TIME, config.connections.ping, "How often a peer is pinged"),
    setting!(
        "silence",
        Kind::Time(LEAST_SILENCE),
        config.connections.silence,
        "How long nothing may come from a peer, not even a pong; then it counts as gone"
    ),
    setting!(
        "probe",
        TIME,
        config.connections.probe,
        "How long the holder of an id has to answer when another connection wants it; then it is evicted"
    ),
    setting!(
        "messages-per-second",
        Kind::Number(0, u32::MAX as u64),
        config.connections.messages_per_second,
        "Messages a second that are read of one connection, 0 for no bound; beyond it reading pauses"
    ),
    setting!(
        "outbox-frames",
        NUMBER,
        config.connections.outbox_frames,
        "Frames that may wait to be written to one connection; beyond it the reader is too slow and is closed"
    ),
    setting!(
        "outbox-bytes",
        BYTES,
        config.connections.outbox_bytes,
        "Bytes that may wait to be written to one connection, beside one frame of any size; beyond it the reader is closed"
    ),
    setting!(
        "write-stall",
        TIME,
        config.connections.write_stall,
        "How long a peer may take no byte of what is written to it; then it counts as gone"
    ),
    setting!(
        "small-frame-bytes",
        BYTES,
        config.connections.small_frame_bytes,
        "Bytes of one message that are read without asking for room"
    ),
    setting!(
        "large-frames-bytes",
        Kind::Bytes(FRAME_BYTES as u64),
        config.connections.large_frames_bytes,
        "Bytes of all larger messages together that are being read or worked on; beyond it they wait for room"
    ),
    setting!(
        "large-frame",
        TIME,
        config.connections.large_frame,
        "How long a larger message may take to arrive; then its connection is closed"
    ),
];

const LOG: &[Setting<Draft>] = &[
    setting!("level"["--log-level"], Kind::Word(&LogLevel::NAMES), config.log.level, "From which level on is logged"),
    setting!(
        "json"["--log-json"],
        Kind::Switch,
        config.log.json,
        "Whether the log has a line of JSON for each event instead of text"
    ),
];

/// The setting of this flag, with its section.
pub fn setting_of(flag: &str) -> Option<(&'static str, &'static Setting<Draft>)> {
    let all = GROUPS.iter().flat_map(|group| group.settings.iter().map(move |setting| (group.name, setting)));
    all.into_iter().find(|(_, setting)| !flag.is_empty() && setting.flag == flag)
}

/// The variable of the environment in which this setting is looked for; none if it has none.
pub fn variable(group: &str, setting: &Setting<Draft>) -> Option<String> {
    if !setting.kind.is_scalar() {
        return None;
    }
    let name = match setting.flag.strip_prefix("--") {
        Some(flag) => flag.to_owned(),
        None => format!("{group}-{}", setting.key),
    };
    Some(format!("HANGAR_{}", name.replace('-', "_").to_ascii_uppercase()))
}

/// An address, or the name of this machine for itself.
fn address(text: &str) -> Result<String, String> {
    let text = text.trim().trim_start_matches('[').trim_end_matches(']');
    if text.eq_ignore_ascii_case("localhost") {
        return Ok("127.0.0.1".to_owned());
    }
    let address: Result<std::net::IpAddr, _> = text.parse();
    address.map(|address| address.to_string()).map_err(|_| {
        let found = super::kind::cut(text);
        format!("is `{found}`; it must be an address of this machine such as `127.0.0.1`, or `0.0.0.0` for all of them")
    })
}

/// A name as a browser has it.
fn host_name(text: &str) -> Result<String, String> {
    let is_part = |char: char| char.is_ascii_alphanumeric() || "-._".contains(char);
    match !text.is_empty() && text.len() <= 253 && text.chars().all(is_part) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err("is no name such as `hangar.example`; leave out scheme, port and path".to_owned()),
    }
}

/// Where a page comes from.
fn origin(text: &str) -> Result<String, String> {
    let wrong = || "is no origin such as `https://console.example`, or `http://localhost:3000` with a port".to_owned();
    let url = reqwest::Url::parse(text).map_err(|_| wrong())?;
    let has_more = url.path() != "/" || url.query().is_some() || url.fragment().is_some() || !url.username().is_empty();
    match matches!(url.scheme(), "http" | "https") && !has_more {
        true => Ok(url.origin().ascii_serialization()),
        false => Err(wrong()),
    }
}

fn plugin_id(text: &str) -> Result<String, String> {
    let checked = hangar_runtime::manifest::check_id(text).map(|()| text.to_owned());
    checked.map_err(|_| "is no id of a plugin; it has lower-case letters, digits and `-`".to_owned())
}
