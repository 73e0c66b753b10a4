//! Telling a client that it does not get what it asked for.

use hangar_aip::{ClientType, Id, Outcome, Refusal, ServerError, ServerMessage, ServerTaskEnd};

use crate::clients::Client;

/// Sends the ERROR. A constellation whose task is refused gets a TASK_END as well, because it waits for nothing else;
/// unless that would end another session than the one that was refused.
pub fn refuse(client: &Client, session_id: Option<&Id>, refusal: &Refusal) {
    let error = ServerError { error: refusal.to_string(), session_id: session_id.cloned() };
    let _ = client.answer(&ServerMessage::Error(error));
    if let (ClientType::Constellation, true, Some(session_id)) = (client.kind, refusal.ends_task(), session_id) {
        let outcome = Outcome::failed(refusal.to_string(), None);
        let _ = client.send(&ServerMessage::TaskEnd(ServerTaskEnd { session_id: session_id.clone(), outcome }));
    }
}
