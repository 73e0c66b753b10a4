//! What the model answers: one JSON object, read with some patience.

use hangar_plugin_sdk::serde_json::Map;
use hangar_plugin_sdk::{Value, json};

use crate::object::{lowered, object_in};

/// The longest answer that is read, in bytes.
const LONGEST: usize = 100_000;

/// The longest thought, in characters.
const THOUGHT: usize = 4_000;

/// How many actions one step may have.
const ACTIONS: usize = 16;

/// How many steps a plan may have, and how long each may be, in characters.
const PLAN: (usize, usize) = (50, 500);

/// What the model wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Why it wants that.
    pub thought: String,
    /// What it wants run.
    pub actions: Vec<Wanted>,
    /// Whether there was one action, a list, or none: they decide differently how the step ends.
    pub shape: Shape,
    /// What is still to be done; none if it does not say.
    pub plan: Option<Vec<String>>,
    /// What it has found out; null if nothing.
    pub result: Value,
    /// What it says to the user.
    pub comment: String,
}

/// How the actions of an answer were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// There is none.
    None,
    /// One object.
    Single,
    /// A list.
    List,
}

/// One action that the model wants.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The tool; empty for none.
    pub function: String,
    /// Its parameters, an object.
    pub arguments: Value,
    /// What the model says comes after it.
    pub status: Status,
}

/// Whether the request is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Another step is needed.
    Continue,
    /// It is done.
    Finish,
    /// It cannot be done.
    Fail,
    /// The model said something else, or nothing.
    Unknown,
}

impl Answer {
    /// Reads the answer, or says to the model what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err("it is too long".into());
        }
        let fields = object_in(text)?;
        required(&fields, "observation")?;
        let (actions, shape) = match fields.get("action") {
            None | Some(Value::Null) => (Vec::new(), Shape::None),
            Some(Value::Array(actions)) if actions.is_empty() => (Vec::new(), Shape::None),
            Some(Value::Array(actions)) if actions.len() > ACTIONS => {
                return Err(format!("`action` has more than {ACTIONS} entries"));
            }
            Some(Value::Array(actions)) => (actions.iter().map(Wanted::read).collect::<Result<_, _>>()?, Shape::List),
            Some(action) => (vec![Wanted::read(action)?], Shape::Single),
        };
        let thought = required(&fields, "thought")?;
        if is_longer(thought, THOUGHT) {
            return Err(format!("`thought` has more than {THOUGHT} characters"));
        }
        Ok(Self {
            thought: thought.to_owned(),
            actions,
            shape,
            plan: plan(fields.get("plan"))?,
            result: fields.get("result").filter(|result| **result != json!("")).cloned().unwrap_or_default(),
            comment: fields.get("comment").and_then(Value::as_str).unwrap_or_default().to_owned(),
        })
    }

    /// How the step ends, given which of the actions succeeded.
    pub fn status(&self, succeeded: &[bool]) -> Status {
        match self.shape {
            Shape::None => Status::Finish,
            Shape::Single => self.actions.first().map_or(Status::Unknown, |action| action.status.clone()),
            Shape::List => {
                let mut done = self.actions.iter().zip(succeeded).filter(|(_, succeeded)| **succeeded);
                done.next_back().map_or(Status::Continue, |(action, _)| action.status.clone())
            }
        }
    }
}

impl Wanted {
    fn read(value: &Value) -> Result<Self, String> {
        let wrong =
            |what: &str| format!("`action` must be an object with `function`, `arguments` and `status`; {what}");
        let fields = lowered(value.as_object().cloned().ok_or_else(|| wrong("it is something else"))?);
        let function = match fields.get("function") {
            None | Some(Value::Null) => "",
            Some(Value::String(function)) => function.trim(),
            Some(_) => return Err(wrong("`function` is no text")),
        };
        let arguments = match fields.get("arguments") {
            None | Some(Value::Null) => json!({}),
            Some(Value::Object(arguments)) => Value::Object(arguments.clone()),
            Some(_) => return Err(wrong("`arguments` is no object")),
        };
        let status = fields.get("status").and_then(Value::as_str).map_or(Status::Unknown, Status::read);
        Ok(Self { function: function.into(), arguments, status })
    }
}

impl Status {
    fn read(word: &str) -> Self {
        match word.trim().to_uppercase().as_str() {
            "CONTINUE" => Self::Continue,
            "FINISH" => Self::Finish,
            "FAIL" => Self::Fail,
            _ => Self::Unknown,
        }
    }
}

fn required<'a>(fields: &'a Map<String, Value>, key: &str) -> Result<&'a str, String> {
    fields.get(key).and_then(Value::as_str).ok_or_else(|| format!("`{key}` is missing or no text"))
}

/// A list of texts; one text alone is a plan of one step.
fn plan(value: Option<&Value>) -> Result<Option<Vec<String>>, String> {
    let steps: Vec<String> = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(step)) => vec![step.clone()],
        Some(Value::Array(steps)) if steps.iter().all(Value::is_string) => {
            steps.iter().filter_map(Value::as_str).map(Into::into).collect()
        }
        Some(_) => return Err("`plan` must be a list of texts".into()),
    };
    let (count, length) = PLAN;
    if steps.len() > count || steps.iter().any(|step| is_longer(step, length)) {
        return Err(format!("`plan` may have {count} steps of {length} characters at most"));
    }
    Ok(Some(steps))
}

fn is_longer(text: &str, longest: usize) -> bool {
    text.chars().nth(longest).is_some()
}
