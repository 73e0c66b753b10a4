//! Reading messages, and saying what is to become of them.

use serde_json::Value;

use crate::directory::Filter;
use crate::messages::{Denial, Envelope, Hold, Rejection, StartSession, Verdict};
use crate::values::Named;

impl Envelope {
    /// The message.
    pub fn value(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "so that `json!` can stand there")]
impl Verdict {
    /// Lets this body go on in its place.
    pub fn replace_with(body: Value) -> Self {
        Self::Replace(body.to_string())
    }

    /// Sends this to the sender and stops the message.
    pub fn reply_with(body: Value) -> Self {
        Self::Reply(body.to_string())
    }

    /// Stops it and tells the sender why: a code of the contract and a sentence.
    pub fn reject(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Reject(Rejection { code: code.into(), text: text.into(), extra: String::new() })
    }

    /// Sends it to these, each an id that the directory shows.
    pub fn route_to(ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Route(ids.into_iter().map(Into::into).collect())
    }

    /// Keeps it until this receiver is there, or any that fits where it is empty.
    pub fn hold_for(receiver: impl Into<String>, timeout_ms: Option<u32>) -> Self {
        Self::Hold(Hold { receiver: receiver.into(), timeout_ms, extra: String::new() })
    }

    /// Lets a behaviour answer it, on a device or, where that is empty, without one.
    pub fn start_behaviour(behaviour: impl Into<String>, executor: impl Into<String>) -> Self {
        Self::StartSession(StartSession {
            behaviour: behaviour.into(),
            executor: executor.into(),
            extra: String::new(),
        })
    }

    /// Takes these calls out of a command: each the call's id, and why.
    pub fn deny_calls(calls: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        let denial = |(call_id, reason): (_, _)| denial(call_id, reason);
        Self::Deny(calls.into_iter().map(denial).collect())
    }
}

fn denial(call_id: impl Into<String>, reason: impl Into<String>) -> Denial {
    Denial { call_id: call_id.into(), reason: reason.into(), extra: String::new() }
}

impl Default for Filter {
    /// Everybody.
    fn default() -> Self {
        Self {
            kind: String::new(),
            platform: String::new(),
            capabilities: Vec::new(),
            labels: Vec::new(),
            extra: String::new(),
        }
    }
}

impl Named {
    /// Something the contract has no case for.
    pub fn new(kind: impl Into<String>, body: &Value) -> Self {
        Self { kind: kind.into(), body: body.to_string() }
    }
}
