//! The messages of a request, as endpoints take them.

use std::borrow::Cow;
use std::fmt;
use std::mem;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hangar_runtime::Blobs;
use hangar_runtime::contract::actions::{Message, ModelInput};
use hangar_runtime::contract::values::{Image, Part, ToolCall, ToolContent, ToolResult};
use serde::{Serialize, Serializer};

use super::flaw::Flaw;
use super::tool_names::ToolNames;

/// One message.
#[derive(Debug, Serialize)]
pub struct Told<'a> {
    role: &'a str,
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Called<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
}

/// Text alone goes as text, which every endpoint understands; only what has pictures goes in parts.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Piece<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Piece<'a> {
    Text { text: Cow<'a, str> },
    ImageUrl { image_url: Picture },
}

#[derive(Debug, Serialize)]
struct Picture {
    url: DataUrl,
}

/// A picture in a URL. It is encoded while it is written, so that nothing but the request itself has it twice.
struct DataUrl {
    mime: String,
    bytes: Bytes,
}

impl fmt::Display for DataUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "data:{};base64,{}", self.mime, Base64Display::new(&self.bytes, &STANDARD))
    }
}

impl fmt::Debug for DataUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {} bytes", self.mime, self.bytes.len())
    }
}

impl Serialize for DataUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[derive(Debug, Serialize)]
struct Called<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: Cow<'a, str>,
    arguments: &'a str,
}

/// The messages of a request, in its order. A stretch of history is nothing where there is no conversation.
pub fn told<'a>(inputs: &'a [ModelInput], names: &'a ToolNames<'a>, blobs: &Blobs) -> Result<Vec<Told<'a>>, Flaw> {
    let mut prompt = Prompt { names, blobs, told: Vec::with_capacity(inputs.len()), shown: Vec::new() };
    for input in inputs {
        match input {
            ModelInput::Message(message) => prompt.tell(message)?,
            ModelInput::History(_) => {}
            ModelInput::Extension(named) => return Err(Flaw::UnknownInput(named.kind.clone())),
        }
    }
    prompt.show();
    if prompt.told.is_empty() { Err(Flaw::NothingToSay) } else { Ok(prompt.told) }
}

/// Whether any message shows a picture.
pub fn has_pictures(inputs: &[ModelInput]) -> bool {
    let in_result = |content: &ToolContent| matches!(content, ToolContent::Image(_));
    let in_part = |part: &Part| match part {
        Part::Image(_) => true,
        Part::ToolResult(result) => result.content.iter().any(in_result),
        _ => false,
    };
    inputs.iter().any(|input| matches!(input, ModelInput::Message(message) if message.parts.iter().any(in_part)))
}

struct Prompt<'a, 'b> {
    names: &'a ToolNames<'a>,
    blobs: &'b Blobs,
    told: Vec<Told<'a>>,
    /// Pictures that tools gave. A tool's message cannot have any, and nothing may stand between those of one answer: so
    /// the user shows them after the last one.
    shown: Vec<Piece<'a>>,
}

