//! A device that is well behaved, and has one session after another.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::crowd;
use crate::frames;
use crate::http::Http;
use crate::said::Said;
use crate::socket::Socket;

/// How long the server may say nothing while something is to come.
const PATIENCE: Duration = Duration::from_secs(30);

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

    /// Says goodbye.
    pub async fn leave(self) {
        self.socket.close().await;
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
