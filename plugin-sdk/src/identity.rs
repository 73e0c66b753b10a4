//! What a plugin says about itself: the package's word, and the code's.

use serde_json::{Map, Value, json};

/// What cargo knows of a plugin's package.
pub trait Identity: 'static {
    /// The package's name is the plugin's id.
    const ID: &'static str;
    /// The package's version.
    const VERSION: &'static str;
    /// The package's description.
    const SUMMARY: &'static str;
}

/// The JSON object that `describe` returns.
pub(crate) fn describe<I: Identity>(extensions: &[&str], snapshot: Option<u32>) -> String {
    let mut said = Map::new();
    said.insert("id".into(), I::ID.into());
    said.insert("version".into(), I::VERSION.into());
    said.insert("summary".into(), I::SUMMARY.into());
    if !extensions.is_empty() {
        said.insert("extensions".into(), json!(extensions));
    }
    if let Some(format) = snapshot {
        said.insert("snapshot".into(), format.into());
    }
    Value::Object(said).to_string()
}
