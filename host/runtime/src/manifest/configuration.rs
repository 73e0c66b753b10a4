//! What the host's configuration, `hangar.toml`, says of plugins: what the operator says of each of them, and which one
//! serves a platform that several are for. What else stands in the file is up to the host.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value as Json};

use super::capabilities::Capabilities;
use super::file_error::{FileError, read_text};
use super::limit_requests::LimitRequests;
use super::plugin_toml::check_id;
use super::problems::TomlError;
use super::section::{Document, Section, Value};
use crate::log::clean;

/// The digits of the hash of a version.
const HASH_DIGITS: usize = 64;

/// As many of them as say which version is meant.
const PIN_DIGITS: usize = 8;

/// The host's configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostConfig {
    /// What it says of plugins, by id.
    pub plugins: BTreeMap<String, PluginConfig>,
    /// Which plugin serves a platform that several are for: platform, and the plugin's id.
    pub platforms: BTreeMap<String, String>,
}

/// What the operator says of one plugin: a section `[plugins.ID]`.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginConfig {
    /// Whether it runs at all.
    pub enabled: bool,
    /// What it is granted.
    pub grants: Capabilities,
    /// The limits that differ from the defaults.
    pub limits: LimitRequests,
    /// The settings that are given, not yet checked: only the manifest knows which there are.
    pub settings: Map<String, Json>,
    /// The one version that may be in service: the beginning of its hash.
    pub pin: Option<String>,
    /// What becomes of its runs when a newer version is in service.
    pub on_reload: OnReload,
    /// Whether a newer version is first played against journals of former runs.
    pub shadow: ShadowPolicy,
}

/// What becomes of the runs of a version that a newer one has followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnReload {
    /// They end on the version that they began on.
    #[default]
    Drain,
    /// They go on with the newer one, if both have the same snapshot format.
    Move,
}

impl OnReload {
    /// The word of the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Move => "move",
        }
    }
}

/// What it takes of former runs for a newer version to be put in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShadowPolicy {
    /// They are not looked at.
    #[default]
    Off,
    /// It is reported where the newer version would have acted otherwise.
    Warn,
    /// The newer version is put in service only if it would have acted the same.
    Require,
}

impl ShadowPolicy {
    /// The word of the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Require => "require",
        }
    }
}

/// What holds for a plugin that the configuration does not name.
impl Default for PluginConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            grants: Capabilities::safe(),
            limits: LimitRequests::default(),
            settings: Map::new(),
            pin: None,
            on_reload: OnReload::default(),
            shadow: ShadowPolicy::default(),
        }
    }
}

impl HostConfig {
    /// The name of the file.
    pub const FILE_NAME: &'static str = "hangar.toml";

    /// The largest such file that is read, in bytes.
    pub const BYTES: u64 = 1 << 20;

    /// Reads a configuration that speaks of plugins only, or says everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TomlError> {
        Document::read(text, |mut top| {
            let config = Self::take(&mut top);
            top.end();
            config
        })
    }

    /// Reads the sections that speak of plugins in a document that has others as well.
    pub fn take(top: &mut Section<'_>) -> Self {
        let plugins = top.section("plugins").map(|section| plugins(&section)).unwrap_or_default();
        let platforms = top.section("platforms").map(|section| platforms(&section)).unwrap_or_default();
        Self { plugins, platforms }
    }

    /// Reads a configuration from its file.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Ok(Self::parse(&read_text(path, Self::BYTES)?).map_err(|error| error.in_file(path))?)
    }

    /// What it says of this plugin.
    #[must_use]
    pub fn plugin(&self, id: &str) -> PluginConfig {
        self.plugins.get(id).cloned().unwrap_or_default()
    }
}

fn plugins(section: &Section<'_>) -> BTreeMap<String, PluginConfig> {
    let mut plugins = BTreeMap::new();
    for (id, value) in section.all() {
        if let Err(why) = check_id(id) {
            value.complain(&why);
        }
        plugins.extend(value.section().map(|section| (id.to_owned(), plugin(section))));
    }
    plugins
}

