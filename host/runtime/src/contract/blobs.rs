//! What is known of bytes that the host keeps. Mirrors the WIT interface `blob`.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::json_text;

/// What is known of a blob.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct BlobInfo {
    /// The media type, such as `image/png`.
    #[serde(default)]
    pub mime: String,
    /// How many bytes.
    #[serde(default)]
    pub length: u32,
    /// Width in pixels, for a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels, for a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}
