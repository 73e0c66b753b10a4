//! A task from the side of who asked for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::ClientError;
use super::pending::Pending;
use crate::id::Id;
use crate::message::Outcome;

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskOrder {
    /// In words, or in whatever the server's behaviour for the platform understands.
    pub request: String,
    /// What it is called.
    pub task_name: Option<String>,
    /// The session that it is to be; a fresh one otherwise.
    pub session_id: Option<Id>,
    /// The device that is to do it; otherwise the one that the constellation registered for. Ignored of devices, which
    /// ask for themselves.
    pub target_id: Option<Id>,
}

impl TaskOrder {
    /// Only the words.
    pub fn new(request: impl Into<String>) -> Self {
        Self { request: request.into(), ..Self::default() }
    }
}

/// What becomes of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskUpdate {
    /// The server has taken it.
    Accepted,
    /// The server does not take it, in its words.
    Refused(String),
    /// It is over.
    Ended(Outcome),
    /// The connection is gone, and with it all word of the task.
    Lost(ClientError),
}

/// A task that the server was asked for. Dropping it stops nothing; it only stops listening.
#[derive(Debug)]
pub struct Task {
    session_id: Id,
    updates: mpsc::Receiver<TaskUpdate>,
    pending: Arc<Pending>,
}

impl Task {
    pub(super) const fn new(session_id: Id, updates: mpsc::Receiver<TaskUpdate>, pending: Arc<Pending>) -> Self {
        Self { session_id, updates, pending }
    }

    /// The session that it is.
    pub const fn session_id(&self) -> &Id {
        &self.session_id
    }

    /// What becomes of it next; none after the last.
    pub async fn next(&mut self) -> Option<TaskUpdate> {
        self.updates.recv().await
    }

    /// Waits for its end, but not for ever.
    pub async fn end(mut self, patience: Duration) -> Result<Outcome, ClientError> {
        let end = async {
            loop {
                match self.next().await {
                    Some(TaskUpdate::Accepted) => {}
                    Some(TaskUpdate::Ended(outcome)) => return Ok(outcome),
                    Some(TaskUpdate::Refused(text)) => return Err(ClientError::Declined(text)),
                    Some(TaskUpdate::Lost(why)) => return Err(why),
                    None => return Err(ClientError::Closed),
                }
            }
        };
        let timeout = ClientError::Timeout { what: "the end of the task", after: patience };
        tokio::time::timeout(patience, end).await.unwrap_or(Err(timeout))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // Another task may wait under the same id once this one has had its end.
        if !self.updates.is_closed() {
            self.pending.forget_task(&self.session_id);
        }
    }
}
