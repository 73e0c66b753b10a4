//! The one table of limits: what a plugin may use up before its run ends.

use std::time::Duration;

/// Bounds on one instance of a plugin. What happens at each is said beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Processor time of one call into the plugin; beyond it the call is cut off and the run ends.
    pub cpu_per_step: Duration,
    /// Wall time of one call, for a machine with far too much to do; beyond it the run ends. It is much longer than the
    /// processor time, so that a plugin that spins beside many others still runs into the limit that it deserves.
    pub wall_per_step: Duration,
    /// Bytes of all linear memories and tables together; beyond it the plugin's allocation fails.
    pub memory_bytes: usize,
    /// Bytes that one call may hand over to the host; beyond it the run ends.
    pub hostcall_bytes: usize,
    /// Actions of one step; beyond it the run ends.
    pub actions_per_step: usize,
    /// Actions whose answer has not come yet; beyond it an action is refused.
    pub outstanding_actions: usize,
    /// Log lines of one step; beyond it lines are dropped and counted.
    pub log_lines_per_step: u32,
    /// Log lines of one run; beyond it lines are dropped and counted.
    pub log_lines: u32,
    /// Bytes of one log line; what is longer is cut.
    pub log_line_bytes: usize,
    /// Bytes of a snapshot, and of the state that one run hands to the next; beyond it the run stays or fails.
    pub snapshot_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu_per_step: Duration::from_millis(500),
            wall_per_step: Duration::from_secs(10),
            memory_bytes: 64 << 20,
            hostcall_bytes: 8 << 20,
            actions_per_step: 64,
            outstanding_actions: 256,
            log_lines_per_step: 200,
            log_lines: 1_000,
            log_line_bytes: 4 << 10,
            snapshot_bytes: 1 << 20,
        }
    }
}

/// Bounds on the blobs of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobLimits {
    /// How many different blobs; beyond it no new one is taken.
    pub count: usize,
    /// Their bytes together; beyond it no new one is taken.
    pub bytes: usize,
}

impl Default for BlobLimits {
    fn default() -> Self {
        Self { count: 1_000, bytes: 256 << 20 }
    }
}

/// The largest component that is looked at, in bytes.
pub const COMPONENT_BYTES: usize = 32 << 20;

/// The most linear memories, tables and core instances that one instance of a plugin may be made of. The interpreters
/// need two memories, two tables and a few dozen core instances; the pool is laid out for it.
pub(crate) const MEMORIES: u32 = 2;
/// See [`MEMORIES`].
pub(crate) const TABLES: usize = 4;
/// See [`MEMORIES`].
pub(crate) const CORE_INSTANCES: usize = 64;
/// The most elements of one table; the same with and without a pool, or a journal would not replay elsewhere.
pub(crate) const TABLE_ELEMENTS: usize = 50_000;
