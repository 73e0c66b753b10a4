//! Whether a component says of itself what its manifest says.

use std::collections::BTreeSet;
use std::path::Path;

use hangar_runtime::World;
use hangar_runtime::manifest::Manifest;
use serde_json::{Map, Value};

use crate::cli::plugin::language::Language;
use crate::cli::problem::Problem;

/// Compares id, version, and platforms or kinds; gives all the differences.
pub fn compare(manifest: &Manifest, description: &str, path: &Path) -> Result<String, Vec<Problem>> {
    let said: Map<String, Value> = serde_json::from_str(description).unwrap_or_default();
    let language = if path.is_dir() { Language::of(path) } else { None };
    let mut problems = Vec::new();
    let texts = [("id", manifest.id.clone()), ("version", manifest.version.to_string())];
    for (key, wanted) in texts {
        let found = said.get(key).and_then(Value::as_str).unwrap_or_default();
        if found != wanted {
            problems.push(difference(key, &format!("\"{wanted}\""), &format!("\"{found}\""), language));
        }
    }
    let (key, wanted) = match manifest.world {
        World::Behaviour => ("platforms", &manifest.platforms),
        World::Handler => ("kinds", &manifest.kinds),
    };
    let wanted: BTreeSet<&str> = wanted.iter().map(String::as_str).collect();
    let found = said.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let found: BTreeSet<&str> = found.iter().filter_map(Value::as_str).collect();
    // Who says nothing leaves it to the other.
    if !wanted.is_empty() && !found.is_empty() && wanted != found {
        let list = |words| Value::from_iter(words).to_string();
        problems.push(difference(key, &list(wanted), &list(found), language));
    }
    if problems.is_empty() { Ok("it says of itself what plugin.toml says".into()) } else { Err(problems) }
}

fn difference(key: &str, wanted: &str, found: &str, language: Option<Language>) -> Problem {
    let what = format!("plugin.toml says {key} {wanted}, the component says {found}");
    let fix = match (language, key) {
        (Some(Language::Rust), "id") => "make `id` in plugin.toml and `name` in Cargo.toml the same, and build again",
        (Some(Language::Rust), "version") => {
            "make `version` in plugin.toml and in Cargo.toml the same, and build again"
        }
        (Some(Language::Rust), _) => "make plugin.toml and the code say the same, and build again",
        (Some(_), _) => "build again: the component was built with another plugin.toml",
        (None, _) => "put the plugin.toml and the component of one build together",
    };
    Problem::new(what, fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(description: &str) -> Result<String, Vec<Problem>> {
        let text = "id = \"greeter\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\nplatforms = [\"linux\"]\n";
        compare(&Manifest::parse(text).unwrap(), description, Path::new("nowhere"))
    }

    #[test]
    fn the_same_and_less_agree() {
        compared(r#"{"id":"greeter","version":"0.1.0","platforms":["linux"]}"#).unwrap();
        compared(r#"{"id":"greeter","version":"0.1.0"}"#).unwrap();
    }

    #[test]
    fn each_difference_is_told() {
        let problems = compared(r#"{"id":"greet","version":"0.2.0","platforms":["macos"]}"#).unwrap_err();
        let told: Vec<&str> = problems.iter().map(|problem| problem.what.as_str()).collect();
        assert_eq!(
            told,
            [
                r#"plugin.toml says id "greeter", the component says "greet""#,
                r#"plugin.toml says version "0.1.0", the component says "0.2.0""#,
                r#"plugin.toml says platforms ["linux"], the component says ["macos"]"#,
            ]
        );
    }
}
