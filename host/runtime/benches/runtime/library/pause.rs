//! Whether those who look into the catalog and begin runs are held up when something is published.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use hangar_runtime::contract::session::RunInfo;
use hangar_runtime::library::Library;

use super::{Live, start, variant};
use crate::measure::Samples;
use crate::report::Report;
use crate::stage::bytes;

/// As many publications, a multiple of the versions that take turns, and rounds with and without them.
const PUBLICATIONS: usize = 42;
const ROUNDS: usize = 4;

/// Little, so that there are many publications.
const QUIET: Duration = Duration::from_millis(10);

/// What a reader does in one go; then it sleeps for a moment, as somebody who has all of a core is interrupted often.
const AT_ONCE: u32 = 100;

/// From here on it is worth asking the system whether it had taken the core from the reader.
const LONG: Duration = Duration::from_micros(50);

/// What readers met.
#[derive(Default)]
struct Met {
    all: Samples,
    /// Those during which the system did not take away their core.
    undisturbed: Samples,
}

pub fn all(report: &mut Report) -> Result<()> {
    report.spreads_opening(
        "How long it takes to look into the catalog, begin a run and drop it, in a loop. Undisturbed: without those where \
         the\nsystem gave the core to somebody else.",
    );
    let (mut live, component) = (Live::open(QUIET)?, bytes("tour-rust")?);
    let versions = [0, 1, 2].map(|number| variant(&component, number));
    for version in &versions {
        live.publish("tour", version)?;
    }
    let (mut quiet, mut publishing) = (Met::default(), Met::default());
    for _ in 0..ROUNDS {
        let library = live.library.clone();
        let begin = Instant::now();
        let ((), met) = beside_readers(&library, || {
            for version in versions.iter().cycle().take(PUBLICATIONS) {
                live.publish("tour", version)?;
            }
            Ok(())
        })?;
        let lasted = begin.elapsed();
        publishing.join(met);
        quiet.join(
            beside_readers(&library, || {
                std::thread::sleep(lasted);
                Ok(())
            })?
            .1,
        );
    }
    report.spread("quiet", &quiet.all, None);
    report.spread("quiet, undisturbed", &quiet.undisturbed, None);
    report.spread(&format!("while {} versions are published", PUBLICATIONS * ROUNDS), &publishing.all, None);
    report.spread("a reader while versions are published, undisturbed", &publishing.undisturbed, Some((100, 1.0)));
    Ok(())
}

/// Does the work, with readers beside it: one core is left free for it, where there are several.
fn beside_readers<T>(library: &Library, work: impl FnOnce() -> Result<T>) -> Result<(T, Met)> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> =
            (0..cores.saturating_sub(1).clamp(1, 4)).map(|_| scope.spawn(|| read(library, &is_over))).collect();
        let done = work();
        is_over.store(true, Ordering::Relaxed);
        let mut met = Met::default();
        for reader in readers {
            met.join(reader.join().map_err(|_| anyhow::anyhow!("a reader has panicked"))??);
        }
        Ok((done?, met))
    })
}

fn read(library: &Library, is_over: &AtomicBool) -> Result<Met> {
    let (info, mut met, mut interrupted) = (RunInfo::default(), Met::default(), interruptions());
    while !is_over.load(Ordering::Relaxed) {
        for _ in 0..AT_ONCE {
            let begin = Instant::now();
            drop(start(library, "tour", "reader", info.clone())?);
            let taken = begin.elapsed();
            met.all.add(taken);
            let before = interrupted;
            if taken >= LONG {
                interrupted = interruptions();
            }
            if interrupted == before {
                met.undisturbed.add(taken);
            }
        }
        std::thread::sleep(Duration::from_micros(50));
        // Those while it went to sleep are no matter here.
        interrupted = interruptions();
    }
    Ok(met)
}

/// How often the system took the core away from this thread; where it does not say, never.
fn interruptions() -> u64 {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or_default()
}

impl Met {
    fn join(&mut self, other: Self) {
        self.all.join(other.all);
        self.undisturbed.join(other.undisturbed);
    }
}
