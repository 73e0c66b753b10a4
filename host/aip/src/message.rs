//! The messages, as they are once they were read.

mod client;
mod device_info;
mod server;
mod tool;

pub use client::{
    Claim, ClientError, ClientHeartbeat, ClientMessage, CommandResult, CommandResults, DeviceInfoRequest,
    DeviceInfoUpdate, Register, TaskReport, TaskRequest,
};
pub use device_info::DeviceInfo;
pub use server::{
    Assignment, Command, Commands, DeviceInfoAnswer, ServerError, ServerHeartbeat, ServerMessage, ServerTaskEnd,
};
pub use tool::{ToolInfo, ToolListError};

use crate::json::Json;
use crate::limits::ERROR_BYTES;
use crate::terms::TaskStatus;
use crate::text::shortened;

/// How a session ended. What is completed has no error, and what failed says why: clients count a task as done only if
/// both are so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done.
    Completed {
        /// What came of it.
        result: Option<Json>,
    },
    /// It could not be done.
    Failed {
        /// Why; never empty.
        error: String,
        /// What came of it all the same.
        result: Option<Json>,
    },
}

impl Outcome {
    /// What stands in the place of an error that says nothing.
    const UNSAID: &str = "The task failed without saying why";

    /// A failure. An error that says nothing is replaced by a text that says that, and a very long one is cut.
    pub fn failed(error: impl Into<String>, result: Option<Json>) -> Self {
        let error = error.into();
        let error = if error.trim().is_empty() { Self::UNSAID.to_owned() } else { shortened(error, ERROR_BYTES) };
        Self::Failed { error, result }
    }

    /// From what stands in a message: an error speaks against a status that claims success.
    pub(crate) fn from_parts(status: TaskStatus, error: Option<String>, result: Option<Json>) -> Self {
        match (status, error.filter(|error| !error.trim().is_empty())) {
            (TaskStatus::Completed | TaskStatus::Ok | TaskStatus::Continue, None) => Self::Completed { result },
            (_, error) => Self::failed(error.unwrap_or_default(), result),
        }
    }

    /// The status that is written.
    pub const fn status(&self) -> TaskStatus {
        match self {
            Self::Completed { .. } => TaskStatus::Completed,
            Self::Failed { .. } => TaskStatus::Failed,
        }
    }

    /// Why it failed.
    pub fn error(&self) -> Option<&str> {
        match self {
            Self::Completed { .. } => None,
            Self::Failed { error, .. } => Some(error),
        }
    }

    /// What came of it.
    pub const fn result(&self) -> Option<&Json> {
        match self {
            Self::Completed { result } | Self::Failed { result, .. } => result.as_ref(),
        }
    }
}
