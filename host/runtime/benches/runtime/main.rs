//! What this crate costs, beside bare wasmtime: the same engine, the same plugins, the same process, the same minute.
//!
//!     make bench
//!
//! A harness of its own, because the questions are others than criterion's: distributions and not means, memory and
//! not only time, and two sides that take turns sample by sample, so that whatever else the machine does meets both.
//! The memory figures come from fresh processes of this same program, so that they do not disturb one another.

mod bare;
mod compile;
mod maps;
mod measure;
mod memory;
mod report;
mod stage;
mod steps;

use anyhow::{Context, Result};

use crate::report::Report;

fn main() -> Result<()> {
    // `cargo bench` calls with `--bench`; this program calls itself with the order for one memory measurement.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, order] = arguments.as_slice()
        && first == "memory"
    {
        return memory::obey(&serde_json::from_str(order)?);
    }
    let stage = stage::Stage::new().context("the stage for the benchmark")?;
    let mut report = Report::default();
    report.opening(&stage.runtime);
    for language in &stage.languages {
        steps::instantiate(&stage, language, &mut report)?;
        steps::first_step(&stage, language, &mut report)?;
        steps::results_step(&stage, language, &mut report)?;
    }
    steps::echo(&stage, &mut report)?;
    steps::echo_by_workers(&stage, &mut report)?;
    memory::all(&stage, &mut report)?;
    drop(stage);
    compile::all(&mut report)?;
    report.verdict();
    Ok(())
}
