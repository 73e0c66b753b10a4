//! Which models there are.

use std::time::Duration;

use super::Secret;

/// One model that plugins may ask.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// The name that plugins ask it by.
    pub name: String,
    /// The role that it has, such as `default`, `vision` or `cheap`; may be empty.
    pub role: String,
    /// The name that the endpoint knows it by.
    pub model: String,
    /// Where it is asked: the base URL of an OpenAI-compatible API.
    pub base_url: String,
    /// What it is asked with, if the endpoint wants a key.
    pub api_key: Option<Secret>,
    /// It understands pictures.
    pub vision: bool,
    /// It calls tools natively.
    pub tools: bool,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How often a call is tried again that failed for reasons that may pass.
    pub retries: u32,
    /// Calls that may be under way at once; others wait.
    pub parallel: usize,
}
