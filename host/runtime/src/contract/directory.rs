//! Who is there, as a handler sees it. Mirrors the WIT interface `directory`.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::json_text;

/// One client.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// Its display name.
    #[serde(default)]
    pub name: String,
    /// Open: `device`, `agent`, `frontend`, `constellation`.
    #[serde(default)]
    pub kind: String,
    /// Its platform; empty if it has none.
    #[serde(default)]
    pub platform: String,
    /// Whether it is connected.
    #[serde(default)]
    pub online: bool,
    /// Whether an operator has paused it.
    #[serde(default)]
    pub paused: bool,
    /// How busy it is: 0 idle, 1 at its limit.
    pub load: f64,
    /// How many messages it has not answered yet.
    #[serde(default)]
    pub outstanding: u32,
    /// What it says it can do.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Its labels, each `key=value`.
    #[serde(default)]
    pub labels: Vec<String>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Which clients are meant. Empty fields do not restrict.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Of this kind.
    #[serde(default)]
    pub kind: String,
    /// Of this platform.
    #[serde(default)]
    pub platform: String,
    /// With all of these capabilities.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// With all of these labels.
    #[serde(default)]
    pub labels: Vec<String>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A page of clients.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct PageResult {
    /// The clients, by id.
    #[serde(default)]
    pub entries: Vec<Entry>,
    /// Ask for the next page with this; none at the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}
