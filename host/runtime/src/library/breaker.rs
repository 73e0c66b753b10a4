//! When a plugin is taken out of service, and how it comes back.

use std::time::Duration;

use fastrand::Rng;

use super::clock::Moment;

/// How strikes are judged: crashes and the like, see [`crate::Fault::is_strike`].
#[derive(Debug, Clone, PartialEq)]
pub struct BreakerRules {
    /// So many strikes within the window open a breaker.
    pub strikes: usize,
    /// How long a strike counts.
    pub window: Duration,
    /// The first pause; each further one is twice as long.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
    /// After so long without a strike all is well again.
    pub healthy: Duration,
    /// How many clients that had strikes are remembered; beyond it the one that had none for the longest is forgotten.
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

/// What a breaker does with those who come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerPhase {
    /// It lets all pass.
    Closed,
    /// It lets nobody pass before this time, counted from when the library was opened; then one run, as a probe.
    Open {
        /// When the pause is over; it may be past.
        until: Duration,
    },
    /// A probe is at work, and nobody else may pass.
    HalfOpen,
}

/// Counts strikes, opens when there are too many, and closes when a probe went well. Runs are told apart by their
/// numbers, so that one that began long before is not taken for the probe. Strikes of the same culprit `C` count once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Breaker<C> {
    state: State,
    /// How often it opened since all was well.
    times: u32,
    /// The last strike of each culprit; fewer than open the breaker.
    strikes: Vec<(C, Moment)>,
    random: Rng,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// Since when nothing has happened.
    Closed {
        calm_since: Moment,
    },
    Open {
        until: Moment,
    },
    HalfOpen {
        probe: u64,
        since: Moment,
    },
}

impl<C: PartialEq> Breaker<C> {
    /// A closed one. Its pauses vary a little, as the seed has it, so that not everything comes back at once.
    pub(crate) fn new(seed: u64) -> Self {
        let state = State::Closed { calm_since: Moment::ZERO };
        Self { state, times: 0, strikes: Vec::new(), random: Rng::with_seed(seed) }
    }

    /// After how long to come again, if nobody may pass now.
    pub(crate) fn refuses(&mut self, now: Moment, rules: &BreakerRules) -> Option<Duration> {
        self.settle(now, rules);
        match self.state {
            State::Closed { .. } => None,
            State::Open { until } => Some(until.saturating_sub(now)).filter(|wait| !wait.is_zero()),
            // When the probe ends is not known; if it goes on, it is as good as ended then.
            State::HalfOpen { since, .. } => {
                Some(since.saturating_add(rules.healthy).saturating_sub(now).min(rules.first_pause))
            }
        }
    }

    /// Lets the run of this number pass, or says after how long to come again.
    pub(crate) fn admit(&mut self, run: u64, now: Moment, rules: &BreakerRules) -> Result<(), Duration> {
        if let Some(wait) = self.refuses(now, rules) {
            return Err(wait);
        }
        if let State::Open { .. } = self.state {
            self.state = State::HalfOpen { probe: run, since: now };
        }
        Ok(())
    }

    /// A run had a strike that is this one's fault. Says whether the breaker opens with it.
    pub(crate) fn struck(&mut self, run: u64, culprit: C, now: Moment, rules: &BreakerRules) -> bool {
        self.settle(now, rules);
        let opens = match self.state {
            State::Closed { .. } => {
                self.state = State::Closed { calm_since: now };
                self.strikes.retain(|(other, at)| *other != culprit && now.saturating_sub(*at) < rules.window);
                self.strikes.push((culprit, now));
                self.strikes.len() >= rules.strikes
            }
            State::HalfOpen { probe, .. } => probe == run,
            State::Open { .. } => false,
        };
        if opens {
            self.open(now, rules);
        }
        opens
    }

    /// A run went well.
    pub(crate) fn ended(&mut self, run: u64, now: Moment, rules: &BreakerRules) {
        if self.is_probe(run, now, rules) {
            self.state = State::Closed { calm_since: now };
        }
    }

    /// A run is gone, and nothing is said about it. If it was the probe, the next one to come is.
    pub(crate) fn abandoned(&mut self, run: u64, now: Moment, rules: &BreakerRules) {
        if self.is_probe(run, now, rules) {
            self.state = State::Open { until: now };
        }
    }

    /// What it does with those who come now.
    pub(crate) fn phase(&mut self, now: Moment, rules: &BreakerRules) -> BreakerPhase {
        self.settle(now, rules);
        match self.state {
            State::Closed { .. } => BreakerPhase::Closed,
            State::Open { until } => BreakerPhase::Open { until },
            State::HalfOpen { .. } => BreakerPhase::HalfOpen,
        }
    }

    /// Whether this run is the probe.
    pub(crate) fn is_probe(&mut self, run: u64, now: Moment, rules: &BreakerRules) -> bool {
        self.settle(now, rules);
        matches!(self.state, State::HalfOpen { probe, .. } if probe == run)
    }

    /// Whether it might as well be a new one.
    pub(crate) fn is_blank(&mut self, now: Moment, rules: &BreakerRules) -> bool {
        self.settle(now, rules);
        let is_old = |at: &Moment| now.saturating_sub(*at) >= rules.window;
        matches!(self.state, State::Closed { .. }) && self.times == 0 && self.strikes.iter().all(|(_, at)| is_old(at))
    }

    fn open(&mut self, now: Moment, rules: &BreakerRules) {
        let doubled = rules.first_pause.saturating_mul(1_u32.checked_shl(self.times).unwrap_or(u32::MAX));
        let varied = doubled.min(rules.longest_pause).saturating_mul(self.random.u32(80..=120)) / 100;
        self.times = self.times.saturating_add(1);
        self.strikes.clear();
        self.state = State::Open { until: now.saturating_add(varied.min(rules.longest_pause)) };
    }

    /// What time alone has brought about: a probe that goes on for so long is well, and so is who had no strike for so long.
    fn settle(&mut self, now: Moment, rules: &BreakerRules) {
        if let State::HalfOpen { since, .. } = self.state
            && now.saturating_sub(since) >= rules.healthy
        {
            self.state = State::Closed { calm_since: since.saturating_add(rules.healthy) };
        }
        if let State::Closed { calm_since } = self.state
            && now.saturating_sub(calm_since) >= rules.healthy
        {
            self.times = 0;
        }
    }
}

#[cfg(test)]
mod tests;
