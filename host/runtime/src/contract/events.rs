//! What the host tells a run. Mirrors the WIT interface `events`.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::json_text;
use super::values::{BlobId, Failure, Named, Part, Tool, ToolCall};

/// One event. Events come one at a time, in order; the list of them *is* the state of a run.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// 0 for `start`, then one more each time.
    pub seq: u32,
    /// When it happened, in milliseconds since 1970. Clocks show this time during the step.
    #[component(name = "time-ms")]
    pub time_ms: u64,
    /// The action that this answers; 0 if it answers none. Ignore an event whose token you do not know: it answers
    /// what was given up meanwhile.
    #[serde(default)]
    pub token: u32,
    /// What happened.
    pub body: EventBody,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum EventBody {
    /// The run begins. Always the first event, and only that.
    #[component(name = "start")]
    Start(Start),
    /// Answers `list-tools`: the tools that there are.
    #[component(name = "tools")]
    Tools(Vec<Tool>),
    /// Answers `run-commands` and `call-tools`: what the calls gave, one result each, in the order of the calls.
    #[component(name = "results")]
    Results(Vec<CallResult>),
    /// Answers `ask-model`.
    #[component(name = "model-reply")]
    ModelReply(ModelOutcome),
    /// Answers `ask-user`.
    #[component(name = "user-reply")]
    UserReply(UserReply),
    /// News of a delegated run, before it ends.
    #[component(name = "child-update")]
    ChildUpdate(ChildUpdate),
    /// Answers `delegate`: the delegated run is over.
    #[component(name = "child-ended")]
    ChildEnded(ChildEnded),
    /// Answers `set-timer`: the time is up.
    #[component(name = "timer")]
    Timer,
    /// Answers `edit-image`.
    #[component(name = "blob-ready")]
    BlobReady(BlobReady),
    /// Answers `store-get` and `store-put`.
    #[component(name = "store-value")]
    StoreValue(StoreValue),
    /// Takes the place of any other answer: the action was not carried out, for a limit, a missing grant, an unknown
    /// tool, parameters that do not fit, or because what it needs is not there.
    #[component(name = "refused")]
    Refused(Failure),
    /// The run is to end; why. Open: `user_requested`, `device_disconnected`, `constellation_disconnected`,
    /// `parent_ended`, `budget`, `shutdown`, `reload`. Of what the run still asks for, only `emit`, `progress`,
    /// `cancel-action`, `finish` and `fail` are accepted, and for a short time (2 s unless the operator says
    /// otherwise); then the host ends it.
    #[component(name = "cancel")]
    Cancel(String),
    /// A later minor version's event, or the answer to an `extension` action. Sent only to plugins whose `describe`
    /// lists its kind.
    #[component(name = "extension")]
    Extension(Named),
}

/// The run begins.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize, Default)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Counts the runs of the session from 0.
    #[serde(default)]
    pub turn: u32,
    /// What is asked for: the request text, pictures, files.
    #[serde(default)]
    pub input: Vec<Part>,
    /// What surrounds it: a screenshot, the open document. May be empty.
    #[serde(default)]
    pub environment: Vec<Part>,
    /// The conversation so far. A model request includes it by reference; its text never passes through the plugin.
    #[serde(default)]
    pub history: History,
    /// The bytes that the session's former run gave to `finish`; empty on the first turn.
    #[serde(default, with = "json_text::bytes")]
    pub state: Vec<u8>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A conversation, by reference.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize, Default)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct History {
    /// How many turns it has. They are numbered from 0; this run is not among them.
    #[serde(default)]
    pub turns: u32,
    /// About how many tokens it takes.
    #[serde(default)]
    pub tokens: u32,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// What one call gave.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize, Default)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct CallResult {
    /// The call's `call-id`.
    #[component(name = "call-id")]
    #[serde(default)]
    pub call_id: String,
    /// Open: `success`, `failure`, `skipped` (a call before it failed), `none` (nothing was to be done). Anything else
    /// is treated as `failure`.
    #[serde(default)]
    pub status: String,
    /// JSON: what the tool returned. Pictures and long strings in it are `{"$blob": "<id>"}`.
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub payload: String,
    /// Why it failed; empty otherwise.
    #[serde(default)]
    pub error: String,
    /// The blobs that `payload` names.
    #[serde(default)]
    pub blobs: Vec<BlobId>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// How a model call ended.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum ModelOutcome {
    /// The model answered.
    #[component(name = "answer")]
    Answer(ModelAnswer),
    /// It did not.
    #[component(name = "error")]
    Error(ModelError),
    /// A later minor version's outcome; treat it as an error.
    #[component(name = "extension")]
    Extension(Named),
}

