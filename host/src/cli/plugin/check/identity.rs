//! Whether a component says of itself what its manifest says, and how to make it so.

use std::path::Path;

use hangar_runtime::manifest::Manifest;
use hangar_runtime::{Description, Difference};

use crate::cli::plugin::language::Language;
use crate::cli::problem::Problem;

/// Compares id, version, and platforms or kinds; gives all the differences.
pub fn compare(manifest: &Manifest, description: &str, path: &Path) -> Result<String, Vec<Problem>> {
    let language = if path.is_dir() { Language::of(path) } else { None };
    let differences = Description::of(description).differences(manifest);
    if differences.is_empty() {
        return Ok("it says of itself what plugin.toml says".into());
    }
    Err(differences.iter().map(|difference| problem(difference, language)).collect())
}

fn problem(difference: &Difference, language: Option<Language>) -> Problem {
    let fix = match (language, difference.key) {
        (Some(Language::Rust), "id") => "make `id` in plugin.toml and `name` in Cargo.toml the same, and build again",
        (Some(Language::Rust), "version") => {
            "make `version` in plugin.toml and in Cargo.toml the same, and build again"
        }
        (Some(Language::Rust), _) => "make plugin.toml and the code say the same, and build again",
        (Some(_), _) => "build again: the component was built with another plugin.toml",
        (None, _) => "put the plugin.toml and the component of one build together",
    };
    Problem::new(difference.to_string(), fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_told_with_what_to_do() {
        let text = "id = \"greeter\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\n";
        let manifest = Manifest::parse(text).unwrap();
        let nowhere = Path::new("nowhere");
        compare(&manifest, r#"{"id":"greeter","version":"0.1.0"}"#, nowhere).unwrap();
        let problems = compare(&manifest, r#"{"id":"greet","version":"0.2.0"}"#, nowhere).unwrap_err();
        let told: Vec<&str> = problems.iter().map(|problem| problem.what.as_str()).collect();
        assert_eq!(
            told,
            [
                r#"plugin.toml says id "greeter", the component says "greet""#,
                r#"plugin.toml says version "0.1.0", the component says "0.2.0""#,
            ]
        );
        assert!(problems.iter().all(|problem| problem.fix.starts_with("put the plugin.toml and the component")));
    }
}
