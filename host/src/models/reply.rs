//! An answer, as endpoints give it.

use std::collections::HashSet;

use hangar_runtime::contract::events::{ModelAnswer, Usage};
use hangar_runtime::contract::values::ToolCall;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::endpoint::Endpoint;
use super::failure::Failure;
use super::post::Complaint;
use super::quote::quoted;
use super::tool_names::ToolNames;

/// Characters of the name by which an endpoint calls the model that answered.
const NAME: usize = 128;

/// What is read of an answer. Only what must be there has a type; whatever else is there in some odd form is left out.
#[derive(Deserialize)]
struct Completion {
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    model: Value,
    #[serde(default)]
    usage: Value,
    #[serde(default)]
    error: Value,
}

#[derive(Deserialize)]
struct Choice {
    message: Option<Spoken>,
    #[serde(default)]
    finish_reason: Value,
}

#[derive(Deserialize)]
struct Spoken {
    #[serde(default)]
    content: Value,
    #[serde(default)]
    reasoning_content: Value,
    #[serde(default)]
    reasoning: Value,
    #[serde(default)]
    refusal: Value,
    #[serde(default)]
    tool_calls: Value,
}

impl Endpoint {
    /// What the body says, in the contract's words. `configured` is the name of a model that does not say its own.
    pub fn read(&self, body: &[u8], names: &ToolNames<'_>, configured: &str) -> Result<ModelAnswer, Failure> {
        let completion: Completion = serde_json::from_slice(body).map_err(|error| {
            Failure::Garbled(if error.is_data() { "its fields have other types" } else { "it is no JSON" })
        })?;
        let Some(choice) = completion.choices.and_then(|choices| choices.into_iter().next()) else {
            return Err(self.without_choice(&completion.error));
        };
        let message = choice.message.ok_or(Failure::Garbled("its choice has no message"))?;
        let words = Words::of(message.content)?;
        let tool_calls = calls(message.tool_calls, names)?;
        if words.content.is_empty()
            && tool_calls.is_empty()
            && let Some(refusal) = message.refusal.as_str().filter(|refusal| !refusal.is_empty())
        {
            return Err(Failure::Declined(quoted(refusal, &self.secrets)));
        }
        let told = [&message.reasoning_content, &message.reasoning].into_iter().find_map(Value::as_str);
        Ok(ModelAnswer {
            message_id: format!("msg_{}", Uuid::new_v4().simple()),
            reasoning: told.filter(|told| !told.is_empty()).map_or(words.reasoning, str::to_owned),
            content: words.content,
            raw: words.raw,
            finish_reason: finish_reason(choice.finish_reason.as_str().unwrap_or_default(), !tool_calls.is_empty()),
            tool_calls,
            blobs: Vec::new(),
            model: own_name(&completion.model).unwrap_or(configured).to_owned(),
            usage: usage(&completion.usage),
            first_token_ms: 0,
            total_ms: 0,
            extra: String::new(),
        })
    }

    /// Some gateways tell their errors with the status of success.
    fn without_choice(&self, error: &Value) -> Failure {
        if error.is_null() {
            return Failure::Garbled("it has no choices");
        }
        let status = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        let status =
            status.filter(|status| (400..600).contains(status)).and_then(|code| StatusCode::from_u16(code).ok());
        self.complained(status.unwrap_or(StatusCode::BAD_REQUEST), None, &Complaint::of(error, error))
    }
}

/// What a model said, and what it thought within that.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    raw: String,
    content: String,
    reasoning: String,
}

impl Words {
    fn of(content: Value) -> Result<Self, Failure> {
        match content {
            Value::Null => Ok(Self::default()),
            Value::String(raw) => Ok(Self::with_thoughts_apart(raw)),
            Value::Array(pieces) => {
                let mut words = Self::default();
                for piece in &pieces {
                    // The thoughts are a list of texts themselves.
                    append_texts(&mut words.content, piece.get("text"));
                    append_texts(&mut words.reasoning, piece.get("thinking"));
                }
                words.raw.clone_from(&words.content);
                Ok(words)
            }
            _ => Err(Failure::Garbled("its content is neither text nor parts")),
        }
    }