fn platforms(section: &Section<'_>) -> BTreeMap<String, String> {
    let mut platforms = BTreeMap::new();
    for (platform, value) in section.all() {
        if platform.is_empty() || platform.contains(char::is_control) {
            value.complain("is no platform; write a word such as `linux`");
        }
        let Some(id) = value.text() else { continue };
        match check_id(id) {
            Ok(()) => drop(platforms.insert(platform.to_owned(), id.to_owned())),
            Err(why) => value.complain(&why),
        }
    }
    platforms
}

fn plugin(mut section: Section<'_>) -> PluginConfig {
    let enabled = section.value("enabled").and_then(|value| value.boolean()).unwrap_or(true);
    let grants = section.section("grants").map(|section| Capabilities::read(section, Capabilities::safe()));
    let limits = section.section("limits").map(LimitRequests::read);
    let settings = section
        .section("settings")
        .map(|section| section.all().filter_map(|(name, value)| Some((name.to_owned(), value.json()?))).collect());
    let pin = section.value("pin").and_then(|value| pin(&value));
    let on_reload = section
        .value("on-reload")
        .and_then(|value| value.word([OnReload::Drain, OnReload::Move].map(|known| (known.name(), known))));
    let shadow = section.value("shadow").and_then(|value| {
        value.word([ShadowPolicy::Off, ShadowPolicy::Warn, ShadowPolicy::Require].map(|known| (known.name(), known)))
    });
    section.end();
    PluginConfig {
        enabled,
        grants: grants.unwrap_or_else(Capabilities::safe),
        limits: limits.unwrap_or_default(),
        settings: settings.unwrap_or_default(),
        pin,
        on_reload: on_reload.unwrap_or_default(),
        shadow: shadow.unwrap_or_default(),
    }
}

