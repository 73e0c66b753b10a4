//! Telling a client that it does not get what it asked for.

use hangar_aip::{ClientType, Id, Outcome, Refusal, ServerError, ServerMessage, ServerTaskEnd};

use super::Sessions;
use crate::clients::Client;

impl Sessions {
    /// Sends the ERROR. A constellation whose task is refused gets a TASK_END as well, because it waits for nothing else;
    /// unless a session of that id goes on, which is not to end by it.
    pub fn refuse(&self, client: &Client, session_id: Option<&Id>, refusal: &Refusal) {
        let goes_on = session_id.is_some_and(|id| self.0.live.get(id).is_some());
        tell(client, session_id, refusal, !goes_on);
    }
}

pub(super) fn tell(client: &Client, session_id: Option<&Id>, refusal: &Refusal, may_end: bool) {
    let error = ServerError { error: refusal.to_string(), session_id: session_id.cloned() };
    let _ = client.answer(&ServerMessage::Error(error));
    if let (ClientType::Constellation, true, Some(session_id)) =
        (client.kind, may_end && refusal.ends_task(), session_id)
    {
        let outcome = Outcome::failed(refusal.to_string(), None);
        let _ = client.send(&ServerMessage::TaskEnd(ServerTaskEnd { session_id: session_id.clone(), outcome }));
    }
}
