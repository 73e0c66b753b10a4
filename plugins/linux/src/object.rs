//! Finds the one JSON object in what a model says, and never takes one that the model merely quotes.

use hangar_plugin_sdk::Value;
use hangar_plugin_sdk::serde_json::{Deserializer, Map, from_str};

type Object = Map<String, Value>;

/// The object that a text is, or that stands in its prose; or what is wrong with the text. Keys are in lower case.
pub fn object_in(text: &str) -> Result<Object, String> {
    let text = unfenced(text.trim());
    if text.starts_with('{') {
        return from_str(text).map(lowered).map_err(|error| format!("it is not one JSON object: {error}"));
    }
    in_prose(text)
}

/// The same object with its keys in lower case.
pub fn lowered(object: Object) -> Object {
    object.into_iter().map(|(key, value)| (key.to_lowercase(), value)).collect()
}

/// What is in the fence, if the whole text is one.
fn unfenced(text: &str) -> &str {
    let inside = text.strip_prefix("```").and_then(|text| text.strip_suffix("```"));
    inside.map_or(text, |inside| inside.trim_start_matches(char::is_alphanumeric).trim())
}

/// The only object in the prose that reads as an answer. Where there are several, nobody can tell which is meant.
fn in_prose(text: &str) -> Result<Object, String> {
    let mut answers = Vec::new();
    let mut rest = text;
    while let Some(from) = rest.find('{').and_then(|at| rest.get(at..)) {
        let mut objects = Deserializer::from_str(from).into_iter::<Object>();
        let length = if let Some(Ok(object)) = objects.next() {
            answers.push(lowered(object));
            objects.byte_offset()
        } else {
            braces(from).ok_or("it contains a broken JSON object")?
        };
        rest = from.get(length..).unwrap_or_default();
    }
    answers.retain(|object| ["observation", "thought", "action"].iter().any(|key| object.contains_key(*key)));
    match (answers.pop(), answers.len()) {
        (None, _) => Err("it contains no JSON object".into()),
        (Some(answer), 0) => Ok(answer),
        (Some(_), others) => Err(format!("it contains {} JSON objects instead of one", others + 1)),
    }
}

/// How long a piece of prose in braces is, such as `{ok}`. None for what was meant to be an object: nothing inside a
/// broken object, or after it, can be told from what it quotes.
fn braces(text: &str) -> Option<usize> {
    if text.get(1..)?.trim_start().starts_with('"') {
        return None;
    }
    let mut depth = 0_usize;
    for (at, brace) in text.match_indices(['{', '}']) {
        depth = if brace == "{" { depth + 1 } else { depth.saturating_sub(1) };
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}
