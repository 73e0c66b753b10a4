//! How far a run is, and how it ends.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::contract::json_text;

/// One agent step is done.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The number of the step, from 1.
    #[component(name = "agent-step")]
    #[serde(default)]
    pub agent_step: u32,
    /// What was done, in a few words.
    #[serde(default)]
    pub summary: String,
    /// The results so far, each JSON: told to the requester if the run does not get further.
    #[serde(default, with = "json_text::list")]
    pub results: Vec<String>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// The run did what was asked.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize, Default)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Finish {
    /// The answer in words, for the requester. Watchers see it as the final answer unless the run has emitted one.
    #[serde(default)]
    pub text: String,
    /// Results for programs, each JSON.
    #[serde(default, with = "json_text::list")]
    pub results: Vec<String>,
    /// Handed to the next run of the session.
    #[serde(default, with = "json_text::bytes")]
    pub state: Vec<u8>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// The run did not do what was asked.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize, Default)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Fail {
    /// Open; see [`super::values::Failure`].
    #[serde(default)]
    pub code: String,
    /// Why, in words.
    #[serde(default)]
    pub text: String,
    /// What it has nevertheless, each JSON.
    #[serde(default, with = "json_text::list")]
    pub results: Vec<String>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}
