//! The tools that a device has, as its `list_tools` tells them.

use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::flaw::Flaw;
use crate::json::Json;
use crate::limits::TOOLS;
use crate::read::ToolFields;
use crate::terms::ToolType;

/// One tool of a device.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolInfo {
    /// `<tool type>::<tool name>`.
    pub tool_key: String,
    /// The name that it is called by.
    pub tool_name: String,
    /// A name for people.
    pub title: Option<String>,
    /// The tool server that has it.
    pub namespace: String,
    /// The set that it is in.
    pub tool_type: ToolType,
    /// What it does.
    pub description: Option<String>,
    /// JSON Schema of its parameters.
    pub input_schema: Option<Json>,
    /// JSON Schema of its results.
    pub output_schema: Option<Json>,
    /// What the tool server adds.
    pub meta: Option<Json>,
    /// Hints of the tool server.
    pub annotations: Option<Json>,
}

/// Why an inventory cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ToolListError {
    /// It is no list.
    #[error("the tool inventory must be a list of tools")]
    NotAList,
    /// It is too long.
    #[error("the tool inventory has {count} tools; {TOOLS} are allowed")]
    TooMany {
        /// How many it has.
        count: usize,
    },
    /// One of the tools cannot be called.
    #[error("tool {index} of the inventory: {why}")]
    Tool {
        /// Which, from 0.
        index: usize,
        /// Why.
        why: Flaw,
    },
}

impl ToolInfo {
    /// Reads the result of `list_tools`. The name and the type of a tool may also stand in its key alone.
    pub fn read_list(inventory: &Json) -> Result<Vec<Self>, ToolListError> {
        let found: Found<'_> = serde_json::from_str(inventory.get()).map_err(|_| ToolListError::NotAList)?;
        if found.count > TOOLS {
            return Err(ToolListError::TooMany { count: found.count });
        }
        let tool = |(index, raw)| Self::read(raw).map_err(|why| ToolListError::Tool { index, why });
        found.tools.into_iter().enumerate().map(tool).collect()
    }

    fn read(raw: &RawValue) -> Result<Self, Flaw> {
        const MISSING: fn(&'static str) -> Flaw = |field| Flaw::Missing { kind: "a tool", field };
        let fields = ToolFields::of(raw).ok_or(Flaw::Wrong { field: "a tool", wanted: "an object" })?;
        let key = fields.tool_key.name("tool_key")?;
        let (key_type, key_name) = key.as_deref().and_then(|key| key.split_once("::")).unzip();
        let name = fields.tool_name.name("tool_name")?.or_else(|| key_name.map(str::to_owned));
        let tool_name = name.filter(|name| !name.trim().is_empty()).ok_or(MISSING("tool_name"))?;
        let tool_type = match fields.tool_type.text("tool_type")?.as_deref().or(key_type) {
            Some(word) => ToolType::read(word)
                .ok_or(Flaw::Wrong { field: "tool_type", wanted: "\"action\" or \"data_collection\"" })?,
            None => return Err(MISSING("tool_type")),
        };
        Ok(Self {
            tool_key: key.unwrap_or_else(|| format!("{tool_type}::{tool_name}")),
            tool_name,
            title: fields.title.name("title")?,
            namespace: fields.namespace.name("namespace")?.unwrap_or_default(),
            tool_type,
            description: fields.description.text("description")?.map(String::from),
            input_schema: fields.input_schema.json(),
            output_schema: fields.output_schema.json(),
            meta: fields.meta.json(),
            annotations: fields.annotations.json(),
        })
    }
}

/// A list as it stands; beyond the limit it is only counted, so that a long one takes no memory.
struct Found<'a> {
    tools: Vec<&'a RawValue>,
    count: usize,
}

impl<'de> Deserialize<'de> for Found<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Found<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Found<'de>, A::Error> {
                let mut tools = Vec::new();
                while tools.len() < TOOLS {
                    let Some(tool) = list.next_element()? else {
                        return Ok(Found { count: tools.len(), tools });
                    };
                    tools.push(tool);
                }
                let mut count = tools.len();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    count += 1;
                }
                Ok(Found { tools, count })
            }
        }
        from.deserialize_seq(List)
    }
}
