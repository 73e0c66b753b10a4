//! What a tool of the device returned, as people and models read it.

use hangar_plugin_sdk::agent_loop::CallResult;
use hangar_plugin_sdk::{Value, blobs, json};

/// How much of a long text is shown, in bytes.
const SHOWN: u32 = 16 << 10;

/// What a command gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// For a person: standard output, and standard error where there is some.
    pub text: String,
    /// For a program: the whole of it, with long parts left in their blobs.
    pub result: Value,
    /// Why it counts as failed, if it does.
    pub failure: Option<String>,
}

impl Output {
    /// Reads `{success, exit_code, stdout, stderr}`, `{success, error}`, a bare text, or whatever else there is.
    pub fn of(result: &CallResult) -> Self {
        let value = result.value();
        let (stdout, stderr) = (value.get("stdout"), value.get("stderr"));
        let text = match (stdout, stderr) {
            (None, None) => shown(&value),
            _ => [stdout, stderr]
                .into_iter()
                .flatten()
                .map(shown)
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join("\n"),
        };
        let bare = stdout.filter(|_| stderr.is_none_or(|stderr| shown(stderr).is_empty()));
        Self { failure: failure(result, &value, &text), text, result: bare.cloned().unwrap_or(value) }
    }
}

fn failure(result: &CallResult, value: &Value, text: &str) -> Option<String> {
    if !result.is_success() {
        let why = if result.error.is_empty() { text } else { &result.error };
        return Some(if why.is_empty() {
            format!("The command gave no result ({})", result.status)
        } else {
            why.into()
        });
    }
    let exit_code = value.get("exit_code").and_then(Value::as_i64).unwrap_or(0);
    if exit_code != 0 {
        return Some(
            format!("The command ended with exit code {exit_code}: {text}").trim_end_matches([':', ' ']).into(),
        );
    }
    let error = value.get("error").map(shown).filter(|error| !error.is_empty());
    (value.get("success") == Some(&json!(false))).then(|| error.unwrap_or_else(|| "The command failed".into()))
}

/// A value as text: texts as they are, long ones from their blobs as far as they are shown, all else as JSON.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim_end().to_owned(),
        _ => blob_in(value).map_or_else(|| opened(value).to_string(), shown_blob),
    }
}

/// The same JSON, but long texts in it are there as far as they are shown.
fn opened(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(opened).collect(),
        Value::Object(fields) => match blob_in(value) {
            Some(id) => Value::String(shown_blob(id)),
            None => fields.iter().map(|(key, value)| (key.clone(), opened(value))).collect(),
        },
        _ => value.clone(),
    }
}

fn blob_in(value: &Value) -> Option<&str> {
    value.as_object().filter(|fields| fields.len() == 1)?.get("$blob")?.as_str()
}

fn shown_blob(id: &str) -> String {
    let Some(known) = blobs::info(id) else { return "(no longer there)".into() };
    if !known.mime.starts_with("text/") && known.mime != "application/json" {
        return format!("({}, {} bytes)", known.mime, known.length);
    }
    let head = blobs::read(id, 0, SHOWN).unwrap_or_default();
    let text = String::from_utf8_lossy(&head).trim_end().to_owned();
    if known.length <= SHOWN { text } else { format!("{text}\n(the first {SHOWN} of {} bytes)", known.length) }
}
