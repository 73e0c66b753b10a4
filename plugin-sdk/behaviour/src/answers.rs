//! Reading what the host answers.

use serde_json::Value;

use crate::events::{CallResult, UserReply};

impl CallResult {
    /// Whether the call did what it should.
    pub fn is_success(&self) -> bool {
        self.status == "success"
    }

    /// What the tool returned; null where it returned nothing.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.payload).unwrap_or(Value::Null)
    }
}

impl UserReply {
    /// The answer to the question of this id, if there is one.
    pub fn get(&self, id: &str) -> Option<&str> {
        self.answers.iter().find(|answer| answer.id == id).map(|answer| answer.value.as_str())
    }
}
