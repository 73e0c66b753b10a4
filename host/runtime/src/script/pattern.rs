//! Comparing what a plugin answered with what was expected: the JSON form with parts left out.

use std::fmt;

use serde_json::{Number, Value as Json};

use crate::log::clean;

/// An object with this key alone stands for a text that contains its value.
const CONTAINS: &str = "$contains";

/// Differences that are looked for; beyond them, everything is different.
const MOST: usize = 10;

/// As much of a value as a difference shows, in bytes.
const SHOWN: usize = 200;

/// As much of what two texts have in common as is shown before they differ, in characters.
const BEFORE: usize = 20;

/// One place where an answer is not as expected. Its texts are bounded and clean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Where in the answer, such as `[0].body.emit.status`; empty for all of it.
    pub path: String,
    /// What was expected there.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, expected, found } = self;
        match path.as_str() {
            "" => write!(formatter, "expected {expected}, found {found}"),
            path => write!(formatter, "{path}: expected {expected}, found {found}"),
        }
    }
}

/// Whether this can be a pattern, before it is compared with anything.
pub(super) fn check_pattern(pattern: &Json) -> Result<(), String> {
    match pattern {
        Json::Object(object) => match object.get(CONTAINS) {
            Some(Json::String(_)) if object.len() == 1 => Ok(()),
            Some(_) => Err(format!("`{CONTAINS}` must be the only key of its object, and its value a text")),
            None => object.values().try_for_each(check_pattern),
        },
        Json::Array(list) => list.iter().try_for_each(check_pattern),
        _ => Ok(()),
    }
}

/// Where the items, each in its JSON form, are not as the patterns say.
pub(super) fn differences(patterns: &[Json], items: &[String]) -> Vec<Difference> {
    let mut comparing = Comparing::default();
    for at in 0..patterns.len().max(items.len()) {
        comparing.inside(&format!("[{at}]"), |comparing| match (patterns.get(at), items.get(at)) {
            (Some(pattern), Some(item)) => match serde_json::from_str(item) {
                Ok(item) => comparing.values(pattern, &item),
                // What a plugin writes into a JSON text may be nested more deeply than anybody should follow it.
                Err(error) => comparing.note(shown(pattern), format!("what cannot be compared: {error}")),
            },
            (Some(pattern), None) => comparing.note(shown(pattern), "nothing".into()),
            (None, Some(item)) => comparing.note("nothing".into(), clean(item, SHOWN)),
            (None, None) => {}
        });
    }
    comparing.found
}

#[derive(Default)]
struct Comparing {
    path: String,
    found: Vec<Difference>,
}

impl Comparing {
    /// Compares further in.
    fn inside(&mut self, step: &str, compare: impl FnOnce(&mut Self)) {
        let outer = self.path.len();
        self.path.push_str(step);
        compare(self);
        self.path.truncate(outer);
    }

    fn note(&mut self, expected: String, found: String) {
        if self.found.len() < MOST {
            self.found.push(Difference { path: clean(&self.path, SHOWN), expected, found });
        }
    }

    fn values(&mut self, pattern: &Json, value: &Json) {
        match (pattern, value) {
            (Json::Object(wanted), value) if wanted.contains_key(CONTAINS) => {
                let part = wanted.get(CONTAINS).and_then(Json::as_str).unwrap_or_default();
                if !value.as_str().is_some_and(|text| text.contains(part)) {
                    let part = shown(&Json::from(part));
                    self.note(format!("a text that contains {part}"), shown(value));
                }
            }
            (Json::Object(wanted), Json::Object(found)) => {
                for (key, pattern) in wanted {
                    self.inside(&step_of(key), |comparing| match found.get(key) {
                        Some(value) => comparing.values(pattern, value),
                        // In the JSON form, null and nothing are the same.
                        None if pattern.is_null() => {}
                        None => comparing.note(shown(pattern), "nothing".into()),
                    });
                }
            }
            (Json::Array(wanted), Json::Array(found)) => {
                for at in 0..wanted.len().max(found.len()) {
                    self.inside(&format!("[{at}]"), |comparing| match (wanted.get(at), found.get(at)) {
                        (Some(pattern), Some(value)) => comparing.values(pattern, value),
                        (Some(pattern), None) => comparing.note(shown(pattern), "nothing".into()),
                        (None, Some(value)) => comparing.note("nothing".into(), shown(value)),
                        (None, None) => {}
                    });
                }
            }
            (Json::Number(wanted), Json::Number(found)) if same_number(wanted, found) => {}
            (Json::String(wanted), Json::String(found)) if wanted != found => {
                let (wanted, found) = from_the_difference(wanted, found);
                self.note(wanted, found);
            }
            (wanted, found) if wanted != found => self.note(shown(wanted), shown(found)),
            _ => {}
        }
    }
}

