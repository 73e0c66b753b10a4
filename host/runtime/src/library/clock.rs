//! The library's time: how long ago it was opened.

use std::time::Duration;

use tokio::time::Instant;

/// A moment, counted from when the library was opened. Decisions are made on these alone, so a test can make up its own.
pub(crate) type Moment = Duration;

/// Tells the time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    opened: Instant,
}

impl Clock {
    /// Starts now, at zero.
    pub(crate) fn start() -> Self {
        Self { opened: Instant::now() }
    }

    /// The moment that it is.
    pub(crate) fn now(&self) -> Moment {
        self.opened.elapsed()
    }

    /// When this moment is, for a timer.
    pub(crate) fn at(&self, moment: Moment) -> Instant {
        self.opened + moment
    }
}
