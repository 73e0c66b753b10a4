//! A call as rules see it.

use hangar_plugin_sdk::Value;

/// A call as rules see it.
pub struct Seen {
    /// The tool.
    pub tool: String,
    /// All parameters, so that none slips by.
    pub parameters: Vec<Parameter>,
}

/// One parameter of a call.
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value: a text as it is, anything else as JSON.
    pub text: String,
    /// Whether the value is a list or an object.
    pub is_nested: bool,
}

/// What stands for a parameter that is not there.
pub static ABSENT: Parameter = Parameter { name: String::new(), text: String::new(), is_nested: false };

impl Seen {
    /// The call exactly as it is; none if its parameters have no names, so that no rule could speak of them.
    pub fn exactly(tool: &str, parameters: &Value) -> Option<Self> {
        let parameters = match parameters {
            Value::Null => Vec::new(),
            Value::Object(fields) => fields.iter().map(|(name, value)| Parameter::of(name, value)).collect(),
            _ => return None,
        };
        Some(Self { tool: tool.into(), parameters })
    }

    /// The call as [`loosely`] has it.
    pub fn loosely(&self) -> Self {
        let parameters = self.parameters.iter().map(Parameter::loosely).collect();
        Self { tool: loosely(&self.tool), parameters }
    }
}

impl Parameter {
    fn of(name: &str, value: &Value) -> Self {
        let text = match value {
            Value::String(text) => text.clone(),
            // 3.0 is 3.
            Value::Number(number) if number.is_f64() => number.as_f64().unwrap_or_default().to_string(),
            _ => value.to_string(),
        };
        Self { name: name.into(), text, is_nested: value.is_array() || value.is_object() }
    }

    fn loosely(&self) -> Self {
        Self { name: loosely(&self.name), text: loosely(&self.text), is_nested: self.is_nested }
    }
}

/// The text with any white space as one space and in lower case, for rules that must not be passed by a space more.
pub fn loosely(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
