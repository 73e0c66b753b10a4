//! What watchers of a run are shown.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::contract::json_text;
use crate::contract::values::{Named, Part};

/// Show something to those who watch.
///
/// The host itself shows the user's message, the run's start and end, what models say, tool calls and their
/// results, and an abort. A run shows only what is listed here, so nothing appears twice.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum Emit {
    /// A thought.
    #[component(name = "thinking")]
    Thinking(String),
    /// A plan begins: all its steps.
    #[component(name = "plan-start")]
    PlanStart(Vec<PlanStep>),
    /// The plan changed, or a step of it is done: all its steps.
    #[component(name = "plan-update")]
    PlanUpdate(Vec<PlanStep>),
    /// The plan is done: a summary.
    #[component(name = "plan-finish")]
    PlanFinish(String),
    /// The answer, whole.
    #[component(name = "final-answer")]
    FinalAnswer(FinalAnswer),
    /// The next piece of an answer. The whole has to follow, with the same `message-id`.
    #[component(name = "final-answer-delta")]
    FinalAnswerDelta(FinalAnswer),
    /// Something that the run saw: a screenshot, a page.
    #[component(name = "environment-input")]
    EnvironmentInput(EnvironmentInput),
    /// A notice.
    #[component(name = "system")]
    System(Notice),
    /// What the run is doing, in a few words.
    #[component(name = "status")]
    Status(String),
    /// An event of the plugin's own for its own watchers.
    #[component(name = "raw")]
    Raw(Named),
    /// A later minor version's emission; skipped by a host that does not know it.
    #[component(name = "extension")]
    Extension(Named),
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct PlanStep {
    /// What is to be done.
    #[serde(default)]
    pub text: String,
    /// Whether it is.
    #[serde(default)]
    pub done: bool,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// An answer or a piece of one.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct FinalAnswer {
    /// The text.
    #[serde(default)]
    pub text: String,
    /// A title; may be empty.
    #[serde(default)]
    pub title: String,
    /// Open: `markdown`, `text`, `html`; empty for `markdown`.
    #[serde(default)]
    pub format: String,
    /// Pieces and their whole share it; empty lets the host choose one for the run.
    #[component(name = "message-id")]
    #[serde(default)]
    pub message_id: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Something that the run saw.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentInput {
    /// What it saw.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// What that is.
    #[serde(default)]
    pub description: String,
    /// Open: `screenshot`, `text`, `codebase`.
    #[serde(default)]
    pub kind: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A notice.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Open: `info`, `warning`, `error`. Anything else is treated as `info`.
    #[serde(default)]
    pub level: String,
    /// The notice.
    #[serde(default)]
    pub text: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}
