//! What the library adds to a run: its place on a generation.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use hangar_runtime::Behaviour;

use super::{Live, start};
use crate::measure::{Pair, beside};
use crate::report::{Kind, Report};
use crate::stage::{ECHO, Told, bytes};

const STARTS: usize = 50_000;
const STEPS: u32 = 10_000;

pub fn all(report: &mut Report) -> Result<()> {
    let mut live = Live::open(Duration::from_millis(10))?;
    live.publish("echo", &bytes(ECHO)?)?;
    let generation = live.library.catalog().plugin("echo").cloned().context("it does not serve")?;
    let hangar_runtime::Plugin::Behaviour(behaviour) = &generation.plugin else {
        anyhow::bail!("{ECHO} is no behaviour");
    };
    report.placed_opening();
    let told = Told::new()?;
    starts(&live, behaviour, &told, report)?;
    steps(&live, behaviour, &told, report)
}

/// Until it waits for its first event, and its end; there is no instance yet.
fn starts(live: &Live, behaviour: &Behaviour, told: &Told, report: &mut Report) -> Result<()> {
    let pair = beside(
        STARTS,
        || {
            let setup = told.setup();
            let begin = Instant::now();
            drop(behaviour.start(setup)?);
            Ok(begin.elapsed())
        },
        || {
            let info = told.info.clone();
            let begin = Instant::now();
            drop(start(&live.library, "echo", "client", info)?);
            Ok(begin.elapsed())
        },
    )?;
    report.times("Rust", "begin a run and drop it, without an instance", Kind::Run, &pair);
    Ok(())
}

/// From a task, on a worker, as a server does it.
fn steps(live: &Live, behaviour: &Behaviour, told: &Told, report: &mut Report) -> Result<()> {
    let mut direct = told.run(behaviour)?;
    let mut placed = live.start("echo", "client", told.info.clone())?;
    let first = told.start()?;
    let both = live.tokio.spawn(async move {
        direct.feed(first.clone()).await?;
        placed.feed(first).await?;
        let mut pair = Pair::default();
        for seq in 1..STEPS {
            // In turns, and each goes first every other time.
            for of_placed in [seq % 2 == 0, seq % 2 == 1] {
                let event = Told::news(seq);
                let begin = Instant::now();
                let step = if of_placed { placed.feed(event).await? } else { direct.feed(event).await? };
                let taken = begin.elapsed();
                drop(step);
                if of_placed { pair.ours.add(taken) } else { pair.bare.add(taken) }
            }
        }
        anyhow::Ok(pair)
    });
    let pair = live.tokio.block_on(both)??;
    report.times("Rust", "step, 1 KiB of JSON, on a worker", Kind::Run, &pair);
    Ok(())
}
