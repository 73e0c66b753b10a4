//! When a plugin is taken out of service, and how it comes back.

use std::time::Duration;

/// When a plugin is taken out of service, and how it comes back.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakerRules {
    /// Strikes that open it.
    pub strikes: usize,
    /// The time in which they count together.
    pub window: Duration,
    /// The first pause.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// After so long without a strike all is forgotten.
    pub healthy: Duration,
    /// Clients that are remembered.
    pub clients: usize,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self {
            strikes: 3,
            window: Duration::from_secs(60),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            healthy: Duration::from_secs(60),
            clients: 1_000,
        }
    }
}
