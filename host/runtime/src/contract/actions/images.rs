//! Having pictures cut, shrunk, joined and marked.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::contract::json_text;
use crate::contract::values::{BlobId, Named};

/// Change a picture.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct EditImage {
    /// The picture to start from.
    #[serde(default)]
    pub source: BlobId,
    /// What to do to it, in order.
    #[serde(default)]
    pub edits: Vec<ImageEdit>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// One change of a picture.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum ImageEdit {
    /// Keep only this part.
    #[component(name = "crop")]
    Crop(Rect),
    /// Scale to this size.
    #[component(name = "resize")]
    Resize(Size),
    /// Put another picture beside it.
    #[component(name = "concat")]
    Concat(Concat),
    /// Draw a frame with a label.
    #[component(name = "mark")]
    Mark(Mark),
    /// A later minor version's edit; refused by a host that does not know it.
    #[component(name = "extension")]
    Extension(Named),
}

/// A rectangle in pixels, from the top left.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Rect {
    /// From the left.
    #[serde(default)]
    pub x: i32,
    /// From the top.
    #[serde(default)]
    pub y: i32,
    /// How wide.
    #[serde(default)]
    pub width: u32,
    /// How high.
    #[serde(default)]
    pub height: u32,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A size in pixels.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Size {
    /// How wide.
    #[serde(default)]
    pub width: u32,
    /// How high.
    #[serde(default)]
    pub height: u32,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Put another picture beside it.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Concat {
    /// The other picture.
    #[serde(default)]
    pub blob: BlobId,
    /// Open: `right`, `below`. Anything else is treated as `right`.
    #[serde(default)]
    pub side: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Draw a frame with a label.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The frame.
    pub rect: Rect,
    /// The label; empty for none.
    #[serde(default)]
    pub label: String,
    /// `#rrggbb`; empty lets the host choose.
    #[serde(default)]
    pub colour: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}
