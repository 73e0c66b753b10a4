//! What the server says, as far as it matters here.

use std::borrow::Cow;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A frame of the server.
#[derive(Debug, Deserialize)]
pub struct Said<'a> {
    /// What kind of message it is.
    #[serde(rename = "type", borrow)]
    pub kind: Cow<'a, str>,
    /// How things stand.
    #[serde(borrow)]
    pub status: Cow<'a, str>,
    /// The session that it is about.
    pub session_id: Option<String>,
    /// What an answer must name.
    pub response_id: Option<String>,
    /// What the task is called.
    pub task_name: Option<String>,
    /// What a task is about.
    pub user_request: Option<String>,
    /// What is wrong.
    pub error: Option<String>,
    /// What is to be done.
    #[serde(borrow)]
    pub actions: Option<Vec<Action<'a>>>,
    /// What came of it.
    #[serde(borrow)]
    pub result: Option<&'a RawValue>,
}

/// One thing that is to be done.
#[derive(Debug, Deserialize)]
pub struct Action<'a> {
    /// The tool to be used.
    #[serde(borrow)]
    pub tool_name: Cow<'a, str>,
    /// What the result must name.
    pub call_id: Option<String>,
}

impl<'a> Said<'a> {
    /// Reads a frame; what the server says is canonical, so nothing is forgiven.
    pub fn read(frame: &'a str) -> Result<Self> {
        serde_json::from_str(frame).with_context(|| {
            let beginning: String = frame.chars().take(200).collect();
            format!("the server says what nobody understands: {beginning}")
        })
    }
}