impl<'a> Prompt<'a, '_> {
    fn tell(&mut self, message: &'a Message) -> Result<(), Flaw> {
        match message.role.as_str() {
            "" => Err(Flaw::NoRole),
            "tool" => message.parts.iter().try_for_each(|part| match part {
                Part::ToolResult(result) => self.tell_result(result),
                Part::Extension(_) => Ok(()),
                _ => Err(Flaw::OtherThanResults),
            }),
            role => self.tell_parts(role, &message.parts),
        }
    }

    fn tell_parts(&mut self, role: &'a str, parts: &'a [Part]) -> Result<(), Flaw> {
        let mut pieces = Vec::with_capacity(parts.len());
        let mut tool_calls = Vec::new();
        for part in parts {
            match part {
                Part::Text(text) => pieces.push(Piece::Text { text: Cow::Borrowed(text) }),
                Part::Image(_) if matches!(role, "system" | "assistant") => {
                    return Err(Flaw::PictureInRole(role.to_owned()));
                }
                Part::Image(image) => pieces.push(picture(image, self.blobs)?),
                Part::File(_) => return Err(Flaw::FilePart),
                Part::ToolCall(call) if role == "assistant" => tool_calls.push(called(call, self.names)),
                Part::ToolCall(_) => return Err(Flaw::CallInRole(role.to_owned())),
                Part::ToolResult(_) => return Err(Flaw::ResultInRole(role.to_owned())),
                Part::Extension(_) => {}
            }
        }
        let content = if pieces.is_empty() && !tool_calls.is_empty() { None } else { Some(content(pieces)) };
        self.show();
        self.told.push(Told { role, content, tool_calls, tool_call_id: None });
        Ok(())
    }

    fn tell_result(&mut self, result: &'a ToolResult) -> Result<(), Flaw> {
        let mut text = String::new();
        let mut pictures = Vec::new();
        for content in &result.content {
            match content {
                ToolContent::Text(more) => append(&mut text, more),
                ToolContent::Image(image) => pictures.push(picture(image, self.blobs)?),
                ToolContent::File(_) => return Err(Flaw::FilePart),
                ToolContent::Extension(_) => {}
            }
        }
        if !pictures.is_empty() {
            append(&mut text, "(Its pictures follow.)");
            let tool = self.names.spoken(&result.tool);
            let caption = format!("The pictures that the call {} of {tool} gave:", result.call_id);
            self.shown.push(Piece::Text { text: Cow::Owned(caption) });
            self.shown.append(&mut pictures);
        }
        // There is no field for it, and a model must not take what went wrong for what was found.
        let text = match (result.failed, text.is_empty()) {
            (true, true) => "Error: the call failed.".to_owned(),
            (true, false) => format!("Error: {text}"),
            (false, _) => text,
        };
        self.told.push(Told {
            role: "tool",
            content: Some(Content::Text(Cow::Owned(text))),
            tool_calls: Vec::new(),
            tool_call_id: Some(&result.call_id),
        });
        Ok(())
    }

    fn show(&mut self) {
        if !self.shown.is_empty() {
            let content = Some(Content::Parts(mem::take(&mut self.shown)));
            self.told.push(Told { role: "user", content, tool_calls: Vec::new(), tool_call_id: None });
        }
    }
}

fn append(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(more);
}

fn content(mut pieces: Vec<Piece<'_>>) -> Content<'_> {
    let only_text = |piece: &Piece<'_>| matches!(piece, Piece::Text { .. });
    if !pieces.iter().all(only_text) {
        return Content::Parts(pieces);
    }
    if pieces.len() == 1
        && let Some(Piece::Text { text }) = pieces.pop()
    {
        return Content::Text(text);
    }
    let mut all = String::new();
    for piece in &pieces {
        if let Piece::Text { text } = piece {
            append(&mut all, text);
        }
    }
    Content::Text(Cow::Owned(all))
}

fn picture<'a>(image: &Image, blobs: &Blobs) -> Result<Piece<'a>, Flaw> {
    let blob = blobs.get(&image.blob).ok_or_else(|| Flaw::NoBlob(image.blob.clone()))?;
    let kind = blob.mime.strip_prefix("image/").unwrap_or_default();
    // What else a media type may have would end it within the URL.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
    if kind.is_empty() || !kind.bytes().all(plain) {
        return Err(Flaw::NoPicture(blob.mime));
    }
    Ok(Piece::ImageUrl { image_url: Picture { url: DataUrl { mime: blob.mime, bytes: blob.bytes } } })
}

fn called<'a>(call: &'a ToolCall, names: &'a ToolNames<'a>) -> Called<'a> {
    let arguments = if call.parameters.is_empty() { "{}" } else { &call.parameters };
    Called { id: &call.call_id, kind: "function", function: Function { name: names.spoken(&call.tool), arguments } }
}
