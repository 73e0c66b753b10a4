//! The manifest of a plugin, `plugin.toml`: what it is, what it asks for, and which settings it takes.

use std::path::Path;

use semver::Version;

use super::capabilities::Capabilities;
use super::file_error::{FileError, read_text};
use super::limit_requests::LimitRequests;
use super::problems::TomlError;
use super::section::{Document, Section, Value};
use super::settings::Declarations;
use crate::log::clean;
use crate::outline::World;

/// The largest manifest that is read, in bytes.
const BYTES: u64 = 64 << 10;

/// A plugin's manifest, read and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The name of the plugin on this host.
    pub id: String,
    /// Its version.
    pub version: Version,
    /// Which of the two kinds of plugin it is.
    pub world: World,
    /// What it does, in a line; may be empty.
    pub summary: String,
    /// The platforms that a behaviour is for; empty if the manifest does not say.
    pub platforms: Vec<String>,
    /// The kinds of messages that a handler is asked about.
    pub kinds: Vec<String>,
    /// The part that a handler has in them.
    pub mode: Mode,
    /// The file with the component, if the manifest names it.
    pub component: Option<String>,
    /// What it requests.
    pub capabilities: Capabilities,
    /// How much it asks for.
    pub limits: LimitRequests,
    /// The settings it takes.
    pub settings: Declarations,
}

/// The part that a handler has in the messages that it is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// They are its own: nobody else answers them.
    Own,
    /// It is asked before they go on.
    #[default]
    Intercept,
    /// It only sees them.
    Observe,
}

impl Mode {
    /// The word of the manifest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Intercept => "intercept",
            Self::Observe => "observe",
        }
    }
}

impl Manifest {
    /// The name of the file.
    pub const FILE_NAME: &'static str = "plugin.toml";

    /// Reads a manifest, or says everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TomlError> {
        Document::read(text, Self::of)
    }

    /// Reads a manifest from its file.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        Ok(Self::read_with_text(path)?.0)
    }

    /// Reads a manifest from its file, once, and gives the text that it was read from as well.
    pub(super) fn read_with_text(path: &Path) -> Result<(Self, String), FileError> {
        let text = read_text(path, BYTES)?;
        let manifest = Self::parse(&text).map_err(|error| error.in_file(path))?;
        Ok((manifest, text))
    }

    fn of(mut top: Section<'_>) -> Self {
        let id = required(&mut top, "id", "the plugin's name on the host, such as `greeter`").and_then(|value| {
            let id = value.text()?;
            check_id(id).map_err(|why| value.complain(&why)).ok()?;
            Some(id.to_owned())
        });
        let version = required(&mut top, "version", "such as `0.1.0`").and_then(|value| {
            let text = value.text()?;
            let why = |error| format!("is `{}`, which is no version such as `1.2.3`: {error}", clean(text, 80));
            Version::parse(text).map_err(|error| value.complain(&why(error))).ok()
        });
        let worlds = [World::Behaviour, World::Handler];
        let world = required(&mut top, "world", "`behaviour` or `handler`")
            .and_then(|value| value.word(worlds.map(|world| (world.name(), world))));
        let summary = top.value("summary").and_then(|value| value.line()).unwrap_or_default().to_owned();
        let platforms = words_for(&mut top, "platforms", world, World::Behaviour);
        let kinds = words_for(&mut top, "kinds", world, World::Handler);
        let mode = value_for(&mut top, "mode", world, World::Handler)
            .and_then(|value| value.word([Mode::Own, Mode::Intercept, Mode::Observe].map(|mode| (mode.name(), mode))));
        let component = top.value("component").and_then(|value| {
            let name = value.text()?;
            check_component(name).map_err(|why| value.complain(why)).ok()?;
            Some(name.to_owned())
        });
        let capabilities = top.section("capabilities").map(|section| match world {
            Some(world) => Capabilities::read_requests(section, world),
            None => Capabilities::read(section, Capabilities::none()),
        });
        let limits = top.section("limits").map(LimitRequests::read);
        let settings = top.section("settings").map(|section| Declarations::read(&section));
        top.end();
        // Whatever is missing here was complained of above.
        Self {
            id: id.unwrap_or_default(),
            version: version.unwrap_or(Version::new(0, 0, 0)),
            world: world.unwrap_or(World::Behaviour),
            summary,
            platforms,
            kinds,
            mode: mode.unwrap_or_default(),
            component,
            capabilities: capabilities.unwrap_or_else(Capabilities::safe),
            limits: limits.unwrap_or_default(),
            settings: settings.unwrap_or_default(),
        }
    }
}

/// Why this can be no plugin's id; the error goes on after what it is the id of.
pub fn check_id(id: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = (1..=64).contains(&id.len())
        && id.starts_with(|first: char| first.is_ascii_lowercase())
        && id.bytes().all(allowed);
    if fits {
        return Ok(());
    }
    let found = clean(id, 80);
    Err(format!("is `{found}`; an id has at most 64 lower-case letters, digits and `-`, and begins with a letter"))
}

/// A component lies beside its manifest and nowhere else.
fn check_component(name: &str) -> Result<(), &'static str> {
    if name.contains(['/', '\\']) {
        return Err("must be the name of a file beside plugin.toml, without a path");
    }
    let stem = name.strip_suffix(".wasm").unwrap_or_default();
    if stem.is_empty() || name.chars().any(char::is_control) {
        return Err("must be the name of a file that ends in `.wasm`");
    }
    Ok(())
}

fn required<'d>(top: &mut Section<'d>, key: &'static str, what: &str) -> Option<Value<'d>> {
    let value = top.value(key);
    if value.is_none() {
        top.complain(format!("`{key}` is missing: {what}"));
    }
    value
}

