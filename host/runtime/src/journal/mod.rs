//! The journal of a run: the events it was told, in full, and the hash of what it answered to each.
//!
//! A journal is a text file, a JSON object in each line (see [`Entry`]). It is enough to bring a run back
//! ([`replay()`]), on this machine after a crash or on another one to look at. With its blobs in it, it is a *bundle* and
//! stands for itself. A script for trying a plugin looks much the same; see [`crate::script`].

mod read;
mod recorded_limits;
mod replay;
mod write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::blobs::{Blob, Blobs};
use crate::contract::events::Event;
use crate::contract::session::RunInfo;
use crate::described::Description;
use crate::fault::Fault;
use crate::handover::Handover;
use crate::run::Run;
use crate::step::Step;

pub use read::{Journal, JournalError, Recorded};
pub use recorded_limits::RecordedLimits;
pub(crate) use replay::replay_within;
pub use replay::{Divergence, Replay, replay};
pub use write::JournalWriter;

/// One line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// What was running. The first line of a journal.
    Journal(Header),
    /// What the run was given at its birth, settings and seed included.
    Info(RunInfo),
    /// A blob that later events name.
    Blob(BlobEntry),
    /// What the run was told.
    Event(Event),
    /// What it answered.
    Actions(ActionsEntry),
    /// How it ended, if not by itself.
    Fault(FaultEntry),
    /// From here on another version drives it.
    Moved(MovedEntry),
}

/// What was running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of this format.
    pub version: u32,
    /// The version of the plugin contract.
    pub contract: String,
    /// The hash of the component's bytes.
    pub component: String,
    /// What the plugin was allowed, as the host writes it down.
    #[serde(default)]
    pub grants: serde_json::Value,
    /// What the run could use up. Without it, a replay has the limits of its host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<RecordedLimits>,
}

/// What drives the run from here on, and how it came to be where it is without being told what was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MovedEntry {
    /// The hash of the new component's bytes.
    pub component: String,
    /// When it moved, as the plugin saw it.
    pub time_ms: u64,
    /// The number of the snapshot format, if the component names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<u64>,
    /// What the old component saved, in base64; none where the run had not been told anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Tokens whose last answer had not come yet, in order, and whether each is a timer's.
    #[serde(default)]
    pub outstanding: Vec<(u32, bool)>,
    /// Whether the run had been cancelled.
    #[serde(default)]
    pub cancelled: bool,
    /// What the plugin was allowed from then on, as the host writes it down.
    #[serde(default)]
    pub grants: serde_json::Value,
    /// What the run could use up from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<RecordedLimits>,
}

impl MovedEntry {
    /// What was handed over to this run.
    fn of(run: &Run, handover: &Handover, grants: serde_json::Value) -> Self {
        let Handover { time_ms, snapshot, outstanding, cancelled } = handover;
        Self {
            component: run.behaviour().hash().to_owned(),
            time_ms: *time_ms,
            format: Description::of(run.behaviour().description()).snapshot,
            snapshot: snapshot.as_ref().map(|bytes| STANDARD.encode(bytes)),
            outstanding: outstanding.clone(),
            cancelled: *cancelled,
            grants,
            limits: Some(RecordedLimits::of(run)),
        }
    }

    /// The same as it was in memory.
    fn handover(&self) -> Result<Handover, String> {
        let snapshot = self.snapshot.as_ref().map(|text| STANDARD.decode(text)).transpose();
        let snapshot = snapshot.map_err(|error| error.to_string())?.map(Into::into);
        let (outstanding, cancelled) = (self.outstanding.clone(), self.cancelled);
        Ok(Handover { time_ms: self.time_ms, snapshot, outstanding, cancelled })
    }
}

/// A blob in a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobEntry {
    /// The media type.
    pub mime: String,
    /// The content.
    pub base64: String,
}

impl BlobEntry {
    fn of(blob: &Blob) -> Self {
        Self { mime: blob.mime.clone(), base64: STANDARD.encode(&blob.bytes) }
    }

    /// Puts it where the run finds it, or says why that cannot be.
    pub(crate) fn keep(&self, blobs: &Blobs) -> Result<(), String> {
        let bytes = STANDARD.decode(&self.base64).map_err(|error| error.to_string())?;
        blobs.put(&self.mime, bytes.into()).map_err(|error| error.to_string())?;
        Ok(())
    }
}

/// What a run answered to an event. How long that took does not matter where two answers are compared.
#[derive(Debug, Clone, Eq, Serialize, Deserialize)]
pub struct ActionsEntry {
    /// How many actions.
    pub count: usize,
    /// See [`Step::digest`].
    pub hash: String,
    /// How long the step took with all waiting for its turn, in microseconds, if whoever wrote it has looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_us: Option<u64>,
}

impl PartialEq for ActionsEntry {
    fn eq(&self, other: &Self) -> bool {
        (self.count, &self.hash) == (other.count, &other.hash)
    }
}

impl ActionsEntry {
    fn of(step: &Step) -> Self {
        Self { count: step.count(), hash: step.digest(), took_us: None }
    }
}

/// How a run ended that did not end itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultEntry {
    /// See [`Fault::code`].
    pub code: String,
    /// The same in words.
    pub text: String,
}

impl FaultEntry {
    fn of(fault: &Fault) -> Self {
        Self { code: fault.code().to_owned(), text: fault.to_string() }
    }
}
