//! What a run asks of the host. Mirrors the WIT interface `actions`.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::json_text;
use super::values::{BlobId, Named, Part, Tool};

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

/// Change a picture.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct EditImage {
    /// The picture to start from.
    #[serde(default)]
    pub source: BlobId,
    /// What to do to it, in order.
    #[serde(default)]
    pub edits: Vec<ImageEdit>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// One change of a picture.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum ImageEdit {
    /// Keep only this part.
    #[component(name = "crop")]
    Crop(Rect),
    /// Scale to this size.
    #[component(name = "resize")]
    Resize(Size),
    /// Put another picture beside it.
    #[component(name = "concat")]
    Concat(Concat),
    /// Draw a frame with a label.
    #[component(name = "mark")]
    Mark(Mark),
    /// A later minor version's edit; refused by a host that does not know it.
    #[component(name = "extension")]
    Extension(Named),
}

/// A rectangle in pixels, from the top left.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Rect {
    /// From the left.
    #[serde(default)]
    pub x: i32,
    /// From the top.
    #[serde(default)]
    pub y: i32,
    /// How wide.
    #[serde(default)]
    pub width: u32,
    /// How high.
    #[serde(default)]
    pub height: u32,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A size in pixels.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// How wide.
    #[serde(default)]
    pub width: u32,
    /// How high.
    #[serde(default)]
    pub height: u32,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Put another picture beside it.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Concat {
    /// The other picture.
    #[serde(default)]
    pub blob: BlobId,
    /// Open: `right`, `below`. Anything else is treated as `right`.
    #[serde(default)]
    pub side: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Draw a frame with a label.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The frame.
    pub rect: Rect,
    /// The label; empty for none.
    #[serde(default)]
    pub label: String,
    /// `#rrggbb`; empty lets the host choose.
    #[serde(default)]
    pub colour: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
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
