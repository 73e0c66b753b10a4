//! What a component says of itself, and whether its manifest says the same.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use crate::log::clean;
use crate::manifest::Manifest;
use crate::outline::World;

/// As much of a word, and as many words, as are kept: a component may say anything.
const WORD: usize = 200;
const WORDS: usize = 64;

/// What a component says of itself: the parts of `describe` that the host understands. What is missing or of another type
/// is left out, because who says nothing leaves it to the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Description {
    /// Its id; may be empty.
    pub id: String,
    /// Its version, as it is written; may be empty.
    pub version: String,
    /// The platforms that a behaviour is for.
    pub platforms: Vec<String>,
    /// The kinds of messages that a handler is asked about.
    pub kinds: Vec<String>,
    /// The number of its snapshot format, if its runs can be moved.
    pub snapshot: Option<u64>,
    /// The kinds of extension events that it understands.
    pub extensions: Vec<String>,
}

/// Something that manifest and component say differently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plugin.toml says {key} {wanted}, the component says {found}")]
pub struct Difference {
    /// What it is about: `id`, `version`, `platforms` or `kinds`.
    pub key: &'static str,
    /// What the manifest says, as JSON.
    pub wanted: String,
    /// What the component says, as JSON.
    pub found: String,
}

impl Description {
    /// Reads what `describe` returned.
    #[must_use]
    pub fn of(description: &str) -> Self {
        let said: Map<String, Json> = serde_json::from_str(description).unwrap_or_default();
        let word = |value: &Json| value.as_str().map(|text| clean(text, WORD));
        let text = |key| said.get(key).and_then(word).unwrap_or_default();
        let list = |key| {
            let list = said.get(key).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
            list.iter().filter_map(word).take(WORDS).collect()
        };
        Self {
            id: text("id"),
            version: text("version"),
            platforms: list("platforms"),
            kinds: list("kinds"),
            snapshot: said.get("snapshot").and_then(Json::as_u64),
            extensions: list("extensions"),
        }
    }

    /// What the manifest says otherwise: id and version must be the same; platforms and kinds too, unless one of both says
    /// nothing.
    #[must_use]
    pub fn differences(&self, manifest: &Manifest) -> Vec<Difference> {
        let mut differences = Vec::new();
        let texts = [("id", &manifest.id, &self.id), ("version", &manifest.version.to_string(), &self.version)];
        for (key, wanted, found) in texts {
            if found != wanted {
                differences.push(Difference { key, wanted: json(wanted), found: json(found) });
            }
        }
        let (key, wanted, found) = match manifest.world {
            World::Behaviour => ("platforms", &manifest.platforms, &self.platforms),
            World::Handler => ("kinds", &manifest.kinds, &self.kinds),
        };
        let (wanted, found): (BTreeSet<_>, BTreeSet<_>) = (wanted.iter().collect(), found.iter().collect());
        if !wanted.is_empty() && !found.is_empty() && wanted != found {
            let list = |words: BTreeSet<&String>| Json::from_iter(words.into_iter().cloned()).to_string();
            differences.push(Difference { key, wanted: list(wanted), found: list(found) });
        }
        differences
    }
}

fn json(text: &str) -> String {
    Json::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(description: &str) -> Vec<String> {
        let text = "id = \"greeter\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\nplatforms = [\"linux\"]\n";
        let differences = Description::of(description).differences(&Manifest::parse(text).unwrap());
        differences.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_understood_is_read_and_the_rest_left_out() {
        let description = r#"{"id":"greeter","version":"1.0.0","platforms":["linux",7],"kinds":"task","snapshot":2,
            "extensions":["hangar.later"],"summary":"Says hello","more":{}}"#;
        let expected = Description {
            id: "greeter".into(),
            version: "1.0.0".into(),
            platforms: vec!["linux".into()],
            kinds: Vec::new(),
            snapshot: Some(2),
            extensions: vec!["hangar.later".into()],
        };
        assert_eq!(Description::of(description), expected);
        assert_eq!(Description::of("no json"), Description::default());
        assert_eq!(Description::of(r#"{"snapshot":-1}"#).snapshot, None);
    }

    #[test]
    fn the_same_and_less_agree() {
        let nothing: [&str; 0] = [];
        assert_eq!(told(r#"{"id":"greeter","version":"0.1.0","platforms":["linux"]}"#), nothing);
        assert_eq!(told(r#"{"id":"greeter","version":"0.1.0"}"#), nothing);
    }

    #[test]
    fn each_difference_is_told() {
        assert_eq!(
            told(r#"{"id":"greet","version":"0.2.0","platforms":["macos"]}"#),
            [
                r#"plugin.toml says id "greeter", the component says "greet""#,
                r#"plugin.toml says version "0.1.0", the component says "0.2.0""#,
                r#"plugin.toml says platforms ["linux"], the component says ["macos"]"#,
            ]
        );
    }
}
