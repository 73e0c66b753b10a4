//! What several parts of the contract share. Mirrors the WIT interface `values`.
//!
//! `extra` is a JSON object as text, or empty: what a later minor version has to add to a record travels there.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::json_text;

/// Names bytes that the host keeps: the lowercase hexadecimal SHA-256 of their content.
pub type BlobId = String;

/// Something that this version of the contract has no case for: a name and a JSON body.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Which extension this is. The names of the host begin with `hangar.`.
    #[serde(default)]
    pub kind: String,
    /// JSON; its shape goes with `kind`.
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub body: String,
}

/// Why something did not work, for programs and for people.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Open: `invalid`, `unsupported`, `denied`, `limit`, `not-found`, `unreachable`, `timed-out`, `cancelled`,
    /// `internal`. Anything else is treated as `internal`.
    #[serde(default)]
    pub code: String,
    /// One sentence for a person: what was wrong and what to do about it.
    #[serde(default)]
    pub text: String,
    /// See the head of this module.
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// One piece of what somebody said or showed.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Plain text.
    #[component(name = "text")]
    Text(String),
    /// A picture.
    #[component(name = "image")]
    Image(Image),
    /// Any other file.
    #[component(name = "file")]
    File(File),
    /// A call that a model asked for, in a message of the assistant.
    #[component(name = "tool-call")]
    ToolCall(ToolCall),
    /// What such a call gave, in a message of role `tool`.
    #[component(name = "tool-result")]
    ToolResult(ToolResult),
    /// A later minor version's part; skip it if unknown.
    #[component(name = "extension")]
    Extension(Named),
}

/// A picture, by its blob.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Image {
    /// The picture's bytes.
    #[serde(default)]
    pub blob: BlobId,
    /// What it shows, if that is known; empty otherwise.
    #[serde(default)]
    pub description: String,
    /// See the head of this module.
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A file, by its blob.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The file's bytes.
    #[serde(default)]
    pub blob: BlobId,
    /// The name to show.
    #[serde(default)]
    pub name: String,
    /// See the head of this module.
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// What a tool is and how it is called.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// The name that a call uses. No two tools of one answer have the same.
    #[serde(default)]
    pub name: String,
    /// Who offers it: a tool server on the device, an MCP server, or empty.
    #[serde(default)]
    pub namespace: String,
    /// Open: `action` changes something, `data_collection` only looks.
    #[component(name = "tool-type")]
    #[serde(default)]
    pub tool_type: String,
    /// What it does, for the model.
    #[serde(default)]
    pub description: String,
    /// JSON Schema of its parameters. Properties that the host fills in (secrets) are not in it.
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub schema: String,
    /// See the head of this module.
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A tool call that a model asked for.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The model's name for this call; its result repeats it.
    #[component(name = "call-id")]
    #[serde(default)]
    pub call_id: String,
    /// Which tool.
    #[serde(default)]
    pub tool: String,
    /// JSON object.
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub parameters: String,
    /// See the head of this module.
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// The result of a tool call, told to a model.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct ToolResult {
    /// The call's `call-id`.
    #[component(name = "call-id")]
    #[serde(default)]
    pub call_id: String,
    /// Which tool it was.
    #[serde(default)]
    pub tool: String,
    /// What it gave.
    #[serde(default)]
    pub content: Vec<ToolContent>,
    /// Whether it failed.
    #[serde(default)]
    pub failed: bool,
    /// See the head of this module.
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// One piece of a tool's result.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum ToolContent {
    /// Plain text, or JSON as text.
    #[component(name = "text")]
    Text(String),
    /// A picture.
    #[component(name = "image")]
    Image(Image),
    /// Any other file.
    #[component(name = "file")]
    File(File),
    /// A later minor version's content; skip it if unknown.
    #[component(name = "extension")]
    Extension(Named),
}
