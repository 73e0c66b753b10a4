//! What a live run takes while it waits for its next event: so many of them at once, after one step each, in a fresh
//! process that does nothing else.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime as Tokio;

use crate::maps::Memory;
use crate::report::Report;
use crate::stage::{Stage, Told, bare, ours, runtime};

/// One measurement.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    bare: bool,
    plugin: String,
    runs: u64,
    cache: PathBuf,
}

/// What one run takes, in bytes; maps are counted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PerRun {
    pub resident: f64,
    pub guest: f64,
    pub written: f64,
    pub page_tables: f64,
    pub maps: f64,
}

impl PerRun {
    /// What is resident and not the guest's.
    pub fn beyond(&self) -> f64 {
        self.resident - self.guest
    }
}

/// Every language at 1,000 runs, and the smallest guest at 10,000 too.
pub fn all(stage: &Stage, report: &mut Report) -> Result<()> {
    report.memory_opening();
    for (at, guest) in stage.languages.iter().enumerate() {
        let many: &[u64] = if at == 0 { &[1_000, 10_000] } else { &[1_000] };
        for runs in many {
            let of = |bare| {
                let order =
                    Order { bare, plugin: guest.plugin.to_owned(), runs: *runs, cache: stage.cache.path().to_owned() };
                in_a_process(&order)
            };
            report.memory(guest.language, *runs, &of(true)?, &of(false)?);
        }
    }
    Ok(())
}

fn in_a_process(order: &Order) -> Result<PerRun> {
    let mut child = Command::new(std::env::current_exe()?);
    child.arg("memory").arg(serde_json::to_string(order)?).stderr(Stdio::inherit());
    let output = child.output()?;
    ensure!(output.status.success(), "{order:?} ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("what a measurement printed")
}

/// Does one measurement and prints it.
pub fn obey(order: &Order) -> Result<()> {
    let per_run = measure(order)?;
    println!("{}", serde_json::to_string(&per_run)?);
    Ok(())
}

fn measure(order: &Order) -> Result<PerRun> {
    let tokio = Tokio::new()?;
    let runtime = runtime(&order.cache, None)?;
    let told = Told::new()?;
    let per_run = if order.bare {
        let bare = bare(&runtime, &order.cache, &order.plugin)?;
        grown(order.runs, || {
            let mut run = bare.start(&told.info)?;
            run.step(told.start()?)?;
            Ok(run)
        })
    } else {
        let behaviour = ours(&tokio, &runtime, &order.plugin)?;
        grown(order.runs, || {
            let mut run = told.run(&behaviour)?;
            run.feed_blocking(told.start()?)?;
            Ok(run)
        })
    };
    // At the limit of memory maps not even the end of a process is sure to work.
    std::mem::forget(tokio);
    per_run
}

/// What so many of them take. The first one is not counted: it brings what all share.
fn grown<T>(runs: u64, mut one: impl FnMut() -> Result<T>) -> Result<PerRun> {
    let mut kept = vec![one()?];
    kept.reserve_exact(usize::try_from(runs)?);
    let before = Memory::now()?;
    for _ in 0..runs {
        kept.push(one()?);
    }
    let after = Memory::now()?;
    drop(kept);
    let each = |what: fn(&Memory) -> u64| (what(&after) as f64 - what(&before) as f64) / runs as f64;
    Ok(PerRun {
        resident: each(|memory| memory.resident),
        guest: each(|memory| memory.guest),
        written: each(|memory| memory.written),
        page_tables: each(|memory| memory.page_tables),
        maps: each(|memory| memory.maps),
    })
}