/// Too short a beginning could stand for several versions, and one day for another one.
fn pin(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if (PIN_DIGITS..=HASH_DIGITS).contains(&text.len()) && text.bytes().all(digit) {
        return Some(text.to_owned());
    }
    let found = clean(text, 80);
    value.complain(&format!(
        "is `{found}`; it must be the hash of a version, or its first {PIN_DIGITS} digits or more, as `hangar plugin list` \
         shows it"
    ));
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::{Manifest, Names, Terms};

    const CONFIG: &str = r#"
[plugins.greeter]
enabled = false
[plugins.greeter.grants]
models = ["*"]
store = false
[plugins.greeter.limits]
memory = "128 MiB"
[plugins.greeter.settings]
greeting = "Ahoy"
deep = { a = [1] }
[plugins.other]
[plugins.pinned]
pin = "0123abcd"
on-reload = "move"
shadow = "require"
[platforms]
linux = "greeter"
"windows 11" = "other"
"#;

    #[test]
    fn an_operator_says_what_differs() {
        let config = HostConfig::parse(CONFIG).unwrap();
        let greeter = config.plugin("greeter");
        assert!(!greeter.enabled);
        assert_eq!(greeter.grants, Capabilities { models: Names::all(), store: false, ..Capabilities::safe() });
        assert_eq!(Json::Object(greeter.settings), json!({"greeting": "Ahoy", "deep": {"a": [1]}}));
        assert_eq!(config.plugin("other"), PluginConfig::default());
        assert_eq!(config.plugin("unknown"), PluginConfig::default());
        let pinned = config.plugin("pinned");
        assert_eq!(pinned.pin.as_deref(), Some("0123abcd"));
        assert_eq!((pinned.on_reload, pinned.shadow), (OnReload::Move, ShadowPolicy::Require));
        assert_eq!((greeter.on_reload, greeter.shadow, greeter.pin), (OnReload::Drain, ShadowPolicy::Off, None));
        let platforms: Vec<(&str, &str)> = config.platforms.iter().map(|(platform, id)| (&**platform, &**id)).collect();
        assert_eq!(platforms, [("linux", "greeter"), ("windows 11", "other")]);
        assert_eq!(HostConfig::parse("").unwrap(), HostConfig::default());
    }

    #[test]
    fn mistakes_are_told() {
        for (text, expected) in [
            ("[plugin.a]", "line 1: unknown key `plugin`; did you mean `plugins`?"),
            ("[server]", "line 1: unknown key `server`; known are `plugins` and `platforms`"),
            ("plugins = 1", "line 1: `plugins` is an integer; it must be a table"),
            (
                "[plugins.A]",
                "line 1: `A` in [plugins] is `A`; an id has at most 64 lower-case letters, digits and `-`, and begins with a letter",
            ),
            ("[plugins.a]\ngrant = {}", "line 2: unknown key `grant` in [plugins.a]; did you mean `grants`?"),
            (
                "[plugins.a]\nenabled = 1",
                "line 2: `enabled` in [plugins.a] is an integer; it must be `true` or `false`",
            ),
            (
                "[plugins.a.limits]\ncpu_per_step = \"1 s\"",
                "line 2: unknown key `cpu_per_step` in [plugins.a.limits]; did you mean `cpu-per-step`?",
            ),
            (
                "[plugins.a.grants]\nverdicts = [\"rejct\"]",
                "line 2: `verdicts` in [plugins.a.grants] has `rejct`, which is none; did you mean `reject`?",
            ),
            (
                "[plugins.a.settings]\nwhen = 2026-01-01",
                "line 2: `when` in [plugins.a.settings] has a date; write it as a text, in quotes",
            ),
            (
                "[plugins.a]\npin = \"ABCDEF12\"",
                "line 2: `pin` in [plugins.a] is `ABCDEF12`; it must be the hash of a version, or its first 8 digits or more, as `hangar plugin list` shows it",
            ),
            (
                "[plugins.a]\npin = \"abcdef1\"",
                "line 2: `pin` in [plugins.a] is `abcdef1`; it must be the hash of a version, or its first 8 digits or more, as `hangar plugin list` shows it",
            ),
            (
                "[plugins.a]\non-reload = \"restart\"",
                "line 2: `on-reload` in [plugins.a] is `restart`; it must be `drain` or `move`",
            ),
            (
                "[plugins.a]\nshadow = \"requires\"",
                "line 2: `shadow` in [plugins.a] is `requires`; it must be `off`, `warn` or `require`; did you mean `require`?",
            ),
            ("[plugins.a]\non_reload = 1", "line 2: unknown key `on_reload` in [plugins.a]; did you mean `on-reload`?"),
            ("[platforms]\nlinux = 1", "line 2: `linux` in [platforms] is an integer; it must be a text"),
            (
                "[platforms]\nlinux = \"Linux\"",
                "line 2: `linux` in [platforms] is `Linux`; an id has at most 64 lower-case letters, digits and `-`, and begins with a letter",
            ),
            ("[platforms]\n\"\" = \"a\"", "line 2: `` in [platforms] is no platform; write a word such as `linux`"),
        ] {
            assert_eq!(HostConfig::parse(text).unwrap_err().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_plugin_gets_what_is_both_requested_and_granted() {
        let manifest = "id = \"greeter\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\n[capabilities]\nmodels = [\"gpt*\"]\n\
            store = true\n[limits]\nmemory = \"256 MiB\"\ncpu-per-step = \"1 ms\"\n[settings.greeting]\ntype = \"text\"\n\
            [settings.deep]\ntype = \"table\"";
        let manifest = Manifest::parse(manifest).unwrap();
        let config = HostConfig::parse(CONFIG).unwrap().plugin("greeter");
        let terms = Terms::of("greeter", Some(&manifest), &config);
        assert_eq!(terms.granted.effective(), Capabilities { models: Names::of(["gpt*"]), ..Capabilities::none() });
        assert_eq!((terms.limits.memory_bytes, terms.limits.cpu_per_step.as_millis()), (128 << 20, 1));
        assert_eq!(terms.settings(&Map::new()).unwrap(), r#"{"deep":{"a":[1]},"greeting":"Ahoy"}"#);
        let given = json!({"greeting": "Hi", "deep": {}});
        assert_eq!(terms.settings(given.as_object().unwrap()).unwrap(), r#"{"deep":{},"greeting":"Hi"}"#);
        assert!(terms.settings(json!({"loud": true}).as_object().unwrap()).is_err());
    }

    #[test]
    fn a_component_alone_requests_the_safe_set_and_declares_nothing() {
        let terms = Terms::of("bare", None, &PluginConfig::default());
        assert_eq!(terms.granted.effective(), Capabilities::safe());
        assert_eq!(terms.limits, crate::limits::Limits::default());
        let given = json!({"anything": [1]});
        assert_eq!(terms.settings(given.as_object().unwrap()).unwrap(), r#"{"anything":[1]}"#);
    }
}
