//! What the file says of plugins, value by value.

use hangar_runtime::manifest::PluginConfig;
use serde_json::{Map, Value as Json};

use super::{Entry, Given, HangarToml, Kind, Origin, kind};

/// All of it.
pub fn of(file: &HangarToml) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (id, config) in &file.host.plugins {
        let section = format!("[plugins.{}]", kind::key(id));
        let origin = Origin::File(file.plugin_lines.get(id).copied().unwrap_or_default());
        entries
            .extend(of_plugin(config).into_iter().map(|(key, doc, given)| entry(&section, key, doc, given, &origin)));
    }
    for (platform, id) in &file.host.platforms {
        let origin = Origin::File(file.platform_lines.get(platform).copied().unwrap_or_default());
        let given = Given::Text(id.clone());
        entries.push(entry("[platforms]", platform, "The plugin that serves this platform", given, &origin));
    }
    entries
}

fn entry(section: &str, key: &str, doc: &'static str, given: Given, origin: &Origin) -> Entry {
    let (section, key, origin) = (section.to_owned(), key.to_owned(), origin.clone());
    Entry { section, number: 0, key, doc, origin, kind: Kind::Free, given }
}

fn of_plugin(config: &PluginConfig) -> [(&'static str, &'static str, Given); 7] {
    let limits = config.limits.entries().into_iter().map(|(key, value)| {
        let value = value.parse::<u64>().map_or_else(|_| Json::from(value.trim_matches('"')), Json::from);
        (key.to_owned(), value)
    });
    let pin = config.pin.clone().map_or(Given::Nothing, Given::Text);
    [
        ("enabled", "Whether it runs at all", Given::Switch(config.enabled)),
        ("pin", "The one version that may be in service", pin),
        ("on-reload", "What becomes of its runs when a newer version serves", word(config.on_reload.name())),
        ("shadow", "Whether a newer version is first played against journals", word(config.shadow.name())),
        ("grants", "What it is granted", Given::Json(serde_json::to_value(&config.grants).unwrap_or_default())),
        (
            "limits",
            "Its limits that differ from the defaults",
            Given::Json(Json::Object(limits.collect::<Map<_, _>>())),
        ),
        ("settings", "Its settings", Given::Json(Json::Object(config.settings.clone()))),
    ]
}

fn word(word: &str) -> Given {
    Given::Text(word.to_owned())
}
