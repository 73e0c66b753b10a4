//! What others notice of many sessions, and of a plugin that is replaced under them.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hangar_bench::plugin_file::PluginFile;
use hangar_bench::scripted::Scripted;
use hangar_bench::socket::Socket;
use hangar_bench::{crowd, frames};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval_at, sleep_until};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::measured::{Measured, Samples, Stretch};
use crate::report::{Aim, Report};
use crate::stage::Stage;

/// Devices whose heartbeats are measured, and how often each has one: 2,000 a second.
const DEVICES: usize = 400;
const EVERY: Duration = Duration::from_millis(200);

/// Devices of which each has a session at any time, and how long its command takes: 200 sessions a second.
const SESSIONS: usize = 100;
const HOLD: Duration = Duration::from_millis(500);

/// How long each scene is, and how often the plugin is replaced in the last one.
const SCENE: Duration = Duration::from_secs(10);
const RELOADS: u32 = 4;

/// What a heartbeat may take at the 99th percentile, in milliseconds.
const AIM: f64 = 5.0;

/// Measures three scenes: nothing else goes on, sessions run, and the plugin is replaced as well.
pub async fn all(stage: &Stage, report: &mut Report) -> Result<()> {
    let (server, plugin) = stage.hangar().await?;
    let (address, process) = (server.address(), server.process()?);
    let mut hearts: Vec<Heart> = crowd::devices(address, "heart", DEVICES).await?.into_iter().map(Heart::of).collect();
    let mut scripted = Scripted::crowd(address, "busy", SESSIONS).await?;
    for (what, sessions, reloads) in [
        ("heartbeats, 2,000 a second, nothing else", false, 0),
        ("heartbeats, while 100 sessions run", true, 0),
        ("heartbeats, and the plugin is replaced 4 times", true, RELOADS),
    ] {
        let stretch = Stretch::begin(&process)?;
        let until = Instant::now() + SCENE;
        let busy = tokio::spawn(sessions_until(if sessions { until } else { Instant::now() }, scripted));
        let replaced = replace(&plugin, until, reloads);
        let (beaten, replaced) = tokio::join!(beat_until(until, hearts), replaced);
        replaced?;
        let (samples, back) = beaten?;
        hearts = back;
        let measured: Measured = stretch.end(samples)?;
        let count;
        (count, scripted) = busy.await??;
        let aim = Aim::most("p99", AIM, "ms", measured.samples.percentile(99));
        report.operations(what, &measured, sessions.then_some(aim));
        if sessions {
            report.figure("    sessions beside them", count, None);
        }
    }
    server.stop().await
}

async fn sessions_until(until: Instant, scripted: Vec<Scripted>) -> Result<(usize, Vec<Scripted>)> {
    let mut tasks = JoinSet::new();
    for mut device in scripted {
        tasks.spawn(async move {
            let mut count = 0;
            while Instant::now() < until {
                device.session(HOLD).await?;
                count += 1;
            }
            Ok((count, device))
        });
    }
    let done = crowd::all(tasks).await?;
    Ok((done.iter().map(|(count, _)| count).sum(), done.into_iter().map(|(_, device)| device).collect()))
}

/// New versions, evenly over the time.
async fn replace(plugin: &PluginFile, until: Instant, reloads: u32) -> Result<()> {
    let step = SCENE / (reloads + 1);
    for number in (1..=reloads).rev() {
        sleep_until((until - step * number).into()).await;
        plugin.replace(&plugin.version(number))?;
    }
    Ok(())
}

/// A device that has a heartbeat now and then.
struct Heart {
    socket: Socket,
    frame: Utf8Bytes,
}

impl Heart {
    fn of((id, socket): (String, Socket)) -> Self {
        Self { socket, frame: frames::heartbeat(&id) }
    }
}

async fn beat_until(until: Instant, hearts: Vec<Heart>) -> Result<(Samples, Vec<Heart>)> {
    let begin = Instant::now();
    let mut tasks = JoinSet::new();
    for (number, mut heart) in (0u32..).zip(hearts) {
        tasks.spawn(async move {
            // Each at its own time.
            let first = begin + EVERY * number / DEVICES as u32;
            let mut beats = interval_at(first.into(), EVERY);
            beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut samples = Samples::default();
            while beats.tick().await < until.into() {
                let begin = Instant::now();
                let answer = heart.socket.ask(heart.frame.clone()).await?;
                samples.add(begin.elapsed());
                ensure!(answer.contains("\"heartbeat\""), "a heartbeat is answered with {answer}");
            }
            Ok((heart, samples))
        });
    }
    let (mut samples, mut hearts) = (Samples::default(), Vec::new());
    for (heart, own) in crowd::all(tasks).await? {
        samples.join(own);
        hearts.push(heart);
    }
    Ok((samples, hearts))
}
