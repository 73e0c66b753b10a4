//! How a client behaves: its intervals, limits and patience.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::terms::ClientType;

/// How a client behaves.
#[derive(Clone)]
#[non_exhaustive]
pub struct Options {
    /// The server's key, which is sent in a header. A key in the URL works as well, but URLs end up in logs.
    pub key: Option<String>,
    /// Between two heartbeats.
    pub heartbeat: Duration,
    /// Whether the first heartbeat is sent right after the registration.
    pub heartbeat_at_once: bool,
    /// Between two pings of the WebSocket.
    pub ping: Duration,
    /// How long nothing may come, not even a pong, until the connection counts as lost.
    pub silence: Duration,
    /// How long connecting may take.
    pub connect: Duration,
    /// How long the answer to the registration may take.
    pub registration: Duration,
    /// How long an answer about a device may take.
    pub device_info: Duration,
    /// How long writing one frame may take; a server that takes nothing for so long is gone.
    pub write: Duration,
    /// How long the good-bye may take.
    pub close: Duration,
    /// Messages that may wait to be written; beyond it whoever sends one waits.
    pub outbox: usize,
    /// Events that may wait to be taken; beyond it the connection is given up as lost, because reading must go on.
    pub events: usize,
    /// When to try again.
    pub backoff: Backoff,
    /// Whom to trust with TLS, instead of those that the system trusts.
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

impl Options {
    /// Those that fit a device or a constellation, as the protocol has them.
    pub fn of(client_type: ClientType) -> Self {
        let is_device = client_type == ClientType::Device;
        let seconds = Duration::from_secs;
        Self {
            key: None,
            heartbeat: if is_device { seconds(120) } else { seconds(30) },
            heartbeat_at_once: !is_device,
            ping: if is_device { seconds(20) } else { seconds(30) },
            silence: seconds(180),
            connect: seconds(30),
            registration: seconds(30),
            device_info: seconds(10),
            write: seconds(180),
            close: seconds(10),
            outbox: 64,
            events: 1_024,
            backoff: Backoff::default(),
            tls: None,
        }
    }
}

/// Without the key.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("key", &self.key.as_ref().map(|_| "…"))
            .field("heartbeat", &self.heartbeat)
            .field("ping", &self.ping)
            .field("backoff", &self.backoff)
            .finish_non_exhaustive()
    }
}

/// When a lost connection is tried again: each time after twice as long, and never all clients at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    /// Before the first try.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// Tries in a row after which it is given up; none for never.
    pub attempts: Option<u32>,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(60), attempts: None }
    }
}

impl Backoff {
    /// The pause before try number `attempt`, from 0; `chance` is between 0 and 1 and makes it up to a half shorter.
    pub fn pause(&self, attempt: u32, chance: f64) -> Option<Duration> {
        if self.attempts.is_some_and(|attempts| attempt >= attempts) {
            return None;
        }
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(attempt)).min(self.longest);
        Some(doubled.mul_f64(1.0 - chance.clamp(0.0, 1.0) / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let backoff = Backoff { attempts: Some(100), ..Backoff::default() };
        let pauses: Vec<_> = (0..8).map(|attempt| backoff.pause(attempt, 0.0).unwrap().as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.pause(3, 1.0), Some(Duration::from_secs(4)));
        assert_eq!(backoff.pause(99, 0.0), Some(Duration::from_secs(60)));
        assert_eq!(backoff.pause(100, 0.0), None);
        assert!(Backoff::default().pause(u32::MAX, 0.5).is_some());
    }
}
