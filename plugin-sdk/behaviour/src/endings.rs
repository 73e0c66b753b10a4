//! How a run ends, and what it has done so far.

use serde_json::Value;

use crate::actions::{Fail, Finish, Progress};

impl Finish {
    /// The run did what was asked; this is its answer.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), results: Vec::new(), state: Vec::new(), extra: String::new() }
    }

    /// Adds a result for programs.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "so that `json!` can stand there")]
    pub fn result(mut self, result: Value) -> Self {
        self.results.push(result.to_string());
        self
    }

    /// What the next run of the session is to be given.
    #[must_use]
    pub fn state(self, state: impl Into<Vec<u8>>) -> Self {
        Self { state: state.into(), ..self }
    }
}

impl Fail {
    /// The run did not do what was asked: a code of the contract, and why.
    pub fn new(code: impl Into<String>, text: impl Into<String>) -> Self {
        Self { code: code.into(), text: text.into(), results: Vec::new(), extra: String::new() }
    }

    /// Adds something that it has nevertheless.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "so that `json!` can stand there")]
    pub fn result(mut self, result: Value) -> Self {
        self.results.push(result.to_string());
        self
    }
}

impl From<serde_json::Error> for Fail {
    fn from(error: serde_json::Error) -> Self {
        Self::new("invalid", format!("This is not the JSON that was expected: {error}"))
    }
}

impl Progress {
    /// The agent step of this number, counted from 1, is done.
    pub fn new(agent_step: u32, summary: impl Into<String>) -> Self {
        Self { agent_step, summary: summary.into(), results: Vec::new(), extra: String::new() }
    }

    /// Adds a result that is there already.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "so that `json!` can stand there")]
    pub fn result(mut self, result: Value) -> Self {
        self.results.push(result.to_string());
        self
    }
}
