//! TEMP
use std::collections::BTreeMap;
use serde::{Serialize, Deserialize};
pub(crate) const PAST: usize = 5;
pub(crate) const MARKS: usize = 32;
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub(crate) struct Ledger { pub version: u32, pub plugins: BTreeMap<String, Entry> }
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub(crate) struct Entry { pub place: String, pub history: Vec<Past>, pub marks: BTreeMap<String, Mark>, pub pin: Option<String>, pub disabled: bool }
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Past { pub hash: String, pub component: String, pub version: String, pub published_ms: u64 }
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark { pub kind: MarkKind, pub why: String, pub at_ms: u64 }
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MarkKind { Rejected, Struck, SetAside }
