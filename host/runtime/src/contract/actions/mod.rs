//! What a run asks of the host. Mirrors the WIT interface `actions`.

mod ends;
mod feed;
mod images;
mod models;
mod others;
mod tools;

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::json_text;
use super::values::Named;

pub use ends::{Fail, Finish, Progress};
pub use feed::{Emit, EnvironmentInput, FinalAnswer, Notice, PlanStep};
pub use images::{Concat, EditImage, ImageEdit, Mark, Rect, Size};
pub use models::{AskModel, HistoryRange, Message, ModelInput, ResponseFormat};
pub use others::{AnyTarget, AskUser, Delegate, Question, Target};
pub use tools::{Call, ListTools, RunCommands, ToolScope, ToolSet};

/// One action. The host carries it out after the step and, where the action has an answer, tells the answer as an
/// event with the same token.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// The run's own name for this action: a number from 1 on that no action has which still waits for its answer.
    /// Actions without an answer may all use 0; if one of those is refused, only the plugin's log says so.
    #[serde(default)]
    pub token: u32,
    /// What to do.
    pub body: ActionBody,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum ActionBody {
    /// Which tools are there? Answered by `tools`.
    #[component(name = "list-tools")]
    ListTools(ListTools),
    /// Run commands on the executor. Answered by `results`.
    #[component(name = "run-commands")]
    RunCommands(RunCommands),
    /// Call tools of the host and of its MCP servers; they may run at the same time. Answered by `results`.
    #[component(name = "call-tools")]
    CallTools(Vec<Call>),
    /// Ask a model. Answered by `model-reply`.
    #[component(name = "ask-model")]
    AskModel(AskModel),
    /// Ask the user. Answered by `user-reply`.
    #[component(name = "ask-user")]
    AskUser(AskUser),
    /// Let another device or agent do something. Answered by `child-update`s and one `child-ended`.
    #[component(name = "delegate")]
    Delegate(Delegate),
    /// Wake the run after so many milliseconds. Answered by `timer`.
    #[component(name = "set-timer")]
    SetTimer(u32),
    /// Change a picture. Answered by `blob-ready`.
    #[component(name = "edit-image")]
    EditImage(EditImage),
    /// Read what the plugin's own store holds under this key. Answered by `store-value`.
    #[component(name = "store-get")]
    StoreGet(String),
    /// Write to the plugin's own store, which all its runs share. Answered by `store-value`.
    #[component(name = "store-put")]
    StorePut(StorePut),
    /// Give up the timer, model call, question or child of this token. A timer then stays silent; the others answer
    /// at once, as cancelled. Other tokens are ignored.
    #[component(name = "cancel-action")]
    CancelAction(u32),
    /// Show something to those who watch. No answer.
    #[component(name = "emit")]
    Emit(Emit),
    /// One agent step is done. Counts against the agent-step budget; a partial result is kept from here. No answer.
    #[component(name = "progress")]
    Progress(Progress),
    /// The run is over and did what was asked. Nothing may follow it.
    #[component(name = "finish")]
    Finish(Finish),
    /// The run is over and did not. Nothing may follow it.
    #[component(name = "fail")]
    Fail(Fail),
    /// A later minor version's action; refused by a host that does not know it. Answered by `extension`.
    #[component(name = "extension")]
    Extension(Named),
}

/// Write to the plugin's own store, which all runs of the plugin share.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct StorePut {
    /// The key.
    #[serde(default)]
    pub key: String,
    /// The new value; none removes the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}
