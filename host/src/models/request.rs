//! A request, as endpoints take it.

use std::borrow::Cow;
use std::io::{self, Write};

use bytes::Bytes;
use hangar_runtime::Blobs;
use hangar_runtime::contract::actions::{AskModel, ResponseFormat};
use hangar_runtime::contract::values::Tool;
use serde::Serialize;
use serde_json::value::RawValue;

use super::flaw::Flaw;
use super::prompt::{Told, has_pictures, told};
use super::tool_names::ToolNames;

/// Bytes of a request; beyond it nobody is asked. It is what the largest endpoints take.
const REQUEST: usize = 48 << 20;
/// A tool without a schema takes nothing.
const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;

/// What a model can do, as its operator said.
#[derive(Debug, Clone, Copy)]
pub struct Abilities {
    /// It understands pictures.
    pub vision: bool,
    /// It calls tools natively.
    pub tools: bool,
}

/// The body of a call. What the plugin does not ask for is not in it, so that the endpoint's own defaults hold.
#[derive(Debug, Serialize)]
pub struct Request<'a> {
    model: &'a str,
    messages: Vec<Told<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Offered<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<Choice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<Form<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    top_p: Option<f64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    stop: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Offered<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Offer<'a>,
}

#[derive(Debug, Serialize)]
struct Offer<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    parameters: &'a RawValue,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Choice<'a> {
    Word(&'a str),
    Tool {
        #[serde(rename = "type")]
        kind: &'static str,
        function: Chosen<'a>,
    },
}

#[derive(Debug, Serialize)]
struct Chosen<'a> {
    name: Cow<'a, str>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Form<'a> {
    JsonObject,
    JsonSchema { json_schema: NamedSchema<'a> },
}

#[derive(Debug, Serialize)]
struct NamedSchema<'a> {
    name: &'static str,
    schema: &'a RawValue,
}

impl<'a> Request<'a> {
    /// What the plugin asks, of the model that its endpoint calls `model`.
    pub fn of(
        ask: &'a AskModel,
        model: &'a str,
        can: Abilities,
        names: &'a ToolNames<'a>,
        blobs: &Blobs,
    ) -> Result<Self, Flaw> {
        if !matches!(ask.engine.as_str(), "" | "native") {
            return Err(Flaw::Engine(ask.engine.clone()));
        }
        if !can.tools && !ask.tools.is_empty() {
            return Err(Flaw::CallsNoTools);
        }
        if !can.vision && has_pictures(&ask.messages) {
            return Err(Flaw::SeesNothing);
        }
        if [ask.temperature, ask.top_p].into_iter().flatten().any(|number| !number.is_finite()) {
            return Err(Flaw::NotANumber);
        }
        Ok(Self {
            model,
            messages: told(&ask.messages, names, blobs)?,
            tools: ask.tools.iter().map(|tool| offered(tool, names)).collect::<Result<_, _>>()?,
            tool_choice: choice(&ask.tool_choice, names, !ask.tools.is_empty())?,
            response_format: form(&ask.response_format)?,
            temperature: ask.temperature,
            top_p: ask.top_p,
            stop: &ask.stop,
            max_tokens: ask.max_output_tokens,
            max_completion_tokens: None,
        })
    }

    /// Whether the answer is bounded.
    pub fn is_bounded(&self) -> bool {
        self.max_tokens.or(self.max_completion_tokens).is_some()
    }

    /// Gives the bound on the answer its newer name, which some models insist on and older endpoints do not know.
    pub fn bound_newly(&mut self) {
        self.max_completion_tokens = self.max_tokens.take().or(self.max_completion_tokens);
    }

    /// The bytes to send.
    pub fn encode(&self) -> Result<Bytes, Flaw> {
        let mut room = Room { written: Vec::new(), left: REQUEST };
        match serde_json::to_writer(&mut room, self) {
            Ok(()) => Ok(room.written.into()),
            Err(_) => Err(Flaw::TooLarge { limit: REQUEST }),
        }
    }
}

/// Takes so much and no more: one picture may be shown a thousand times.
struct Room {
    written: Vec<u8>,
    left: usize,
}

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.left = self.left.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        self.written.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn offered<'a>(tool: &'a Tool, names: &'a ToolNames<'a>) -> Result<Offered<'a>, Flaw> {
    let schema = if tool.schema.is_empty() { NO_PARAMETERS } else { &tool.schema };
    let parameters = raw(schema, "the schema of a tool")?;
    let function = Offer { name: names.spoken(&tool.name), description: &tool.description, parameters };
    Ok(Offered { kind: "function", function })
}

fn choice<'a>(word: &'a str, names: &'a ToolNames<'a>, has_tools: bool) -> Result<Option<Choice<'a>>, Flaw> {
    match word {
        "" => Ok(None),
        // Endpoints refuse a choice where there is none.
        "auto" | "none" => Ok(has_tools.then_some(Choice::Word(word))),
        "required" if has_tools => Ok(Some(Choice::Word(word))),
        "required" => Err(Flaw::RequiredOfNothing),
        _ => {
            let tool = word.strip_prefix("tool:").ok_or_else(|| Flaw::ToolChoice(word.to_owned()))?;
            if !names.has(tool) {
                return Err(Flaw::ToolNotThere(tool.to_owned()));
            }
            Ok(Some(Choice::Tool { kind: "function", function: Chosen { name: names.spoken(tool) } }))
        }
    }
}

fn form(format: &ResponseFormat) -> Result<Option<Form<'_>>, Flaw> {
    match format {
        ResponseFormat::Text => Ok(None),
        ResponseFormat::Json => Ok(Some(Form::JsonObject)),
        ResponseFormat::Schema(schema) => {
            let schema = raw(schema, "the schema of the response format")?;
            Ok(Some(Form::JsonSchema { json_schema: NamedSchema { name: "answer", schema } }))
        }
        ResponseFormat::Extension(named) => Err(Flaw::UnknownFormat(named.kind.clone())),
    }
}

fn raw<'a>(text: &'a str, what: &'static str) -> Result<&'a RawValue, Flaw> {
    serde_json::from_str(text).map_err(|_| Flaw::NotJson(what))
}
