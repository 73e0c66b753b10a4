//! Sessions of one command each: from the request over HTTP to the end that the device is told.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use hangar_bench::frames;
use hangar_bench::http::Http;
use hangar_bench::said::Said;
use hangar_bench::socket::Socket;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::crowd;
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

/// How long the server may say nothing while something is to come.
const PATIENCE: Duration = Duration::from_secs(30);

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

/// A device, and somebody who asks it over HTTP to do things.
#[derive(Debug)]
pub struct Scripted {
    id: String,
    socket: Socket,
    http: Http,
}

impl Scripted {
    /// Many of them.
    pub async fn crowd(server: SocketAddr, crowd: &str, count: usize) -> Result<Vec<Self>> {
        let devices = crowd::devices(server, crowd, count).await?;
        let scripted = |(id, socket)| async move { anyhow::Ok(Self { id, socket, http: Http::open(server).await? }) };
        stream::iter(devices).then(scripted).try_collect().await
    }

    /// One whole session; how long it took. The device takes `hold` for a command.
    pub async fn session(&mut self, hold: Duration) -> Result<Duration> {
        let begin = Instant::now();
        let body = json!({ "client_id": self.id, "request": "$ true" }).to_string();
        let (status, answer) = self.http.post("/api/dispatch", body).await?;
        ensure!(status == 200, "a dispatch is answered with {status}: {}", answer.escape_ascii());
        loop {
            let frame = timeout(PATIENCE, self.socket.answer()).await.context("the server says nothing")??;
            let said = Said::read(&frame)?;
            let answer = match &*said.kind {
                "heartbeat" => continue,
                "task" => {
                    let name = said.task_name.as_deref().unwrap_or_default();
                    // The known clients forget the session that it is to become.
                    frames::own_task(&self.id, None, name, said.user_request.as_deref().unwrap_or_default())
                }
                "command" => {
                    let lists = said.actions.iter().flatten().any(|action| action.tool_name == "list_tools");
                    if !lists && !hold.is_zero() {
                        sleep(hold).await;
                    }
                    frames::results(&self.id, &said, "")
                }
                "task_end" => {
                    ensure!(said.status == "completed", "a session fails: {frame}");
                    return Ok(begin.elapsed());
                }
                _ => bail!("a device is told {frame}"),
            };
            self.socket.send(answer).await?;
        }
    }
}
