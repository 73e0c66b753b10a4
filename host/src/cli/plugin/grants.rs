//! What a plugin asks for beyond what it is granted, and what an operator would have to write to grant it.

use std::fmt::Write;

use hangar_runtime::World;
use hangar_runtime::manifest::{LimitRequests, Shortfall, Terms};
use serde::Serialize;

/// What a plugin asks for and does not get.
#[derive(Debug, Default, Serialize)]
pub struct NotGranted {
    /// Capabilities: key and requested value, as in TOML.
    pub capabilities: Vec<Entry>,
    /// Limits: key and requested value, as in TOML.
    pub limits: Vec<Entry>,
    /// What grants it all, for the host's configuration; empty when nothing is missing.
    pub toml: String,
}

/// A key and its value, as in TOML.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// The key.
    pub key: &'static str,
    /// The value.
    pub value: String,
}

impl NotGranted {
    /// Compares what is requested with these terms.
    pub fn under(terms: &Terms, requested: &LimitRequests, id: &str, world: World) -> Self {
        let missing = terms.granted.missing(world).into_iter();
        let capabilities: Vec<Entry> = missing.map(|(key, value)| Entry { key, value }).collect();
        let limits: Vec<Entry> = requested.beyond(&terms.limits).into_iter().map(Entry::from).collect();
        let toml = section(id, "grants", &capabilities) + &section(id, "limits", &limits);
        Self { capabilities, limits, toml }
    }

    /// Whether the plugin gets all that it asks for.
    pub fn is_empty(&self) -> bool {
        self.capabilities.is_empty() && self.limits.is_empty()
    }

    /// The keys and values in one line.
    pub fn in_words(&self) -> String {
        let entries = self.capabilities.iter().chain(&self.limits);
        entries.map(|entry| format!("{} = {}", entry.key, entry.value)).collect::<Vec<_>>().join(", ")
    }
}

impl From<Shortfall> for Entry {
    fn from(shortfall: Shortfall) -> Self {
        Self { key: shortfall.key, value: shortfall.wanted }
    }
}

fn section(id: &str, name: &str, entries: &[Entry]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let mut text = format!("[plugins.{id}.{name}]\n");
    for Entry { key, value } in entries {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{key} = {value}");
    }
    text
}
