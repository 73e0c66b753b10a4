//! The times of a run: its instance, its first step, a step with 1 KiB of JSON.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::measure::{Pair, beside, time};
use crate::report::{Kind, Report};
use crate::stage::{Guest, Stage, Told};

/// A store and a live instance, which has not been called. For this crate, from the run's creation on.
pub fn instantiate(stage: &Stage, guest: &Guest, report: &mut Report) -> Result<()> {
    let pair = beside(
        guest.rounds,
        || Ok(time(|| guest.bare.instantiate())?.0),
        || {
            let setup = stage.told.setup();
            Ok(time(|| guest.ours.start(setup)?.into_instance())?.0)
        },
    )?;
    report.times(guest.language, "instantiate", Kind::Instantiate, &pair);

    let pair = beside(
        guest.rounds / 2,
        || {
            let instance = guest.bare.instantiate()?;
            Ok(time_to_drop(instance))
        },
        || {
            let instance = stage.told.run(&guest.ours)?.into_instance()?;
            Ok(time_to_drop(instance))
        },
    )?;
    report.times(guest.language, "drop the instance", Kind::Other, &pair);
    Ok(())
}

fn time_to_drop<T>(instance: T) -> Duration {
    let begin = Instant::now();
    drop(instance);
    begin.elapsed()
}

/// Everything from nothing to the first actions: instance, constructor, `start`.
pub fn first_step(stage: &Stage, guest: &Guest, report: &mut Report) -> Result<()> {
    let told = &stage.told;
    let pair = beside(
        guest.rounds,
        || {
            let event = told.start()?;
            let begin = Instant::now();
            let mut run = guest.bare.start(&told.info)?;
            let actions = run.step(event)?;
            let taken = begin.elapsed();
            drop((run, actions));
            Ok(taken)
        },
        || {
            let (event, setup) = (told.start()?, told.setup());
            let begin = Instant::now();
            let mut run = guest.ours.start(setup)?;
            let step = run.feed_blocking(event)?;
            let taken = begin.elapsed();
            drop((run, step));
            Ok(taken)
        },
    )?;
    report.times(guest.language, "instantiate, constructor, first step", Kind::Run, &pair);
    Ok(())
}

/// The tour's step with the results of its commands, in a fresh run each time: a step of real work, in three languages.
pub fn results_step(stage: &Stage, guest: &Guest, report: &mut Report) -> Result<()> {
    let told = &stage.told;
    let pair = beside(
        guest.rounds / 2,
        || {
            let (mut run, event) = (told.bare_before_results(&guest.bare)?, told.results()?);
            Ok(time(|| run.step(event))?.0)
        },
        || {
            let (mut run, event) = (told.ours_before_results(&guest.ours)?, told.results()?);
            Ok(time(|| run.feed_blocking(event))?.0)
        },
    )?;
    report.times(guest.language, "fifth step of the tour, 1 KiB of JSON in", Kind::Run, &pair);
    Ok(())
}

/// The same run again and again: 1 KiB of JSON is read and written anew by the guest.
pub fn echo(stage: &Stage, report: &mut Report) -> Result<()> {
    let guest = &stage.echo;
    let (mut bare, mut ours) = (guest.bare.start(&stage.told.info)?, stage.told.run(&guest.ours)?);
    bare.step(stage.told.start()?)?;
    ours.feed_blocking(stage.told.start()?)?;
    let (mut bare_seq, mut seq) = (0, 0);
    let pair = beside(
        guest.rounds,
        || {
            bare_seq += 1;
            let event = Told::news(bare_seq);
            Ok(time(|| bare.step(event))?.0)
        },
        || {
            seq += 1;
            let event = Told::news(seq);
            Ok(time(|| ours.feed_blocking(event))?.0)
        },
    )?;
    report.times(guest.language, "step, 1 KiB of JSON read and written", Kind::Step, &pair);
    Ok(())
}

/// The same from a task of tokio: through the workers on one side, `spawn_blocking` on the other.
pub fn echo_by_workers(stage: &Stage, report: &mut Report) -> Result<()> {
    let guest = &stage.echo;
    let (mut bare, mut ours) = (guest.bare.start(&stage.told.info)?, stage.told.run(&guest.ours)?);
    bare.step(stage.told.start()?)?;
    ours.feed_blocking(stage.told.start()?)?;
    let rounds = u32::try_from(guest.rounds / 5)?;
    let both = stage.tokio.spawn(async move {
        let mut pair = Pair::default();
        for seq in 1..rounds {
            let event = Told::news(seq);
            let begin = Instant::now();
            let stepped = tokio::task::spawn_blocking(move || (bare.step(event), bare));
            let (actions, back) = stepped.await?;
            pair.bare.add(begin.elapsed());
            bare = back;
            drop(actions?);

            let event = Told::news(seq);
            let begin = Instant::now();
            let step = ours.feed(event).await?;
            pair.ours.add(begin.elapsed());
            drop(step);
        }
        anyhow::Ok(pair)
    });
    let pair = stage.tokio.block_on(both)??;
    report.times(guest.language, "the same from an async task, on a worker", Kind::Run, &pair);
    Ok(())
}
