//! The signals that end a command which would go on for ever.

use std::io;

/// The signals; as long as it is there, they end nothing by themselves.
pub struct Ends {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// The terminal is gone.
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl Ends {
    /// From now on they do no more than to be told by [`Ends::any`].
    #[cfg(unix)]
    pub fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// From now on they do no more than to be told by [`Ends::any`].
    #[cfg(not(unix))]
    pub fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for one.
    #[cfg(unix)]
    pub async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }

    /// Waits for one.
    #[cfg(not(unix))]
    pub async fn any(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
