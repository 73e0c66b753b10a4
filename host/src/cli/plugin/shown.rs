//! Values of the contract in a line for people.

use serde::Serialize;
use serde_json::Value;

use crate::cli::screen::plain;

/// As much of a line as is shown.
const WIDTH: usize = 160;

/// A variant of the contract for people: its case and what it carries, without what is empty, and not for too long.
pub fn shown(variant: &impl Serialize) -> String {
    cut(shown_whole(variant))
}

/// The same, however long it is.
pub fn shown_whole(variant: &impl Serialize) -> String {
    let line = match serde_json::to_value(variant) {
        Ok(Value::Object(object)) if object.len() == 1 => {
            let carried = object.into_iter().map(|(case, carried)| format!("{case} {}", without_empties(carried)));
            carried.collect()
        }
        Ok(Value::String(case)) => case,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    };
    // JSON escapes some control characters only.
    plain(&line)
}

/// The fields that say nothing are left out.
fn without_empties(value: Value) -> Value {
    let says_something = |value: &Value| match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    };
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, without_empties(value)));
            Value::Object(fields.filter(|(_, value)| says_something(value)).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_empties).collect()),
        other => other,
    }
}

/// A line of a bearable length.
pub fn cut(line: String) -> String {
    match line.char_indices().nth(WIDTH).and_then(|(at, _)| line.get(..at)) {
        Some(beginning) => format!("{beginning}…"),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use hangar_runtime::contract::actions::{ActionBody, Finish};
    use hangar_runtime::contract::messages::Verdict;

    use super::*;

    #[test]
    fn a_variant_is_shown_as_its_case_and_what_it_carries() {
        assert_eq!(shown(&ActionBody::SetTimer(5)), "set_timer 5");
        assert_eq!(shown(&Verdict::Pass), "pass");
        assert_eq!(shown(&Verdict::Route(vec!["\u{9b}31m".into()])), "route [\"\u{fffd}31m\"]");
        let finish = Finish { text: "done".into(), results: Vec::new(), state: Vec::new(), extra: String::new() };
        assert_eq!(shown(&ActionBody::Finish(finish)), r#"finish {"text":"done"}"#);
        assert_eq!(shown(&Verdict::Route(vec!["a".into()])), r#"route ["a"]"#);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        assert_eq!(cut("é".repeat(WIDTH)), "é".repeat(WIDTH));
        assert_eq!(cut("é".repeat(WIDTH + 1)), "é".repeat(WIDTH) + "…");
    }
}
