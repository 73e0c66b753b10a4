//! What a tool of the device returned, as people and models read it.

use hangar_plugin_sdk::Value;
use hangar_plugin_sdk::agent_loop::CallResult;
use hangar_plugin_sdk::serde_json::from_str;

use crate::shown::{Reader, is_empty, shown};

/// What a command gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// For a person: standard output, and standard error where there is some.
    pub text: String,
    /// For a program: the whole of it, with long parts left in their blobs.
    pub result: Value,
    /// Why it counts as failed, if it does.
    pub failure: Option<String>,
    /// One word for how it went: `success`, `failure` or `skipped`.
    pub status: &'static str,
}

impl Output {
    /// Reads `{success, exit_code, stdout, stderr}`, `{success, error}`, a bare text, or whatever else there is.
    pub fn of(result: &CallResult) -> Self {
        let (value, unreadable) = payload(&result.payload);
        let (stdout, stderr) = (value.get("stdout"), value.get("stderr"));
        let mut reader = Reader::default();
        let text = match (stdout, stderr) {
            (None, None) => reader.text(&value),
            _ => [stdout, stderr]
                .into_iter()
                .flatten()
                .map(|stream| reader.text(stream))
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join("\n"),
        };
        let failure = failure(result, &value, &text).or(unreadable);
        let status = match &failure {
            None => "success",
            Some(_) if was_not_run(result) => "skipped",
            Some(_) => "failure",
        };
        let bare = stdout.filter(|_| stderr.is_none_or(is_empty));
        Self { text, result: bare.cloned().unwrap_or(value), failure, status }
    }
}

/// The value of a payload. One that cannot be read is a text, and a failure: who knows what it says.
fn payload(payload: &str) -> (Value, Option<String>) {
    match from_str(payload) {
        Ok(value) => (value, None),
        Err(_) if payload.is_empty() => (Value::Null, None),
        Err(error) => {
            (Value::String(payload.into()), Some(format!("What the command returned cannot be read: {error}")))
        }
    }
}

fn was_not_run(result: &CallResult) -> bool {
    matches!(result.status.as_str(), "skipped" | "none")
}

fn failure(result: &CallResult, value: &Value, text: &str) -> Option<String> {
    if !result.is_success() {
        let error = shown(&Value::String(result.error.clone()));
        let why = [error.as_str(), text].into_iter().find(|why| !why.is_empty());
        return Some(match why {
            Some(why) => why.into(),
            None if was_not_run(result) => "The command was not run".into(),
            None => format!("The command gave no result ({})", result.status),
        });
    }
    let exit_code = value.get("exit_code").and_then(Value::as_f64).unwrap_or(0.0);
    if exit_code != 0.0 {
        return Some(
            format!("The command ended with exit code {exit_code}: {text}").trim_end_matches([':', ' ']).into(),
        );
    }
    let success = value.get("success").map(shown).unwrap_or_default().to_lowercase();
    let error = value.get("error").map(shown).filter(|error| !error.is_empty());
    match success.as_str() {
        "true" => None,
        "false" => Some(error.unwrap_or_else(|| "The command failed".into())),
        _ => error,
    }
}
