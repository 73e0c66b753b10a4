//! The host's configuration, `hangar.toml`. For now it has one part: what the operator says of each plugin.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value as Json};

use super::capabilities::Capabilities;
use super::file_error::{FileError, read_text};
use super::limit_requests::LimitRequests;
use super::plugin_toml::check_id;
use super::problems::TomlError;
use super::section::{Document, Section};

/// The largest configuration that is read, in bytes.
const BYTES: u64 = 1 << 20;

/// The host's configuration.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HostConfig {
    /// What it says of plugins, by id.
    pub plugins: BTreeMap<String, PluginConfig>,
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
}

/// What holds for a plugin that the configuration does not name.
impl Default for PluginConfig {
    fn default() -> Self {
        Self { enabled: true, grants: Capabilities::safe(), limits: LimitRequests::default(), settings: Map::new() }
    }
}

impl HostConfig {
    /// The name of the file.
    pub const FILE_NAME: &'static str = "hangar.toml";

    /// Reads a configuration, or says everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TomlError> {
        Document::read(text, |mut top| {
            let plugins = top.section("plugins").map(|section| plugins(&section)).unwrap_or_default();
            top.end();
            Self { plugins }
        })
    }

    /// Reads a configuration from its file.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Ok(Self::parse(&read_text(path, BYTES)?).map_err(|error| error.in_file(path))?)
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

fn plugin(mut section: Section<'_>) -> PluginConfig {
    let enabled = section.value("enabled").and_then(|value| value.boolean()).unwrap_or(true);
    let grants = section.section("grants").map(|section| Capabilities::read(section, Capabilities::safe()));
    let limits = section.section("limits").map(LimitRequests::read);
    let settings = section
        .section("settings")
        .map(|section| section.all().filter_map(|(name, value)| Some((name.to_owned(), value.json()?))).collect());
    section.end();
    PluginConfig {
        enabled,
        grants: grants.unwrap_or_else(Capabilities::safe),
        limits: limits.unwrap_or_default(),
        settings: settings.unwrap_or_default(),
    }
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
        assert_eq!(HostConfig::parse("").unwrap(), HostConfig::default());
    }

    #[test]
    fn mistakes_are_told() {
        for (text, expected) in [
            ("[plugin.a]", "line 1: unknown key `plugin`; did you mean `plugins`?"),
            ("[server]", "line 1: unknown key `server`; known are `plugins`"),
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
