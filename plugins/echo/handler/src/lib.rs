//! The smallest handler: it answers each message with itself.

use hangar_plugin_sdk::handler::{Envelope, Handler, Verdict};
use hangar_plugin_sdk::{Value, export_handler};

/// Says again what was said.
pub struct Echo;

export_handler!(Echo);

impl Handler for Echo {
    fn new(_settings: Value) -> Result<Self, String> {
        Ok(Self)
    }

    fn handle(&self, envelope: &Envelope) -> Verdict {
        Verdict::Reply(envelope.body.clone())
    }
}
