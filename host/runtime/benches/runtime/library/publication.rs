//! From a renamed file to a version that serves, beyond the time that is waited for quiet.

use std::time::Duration;

use anyhow::{Result, ensure};
use hangar_runtime::library::Timing;

use super::{Live, variant};
use crate::measure::Samples;
use crate::report::Report;
use crate::stage::bytes;

/// As many samples of what was compiled before; that of the library's own reading, loading and probing beside them.
const CACHED: u32 = 120;

/// One version serves, one stands by, and the third comes from the cache.
const VERSIONS: u32 = 3;

/// What is compiled for the first time, how often, and how long it may take.
const COLD: [(&str, &str, u32, Option<f64>); 3] =
    [("Rust", "tour-rust", 8, Some(1_000.0)), ("JavaScript", "tour-js", 2, None), ("Python", "tour-python", 1, None)];

pub fn all(report: &mut Report) -> Result<()> {
    let quiet = Timing::default().quiet;
    report.spreads_opening(&format!(
        "From a file's rename to a version that serves. Beyond the debounce: without the {} ms of quiet. With store and cache.",
        quiet.as_millis()
    ));
    cached(quiet, report)?;
    for (language, plugin, rounds, limit) in COLD {
        let mut live = Live::open(quiet)?;
        let (component, mut beyond) = (bytes(plugin)?, Samples::default());
        for round in 0..rounds {
            beyond.add(live.publish("tour", &variant(&component, round))?.took.saturating_sub(quiet));
        }
        let what = format!("{language}: beyond the debounce, never compiled before");
        report.spread(&what, &beyond, limit.map(|limit| (50, limit)));
    }
    Ok(())
}

fn cached(quiet: Duration, report: &mut Report) -> Result<()> {
    let (mut live, component) = (Live::open(quiet)?, bytes("tour-rust")?);
    let [mut whole, mut beyond, mut read, mut load, mut probe] = [(); 5].map(|()| Samples::default());
    for round in 0..VERSIONS + CACHED {
        let published = live.publish("tour", &variant(&component, round % VERSIONS))?;
        if round >= VERSIONS {
            // Otherwise it was kept in readiness, and nothing was loaded.
            ensure!(!published.phases.load.is_zero(), "a version was published that was not loaded");
            whole.add(published.took);
            beyond.add(published.took.saturating_sub(quiet));
            read.add(published.phases.read);
            load.add(published.phases.load);
            probe.add(published.phases.probe);
        }
    }
    report.spread("Rust: with the debounce, from the cache", &whole, None);
    report.spread("Rust: beyond the debounce, from the cache", &beyond, Some((50, 5.0)));
    for (what, samples) in [("reading", &read), ("loading", &load), ("self-test", &probe)] {
        report.spread(&format!("  of that, {what}"), samples, None);
    }
    Ok(())
}
