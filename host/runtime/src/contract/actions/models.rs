//! Asking a model.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::contract::json_text;
use crate::contract::values::{Named, Part, Tool};

/// Ask a model.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct AskModel {
    /// A name or a role from `run-info.models`; empty for the default.
    #[serde(default)]
    pub model: String,
    /// What to tell it, in order.
    #[serde(default)]
    pub messages: Vec<ModelInput>,
    /// The tools that it may call. It only *asks* for calls: the run decides what becomes of them.
    #[serde(default)]
    pub tools: Vec<Tool>,
    /// Open: `auto`, `none`, `required`, `tool:<name>`; empty for `auto`.
    #[component(name = "tool-choice")]
    #[serde(default)]
    pub tool_choice: String,
    /// How tool calls are spoken. Open: `native`, `prompt`, `structured`; empty lets the host choose.
    #[serde(default)]
    pub engine: String,
    /// Which form the answer must have.
    #[component(name = "response-format")]
    pub response_format: ResponseFormat,
    /// None for the model's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// None for the model's default.
    #[component(name = "top-p")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Texts that end the answer.
    #[serde(default)]
    pub stop: Vec<String>,
    /// Tokens at most; none for the host's own bound, which also caps this one.
    #[component(name = "max-output-tokens")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// What watchers see of it while it speaks. Open: `hidden`, `text`, `text+thinking`; anything else is treated as
    /// `hidden`.
    #[serde(default)]
    pub show: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// One thing told to a model.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum ModelInput {
    /// A message.
    #[component(name = "message")]
    Message(Message),
    /// A stretch of the conversation so far, filled in by the host.
    #[component(name = "history")]
    History(HistoryRange),
    /// A later minor version's input; refused by a host that does not know it.
    #[component(name = "extension")]
    Extension(Named),
}

/// One message.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Open: `system`, `user`, `assistant`, `tool`.
    #[serde(default)]
    pub role: String,
    /// What it says.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A stretch of the conversation. The host never cuts between a call and its result.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct HistoryRange {
    /// The first turn to include.
    #[component(name = "first-turn")]
    #[serde(default)]
    pub first_turn: u32,
    /// The turn to stop before; none for all.
    #[component(name = "end-turn")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_turn: Option<u32>,
    /// At most so many pictures, the newest ones; none for the host's own bound.
    #[component(name = "max-images")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_images: Option<u32>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Which form an answer must have.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum ResponseFormat {
    /// Any text.
    #[component(name = "text")]
    Text,
    /// Any JSON object.
    #[component(name = "json")]
    Json,
    /// JSON that fits this JSON Schema.
    #[component(name = "schema")]
    #[serde(with = "json_text")]
    Schema(String),
    /// A later minor version's form.
    #[component(name = "extension")]
    Extension(Named),
}
