//! What a client has asked for and not been answered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::ClientError;
use super::task::{Task, TaskUpdate};
use crate::id::Id;
use crate::json::Json;
use crate::message::{DeviceInfoAnswer, ServerTaskEnd};
use crate::refusal::Refusal;

/// How much of each kind may wait; beyond it nothing more is asked for.
const LIMIT: usize = 1_000;

/// Updates that one task can have: accepted, and one end.
const UPDATES: usize = 2;

type InfoAnswer = Result<Json, ClientError>;

/// What waits for an answer.
#[derive(Debug, Default)]
pub struct Pending(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    tasks: HashMap<Id, Waiter>,
    infos: HashMap<Id, oneshot::Sender<InfoAnswer>>,
}

#[derive(Debug)]
struct Waiter {
    updates: mpsc::Sender<TaskUpdate>,
    accepted: bool,
}

impl Pending {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Each change is whole, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A task begins to wait.
    pub fn task(self: &Arc<Self>, session_id: Id) -> Result<Task, ClientError> {
        let mut waiting = self.waiting();
        if waiting.tasks.len() >= LIMIT {
            return Err(ClientError::TooMany { limit: LIMIT });
        }
        if waiting.tasks.contains_key(&session_id) {
            return Err(ClientError::SessionInUse(session_id));
        }
        let (sender, updates) = mpsc::channel(UPDATES);
        waiting.tasks.insert(session_id.clone(), Waiter { updates: sender, accepted: false });
        Ok(Task::new(session_id, updates, Arc::clone(self)))
    }

    /// Nobody waits for it any more.
    pub fn forget_task(&self, session_id: &Id) {
        self.waiting().tasks.remove(session_id);
    }

    /// The server has taken a task.
    pub fn accepted(&self, session_id: &Id) {
        if let Some(waiter) = self.waiting().tasks.get_mut(session_id).filter(|waiter| !waiter.accepted) {
            waiter.accepted = true;
            let _ = waiter.updates.try_send(TaskUpdate::Accepted);
        }
    }

    /// A session is over; it comes back where nobody waits for it.
    pub fn ended(&self, end: ServerTaskEnd) -> Option<ServerTaskEnd> {
        let Some(waiter) = self.waiting().tasks.remove(&end.session_id) else { return Some(end) };
        let _ = waiter.updates.try_send(TaskUpdate::Ended(end.outcome));
        None
    }

    /// The server refused something. A task that was not taken yet is refused by it; one that runs is not ended by it.
    pub fn refused(&self, session_id: Option<&Id>, error: &str) {
        let mut waiting = self.waiting();
        if let Some(session_id) = session_id
            && waiting.tasks.get(session_id).is_some_and(|waiter| !waiter.accepted)
            && let Some(waiter) = waiting.tasks.remove(session_id)
        {
            let _ = waiter.updates.try_send(TaskUpdate::Refused(error.to_owned()));
        }
        // These two do not say which request they are about, and are the same for all.
        let about_infos = [Refusal::DeviceInfoOutOfScope, Refusal::DeviceInfoForConstellations];
        if about_infos.iter().any(|refusal| refusal.to_string() == error) {
            for (_, answer) in waiting.infos.drain() {
                let _ = answer.send(Err(ClientError::Declined(error.to_owned())));
            }
        }
    }

    /// A question about a device begins to wait.
    pub fn info(&self, device: &Id) -> Result<(Id, oneshot::Receiver<InfoAnswer>), ClientError> {
        let mut waiting = self.waiting();
        if waiting.infos.len() >= LIMIT {
            return Err(ClientError::TooMany { limit: LIMIT });
        }
        let seconds = Timestamp::now().as_millisecond() as f64 / 1e3;
        let request_id = Id::new(&format!("device_info_{device}_{seconds}"))
            .ok()
            .filter(|id| !waiting.infos.contains_key(id))
            .unwrap_or_else(Id::fresh);
        let (sender, answer) = oneshot::channel();
        waiting.infos.insert(request_id.clone(), sender);
        Ok((request_id, answer))
    }

    /// Nobody waits for it any more.
    pub fn forget_info(&self, request_id: &Id) {
        self.waiting().infos.remove(request_id);
    }

    /// A question was answered.
    pub fn informed(&self, answer: DeviceInfoAnswer) {
        if let Some(sender) = self.waiting().infos.remove(&answer.response_id) {
            let _ = sender.send(answer.info.map_err(ClientError::Declined));
        }
    }

    /// The connection is gone, and with it all that was asked for over it.
    pub fn lost(&self, why: &ClientError) {
        let Waiting { tasks, infos } = std::mem::take(&mut *self.waiting());
        for (_, waiter) in tasks {
            let _ = waiter.updates.try_send(TaskUpdate::Lost(why.clone()));
        }
        for (_, answer) in infos {
            let _ = answer.send(Err(why.clone()));
        }
    }
}
