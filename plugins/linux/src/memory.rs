//! What a run remembers of its steps: each action as one line of text, as the model is shown it.

use hangar_plugin_sdk::Value;

use crate::answer::Wanted;

/// How much of one action's result is remembered, in characters.
const RESULT: usize = 6_000;

/// How much of all former steps is shown, in characters; the oldest are dropped first.
const SHOWN: usize = 24_000;

/// Parameters with these in their names are not repeated to anybody.
const SECRET: [&str; 4] = ["api_key", "password", "secret", "token"];

/// One step that is over.
#[derive(Debug, Clone, PartialEq)]
struct Past {
    thought: String,
    actions: Vec<String>,
}

/// The steps that are over.
#[derive(Debug, Default)]
pub struct Memory(Vec<Past>);

impl Memory {
    /// Remembers a step.
    pub fn keep(&mut self, thought: &str, actions: Vec<String>) {
        self.0.push(Past { thought: thought.into(), actions });
    }

    /// What the last step did.
    pub fn last_actions(&self) -> &[String] {
        self.0.last().map_or(&[], |past| past.actions.as_slice())
    }

    /// All steps but the last one, oldest first, as far as there is room.
    pub fn earlier(&self) -> String {
        let mut shown: Vec<String> = Vec::new();
        let mut room = SHOWN;
        let before_last = self.0.len().saturating_sub(1);
        for (at, past) in self.0.iter().enumerate().take(before_last).rev() {
            let step = format!("Step {}: {}\n{}", at + 1, past.thought, past.actions.join("\n"));
            let Some(left) = room.checked_sub(step.chars().count()) else {
                shown.push(format!("(steps 1 to {} are left out)", at + 1));
                break;
            };
            room = left;
            shown.push(step);
        }
        shown.reverse();
        shown.join("\n")
    }
}

/// One action and what came of it, in one piece of text: `execute_command(command='uname -a') -> success: Linux`.
pub fn represent(wanted: &Wanted, status: &str, outcome: &str) -> String {
    format!("{} -> {status}: {}", call(wanted), cut(outcome))
}

/// A call as code would write it, without secrets.
pub fn call(wanted: &Wanted) -> String {
    let arguments = wanted.arguments.as_object().into_iter().flatten();
    let arguments: Vec<String> = arguments.map(|(name, value)| format!("{name}={}", argument(name, value))).collect();
    format!("{}({})", wanted.function, arguments.join(", "))
}

fn argument(name: &str, value: &Value) -> String {
    if SECRET.iter().any(|secret| name.to_lowercase().contains(secret)) {
        return "***".into();
    }
    match value {
        Value::String(text) => format!("'{text}'"),
        other => other.to_string(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(RESULT) {
        Some((at, _)) => format!("{} (and more)", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
