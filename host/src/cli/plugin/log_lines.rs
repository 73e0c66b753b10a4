//! What a plugin writes to its log, kept until it is its turn to be printed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hangar_runtime::{Level, LogSink};

/// The lines of a plugin's log since they were last taken.
#[derive(Default)]
pub struct LogLines(Mutex<Vec<(Level, String)>>);

impl LogLines {
    /// What has been written since the last time.
    pub fn take(&self) -> Vec<(Level, String)> {
        std::mem::take(&mut *self.lines())
    }

    fn lines(&self) -> MutexGuard<'_, Vec<(Level, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogSink for LogLines {
    fn line(&self, level: Level, line: &str) {
        self.lines().push((level, line.to_owned()));
    }
}

/// The contract's word for a level.
pub fn word(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}
