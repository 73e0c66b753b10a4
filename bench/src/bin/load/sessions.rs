//! Sessions of one command each: from the request over HTTP to the end that the device is told.

use std::time::{Duration, Instant};

use anyhow::Result;
use hangar_bench::crowd;
use hangar_bench::scripted::Scripted;
use tokio::task::JoinSet;

use crate::measured::{Samples, Stretch};
use crate::report::{Aim, Report};
use crate::stage::Stage;

/// Devices that each have one session after another.
const DEVICES: usize = 50;

/// How long they have them, once with and once without counting.
const WARM_UP: Duration = Duration::from_secs(2);
const LENGTH: Duration = Duration::from_secs(8);

/// What the server may take for a session, in milliseconds of processor time.
const AIM: f64 = 0.5;

/// Measures it.
pub async fn all(stage: &Stage, report: &mut Report) -> Result<()> {
    let (server, _plugin) = stage.hangar().await?;
    let mut scripted = Scripted::crowd(server.address(), "busy", DEVICES).await?;
    (_, scripted) = busy(scripted, WARM_UP).await?;
    let stretch = Stretch::begin(&server.process()?)?;
    let (samples, _scripted) = busy(scripted, LENGTH).await?;
    let measured = stretch.end(samples)?;
    let aim = Aim::most("CPU", AIM, "ms", measured.server() / 1e3);
    report.operations(format!("sessions of one command, {DEVICES} devices"), &measured, Some(aim));
    server.stop().await
}

async fn busy(scripted: Vec<Scripted>, length: Duration) -> Result<(Samples, Vec<Scripted>)> {
    let until = Instant::now() + length;
    let mut tasks = JoinSet::new();
    for mut device in scripted {
        tasks.spawn(async move {
            let mut samples = Samples::default();
            while Instant::now() < until {
                samples.add(device.session(Duration::ZERO).await?);
            }
            Ok((samples, device))
        });
    }
    let (mut samples, mut scripted) = (Samples::default(), Vec::new());
    for (own, device) in crowd::all(tasks).await? {
        samples.join(own);
        scripted.push(device);
    }
    Ok((samples, scripted))
}
