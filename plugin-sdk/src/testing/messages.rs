//! Plays a handler.

use hangar_plugin_handler::directory::Entry;
use hangar_plugin_handler::messages::{Envelope, Party, Verdict};
use serde_json::{Value, json};

use super::directory;
use crate::handler::Handler;

/// Plays a handler: gives it messages, gives its verdicts.
pub struct Messages<H> {
    handler: H,
}

impl<H: Handler> Messages<H> {
    /// A handler with these settings, a JSON object.
    ///
    /// # Panics
    /// If the handler does not take them.
    #[track_caller]
    pub fn with(settings: Value) -> Self {
        match H::new(settings) {
            Ok(handler) => Self { handler },
            Err(why) => panic!("the handler does not take these settings: {why}"),
        }
    }

    /// Who is there from now on.
    #[must_use]
    pub fn clients(self, clients: Vec<Entry>) -> Self {
        directory::set(clients);
        self
    }

    /// What the handler says of this message.
    pub fn verdict(&self, envelope: &Envelope) -> Verdict {
        self.handler.handle(envelope)
    }
}

/// A message of this kind, from a device.
#[expect(clippy::needless_pass_by_value, reason = "so that `json!` can stand there")]
pub fn message(kind: &str, body: Value) -> Envelope {
    Envelope {
        id: "message-1".into(),
        kind: kind.into(),
        time_ms: 1_790_000_000_000,
        sender: Party { id: "lab-1".into(), kind: "device".into(), extra: String::new() },
        receivers: Vec::new(),
        session_id: String::new(),
        door: "aip".into(),
        body: body.to_string(),
        blobs: Vec::new(),
        extra: String::new(),
    }
}

/// A message of the kind `command` with one call.
#[expect(clippy::needless_pass_by_value, reason = "so that `json!` can stand there")]
pub fn command(call_id: &str, tool: &str, parameters: Value) -> Envelope {
    message("command", json!({"calls": [{"call_id": call_id, "tool": tool, "parameters": parameters}]}))
}
