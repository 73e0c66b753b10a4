//! How long the library waits for what.

use std::time::Duration;

/// How long the library waits for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// Quiet in the directory before its files are read.
    pub quiet: Duration,
    /// The longest that a directory without quiet is waited for; then whatever lies still in it is read.
    pub longest_unrest: Duration,
    /// After so long the directory is looked at without being asked to.
    pub rescan: Duration,
    /// How long a new version is on probation at least: in this time its former version stands by to take over again.
    pub probation: Duration,
    /// How many runs must have begun on a version before its probation ends. It ends with `drain` in any case.
    pub probation_runs: u64,
    /// How long runs may go on with a version that is no longer published; then they are told to end.
    pub drain: Duration,
    /// When something is tried again for which the host had no room, or a directory that could not be read.
    pub retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(250),
            longest_unrest: Duration::from_secs(2),
            rescan: Duration::from_secs(30),
            probation: Duration::from_secs(60),
            probation_runs: 20,
            drain: Duration::from_secs(600),
            retry: Duration::from_secs(5),
        }
    }
}
