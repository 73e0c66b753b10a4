//! Asking for tools, and having them run: on the device, on the host.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::contract::json_text;
use crate::contract::values::Named;

/// Which tools are there?
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct ListTools {
    /// Whose tools.
    pub scope: ToolScope,
    /// Open: `action`, `data_collection`; empty for all.
    #[component(name = "tool-type")]
    #[serde(default)]
    pub tool_type: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Whose tools.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum ToolScope {
    /// The executor's.
    #[component(name = "device")]
    Device(ToolSet),
    /// The host's own and its MCP servers'.
    #[component(name = "host")]
    Host,
    /// Those whom `delegate` can reach, each described as a tool: its name is the id for `target`, its namespace is
    /// `device` or `agent`.
    #[component(name = "delegates")]
    Delegates,
    /// A later minor version's scope.
    #[component(name = "extension")]
    Extension(Named),
}

/// Chooses among the tool sets of a device.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize, Default)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct ToolSet {
    /// The agent that the device's tool configuration knows, such as `LinuxAgent`.
    #[serde(default)]
    pub agent: String,
    /// The application's process, or empty.
    #[serde(default)]
    pub process: String,
    /// The application's root name, such as `WINWORD.EXE`, or empty.
    #[serde(default)]
    pub root: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Run commands on the executor.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct RunCommands {
    /// The tool set that has them.
    #[component(name = "tool-set")]
    #[serde(default)]
    pub tool_set: ToolSet,
    /// The commands, run in order; after a failure the rest is skipped.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// One call of a tool.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize, Default)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The run's own name for this call; its result repeats it.
    #[component(name = "call-id")]
    #[serde(default)]
    pub call_id: String,
    /// The tool.
    #[serde(default)]
    pub tool: String,
    /// Open: `action`, `data_collection`; empty lets the host look it up.
    #[component(name = "tool-type")]
    #[serde(default)]
    pub tool_type: String,
    /// JSON object; empty for `{}`. A `{"$blob": "<id>"}` in it is replaced by the blob's content.
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub parameters: String,
    /// How long to wait for it; none for the host's own bound, which also caps this one.
    #[component(name = "timeout-ms")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}