    /// Models that think aloud at the beginning, where no endpoint has taken it out.
    fn with_thoughts_apart(raw: String) -> Self {
        let Some(thinking) = raw.trim_start().strip_prefix("<think>") else {
            return Self { content: raw.clone(), raw, reasoning: String::new() };
        };
        // What was cut off while it thought has said nothing.
        let (reasoning, content) = thinking.split_once("</think>").unwrap_or((thinking, ""));
        Self { content: content.trim_start().to_owned(), reasoning: reasoning.trim().to_owned(), raw }
    }
}

fn append_texts(to: &mut String, from: Option<&Value>) {
    match from {
        Some(Value::String(text)) => to.push_str(text),
        Some(Value::Array(pieces)) => {
            pieces.iter().filter_map(|piece| piece.get("text")?.as_str()).for_each(|text| to.push_str(text));
        }
        _ => {}
    }
}

fn calls(calls: Value, names: &ToolNames<'_>) -> Result<Vec<ToolCall>, Failure> {
    let calls = match calls {
        Value::Null => return Ok(Vec::new()),
        Value::Array(calls) => calls,
        _ => return Err(Failure::Garbled("its tool calls are no list")),
    };
    let mut ids = HashSet::with_capacity(calls.len());
    calls.into_iter().map(|call| read_call(&call, names, &mut ids)).collect()
}

fn read_call(call: &Value, names: &ToolNames<'_>, ids: &mut HashSet<String>) -> Result<ToolCall, Failure> {
    let function = call.get("function").ok_or(Failure::Garbled("a tool call has no function"))?;
    let spoken = function.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
    let tool = names.meant(spoken.ok_or(Failure::Garbled("a tool call names no tool"))?).to_owned();
    let parameters = match function.get("arguments") {
        None | Some(Value::Null) => Some("{}".to_owned()),
        Some(Value::String(text)) if text.trim().is_empty() => Some("{}".to_owned()),
        Some(Value::String(text)) => {
            serde_json::from_str::<Map<String, Value>>(text).ok().map(|_| text.trim().to_owned())
        }
        Some(object @ Value::Object(_)) => Some(object.to_string()),
        Some(_) => None,
    };
    let Some(parameters) = parameters else { return Err(Failure::UnreadableCall { tool }) };
    // Some endpoints give no ids, or always the same one; the result of each call must find its way back.
    let given = call.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let call_id =
        if given.is_empty() || ids.contains(&given) { format!("call_{}", Uuid::new_v4().simple()) } else { given };
    ids.insert(call_id.clone());
    Ok(ToolCall { call_id, tool, parameters, extra: String::new() })
}

/// The endpoint's word, but for those that say nothing of calls which are there.
fn finish_reason(word: &str, has_calls: bool) -> String {
    match word {
        "" | "stop" | "function_call" if has_calls => "tool_calls",
        "" => "stop",
        word => word,
    }
    .to_owned()
}

fn own_name(name: &Value) -> Option<&str> {
    name.as_str().filter(|name| (1..=NAME).contains(&name.len()) && !name.chars().any(char::is_control))
}

fn usage(usage: &Value) -> Usage {
    let count = |pointer: &str| {
        // The cast saturates: whatever number is there, one that fits comes out.
        usage.pointer(pointer)?.as_f64().map(|number| number as u32)
    };
    Usage {
        input_tokens: count("/prompt_tokens").unwrap_or_default(),
        cached_tokens: count("/prompt_tokens_details/cached_tokens")
            .or_else(|| count("/prompt_cache_hit_tokens"))
            .unwrap_or_default(),
        output_tokens: count("/completion_tokens").unwrap_or_default(),
        extra: String::new(),
    }
}
