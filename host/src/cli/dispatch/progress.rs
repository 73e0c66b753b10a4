//! The line that says how long a task has been at work, for whoever looks at a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::cli::screen::plain;

/// The line on standard error. Where that is no terminal, there is none.
pub struct Progress {
    began: Instant,
    is_shown: bool,
}

impl Progress {
    /// From now on.
    pub fn new() -> Self {
        Self { began: Instant::now(), is_shown: io::stderr().is_terminal() }
    }

    /// How long it has been.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Shows how it stands.
    pub fn show(&self, standing: &str) {
        if self.is_shown {
            let mut stderr = io::stderr();
            // Whoever has gone away does not see it.
            let _ = write!(stderr, "\r\x1b[K{:>4} s  {}", self.elapsed().as_secs(), plain(standing));
            let _ = stderr.flush();
        }
    }

    /// Takes the line away.
    pub fn clear(&self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
