//! How a run ended, and what that is to those who wait for the session's end.

use hangar_aip::limits::FRAME_BYTES;
use hangar_aip::{Json, Outcome};
use hangar_runtime::contract::actions::{Fail, Finish};
use hangar_runtime::{Blobs, Fault};
use serde_json::value::RawValue;

use super::blob_references::fill_in;
use super::reason::Reason;

/// How a session ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The behaviour says that it is done.
    Finished(Finish),
    /// The behaviour says that it cannot be done.
    Failed(Fail),
    /// The plugin broke, or the host could not go on with it.
    Broken(Fault),
    /// Its run could not begin.
    NotBegun(String),
    /// It was cancelled; with what it had by then.
    Cancelled(Reason, Vec<String>),
    /// The device says how it ended.
    Reported(Outcome),
    /// A handler answered in its place, with JSON.
    Answered(String),
}

/// The same for those who know no blobs: with their content.
pub(super) fn with_content(outcome: Outcome, blobs: Option<&Blobs>) -> Outcome {
    match (outcome, blobs) {
        (Outcome::Completed { result: Some(result) }, Some(blobs)) => {
            Outcome::Completed { result: Some(filled_in(result, blobs)) }
        }
        (Outcome::Failed { error, result: Some(result) }, Some(blobs)) => {
            Outcome::Failed { error, result: Some(filled_in(result, blobs)) }
        }
        (outcome, _) => outcome,
    }
}

/// The result with the content of blobs. What would be too large for a frame, or names what is not there, stays as it is.
fn filled_in(result: Json, blobs: &Blobs) -> Json {
    if !result.get().contains("$blob") {
        return result;
    }
    let Ok(mut value) = result.read::<serde_json::Value>() else { return result };
    match fill_in(&mut value, blobs, FRAME_BYTES - HEADROOM).map(|()| Json::of(&value)) {
        Ok(Ok(filled)) if filled.get().len() <= FRAME_BYTES - HEADROOM => filled,
        _ => result,
    }
}

/// Bytes of a frame that are not its result.
const HEADROOM: usize = 1 << 20;

/// What the end means to those who wait for it.
pub(super) fn outcome(ending: Ending, request: &str, fail_as_completed: bool) -> Outcome {
    match ending {
        Ending::Finished(finish) => completed(finish.results, request, &finish.text),
        Ending::Failed(fail) if fail_as_completed && !is_of_host(&fail.code) => {
            completed(fail.results, request, &fail.text)
        }
        Ending::Failed(fail) => {
            let results = if fail.results.is_empty() { None } else { list(fail.results) };
            Outcome::failed(fail.text, results.or_else(nothing))
        }
        Ending::Broken(fault) => Outcome::failed(format!("The plugin failed: {fault}"), nothing()),
        Ending::NotBegun(why) => Outcome::failed(why, nothing()),
        Ending::Cancelled(reason, partial) => Outcome::failed(reason.text(), list(partial)),
        Ending::Reported(outcome) => outcome,
        Ending::Answered(body) => match Json::parse(body) {
            Ok(body) => Outcome::Completed { result: Json::of(&[body]).ok() },
            Err(_) => Outcome::failed("a handler answered with something that is no JSON", None),
        },
    }
}

/// What the behaviour calls by a word that says that it was not the request's fault.
fn is_of_host(code: &str) -> bool {
    matches!(code, "unreachable" | "timed-out" | "limit" | "cancelled" | "denied")
}

/// What those have always been told whose session has nothing to show.
fn nothing() -> Option<Json> {
    Json::parse(r#"{"failure":"session ended with an error"}"#.to_owned()).ok()
}

fn completed(results: Vec<String>, request: &str, text: &str) -> Outcome {
    if !results.is_empty() {
        return Outcome::Completed { result: list(results) };
    }
    let result = Json::of(&[serde_json::json!({ "request": request, "result": text })]).ok();
    Outcome::Completed { result }
}

/// Results are a list, whose members are shown one by one. What is no JSON is taken for text.
fn list(results: Vec<String>) -> Option<Json> {
    let json = |text: String| match RawValue::from_string(text.clone()) {
        Ok(raw) => Json::from(raw),
        Err(_) => Json::text(&text),
    };
    Json::of(&results.into_iter().map(json).collect::<Vec<_>>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(ending: Ending, reference: bool) -> (String, Option<String>, String) {
        let outcome = outcome(ending, "look", reference);
        let result = outcome.result().map(|json| json.get().to_owned()).unwrap_or_default();
        (outcome.status().to_string(), outcome.error().map(str::to_owned), result)
    }

    fn fail(code: &str, results: &[&str]) -> Ending {
        let results = results.iter().map(|each| (*each).to_owned()).collect();
        Ending::Failed(Fail { code: code.into(), text: "no way".into(), results, extra: String::new() })
    }

    #[test]
    fn what_is_done_is_a_list_without_an_error() {
        let finish = |results: &[&str]| {
            let results = results.iter().map(|each| (*each).to_owned()).collect();
            Ending::Finished(Finish { text: "seen".into(), results, ..Finish::default() })
        };
        let expected = r#"[{"request":"look","result":"seen"}]"#;
        assert_eq!(told(finish(&[]), false), ("completed".into(), None, expected.into()));
        assert_eq!(told(finish(&["1", "no json"]), false).2, r#"[1,"no json"]"#);
    }

    #[test]
    fn what_was_given_up_has_failed_unless_the_reference_is_followed() {
        let error = Some("no way".to_owned());
        assert_eq!(told(fail("internal", &["1"]), false), ("failed".into(), error.clone(), "[1]".into()));
        let nothing = r#"{"failure":"session ended with an error"}"#;
        assert_eq!(told(fail("internal", &[]), false), ("failed".into(), error.clone(), nothing.into()));
        assert_eq!(told(fail("internal", &["1"]), true), ("completed".into(), None, "[1]".into()));
        assert_eq!(told(fail("unreachable", &["1"]), true).1, error, "that is no answer of the agent");
    }

    #[test]
    fn what_was_cancelled_has_what_it_had_by_then() {
        let cancelled = |partial| told(Ending::Cancelled(Reason::DeviceDisconnected, partial), false);
        let error = Some("Task was cancelled because target device disconnected".to_owned());
        assert_eq!(cancelled(Vec::new()), ("failed".into(), error.clone(), "[]".into()));
        assert_eq!(cancelled(vec!["{}".into()]), ("failed".into(), error, "[{}]".into()));
    }

    #[test]
    fn who_waits_for_the_end_knows_no_blobs() {
        let blobs = Blobs::default();
        let id = blobs.put("text/plain", "long".into()).unwrap();
        let results = vec![format!(r#"{{"result":{{"$blob":"{id}"}}}}"#)];
        let told = |results| {
            let ending = Ending::Finished(Finish { results, ..Finish::default() });
            with_content(outcome(ending, "look", false), Some(&blobs)).result().unwrap().get().to_owned()
        };
        assert_eq!(told(results), r#"[{"result":"long"}]"#);
        let unknown = r#"[{"$blob":"unknown"}]"#;
        assert_eq!(told(vec![r#"{"$blob":"unknown"}"#.into()]), unknown);
    }

    #[test]
    fn a_handler_may_answer() {
        assert_eq!(told(Ending::Answered("1".into()), false), ("completed".into(), None, "[1]".into()));
        assert_eq!(told(Ending::Answered("nonsense".into()), false).0, "failed");
    }
}
