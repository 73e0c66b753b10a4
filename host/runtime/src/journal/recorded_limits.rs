//! The limits that a run kept, as far as what it answers can depend on them.

use serde::{Deserialize, Serialize};

use crate::behaviour::Behaviour;
use crate::limits::{BlobLimits, Limits};
use crate::run::Run;

/// As many bytes as a journal can make a host allow, unless it allows more by itself.
const MOST_BYTES: usize = 1 << 30;

/// The limits of a run that it could notice: with others it might answer otherwise. Time is none of them, since a replay
/// has all the time that it needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedLimits {
    /// See [`Limits::memory_bytes`].
    pub memory: usize,
    /// See [`Limits::hostcall_bytes`].
    pub hostcall: usize,
    /// See [`Limits::actions_per_step`].
    pub actions_per_step: usize,
    /// See [`Limits::outstanding_actions`].
    pub outstanding_actions: usize,
    /// See [`Limits::snapshot_bytes`].
    pub snapshot: usize,
    /// See [`BlobLimits::count`].
    pub blob_count: usize,
    /// See [`BlobLimits::bytes`].
    pub blob_bytes: usize,
}

impl RecordedLimits {
    /// Those of this run, as it is now.
    pub(super) fn of(run: &Run) -> Self {
        let (limits, blobs) = (&run.behaviour().component.limits, run.setup().blobs.limits());
        Self {
            memory: limits.memory_bytes,
            hostcall: limits.hostcall_bytes,
            actions_per_step: limits.actions_per_step,
            outstanding_actions: limits.outstanding_actions,
            snapshot: limits.snapshot_bytes,
            blob_count: blobs.count,
            blob_bytes: blobs.bytes,
        }
    }

    /// The behaviour within these limits, whatever its own are.
    pub(super) fn hold(&self, behaviour: &Behaviour) -> Behaviour {
        let own = &behaviour.component.limits;
        let bytes = |recorded: usize, own: usize| recorded.min(own.max(MOST_BYTES));
        let limits = Limits {
            memory_bytes: bytes(self.memory, own.memory_bytes),
            hostcall_bytes: bytes(self.hostcall, own.hostcall_bytes),
            actions_per_step: self.actions_per_step,
            outstanding_actions: self.outstanding_actions,
            snapshot_bytes: bytes(self.snapshot, own.snapshot_bytes),
            ..own.clone()
        };
        if limits == *own { behaviour.clone() } else { behaviour.within(limits) }
    }

    /// How many blobs there may be.
    pub(super) fn blobs(&self) -> BlobLimits {
        BlobLimits { count: self.blob_count, bytes: self.blob_bytes.min(MOST_BYTES) }
    }
}
