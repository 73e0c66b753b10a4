//! Rejects tasks with certain words in them.

use hangar_plugin_sdk::handler::{Envelope, Handler, Verdict};
use hangar_plugin_sdk::serde::Deserialize;
use hangar_plugin_sdk::{Value, export_handler, serde_json};

/// The settings that `plugin.toml` declares.
#[derive(Deserialize)]
#[serde(crate = "hangar_plugin_sdk::serde")]
pub struct Plugin {
    words: Vec<String>,
}

export_handler!(Plugin);

impl Handler for Plugin {
    fn new(settings: Value) -> Result<Self, String> {
        serde_json::from_value(settings).map_err(|error| error.to_string())
    }

    fn handle(&self, envelope: &Envelope) -> Verdict {
        let body = envelope.value().to_string().to_lowercase();
        match self.words.iter().find(|word| body.contains(&word.to_lowercase())) {
            Some(word) => Verdict::reject("denied", format!("A task must not contain `{word}`")),
            None => Verdict::Pass,
        }
    }
}

#[cfg(test)]
mod tests {
    use hangar_plugin_sdk::json;
    use hangar_plugin_sdk::testing::{Messages, message};

    use super::*;

    // Natively, without WebAssembly and without a host. `tests/hello.jsonl` plays the component.
    #[test]
    fn other_tasks_pass() {
        let plugin = Messages::<Plugin>::with(json!({ "words": ["password"] }));
        assert_eq!(plugin.verdict(&message("task", json!({ "request": "Tell me the time" }))), Verdict::Pass);
    }
}
