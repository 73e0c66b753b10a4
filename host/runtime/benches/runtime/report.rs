//! The table, and whether the aims are met.

use hangar_runtime::Runtime;

use crate::measure::{Pair, Samples};
use crate::memory::PerRun;

/// What an instance may take at the median, in microseconds.
const INSTANTIATE: f64 = 20.0;
/// What a step may take at the median, in microseconds.
const STEP: f64 = 10.0;
/// What an idle run may take beside its guest's memory, in bytes.
const BEYOND: f64 = 65_536.0;
/// What this crate may add: this share, or so many microseconds.
const OVERHEAD: (f64, f64) = (0.10, 2.0);

/// Which aims a row is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The aim for instances.
    Instantiate,
    /// The aim for steps.
    Step,
    /// Only the aim for overhead.
    Run,
    /// None.
    Other,
}

/// Prints rows as they come, and remembers how they stand to the aims.
#[derive(Debug, Default)]
pub struct Report {
    aims: Vec<Aim>,
}

#[derive(Debug)]
struct Aim {
    what: String,
    found: String,
    met: bool,
}

impl Report {
    pub fn opening(&mut self, runtime: &Runtime) {
        println!(
            "\nThis crate beside bare wasmtime: one engine, one process, samples in turns. {:?},",
            runtime.allocation()
        );
        println!("{} cores. Bare: store, WASI and instance; no limits, log, seeds or checks.", cores());
        println!("\nTimes in µs           {:41} bare p50      p99   crate p50      p99    added", "");
    }

    pub fn times(&mut self, language: &str, what: &str, kind: Kind, pair: &Pair) {
        let (bare, ours) = (&pair.bare, &pair.ours);
        let (added, share) = pair.overhead();
        println!(
            "{language:12} {what:50} {:>8} {:>8}    {:>8} {:>8} {:>8} {:>5.0} %",
            number(bare.percentile(50)),
            number(bare.percentile(99)),
            number(ours.percentile(50)),
            number(ours.percentile(99)),
            number(added),
            share * 100.0,
        );
        let median = ours.percentile(50);
        let limit = match kind {
            Kind::Instantiate => Some(INSTANTIATE),
            Kind::Step => Some(STEP),
            Kind::Run | Kind::Other => None,
        };
        if let Some(limit) = limit {
            let found = format!("{median:.1} µs, {:.1} bare", bare.percentile(50));
            self.aim(format!("{language}: {what} in {limit} µs"), found, median <= limit);
        }
        if kind != Kind::Other {
            let (most, few) = OVERHEAD;
            let found = format!("{added:.1} µs, {:.0} %", share * 100.0);
            let what = format!("{language}: {what}: adds {:.0} % or {few} µs", most * 100.0);
            self.aim(what, found, share <= most || added <= few);
        }
    }

    pub fn memory_opening(&mut self) {
        println!(
            "\nIdle runs after one step, KiB each. In fresh processes. Resident: growth of /proc/self/statm. Guest: what"
        );
        println!(
            "of it is in linear memories, by /proc/self/smaps; written: without what all share of the memory's image."
        );
        println!(
            "{:28} {:>9} {:>9} {:>9} {:>9} {:>12} {:>6}",
            "", "resident", "guest", "(written)", "beyond", "page tables", "maps"
        );
    }

    pub fn memory(&mut self, language: &str, runs: u64, bare: &PerRun, ours: &PerRun) {
        for (side, per_run) in [("bare", bare), ("crate", ours)] {
            println!(
                "{language:12} {runs:>7} {side:7} {:>9.1} {:>9.1} {:>9.1} {:>9.1} {:>12.1} {:>6.2}",
                per_run.resident / 1024.0,
                per_run.guest / 1024.0,
                per_run.written / 1024.0,
                per_run.beyond() / 1024.0,
                per_run.page_tables / 1024.0,
                per_run.maps,
            );
        }
        let found = format!("{:.1} KiB, {:.1} bare", ours.beyond() / 1024.0, bare.beyond() / 1024.0);
        let what = format!("{language}, {runs} idle runs: {} KiB each beside the guest's memory", BEYOND / 1024.0);
        self.aim(what, found, ours.beyond() <= BEYOND);
    }

    pub fn compile_opening(&mut self) {
        println!(
            "\nLoading. Bare: only the component. This crate: hashed, checked, cached, linked, and probed with `describe`."
        );
    }

    pub fn placed_opening(&self) {
        println!(
            "\nBare: `Behaviour::start` and `Run::feed`. This crate: through the library, with the plugin looked up."
        );
        println!("\nTimes in µs           {:41} bare p50      p99   crate p50      p99    added", "");
    }

    pub fn spreads_opening(&self, what: &str) {
        println!("\n{what}");
        println!("{:70} {:>8} {:>8} {:>8} {:>8}", "Times in ms", "samples", "p50", "p99", "longest");
    }

    /// A row in milliseconds. What is aimed at is a percentile and how much it may be.
    pub fn spread(&mut self, what: &str, samples: &Samples, aim: Option<(usize, f64)>) {
        let ms = |percent| samples.percentile(percent) / 1e3;
        let [median, late, last] = [50, 99, 100].map(ms);
        println!("{what:70} {:>8} {median:>8.3} {late:>8.3} {last:>8.3}", samples.len());
        if let Some((percent, limit)) = aim {
            let name = if percent == 100 { "longest".to_owned() } else { format!("p{percent}") };
            let found = format!("{name} {:.2} ms", ms(percent));
            self.aim(format!("{what}: {name} in {limit:.1} ms"), found, ms(percent) <= limit);
        }
    }

    pub fn verdict(&self) {
        println!("\nAims");
        for Aim { what, found, met } in &self.aims {
            println!("{:8} {what}: {found}", if *met { "met" } else { "NOT MET" });
        }
    }

    fn aim(&mut self, what: String, found: String, met: bool) {
        self.aims.push(Aim { what, found, met });
    }
}

/// Few digits, whatever the size.
fn number(value: f64) -> String {
    if value.abs() < 10.0 {
        format!("{value:.2}")
    } else if value.abs() < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
