//! The entries of a script as they stand in its lines.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json};

use crate::contract::directory;
use crate::contract::events::{Event, EventBody};
use crate::contract::json_text;
use crate::contract::messages::{Envelope, Party};
use crate::contract::session::RunInfo;
use crate::contract::values::BlobId;
use crate::journal::BlobEntry;

/// One line of a script.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    Info(Box<RunInfo>),
    Settings(Map<String, Json>),
    Blob(BlobEntry),
    Clients(Vec<directory::Entry>),
    Event(Box<EventEntry>),
    Move(MoveEntry),
    Envelopes(Vec<EnvelopeEntry>),
    Expect(Vec<Json>),
    ExpectFault(String),
    ExpectRefused(String),
    // What only a journal has; named to tell people what they have before them.
    Journal(IgnoredAny),
    Actions(IgnoredAny),
    Fault(IgnoredAny),
    Moved(IgnoredAny),
}

/// An event whose number and time may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventEntry {
    pub(super) seq: Option<u32>,
    pub(super) time_ms: Option<u64>,
    #[serde(default)]
    token: u32,
    body: EventBody,
    #[serde(default, with = "json_text")]
    extra: String,
}

impl EventEntry {
    pub(super) fn at(self, seq: u32, time_ms: u64) -> Event {
        let Self { token, body, extra, .. } = self;
        Event { seq, time_ms, token, body, extra }
    }
}

/// A move whose time may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MoveEntry {
    pub(super) time_ms: Option<u64>,
}

/// An envelope whose time may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EnvelopeEntry {
    #[serde(default)]
    id: String,
    #[serde(default)]
    kind: String,
    pub(super) time_ms: Option<u64>,
    sender: Party,
    #[serde(default)]
    receivers: Vec<Party>,
    #[serde(default)]
    session_id: String,
    #[serde(default)]
    door: String,
    #[serde(default, with = "json_text")]
    body: String,
    #[serde(default)]
    blobs: Vec<BlobId>,
    #[serde(default, with = "json_text")]
    extra: String,
}

impl EnvelopeEntry {
    pub(super) fn at(self, time_ms: u64) -> Envelope {
        let Self { id, kind, sender, receivers, session_id, door, body, blobs, extra, .. } = self;
        Envelope { id, kind, time_ms, sender, receivers, session_id, door, body, blobs, extra }
    }
}
