//! What this crate costs, beside bare wasmtime: the same engine, the same plugins, the same process, the same minute.
//! And what a reload costs, which bare wasmtime does not have.
//!
//!     make bench
//!     make bench BENCH="publication pause"     # only these parts; see [`PARTS`]
//!
//! A harness of its own, because the questions are others than criterion's: distributions and not means, memory and
//! not only time, and two sides that take turns sample by sample, so that whatever else the machine does meets both.
//! The memory figures come from fresh processes of this same program, so that they do not disturb one another.

mod bare;
mod compile;
mod library;
mod maps;
mod measure;
mod memory;
mod report;
mod stage;
mod steps;

use anyhow::{Context, Result, ensure};

use crate::report::Report;
use crate::stage::Stage;

/// Measures something and puts it into the report.
type Part = fn(&mut Report) -> Result<()>;

/// What there is to measure, in this order.
const PARTS: [(&str, Part); 6] = [
    ("runs", runs),
    ("loading", compile::all),
    ("publication", library::publication::all),
    ("pause", library::pause::all),
    ("placed", library::placed::all),
    ("neighbours", library::neighbours::all),
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // This program calls itself with the order for one memory measurement.
    if let [first, order] = arguments.as_slice()
        && first == "memory"
    {
        return memory::obey(&serde_json::from_str(order)?);
    }
    // `cargo bench` calls with `--bench`.
    let wanted: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|argument| !argument.starts_with('-')).collect();
    let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
    let unknown = wanted.iter().find(|name| !names.contains(name));
    ensure!(unknown.is_none(), "there is no part {unknown:?}; there are {}", names.join(", "));
    let mut report = Report::default();
    for (name, part) in PARTS {
        if wanted.is_empty() || wanted.contains(&name) {
            part(&mut report).with_context(|| format!("the part {name} of the benchmark"))?;
        }
    }
    report.verdict();
    Ok(())
}

/// What compiling takes long for, all at once.
fn runs(report: &mut Report) -> Result<()> {
    let stage = Stage::new()?;
    report.opening(&stage.runtime);
    for language in &stage.languages {
        steps::instantiate(&stage, language, report)?;
        steps::first_step(&stage, language, report)?;
        steps::results_step(&stage, language, report)?;
    }
    steps::echo(&stage, report)?;
    steps::echo_by_workers(&stage, report)?;
    memory::all(&stage, report)
}