/// `1` and `1.0` are the same number, and large integers keep their last digit.
fn same_number(one: &Number, other: &Number) -> bool {
    one == other || ((one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64())
}

fn step_of(key: &str) -> String {
    let plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if plain { format!(".{key}") } else { format!("[{}]", Json::from(key)) }
}

fn shown(value: &Json) -> String {
    clean(&value.to_string(), SHOWN)
}

/// Two texts, from a little before where they differ.
fn from_the_difference(one: &str, other: &str) -> (String, String) {
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let skipped = if same > 2 * BEFORE { same - BEFORE } else { 0 };
    let rest = |text: &str| {
        let rest: String = text.chars().skip(skipped).take(SHOWN).collect();
        let dots = if skipped > 0 { "…" } else { "" };
        format!("{dots}{}", shown(&Json::from(rest)))
    };
    (rest(one), rest(other))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is different, a line for each place.
    fn compare(patterns: Json, items: Json) -> String {
        let (Json::Array(patterns), Json::Array(items)) = (patterns, items) else { panic!("both are lists") };
        let items: Vec<String> = items.iter().map(Json::to_string).collect();
        let found = differences(&patterns, &items);
        found.iter().map(Difference::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_a_pattern_leaves_out_may_be_anything() {
        let action = json!({"token": 2, "body": {"run_commands": {"calls": [{"tool": "a", "timeout_ms": 5}]}}});
        for pattern in [
            json!({}),
            json!({"token": 2}),
            json!({"body": {"run_commands": {}}}),
            json!({"body": {"run_commands": {"calls": [{"tool": "a"}]}}}),
            json!({"token": 2.0, "extra": null}),
        ] {
            assert_eq!(compare(json!([pattern]), json!([action])), "");
        }
        for (pattern, difference) in [
            (json!({"token": 3}), "[0].token: expected 3, found 2"),
            (
                json!({"body": "timer"}),
                r#"[0].body: expected "timer", found {"run_commands":{"calls":[{"timeout_ms":5,"tool":"a"}]}}"#,
            ),
            (json!({"body": {"finish": {"text": "x"}}}), r#"[0].body.finish: expected {"text":"x"}, found nothing"#),
            (
                json!({"body": {"run_commands": {"calls": []}}}),
                r#"[0].body.run_commands.calls[0]: expected nothing, found {"timeout_ms":5,"tool":"a"}"#,
            ),
            (
                json!({"body": {"run_commands": {"calls": [{}, 1]}}}),
                "[0].body.run_commands.calls[1]: expected 1, found nothing",
            ),
            (json!({"body": {"a b": 1}}), r#"[0].body["a b"]: expected 1, found nothing"#),
            (
                json!([]),
                r#"[0]: expected [], found {"body":{"run_commands":{"calls":[{"timeout_ms":5,"tool":"a"}]}},"token":2}"#,
            ),
        ] {
            assert_eq!(compare(json!([pattern]), json!([action])), difference);
        }
    }

    #[test]
    fn there_are_as_many_as_expected() {
        assert_eq!(compare(json!([]), json!([])), "");
        assert_eq!(
            compare(json!(["pass", "broadcast"]), json!(["pass"])),
            r#"[1]: expected "broadcast", found nothing"#
        );
        assert_eq!(
            compare(json!(["pass"]), json!(["pass", "broadcast"])),
            r#"[1]: expected nothing, found "broadcast""#
        );
    }

    #[test]
    fn a_text_may_be_known_in_part() {
        let pattern = |part: &str| json!([{"text": {"$contains": part}}]);
        assert_eq!(compare(pattern("7 GB"), json!([{"text": "Yes, 7 GB are free."}])), "");
        assert_eq!(
            compare(pattern("8 GB"), json!([{"text": "Yes, 7 GB are free."}])),
            r#"[0].text: expected a text that contains "8 GB", found "Yes, 7 GB are free.""#
        );
        assert_eq!(
            compare(pattern(""), json!([{"text": 5}])),
            r#"[0].text: expected a text that contains "", found 5"#
        );
        assert_eq!(compare(pattern("x"), json!([{}])), r#"[0].text: expected {"$contains":"x"}, found nothing"#);
    }

    #[test]
    fn numbers_are_compared_by_value() {
        assert_eq!(compare(json!([{"a": 1, "b": 0.5}]), json!([{"a": 1.0, "b": 0.5}])), "");
        let large = u64::MAX;
        assert_eq!(
            compare(json!([large - 1]), json!([large])),
            "[0]: expected 18446744073709551614, found 18446744073709551615"
        );
    }

    #[test]
    fn a_difference_is_short_and_shows_where_texts_part() {
        let same = "a".repeat(10_000);
        let difference = compare(json!([format!("{same}bc")]), json!([format!("{same}bd{same}")]));
        assert!(
            difference.starts_with(r#"[0]: expected …"aaaaaaaaaaaaaaaaaaabc", found …"aaaaaaaaaaaaaaaaaaabd"#),
            "{difference}"
        );
        assert!(difference.len() < 600);
        let many = compare(json!(vec![1; 50]), json!(vec![2; 50]));
        assert_eq!(many.lines().count(), MOST);
        assert!(!compare(json!(["a"]), json!(["\u{9b}31m"])).contains('\u{9b}'));
    }

    #[test]
    fn what_is_nested_too_deeply_is_not_followed() {
        let deep = "[".repeat(5_000) + &"]".repeat(5_000);
        let found = differences(&[json!({})], &[format!(r#"{{"results":[{deep}]}}"#)]);
        assert_eq!(
            found[0].to_string(),
            "[0]: expected {}, found what cannot be compared: recursion limit exceeded at line 1 column 138"
        );
    }

    #[test]
    fn what_cannot_be_a_pattern() {
        for pattern in [json!([{"$contains": 5}]), json!({"a": {"$contains": "x", "b": 1}})] {
            assert!(check_pattern(&pattern).is_err(), "{pattern}");
        }
        assert_eq!(check_pattern(&json!({"a": [{"$contains": "x"}, 5, null]})), Ok(()));
    }
}
