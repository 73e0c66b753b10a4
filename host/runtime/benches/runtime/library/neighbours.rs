//! Whether the runs of one plugin feel it when another one is reloaded again and again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use hangar_runtime::library::PlacedRun;

use super::{Live, variant};
use crate::measure::Samples;
use crate::report::Report;
use crate::stage::{ECHO, Told, bytes};

/// Clients of the plugin that is left alone, and how long each of them does nothing between two steps.
const CLIENTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(1);

/// How long each part of a round lasts, at least, and how many rounds there are: what else the machine does is to meet
/// all parts.
const PART: Duration = Duration::from_secs(3);
const ROUNDS: u32 = 4;

/// Little, so that something is always being loaded.
const QUIET: Duration = Duration::from_millis(10);

/// What a step may take beside a reload: as many times what it takes when it is quiet, or so many milliseconds.
const MOST: (f64, f64) = (2.0, 5.0);

pub fn all(report: &mut Report) -> Result<()> {
    report.spreads_opening(&format!(
        "Steps of one plugin through the workers, {CLIENTS} clients, while another one is reloaded again and again."
    ));
    let mut live = Live::open(QUIET)?;
    live.publish("echo", &bytes(ECHO)?)?;
    let told = Told::new()?;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let mut run = live.start("echo", &format!("client-{number}"), told.info.clone())?;
        live.tokio.block_on(run.feed(told.start()?))?;
        clients.push(run);
    }
    let [rust, javascript] = [bytes("tour-rust")?, bytes("tour-js")?];
    let known = [0, 1, 2].map(|number| variant(&rust, number));
    for version in &known {
        live.publish("other", version)?;
    }
    let mut fresh = 3;
    let mut never_seen = |component: &Bytes| {
        fresh += 1;
        variant(component, fresh)
    };
    let [mut quiet, mut cached, mut cold, mut slow] = [(); 4].map(|()| Samples::default());
    for _ in 0..ROUNDS {
        let step =
            |live: &mut Live, clients, work: &mut dyn FnMut(&mut Live) -> Result<()>| step_beside(live, clients, work);
        let met;
        (clients, met) = step(&mut live, clients, &mut |_| {
            std::thread::sleep(PART);
            Ok(())
        })?;
        quiet.join(met);
        let met;
        let mut known = known.iter().cycle();
        (clients, met) = step(&mut live, clients, &mut |live| {
            again(|| known.next().map(|version| live.publish("other", version)).transpose().map(drop))
        })?;
        cached.join(met);
        let met;
        (clients, met) =
            step(&mut live, clients, &mut |live| again(|| live.publish("other", &never_seen(&rust)).map(drop)))?;
        cold.join(met);
        let met;
        (clients, met) =
            step(&mut live, clients, &mut |live| live.publish("slow", &never_seen(&javascript)).map(drop))?;
        slow.join(met);
    }
    ensure!(clients.iter().all(|run| !run.is_over()), "a run did not live through it");
    report.spread("quiet", &quiet, None);
    let (times, ms) = MOST;
    let limit = (quiet.percentile(99) / 1e3 * times).max(ms);
    for (what, samples) in [
        ("a neighbour's step while Rust is reloaded from the cache", &cached),
        ("a neighbour's step while Rust is compiled", &cold),
        ("a neighbour's step while JavaScript is compiled", &slow),
    ] {
        let as_many_times = samples.percentile(99) / quiet.percentile(99);
        report.spread(&format!("{what}: {as_many_times:.1} × quiet"), samples, Some((99, limit)));
    }
    Ok(())
}

fn again(mut work: impl FnMut() -> Result<()>) -> Result<()> {
    let begin = Instant::now();
    while begin.elapsed() < PART {
        work()?;
    }
    Ok(())
}

/// Does the work while the clients step, and gives them back with what their steps took.
fn step_beside(
    live: &mut Live,
    clients: Vec<PlacedRun>,
    work: &mut dyn FnMut(&mut Live) -> Result<()>,
) -> Result<(Vec<PlacedRun>, Samples)> {
    let is_over = Arc::new(AtomicBool::new(false));
    let stepping: Vec<_> =
        clients.into_iter().map(|run| live.tokio.spawn(step_on(run, Arc::clone(&is_over)))).collect();
    let done = work(live);
    is_over.store(true, Ordering::Relaxed);
    let (mut clients, mut all) = (Vec::new(), Samples::default());
    for client in stepping {
        let (run, met) = live.tokio.block_on(client)??;
        clients.push(run);
        all.join(met);
    }
    done?;
    Ok((clients, all))
}

async fn step_on(mut run: PlacedRun, is_over: Arc<AtomicBool>) -> Result<(PlacedRun, Samples)> {
    let mut samples = Samples::default();
    while !is_over.load(Ordering::Relaxed) {
        let news = Told::news(0);
        let event = run.event(news.time_ms, news.token, news.body);
        let begin = Instant::now();
        let step = run.feed(event).await?;
        samples.add(begin.elapsed());
        drop(step);
        tokio::time::sleep(PAUSE).await;
    }
    Ok((run, samples))
}
