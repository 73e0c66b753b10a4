//! What was counted in all that time.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Why a session may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excuse {
    /// Its device was not there, or went away.
    DeviceLost,
    /// Its device was too slow, or gave no answer.
    DeviceSilent,
    /// The one who asked for it went away.
    RequesterLost,
    /// Somebody cancelled it.
    Cancelled,
    /// No plugin was there for it.
    PluginAway,
}

/// How long things took; the spread is kept in steps of an eighth, so that hours of it take no room.
#[derive(Debug, Clone)]
pub struct Spread {
    steps: Vec<u64>,
    longest: Duration,
}

/// Counts of all kinds.
#[derive(Debug, Default)]
pub struct Tally {
    /// Sessions that were asked for, were completed, failed for a reason, and were refused.
    pub asked: u64,
    pub completed: u64,
    pub failed: BTreeMap<Excuse, u64>,
    pub refused: u64,
    /// What was wrong.
    pub wrong: u64,
    /// How long requesters waited until they were told, from the beginning, and from the loss or the cancelling.
    pub told: Spread,
    pub told_of_loss: Spread,
    /// How long heartbeats took.
    pub heartbeats: Spread,
    /// How long it took until a device could come back whose old connection hung.
    pub evictions: Spread,
    /// What was done, by what it was.
    pub done: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts something that was done.
    pub fn did(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }
}

impl Default for Spread {
    fn default() -> Self {
        Self { steps: vec![0; 64 * 8], longest: Duration::ZERO }
    }
}

impl Spread {
    /// Adds one.
    pub fn add(&mut self, took: Duration) {
        self.longest = self.longest.max(took);
        let step = (took.as_micros().max(1) as f64).log2() * 8.0;
        if let Some(count) = self.steps.get_mut(step as usize) {
            *count += 1;
        }
    }

    fn percentile(&self, percent: u64) -> Duration {
        let total: u64 = self.steps.iter().sum();
        let mut before = 0;
        let step = self.steps.iter().position(|count| {
            before += count;
            before * 100 >= total * percent
        });
        let upper = 2f64.powf((step.unwrap_or_default() + 1) as f64 / 8.0);
        Duration::from_secs_f64(upper / 1e6).min(self.longest)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let [middle, late] = [50, 99].map(|percent| ms(self.percentile(percent)));
        write!(f, "p50 {middle:.1} ms, p99 {late:.1} ms, longest {:.1} ms", ms(self.longest))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "sessions: {} asked for, {} completed, {} refused", self.asked, self.completed, self.refused)?;
        for (excuse, count) in &self.failed {
            writeln!(f, "    failed, {excuse:?}: {count}")?;
        }
        for (what, count) in &self.done {
            writeln!(f, "{what}: {count}")?;
        }
        writeln!(f, "from asking to being told: {}", self.told)?;
        writeln!(f, "from loss or cancelling to being told: {}", self.told_of_loss)?;
        writeln!(f, "heartbeats: {}", self.heartbeats)?;
        write!(f, "coming back past a connection that hangs: {}", self.evictions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_are_right_to_an_eighth() {
        let mut spread = Spread::default();
        (1..=1000).for_each(|ms| spread.add(Duration::from_millis(ms)));
        let middle = spread.percentile(50).as_secs_f64();
        assert!((0.5..0.5 * 1.1).contains(&middle), "{middle}");
        assert_eq!(spread.percentile(100), Duration::from_secs(1));
        assert_eq!(Spread::default().percentile(99), Duration::ZERO);
    }
}