/// A model's answer.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct ModelAnswer {
    /// The id under which watchers saw it.
    #[component(name = "message-id")]
    #[serde(default)]
    pub message_id: String,
    /// What it said, without reasoning and without the marks of tool calls.
    #[serde(default)]
    pub content: String,
    /// What it said, to the letter.
    #[serde(default)]
    pub raw: String,
    /// What it thought aloud; empty if it did not or the host was not told.
    #[serde(default)]
    pub reasoning: String,
    /// The tools that it wants called.
    #[component(name = "tool-calls")]
    #[serde(default)]
    pub tool_calls: Vec<ToolCall>,
    /// The pictures and files that it made.
    #[serde(default)]
    pub blobs: Vec<BlobId>,
    /// Open: `stop`, `tool_calls`, `length`, `content_filter`. Anything else is treated as `stop`.
    #[component(name = "finish-reason")]
    #[serde(default)]
    pub finish_reason: String,
    /// The model that answered.
    #[serde(default)]
    pub model: String,
    /// What it cost.
    #[serde(default)]
    pub usage: Usage,
    /// Milliseconds to the first token; 0 if unknown.
    #[component(name = "first-token-ms")]
    #[serde(default)]
    pub first_token_ms: u32,
    /// Milliseconds to the last token.
    #[component(name = "total-ms")]
    #[serde(default)]
    pub total_ms: u32,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Tokens used.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize, Default)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Usage {
    /// Read.
    #[component(name = "input-tokens")]
    #[serde(default)]
    pub input_tokens: u32,
    /// Read from the provider's cache; part of `input-tokens`.
    #[component(name = "cached-tokens")]
    #[serde(default)]
    pub cached_tokens: u32,
    /// Written, reasoning included.
    #[component(name = "output-tokens")]
    #[serde(default)]
    pub output_tokens: u32,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Why a model gave no full answer.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct ModelError {
    /// Open: `unreachable`, `rate-limited`, `refused`, `budget`, `cancelled`, `cut`, `invalid`. Anything else is
    /// treated as `unreachable`.
    #[serde(default)]
    pub code: String,
    /// One sentence for a person.
    #[serde(default)]
    pub text: String,
    /// What had come before it was cut; empty otherwise.
    #[serde(default)]
    pub partial: String,
    /// When it makes sense to ask again, if the provider said so.
    #[component(name = "retry-after-ms")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u32>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// What the user said.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct UserReply {
    /// Open: `answered`, `timed-out`, `declined`, `nobody` (nobody is there to ask), `cancelled` (the run gave it up).
    /// Anything else is treated as `declined`.
    #[serde(default)]
    pub outcome: String,
    /// The answers; where the user gave none, the question's default if it has one.
    #[serde(default)]
    pub answers: Vec<UserAnswer>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct UserAnswer {
    /// The question's `id`.
    #[serde(default)]
    pub id: String,
    /// `yes` or `no` for a `confirm`, one of the options for a `choice`, otherwise what was typed.
    #[serde(default)]
    pub value: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// News of a delegated run.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct ChildUpdate {
    /// Open: `accepted`, `queued`, `progress`.
    #[serde(default)]
    pub state: String,
    /// The delegated run, as soon as it has a name.
    #[serde(default)]
    pub child: String,
    /// The client that it runs on, as soon as one is chosen.
    #[serde(default)]
    pub executor: String,
    /// What it says of its progress; may be empty.
    #[serde(default)]
    pub summary: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A delegated run is over.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct ChildEnded {
    /// The delegated run; empty if none came to be.
    #[serde(default)]
    pub child: String,
    /// Open: `completed`, `failed`, `cancelled`. Anything else is treated as `failed`.
    #[serde(default)]
    pub status: String,
    /// Its answer in words.
    #[serde(default)]
    pub text: String,
    /// Its results, each JSON.
    #[serde(default, with = "json_text::list")]
    pub results: Vec<String>,
    /// Why it did not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// The edited picture is there.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct BlobReady {
    /// The new picture.
    #[serde(default)]
    pub blob: BlobId,
    /// Its width in pixels.
    #[serde(default)]
    pub width: u32,
    /// Its height in pixels.
    #[serde(default)]
    pub height: u32,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// What the plugin's store holds under a key.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct StoreValue {
    /// The key.
    #[serde(default)]
    pub key: String,
    /// The value that is there now; none if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}