/// A value that only plugins of the world `wanted` have.
fn value_for<'d>(top: &mut Section<'d>, key: &'static str, world: Option<World>, wanted: World) -> Option<Value<'d>> {
    let value = top.value(key)?;
    match world {
        Some(world) if world != wanted => {
            value.complain(&format!("is for a {}; this plugin is a {}", wanted.name(), world.name()));
            None
        }
        _ => Some(value),
    }
}

/// A list of open words that only plugins of the world `wanted` have.
fn words_for(top: &mut Section<'_>, key: &'static str, world: Option<World>, wanted: World) -> Vec<String> {
    let words = value_for(top, key, world, wanted).and_then(|value| {
        let words = value.lines()?;
        if words.iter().any(|word| word.is_empty()) {
            value.complain("has an empty word");
        }
        Some(words)
    });
    words.unwrap_or_default().into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Kind, Names};

    const WHOLE: &str = r#"
id = "greeter"
version = "0.1.0"
world = "behaviour"
summary = "Says hello"
platforms = ["linux"]
component = "x.wasm"

[capabilities]
device-tools = ["LinuxAgent"]
host-tools = ["search.*"]
models = ["default"]
delegate = ["dev*"]
store = true

[limits]
memory = "96 MiB"
cpu-per-step = "200 ms"
log-lines = 10

[settings.greeting]
type = "text"
default = "Hello"
description = "What it says"
choices = ["Hello", "Ahoy"]

[settings.tags]
type = "list"
items = "integer"
required = true
"#;

    const HANDLER: &str = "id = \"gate\"\nversion = \"1.0.0-rc.1\"\nworld = \"handler\"\n";

    #[test]
    fn a_manifest_says_what_a_plugin_is_and_wants() {
        let manifest = Manifest::parse(WHOLE).unwrap();
        assert_eq!((manifest.id.as_str(), manifest.version.to_string().as_str()), ("greeter", "0.1.0"));
        assert_eq!((manifest.world, manifest.summary.as_str()), (World::Behaviour, "Says hello"));
        assert_eq!((manifest.platforms, manifest.component), (vec!["linux".into()], Some("x.wasm".into())));
        let expected = Capabilities {
            device_tools: Names::of(["LinuxAgent"]),
            host_tools: Names::of(["search.*"]),
            models: Names::of(["default"]),
            delegate: Names::of(["dev*"]),
            store: true,
            ..Capabilities::none()
        };
        assert_eq!(manifest.capabilities, expected);
        let limits = LimitRequests::effective(&manifest.limits, &LimitRequests::default());
        assert_eq!((limits.memory_bytes, limits.cpu_per_step.as_millis(), limits.log_lines), (64 << 20, 200, 10));
        let settings: Vec<_> = manifest.settings.iter().collect();
        assert_eq!(settings[0].0, "greeting");
        assert_eq!(settings[0].1.kind, Kind::Text { choices: vec!["Hello".into(), "Ahoy".into()] });
        assert!(settings[1].1.required);
    }

    #[test]
    fn a_handler_says_what_it_is_asked_about() {
        let manifest = Manifest::parse(&format!("{HANDLER}kinds = [\"command\"]\nmode = \"observe\"")).unwrap();
        assert_eq!((manifest.kinds, manifest.mode), (vec!["command".into()], Mode::Observe));
        assert_eq!(manifest.capabilities, Capabilities::safe(), "who says nothing requests the safe set");
        assert_eq!(Manifest::parse(HANDLER).unwrap().mode, Mode::Intercept);
        let some = Manifest::parse(&format!("{HANDLER}[capabilities]\ndirectory = true")).unwrap();
        assert_eq!(some.capabilities, Capabilities { directory: true, ..Capabilities::none() });
    }

    #[test]
    fn the_head_of_a_manifest_is_checked() {
        let missing = "line 1: `id` is missing: the plugin's name on the host, such as `greeter`\n\
            line 1: `version` is missing: such as `0.1.0`\n\
            line 1: `world` is missing: `behaviour` or `handler`";
        assert_eq!(Manifest::parse("").unwrap_err().to_string(), missing);
        let text = "id = \"Greeter\"\nversion = \"1.0\"\nworld = \"behavior\"\n[capabilities]\ndirectory = true";
        let wrong = "line 1: `id` is `Greeter`; an id has at most 64 lower-case letters, digits and `-`, and begins with a letter\n\
            line 2: `version` is `1.0`, which is no version such as `1.2.3`: unexpected end of input while parsing minor version number\n\
            line 3: `world` is `behavior`; it must be `behaviour` or `handler`; did you mean `behaviour`?";
        let error = Manifest::parse(text).unwrap_err();
        assert_eq!(error.to_string(), wrong, "all of it at once");
        let named = error.in_file(Path::new("greeter/plugin.toml")).to_string();
        assert!(named.starts_with("greeter/plugin.toml:1: `id` is `Greeter`"), "{named}");
        let handler = format!("{HANDLER}platforms = [\"linux\"]\n[capabilities]\nstore = true");
        assert_eq!(
            Manifest::parse(&handler).unwrap_err().to_string(),
            "line 4: `platforms` is for a behaviour; this plugin is a handler\n\
             line 6: `store` in [capabilities] means nothing for a handler"
        );
    }

    #[test]
    fn ids_are_plain() {
        for id in ["a", "a-1", &"a".repeat(64)] {
            assert_eq!(check_id(id), Ok(()));
        }
        for id in ["", "1a", "-a", "A", "a_b", "a.b", "ä", "../a", &"a".repeat(65)] {
            assert!(check_id(id).is_err(), "{id}");
        }
    }
}
