//! What a run knows before anything has happened. Mirrors the WIT interface `session`.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::json_text;

/// Given to the constructor of a run. It holds nothing secret, and nothing in it changes during the run.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize, Default)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct RunInfo {
    /// This run.
    #[component(name = "run-id")]
    #[serde(default)]
    pub run_id: String,
    /// The session that owns the run: a device task has one run, a conversation one per turn.
    #[component(name = "session-id")]
    #[serde(default)]
    pub session_id: String,
    /// The name that the requester gave the task; may be empty.
    #[component(name = "task-name")]
    #[serde(default)]
    pub task_name: String,
    /// The client whose commands this run gives, as it registered; empty when there is no device.
    #[serde(default)]
    pub executor: String,
    /// Open: `windows`, `linux`, `macos`, `mobile`; empty when there is no device.
    #[serde(default)]
    pub platform: String,
    /// JSON object: what the device said of itself.
    #[component(name = "system-info")]
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub system_info: String,
    /// Open: `device`, `constellation`, `http`, `chat`, `run` (a delegating run), `script`.
    #[component(name = "requester-kind")]
    #[serde(default)]
    pub requester_kind: String,
    /// The run that delegated this one; empty if none did.
    #[serde(default)]
    pub parent: String,
    /// JSON object: the plugin's settings, checked against its manifest, defaults filled in.
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub settings: String,
    /// What the session's random numbers come from: `wasi:random` is seeded with the hash of this text.
    #[serde(default)]
    pub seed: String,
    /// Minutes to add to UTC for the requester's local time.
    #[component(name = "utc-offset-minutes")]
    #[serde(default)]
    pub utc_offset_minutes: i32,
    /// The last component of the workspace's path; empty when there is none.
    #[component(name = "workspace-name")]
    #[serde(default)]
    pub workspace_name: String,
    /// The models that this run may ask. The first one is the default.
    #[serde(default)]
    pub models: Vec<ModelInfo>,
    /// What this run and its children may use up together.
    #[serde(default)]
    pub budgets: Budgets,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A model that may be asked.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct ModelInfo {
    /// The name to ask it by.
    #[serde(default)]
    pub name: String,
    /// The role that the operator gave it, such as `default`, `vision` or `cheap`; may be empty.
    #[serde(default)]
    pub role: String,
    /// It understands pictures.
    #[serde(default)]
    pub vision: bool,
    /// It calls tools natively. The host makes up for it where not.
    #[serde(default)]
    pub tools: bool,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Upper bounds, counted by the host. None means that the host's own bound holds.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize, Default)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Budgets {
    /// Agent steps, as declared with `progress`.
    #[component(name = "agent-steps")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_steps: Option<u32>,
    /// Calls of `step`.
    #[component(name = "machine-steps")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_steps: Option<u32>,
    /// Commands sent to devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commands: Option<u32>,
    /// Model calls.
    #[component(name = "model-calls")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_calls: Option<u32>,
    /// Tokens, in and out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u32>,
    /// Time from `start` on, in milliseconds.
    #[component(name = "time-ms")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_ms: Option<u32>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}
