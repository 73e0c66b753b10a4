//! What must hold when all is quiet.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use hangar_bench::http::Http;
use hangar_bench::process::Process;
use serde::Deserialize;
use tokio::time::sleep;

use super::book::TOLD_WITHIN;
use super::idle::{CROWD, IDLE};
use super::scene::{CONSTELLATIONS, DEVICES, Scene, device_id};

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(500);

/// How long all may take to come back, and the server to forget who went away: half-open connections are found by silence.
const TOGETHER: Duration = Duration::from_secs(150);

/// How long nothing has happened when memory is looked at.
const QUIET: Duration = Duration::from_secs(5);

/// Looks at the server when all is quiet.
pub struct Rest {
    scene: Arc<Scene>,
    process: Process,
}

#[derive(Deserialize)]
struct Clients {
    online_clients: Vec<String>,
}

impl Rest {
    /// For this server.
    pub fn new(scene: &Arc<Scene>, process: Process) -> Self {
        Self { scene: Arc::clone(scene), process }
    }

    /// Waits until all devices and constellations are there, and nobody else.
    pub async fn all_are_there(&self) -> Result<()> {
        let until = Instant::now() + TOGETHER;
        loop {
            let Err(missing) = self.registered().await? else { return Ok(()) };
            if Instant::now() > until {
                bail!("the server does not come to know who is there and who is not: {missing}");
            }
            sleep(LOOK).await;
        }
    }

    /// Waits until every session is over and everybody has been told.
    pub async fn everything_has_ended(&self) -> Result<()> {
        let until = Instant::now() + TOLD_WITHIN;
        loop {
            let (going_on, any, all_up) = {
                let mut book = self.scene.book();
                book.look_over(Instant::now());
                (book.going_on(), book.some_session(), book.up() == DEVICES)
            };
            if going_on == 0 && all_up {
                break;
            }
            if Instant::now() > until {
                bail!("{going_on} sessions do not end when all is quiet, such as {any:?}");
            }
            sleep(LOOK).await;
        }
        self.all_are_there().await?;
        self.server_agrees().await
    }

    /// The server itself counts no session, and no connection of somebody who is gone.
    async fn server_agrees(&self) -> Result<()> {
        let all = (IDLE + DEVICES + CONSTELLATIONS) as f64;
        let until = Instant::now() + TOGETHER;
        loop {
            let (status, text) = Http::open(self.scene.server).await?.get("/metrics").await?;
            let text = String::from_utf8_lossy(&text);
            let [sessions, connections] = ["hangar_sessions ", "hangar_connections "].map(|name| {
                let value = text.lines().find_map(|line| line.strip_prefix(name));
                value.and_then(|value| value.trim().parse::<f64>().ok())
            });
            if sessions == Some(0.0) && connections == Some(all) {
                return Ok(());
            }
            if Instant::now() > until {
                bail!(
                    "at rest, the server ({status}) counts {sessions:?} sessions and {connections:?} connections of {all}"
                );
            }
            sleep(LOOK).await;
        }
    }

    /// The server's memory in bytes, after some quiet.
    pub async fn resident(&self) -> Result<u64> {
        sleep(QUIET).await;
        self.process.resident()
    }

    /// How a cycle went.
    pub fn line(&self, memory: &[u64]) -> String {
        let book = self.scene.book();
        let tally = &book.tally;
        let failed: u64 = tally.failed.values().sum();
        let memory = memory.last().copied().unwrap_or_default() >> 20;
        let (completed, wrong) = (tally.completed, tally.wrong);
        format!("{memory} MiB resident; so far {completed} sessions completed, {failed} failed, {wrong} things wrong")
    }

    /// What is missing or too much, if anything is.
    async fn registered(&self) -> Result<Result<(), String>> {
        let mut http = Http::open(self.scene.server).await?;
        let clients = http.json("/api/clients").await?;
        let clients: Clients = serde_json::from_value(clients).context("the clients")?;
        let online: BTreeSet<&str> = clients.online_clients.iter().map(String::as_str).collect();
        if online.len() != clients.online_clients.len() {
            bail!("clients are listed twice");
        }
        let idle = online.iter().filter(|id| id.starts_with(CROWD)).count();
        let constellations = online.iter().filter(|id| id.contains('@')).count();
        let missing: Vec<String> = (0..DEVICES).map(device_id).filter(|id| !online.contains(id.as_str())).collect();
        let strangers = online.len().saturating_sub(idle + constellations + DEVICES);
        if idle == IDLE && constellations == CONSTELLATIONS && missing.is_empty() && strangers == 0 {
            return Ok(Ok(()));
        }
        let missing = missing.first().map_or("none", String::as_str);
        Ok(Err(format!(
            "{idle} of {IDLE} idle devices, {constellations} of {CONSTELLATIONS} constellations, {strangers} others; of \
             the devices that work, the first to be missing: {missing}"
        )))
    }
}
