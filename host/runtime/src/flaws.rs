//! What can be wrong with the values in an action although their types are right: texts that are no JSON, numbers that
//! are none.

use serde_json::value::RawValue;

use crate::contract::actions::{Action, ActionBody, AskModel, Call, Emit, ModelInput, ResponseFormat};
use crate::contract::values::{Named, Part};

/// The first thing wrong with the action, as a sentence for its author.
pub(crate) fn first_flaw(action: &Action) -> Option<&'static str> {
    if !is_absent_or_object(&action.extra) {
        return Some("`extra` must be a JSON object or empty");
    }
    match &action.body {
        ActionBody::RunCommands(run) => flaw_of_calls(&run.calls),
        ActionBody::CallTools(calls) => flaw_of_calls(calls),
        ActionBody::AskModel(ask) => flaw_of_request(ask),
        ActionBody::Progress(progress) => flaw_of_results(&progress.results),
        ActionBody::Finish(finish) => flaw_of_results(&finish.results),
        ActionBody::Fail(fail) => flaw_of_results(&fail.results),
        ActionBody::Emit(Emit::Raw(named) | Emit::Extension(named)) | ActionBody::Extension(named) => {
            flaw_of_extension(named)
        }
        _ => None,
    }
}

fn flaw_of_calls(calls: &[Call]) -> Option<&'static str> {
    let flawed = calls.iter().any(|call| !is_absent_or_object(&call.parameters));
    flawed.then_some("`parameters` of a call must be a JSON object")
}

fn flaw_of_results(results: &[String]) -> Option<&'static str> {
    results.iter().any(|result| !is_json(result)).then_some("each of `results` must be JSON")
}

fn flaw_of_extension(named: &Named) -> Option<&'static str> {
    (!named.body.is_empty() && !is_json(&named.body)).then_some("the body of an extension must be JSON")
}

fn flaw_of_request(ask: &AskModel) -> Option<&'static str> {
    let is_number = |number: Option<f64>| number.is_none_or(f64::is_finite);
    if !is_number(ask.temperature) || !is_number(ask.top_p) {
        return Some("`temperature` and `top-p` must be numbers");
    }
    if matches!(&ask.response_format, ResponseFormat::Schema(schema) if !is_json(schema)) {
        return Some("the schema of `response-format` must be JSON");
    }
    if ask.tools.iter().any(|tool| !is_absent_or_object(&tool.schema)) {
        return Some("`schema` of a tool must be a JSON object");
    }
    let parts = ask.messages.iter().flat_map(|input| match input {
        ModelInput::Message(message) => message.parts.as_slice(),
        ModelInput::History(_) | ModelInput::Extension(_) => &[],
    });
    let flawed = |part: &Part| matches!(part, Part::ToolCall(call) if !is_absent_or_object(&call.parameters));
    parts.into_iter().any(flawed).then_some("`parameters` of a tool call must be a JSON object")
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

fn is_absent_or_object(text: &str) -> bool {
    text.is_empty() || (text.trim_ascii_start().starts_with('{') && is_json(text))
}
