//! What servers send.

use serde::Serialize;

use super::Outcome;
use crate::id::Id;
use crate::json::Json;
use crate::terms::{ServerKind, TaskStatus, ToolType};

/// A message of a server.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerMessage {
    /// It has heard: a registration, a heartbeat, a task.
    Heartbeat(ServerHeartbeat),
    /// A task that a device is to take up.
    Task(Assignment),
    /// A session is over.
    TaskEnd(ServerTaskEnd),
    /// What a device is to do.
    Commands(Commands),
    /// Reserved: no client answers it.
    DeviceInfoRequest {
        /// The number that an answer would carry.
        response_id: Option<Id>,
    },
    /// What is known of a device.
    DeviceInfo(DeviceInfoAnswer),
    /// Something was refused or went wrong.
    Error(ServerError),
}

impl ServerMessage {
    /// What kind of message it is.
    pub const fn kind(&self) -> ServerKind {
        match self {
            Self::Heartbeat(_) => ServerKind::Heartbeat,
            Self::Task(_) => ServerKind::Task,
            Self::TaskEnd(_) => ServerKind::TaskEnd,
            Self::Commands(_) => ServerKind::Command,
            Self::DeviceInfoRequest { .. } => ServerKind::DeviceInfoRequest,
            Self::DeviceInfo(_) => ServerKind::DeviceInfoResponse,
            Self::Error(_) => ServerKind::Error,
        }
    }

    /// An ERROR about nothing in particular.
    pub fn error(text: impl Into<String>) -> Self {
        Self::Error(ServerError { error: text.into(), session_id: None })
    }
}

/// HEARTBEAT: the answer to REGISTER, to HEARTBEAT and to TASK.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServerHeartbeat {
    /// The session that a task became; none in other answers.
    pub session_id: Option<Id>,
}

/// TASK: a device is to take up a task, which it does by asking for it itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignment {
    /// What is to be done.
    pub request: String,
    /// What it is called; the device says it again when it takes it up.
    pub task_name: Option<String>,
    /// The session that it is to become.
    pub session_id: Option<Id>,
}

/// TASK_END: a session is over.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerTaskEnd {
    /// The session.
    pub session_id: Id,
    /// How it ended.
    pub outcome: Outcome,
}

/// COMMAND: what a device is to do, in this order.
#[derive(Debug, Clone, PartialEq)]
pub struct Commands {
    /// Comes back as `prev_response_id` with the results.
    pub response_id: Id,
    /// The session that wants it.
    pub session_id: Id,
    /// Comes back with the results.
    pub status: TaskStatus,
    /// Selects the tools on the device.
    pub agent_name: String,
    /// The window that is worked on.
    pub process_name: Option<String>,
    /// The application that is worked on; it selects the tools, too.
    pub root_name: Option<String>,
    /// What the task is called.
    pub task_name: Option<String>,
    /// The commands.
    pub actions: Vec<Command>,
}

/// One call of a tool on a device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Command {
    /// The tool.
    pub tool_name: String,
    /// The set that the tool is in.
    pub tool_type: ToolType,
    /// What it is given, a JSON object.
    pub parameters: Option<Json>,
    /// Comes back with the result.
    pub call_id: Option<Id>,
}

/// DEVICE_INFO_RESPONSE: what is known of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceInfoAnswer {
    /// The `request_id` of the request.
    pub response_id: Id,
    /// What the device said of itself, or why there is nothing to tell.
    pub info: Result<Json, String>,
}

/// ERROR: something was refused or went wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerError {
    /// What.
    pub error: String,
    /// The session that it is about.
    pub session_id: Option<Id>,
}
