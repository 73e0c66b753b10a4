//! What every tool has: a description with the schemas of its parameters and of its result, and an answer.

use hangar_aip::{Json, ToolInfo, ToolType};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What a tool answers: a JSON value, or why it could not do what it was called for.
pub type Answer = Result<Value, String>;

/// A tool, as it is listed.
#[derive(Debug, Clone)]
pub struct Description {
    /// What it is called by.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The group that it belongs to.
    pub namespace: &'static str,
    /// The set that it is in.
    pub tool_type: ToolType,
    /// What it does, without the last full stop.
    pub text: String,
    /// A JSON Schema for each parameter.
    pub parameters: Value,
    /// The parameters that must be given.
    pub required: &'static [&'static str],
    /// JSON Schema of what it answers.
    pub output: Value,
    /// Whether it changes nothing.
    pub only_looks: bool,
}

impl Default for Description {
    fn default() -> Self {
        Self {
            name: "",
            title: "",
            namespace: "",
            tool_type: ToolType::Action,
            text: String::new(),
            parameters: json!({}),
            required: &[],
            output: json!({}),
            only_looks: false,
        }
    }
}

impl Description {
    /// The form in which the protocol has it.
    pub fn info(&self) -> Result<ToolInfo, serde_json::Error> {
        let input = json!({
            "type": "object",
            "properties": self.parameters,
            "required": self.required,
            "additionalProperties": false,
        });
        Ok(ToolInfo {
            tool_key: format!("{}::{}", self.tool_type, self.name),
            tool_name: self.name.into(),
            title: Some(self.title.into()),
            namespace: self.namespace.into(),
            tool_type: self.tool_type,
            description: Some(format!("{}.", self.text)),
            input_schema: Some(Json::of(&input)?),
            output_schema: Some(Json::of(&self.output)?),
            meta: None,
            annotations: Some(Json::of(&json!({ "readOnlyHint": self.only_looks }))?),
        })
    }
}

/// Reads the parameters of a call.
pub fn read<T: DeserializeOwned>(parameters: &Value) -> Result<T, String> {
    let none = Value::Object(serde_json::Map::new());
    let given = if parameters.is_null() { &none } else { parameters };
    T::deserialize(given).map_err(|error| format!("The parameters do not fit the tool's schema: {error}"))
}
