//! Taking samples on both sides in turns, and what they come to.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Rounds at the start that do not count.
const WARM_UP: usize = 20;

/// Samples of one side.
#[derive(Debug, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    pub fn add(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    pub fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// In microseconds.
    pub fn percentile(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(at).map_or(f64::NAN, |sample| sample.as_secs_f64() * 1e6)
    }
}

/// Samples of both sides.
#[derive(Debug, Default)]
pub struct Pair {
    pub bare: Samples,
    pub ours: Samples,
}

impl Pair {
    /// What this crate adds to the median: microseconds, and the share of the bare median.
    pub fn overhead(&self) -> (f64, f64) {
        let (bare, ours) = (self.bare.percentile(50), self.ours.percentile(50));
        (ours - bare, (ours - bare) / bare)
    }
}

/// Takes so many samples on each side, in turns, and each side goes first every other time.
pub fn beside(
    rounds: usize,
    mut bare: impl FnMut() -> Result<Duration>,
    mut ours: impl FnMut() -> Result<Duration>,
) -> Result<Pair> {
    let mut pair = Pair::default();
    for round in 0..rounds + WARM_UP {
        let bare_first = round % 2 == 0;
        let early = if bare_first { bare()? } else { ours()? };
        let late = if bare_first { ours()? } else { bare()? };
        if round >= WARM_UP {
            pair.bare.add(if bare_first { early } else { late });
            pair.ours.add(if bare_first { late } else { early });
        }
    }
    Ok(pair)
}

/// How long it takes. What it gives is dropped after the clock has stopped.
pub fn time<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<(Duration, T), E> {
    let begin = Instant::now();
    let done = work()?;
    Ok((begin.elapsed(), done))
}
