//! Ten thousand devices that do nothing but answer pings, and what it costs to ask for them all.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use hangar_bench::crowd;
use hangar_bench::http::Http;
use hangar_bench::process::Process;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::measured::{Measured, Samples, Stretch};
use crate::report::{Aim, Report, number};
use crate::stage::Stage;

/// How many devices there are.
const DEVICES: usize = 10_000;

/// The server has pinged each of them after so long, and has had its answer.
const PINGED: Duration = Duration::from_secs(25);

/// What a device may take, in KiB.
const AIM: f64 = 12.0;

/// Connections that ask for the server's health at once, and for how long.
const ASKING: usize = 8;
const LENGTH: Duration = Duration::from_secs(3);

/// Measures it.
pub async fn all(stage: &Stage, report: &mut Report) -> Result<()> {
    let (server, _plugin) = stage.hangar().await?;
    let (address, process) = (server.address(), server.process()?);
    let healthy = health(address, &process).await?;
    report.operations("/api/health, no devices", &healthy, None);

    // What the server has once allocated for a crowd of any size is not counted to the devices.
    let before = process.resident()?;
    let devices = crowd::devices(address, "idle", DEVICES).await?;
    let mut tasks = JoinSet::new();
    for (id, mut socket) in devices {
        tasks.spawn(async move {
            match socket.next().await? {
                Some(frame) => bail!("{id} is told {frame} and did not ask"),
                None => bail!("{id} is thrown out"),
            }
        });
    }
    let stretch = Stretch::begin(&process)?;
    sleep(PINGED).await;
    let mut one = Samples::default();
    one.add(PINGED);
    let pinged = stretch.end(one)?;
    let each = process.resident()?.saturating_sub(before) as f64 / DEVICES as f64 / 1024.0;
    ensure_idle(&mut tasks)?;
    let aim = Aim::most("memory", AIM, "KiB each", each);
    report.figure(format!("idle devices, {DEVICES}"), format!("{} KiB resident each", number(each)), Some(aim));
    let share = format!("{} % of one core", number(pinged.server_share()));
    report.figure("    pinging them", share, None);

    let healthy = health(address, &process).await?;
    report.operations(format!("/api/health, {DEVICES} devices"), &healthy, None);
    ensure_idle(&mut tasks)?;
    server.stop().await
}

/// Whoever is idle waits; a task that is done has failed.
fn ensure_idle(tasks: &mut JoinSet<Result<()>>) -> Result<()> {
    match tasks.try_join_next() {
        None => Ok(()),
        Some(done) => done?,
    }
}

async fn health(address: SocketAddr, process: &Process) -> Result<Measured> {
    let mut tasks = JoinSet::new();
    let stretch = Stretch::begin(process)?;
    let until = Instant::now() + LENGTH;
    for _ in 0..ASKING {
        tasks.spawn(async move {
            let mut http = Http::open(address).await?;
            let mut samples = Samples::default();
            let mut now = Instant::now();
            while now < until {
                let (status, body) = http.get("/api/health").await?;
                ensure!(status == 200, "the server is not well: {status} {}", body.escape_ascii());
                let answered = Instant::now();
                samples.add(answered - now);
                now = answered;
            }
            Ok(samples)
        });
    }
    let mut samples = Samples::default();
    for own in crowd::all(tasks).await? {
        samples.join(own);
    }
    stretch.end(samples)
}
