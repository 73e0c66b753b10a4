//! Actions as one line of text, without secrets.

use hangar_plugin_sdk::{Value, json};

use crate::answer::Wanted;
use crate::cut::cut;

/// The longest call that is written out, in characters.
const CALL: usize = 1_000;

/// How much of one action's result is shown, in characters.
const RESULT: usize = 6_000;

/// Parameters with these in their names are not repeated to anybody.
const SECRET: [&str; 7] = ["apikey", "auth", "credential", "passwd", "password", "secret", "token"];

/// One action and what came of it, in one piece of text: `execute_command(command='uname -a') -> success: Linux`.
pub fn represent(wanted: &Wanted, status: &str, outcome: &str) -> String {
    format!("{} -> {status}: {}", call(wanted), cut(outcome, RESULT))
}

/// A call as code would write it, without secrets.
pub fn call(wanted: &Wanted) -> String {
    let arguments = masked(&wanted.arguments);
    let arguments = arguments.as_object().into_iter().flatten();
    let arguments: Vec<String> = arguments.map(|(name, value)| format!("{name}={}", argument(value))).collect();
    cut(&format!("{}({})", wanted.function, arguments.join(", ")), CALL)
}

fn argument(value: &Value) -> String {
    match value {
        Value::String(text) if text == MASK => text.clone(),
        Value::String(text) => format!("'{text}'"),
        other => other.to_string(),
    }
}

/// What stands there instead of a secret.
const MASK: &str = "***";

fn masked(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(fields) => {
            let hidden = |name: &str, value| if is_secret(name) { json!(MASK) } else { masked(value) };
            fields.iter().map(|(name, value)| (name.clone(), hidden(name, value))).collect()
        }
        other => other.clone(),
    }
}

/// `apiKey`, `API-KEY` and `api_key` are one name.
fn is_secret(name: &str) -> bool {
    let name = name.replace(['_', '-'], "").to_lowercase();
    SECRET.iter().any(|secret| name.contains(secret))
}
