//! What is handed over when a run moves to another version.

use bytes::Bytes;

/// What a run took along to another version of its behaviour: all that is needed to begin there once more. It belongs
/// into the journal; see [`JournalWriter::moved`](crate::journal::JournalWriter::moved).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// When that was, as the plugin saw it.
    pub time_ms: u64,
    /// What the old version saved. A run that had not been told anything has nothing to save.
    pub snapshot: Option<Bytes>,
    /// Tokens whose last answer had not come yet, in order, and whether each is a timer's.
    pub outstanding: Vec<(u32, bool)>,
    /// Whether the run had been cancelled.
    pub cancelled: bool,
}
