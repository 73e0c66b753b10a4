//! What the model is told: who it is, which tools there are, what is asked for and what has happened.

use hangar_plugin_sdk::Value;
use hangar_plugin_sdk::agent_loop::{AskModel, Tool};
use hangar_plugin_sdk::serde_json::from_str;

use crate::Settings;
use crate::memory::Memory;
use crate::sanitise::{element, user_text};

const SYSTEM: &str = include_str!("system.md");

/// How the next step is asked for.
pub fn request(settings: &Settings, tools: &[Tool], asked: &str, memory: &Memory, plan: &[String]) -> AskModel {
    let said = [
        user_text("request", asked),
        element("earlier_steps", &memory.earlier()),
        element("last_step", &memory.last_actions().join("\n")),
        element("plan", &plan.join("\n")),
        "Answer with one JSON object for the next step.".to_owned(),
    ];
    let said: Vec<String> = said.into_iter().filter(|text| !text.is_empty()).collect();
    AskModel::new()
        .model(&settings.model)
        .json()
        .show("hidden")
        .temperature(0.0)
        .system(SYSTEM.replace("{tools}", &describe(tools)))
        .user(said.join("\n\n"))
}

/// The tools as the model is told of them.
fn describe(tools: &[Tool]) -> String {
    tools.iter().map(describe_one).collect::<Vec<_>>().join("\n")
}

fn describe_one(tool: &Tool) -> String {
    let schema: Value = from_str(&tool.schema).unwrap_or_default();
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|names| names.iter().any(|one| one == name));
    let parameters = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let lines: Vec<String> = parameters.map(|(name, about)| parameter(name, about, is_required(name))).collect();
    format!("- `{}`: {}\n{}", tool.name, tool.description.trim(), lines.concat())
}

fn parameter(name: &str, about: &Value, required: bool) -> String {
    let text_of = |key: &str| about.get(key).and_then(Value::as_str);
    let kind = text_of("type").unwrap_or("any");
    let need = if required { "required" } else { "optional" };
    let default = about.get("default").map(|default| format!(", default {default}")).unwrap_or_default();
    let text = text_of("description").map(|text| format!(": {text}")).unwrap_or_default();
    format!("  - `{name}` ({kind}, {need}{default}){text}\n")
}
