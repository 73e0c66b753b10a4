//! What is asked of the host: calls, model requests, delegation, edits of pictures.

use serde_json::Value;

use crate::actions::{
    AnyTarget, AskModel, Call, Concat, Delegate, EditImage, HistoryRange, ImageEdit, Mark, Message, ModelInput, Rect,
    ResponseFormat, Size, Target, ToolSet,
};
use crate::values::{Part, Tool, ToolCall};

impl From<&str> for ToolSet {
    /// The tool set of this agent, such as `LinuxAgent`.
    fn from(agent: &str) -> Self {
        Self { agent: agent.into(), process: String::new(), root: String::new(), extra: String::new() }
    }
}

impl Call {
    /// A call of this tool with these parameters, a JSON object. The loop gives it an id if it has none.
    #[expect(clippy::needless_pass_by_value, reason = "so that `json!` can stand there")]
    pub fn new(tool: impl Into<String>, parameters: Value) -> Self {
        Self {
            call_id: String::new(),
            tool: tool.into(),
            tool_type: "action".into(),
            parameters: parameters.to_string(),
            timeout_ms: None,
            extra: String::new(),
        }
    }

    /// Its id; the result repeats it.
    #[must_use]
    pub fn id(self, call_id: impl Into<String>) -> Self {
        Self { call_id: call_id.into(), ..self }
    }

    /// Its tool only looks and changes nothing.
    #[must_use]
    pub fn data_collection(self) -> Self {
        Self { tool_type: "data_collection".into(), ..self }
    }

    /// How long to wait for it.
    #[must_use]
    pub fn timeout_ms(self, ms: u32) -> Self {
        Self { timeout_ms: Some(ms), ..self }
    }
}

impl From<&ToolCall> for Call {
    /// The call that a model asks for.
    fn from(wanted: &ToolCall) -> Self {
        Self {
            call_id: wanted.call_id.clone(),
            tool: wanted.tool.clone(),
            tool_type: "action".into(),
            parameters: wanted.parameters.clone(),
            timeout_ms: None,
            extra: String::new(),
        }
    }
}

impl Default for AskModel {
    fn default() -> Self {
        Self {
            model: String::new(),
            messages: Vec::new(),
            tools: Vec::new(),
            tool_choice: String::new(),
            engine: String::new(),
            response_format: ResponseFormat::Text,
            temperature: None,
            top_p: None,
            stop: Vec::new(),
            max_output_tokens: None,
            show: "text".into(),
            extra: String::new(),
        }
    }
}

impl AskModel {
    /// An empty request to the default model; watchers read along.
    pub fn new() -> Self {
        Self::default()
    }

    /// Another model than the default one, by name or role.
    #[must_use]
    pub fn model(self, model: impl Into<String>) -> Self {
        Self { model: model.into(), ..self }
    }

    /// Adds a message of the system.
    #[must_use]
    pub fn system(self, text: impl Into<String>) -> Self {
        self.then(Message::new("system", [Part::Text(text.into())]))
    }

    /// Adds a message of the user.
    #[must_use]
    pub fn user(self, text: impl Into<String>) -> Self {
        self.user_parts([Part::Text(text.into())])
    }

    /// Adds a message of the user with pictures or files in it.
    #[must_use]
    pub fn user_parts(self, parts: impl IntoIterator<Item = Part>) -> Self {
        self.then(Message::new("user", parts))
    }

    /// Adds the conversation so far.
    #[must_use]
    pub fn history(self) -> Self {
        self.then(HistoryRange::all())
    }

    /// Adds any other input.
    #[must_use]
    pub fn then(mut self, input: impl Into<ModelInput>) -> Self {
        self.messages.push(input.into());
        self
    }

    /// The tools that it may ask for.
    #[must_use]
    pub fn tools(self, tools: impl IntoIterator<Item = Tool>) -> Self {
        Self { tools: tools.into_iter().collect(), ..self }
    }

    /// The answer must be a JSON object.
    #[must_use]
    pub fn json(self) -> Self {
        Self { response_format: ResponseFormat::Json, ..self }
    }

    /// The answer must be JSON that fits this JSON Schema.
    #[must_use]
    pub fn schema(self, schema: &Value) -> Self {
        Self { response_format: ResponseFormat::Schema(schema.to_string()), ..self }
    }

    /// How freely it chooses its words.
    #[must_use]
    pub fn temperature(self, temperature: f64) -> Self {
        Self { temperature: Some(temperature), ..self }
    }

    /// How long the answer may get.
    #[must_use]
    pub fn max_output_tokens(self, tokens: u32) -> Self {
        Self { max_output_tokens: Some(tokens), ..self }
    }

    /// What watchers see of it while it speaks: `hidden`, `text` or `text+thinking`.
    #[must_use]
    pub fn show(self, show: &str) -> Self {
        Self { show: show.into(), ..self }
    }
}

impl Delegate {
    /// Lets this device do something.
    pub fn to_device(id: impl Into<String>, request: impl Into<Part>) -> Self {
        Self::new(Target::Device(id.into()), request)
    }

    /// Lets this agent of the messaging door do something.
    pub fn to_agent(id: impl Into<String>, request: impl Into<Part>) -> Self {
        Self::new(Target::Agent(id.into()), request)
    }

    /// Lets any device of this platform that has all these labels do something.
    pub fn to_any(
        platform: impl Into<String>,
        labels: impl IntoIterator<Item = impl Into<String>>,
        request: impl Into<Part>,
    ) -> Self {
        let labels = labels.into_iter().map(Into::into).collect();
        Self::new(Target::Any(AnyTarget { platform: platform.into(), labels, extra: String::new() }), request)
    }

    /// How long it may take.
    #[must_use]
    pub fn timeout_ms(self, ms: u32) -> Self {
        Self { timeout_ms: Some(ms), ..self }
    }

    fn new(target: Target, request: impl Into<Part>) -> Self {
        Self { target, request: vec![request.into()], behaviour: String::new(), timeout_ms: None, extra: String::new() }
    }
}

impl Rect {
    /// A rectangle in pixels, from the top left.
    pub fn new(x: i32, y: i32, width: u32, height: u32) -> Self {
        Self { x, y, width, height, extra: String::new() }
    }
}

impl EditImage {
    /// The picture to start from, as yet unchanged.
    pub fn of(source: impl Into<String>) -> Self {
        Self { source: source.into(), edits: Vec::new(), extra: String::new() }
    }

    /// Keeps only this part.
    #[must_use]
    pub fn crop(self, rect: Rect) -> Self {
        self.edit(ImageEdit::Crop(rect))
    }

    /// Scales it.
    #[must_use]
    pub fn resize(self, width: u32, height: u32) -> Self {
        self.edit(ImageEdit::Resize(Size { width, height, extra: String::new() }))
    }

    /// Puts another picture beside it: `right` or `below`.
    #[must_use]
    pub fn concat(self, blob: impl Into<String>, side: &str) -> Self {
        self.edit(ImageEdit::Concat(Concat { blob: blob.into(), side: side.into(), extra: String::new() }))
    }

    /// Draws a frame with a label; an empty colour lets the host choose.
    #[must_use]
    pub fn mark(self, rect: Rect, label: impl Into<String>, colour: &str) -> Self {
        self.edit(ImageEdit::Mark(Mark { rect, label: label.into(), colour: colour.into(), extra: String::new() }))
    }

    fn edit(mut self, edit: ImageEdit) -> Self {
        self.edits.push(edit);
        self
    }
}
