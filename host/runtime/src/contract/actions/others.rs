//! Asking people, and having devices and agents do a part of the work.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::contract::json_text;
use crate::contract::values::{Named, Part};

/// Ask the user.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct AskUser {
    /// The questions, shown together.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// How long to wait; none for the host's own bound, which also caps this one.
    #[component(name = "timeout-ms")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// One question.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The run's own name for it; the answer repeats it.
    #[serde(default)]
    pub id: String,
    /// The question.
    #[serde(default)]
    pub text: String,
    /// Open: `confirm`, `choice`, `text`. Anything else is treated as `text`.
    #[serde(default)]
    pub kind: String,
    /// What a `choice` chooses from.
    #[serde(default)]
    pub options: Vec<String>,
    /// The answer when none is given.
    #[component(name = "default-value")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_value: Option<String>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Let another device or agent do something.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Delegate {
    /// Who.
    pub target: Target,
    /// What.
    #[serde(default)]
    pub request: Vec<Part>,
    /// The behaviour that drives it there; empty lets the host choose by platform.
    #[serde(default)]
    pub behaviour: String,
    /// How long it may take; none for the host's own bound, which also caps this one.
    #[component(name = "timeout-ms")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Who does it.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A device, by its client id.
    #[component(name = "device")]
    Device(String),
    /// An agent of the messaging door, by its id.
    #[component(name = "agent")]
    Agent(String),
    /// Any device that fits.
    #[component(name = "any")]
    Any(AnyTarget),
    /// A later minor version's target; refused by a host that does not know it.
    #[component(name = "extension")]
    Extension(Named),
}

/// Which devices fit.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct AnyTarget {
    /// Of this platform; empty for every platform.
    #[serde(default)]
    pub platform: String,
    /// Labels that it must all have, each `key=value`.
    #[serde(default)]
    pub labels: Vec<String>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}
