//! `docs/configuration.md` says what is so: its tables are those of the code, its examples can be read.

use std::path::Path;

use super::injections::INJECTION_SETTINGS;
use super::models::MODEL_SETTINGS;
use super::*;

fn document() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The text below this heading, up to the next.
fn chapter<'t>(document: &'t str, heading: &str) -> &'t str {
    let begin = format!("\n### `{heading}`\n");
    let found: Vec<&str> = document.split(&begin).collect();
    assert_eq!(found.len(), 2, "there is no one heading `{heading}`");
    found[1].split("\n#").next().unwrap()
}

/// The rows that a table of these settings has: key, flag, default, what it is.
fn rows<T>(of: &T, settings: &'static [Setting<T>], optional: &str) -> Vec<String> {
    let row = |setting: &Setting<T>| {
        let keys = match setting.kind {
            Kind::Secret { environment, file } => format!("`{}`, `{environment}`, `{file}`", setting.key),
            _ => format!("`{}`", setting.key),
        };
        let default = match setting.kind.toml(&(setting.get)(of)) {
            Some(value) if value != "[]" && value != "{}" && value != "\"\"" => format!("`{value}`"),
            _ => optional.to_owned(),
        };
        let flag = if setting.flag.is_empty() { String::new() } else { format!("`{}`", setting.flag) };
        format!("| {keys} | {default} | {flag} | {} |", setting.doc).replace("|  |", "| |")
    };
    settings.iter().map(row).collect()
}

/// All tables, by heading.
fn tables() -> Vec<(String, Vec<String>)> {
    let draft = Draft::default();
    let mut tables: Vec<_> =
        GROUPS.iter().map(|group| (format!("[{}]", group.name), rows(&draft, group.settings, "none"))).collect();
    let model = models::ModelDraft { config: ModelConfig::named(""), api_key: None };
    tables.push(("[models.NAME]".to_owned(), rows(&model, MODEL_SETTINGS, "none")));
    tables.push(("[[inject]]".to_owned(), rows(&Default::default(), INJECTION_SETTINGS, "none")));
    tables
}

#[test]
fn every_setting_stands_in_its_table() {
    let document = document();
    let mut wrong = String::new();
    for (heading, rows) in tables() {
        let part = chapter(&document, &heading);
        let found: Vec<&str> = part.lines().filter(|line| line.starts_with("| `")).collect();
        if found != rows {
            wrong += &format!("\n### `{heading}`\n\n{}\n", rows.join("\n"));
        }
    }
    assert!(wrong.is_empty(), "these tables should be:\n{wrong}");
}

/// The blocks of this kind.
fn blocks<'t>(document: &'t str, kind: &str) -> Vec<&'t str> {
    let begin = format!("```{kind}\n");
    document.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

#[test]
fn the_examples_can_be_read() {
    let document = document();
    let files = blocks(&document, "toml configuration");
    assert!(files.len() >= 3, "{files:?}");
    for text in files {
        HangarToml::parse(text, Path::new("")).map(|_| ()).unwrap_or_else(|error| panic!("{text}\n{error}"));
    }
    let folder = tempfile::tempdir().unwrap();
    let [keys] = blocks(&document, "toml keys")[..] else { panic!("there is no one example of keys") };
    std::fs::write(folder.path().join("agent.key"), "0123456789abcdef").unwrap();
    std::fs::write(folder.path().join("keys.toml"), keys).unwrap();
    assert_eq!(read_keys(&folder.path().join("keys.toml")).unwrap().len(), 3);
    let [metadata] = blocks(&document, "yaml")[..] else { panic!("there is no one example of metadata") };
    std::fs::write(folder.path().join("token"), "s3cret").unwrap();
    std::fs::write(folder.path().join("devices.yaml"), metadata).unwrap();
    let metadata = DeviceMetadata::read(&folder.path().join("devices.yaml")).unwrap();
    assert_eq!((metadata.len(), metadata.injections().len()), (2, 1));
}

#[test]
fn every_scope_is_explained() {
    let document = document();
    for word in Scope::ALL.into_iter().map(Scope::name).chain(["*"]) {
        assert_eq!(document.lines().filter(|line| line.starts_with(&format!("| `{word}` |"))).count(), 1, "{word}");
    }
}
