//! What is said to models, devices and users: parts, messages, questions.

use crate::actions::{FinalAnswer, HistoryRange, Message, ModelInput, Notice, PlanStep, Question};
use crate::events::{ModelAnswer, Start};
use crate::values::{Failure, File, Image, Named, Part, ToolCall, ToolContent, ToolResult};
use serde_json::Value;

impl Failure {
    /// A failure with one of the contract's codes and a sentence for a person.
    pub fn new(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self { code: code.into(), text: text.into(), extra: String::new() }
    }
}

impl Named {
    /// Something the contract has no case for.
    pub fn new(kind: impl Into<String>, body: &Value) -> Self {
        Self { kind: kind.into(), body: body.to_string() }
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Part {
    /// A picture and what it shows.
    pub fn image(blob: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Image(Image { blob: blob.into(), description: description.into(), extra: String::new() })
    }

    /// A file and the name to show.
    pub fn file(blob: impl Into<String>, name: impl Into<String>) -> Self {
        Self::File(File { blob: blob.into(), name: name.into(), extra: String::new() })
    }

    /// What a call that a model asked for has given.
    pub fn tool_result(call: &ToolCall, content: impl Into<String>, failed: bool) -> Self {
        Self::ToolResult(ToolResult {
            call_id: call.call_id.clone(),
            tool: call.tool.clone(),
            content: vec![ToolContent::Text(content.into())],
            failed,
            extra: String::new(),
        })
    }

    /// Its text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

impl Start {
    /// All texts of the input together.
    pub fn text(&self) -> String {
        self.input.iter().filter_map(Part::as_text).collect()
    }
}

impl Message {
    /// A message of this role: `system`, `user`, `assistant` or `tool`.
    pub fn new(role: &str, parts: impl IntoIterator<Item = impl Into<Part>>) -> Self {
        Self { role: role.into(), parts: parts.into_iter().map(Into::into).collect(), extra: String::new() }
    }

    /// What the model has answered, to be told again in the next request.
    pub fn answered(answer: &ModelAnswer) -> Self {
        let said = (!answer.content.is_empty()).then(|| Part::Text(answer.content.clone()));
        let calls = answer.tool_calls.iter().cloned().map(Part::ToolCall);
        Self::new("assistant", said.into_iter().chain(calls))
    }
}

impl From<Message> for ModelInput {
    fn from(message: Message) -> Self {
        Self::Message(message)
    }
}

impl HistoryRange {
    /// The whole conversation so far.
    pub fn all() -> Self {
        Self { first_turn: 0, end_turn: None, max_images: None, extra: String::new() }
    }
}

impl From<HistoryRange> for ModelInput {
    fn from(range: HistoryRange) -> Self {
        Self::History(range)
    }
}

impl Question {
    /// Yes or no?
    pub fn confirm(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new("confirm", id, text, Vec::new())
    }

    /// Which of these?
    pub fn choice(
        id: impl Into<String>,
        text: impl Into<String>,
        options: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self::new("choice", id, text, options.into_iter().map(Into::into).collect())
    }

    /// Anything that can be typed.
    pub fn text(id: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new("text", id, text, Vec::new())
    }

    /// The answer when none is given.
    #[must_use]
    pub fn or(self, default: impl Into<String>) -> Self {
        Self { default_value: Some(default.into()), ..self }
    }

    fn new(kind: &str, id: impl Into<String>, text: impl Into<String>, options: Vec<String>) -> Self {
        Self { id: id.into(), text: text.into(), kind: kind.into(), options, default_value: None, extra: String::new() }
    }
}

impl PlanStep {
    /// A step that is still to be done.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), done: false, extra: String::new() }
    }

    /// The step is done.
    #[must_use]
    pub fn done(self) -> Self {
        Self { done: true, ..self }
    }
}

impl FinalAnswer {
    /// An answer in Markdown without a title.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            title: String::new(),
            format: String::new(),
            message_id: String::new(),
            extra: String::new(),
        }
    }
}

impl Notice {
    /// A notice of this level: `info`, `warning` or `error`.
    pub fn new(level: &str, text: impl Into<String>) -> Self {
        Self { level: level.into(), text: text.into(), extra: String::new() }
    }
}
