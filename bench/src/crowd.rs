//! Many sockets that do the same at the same time.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::task::JoinSet;

use crate::frames;
use crate::said::Said;
use crate::socket::Socket;

/// Connections that are made at once.
const AT_ONCE: usize = 64;

/// Devices that are registered, each with its name; those of each crowd have names of their own.
pub async fn devices(server: SocketAddr, crowd: &str, count: usize) -> Result<Vec<(String, Socket)>> {
    let device = |number| async move {
        let id = format!("{crowd}-{number:05}");
        let mut socket = Socket::open(server).await?;
        let answer = socket.ask(frames::device(&id)).await?;
        accepted(&answer).with_context(|| format!("{id} is not registered"))?;
        anyhow::Ok((id, socket))
    };
    stream::iter(0..count).map(device).buffer_unordered(AT_ONCE).try_collect().await
}

/// Sockets that nobody knows by name.
pub async fn sockets(server: SocketAddr, count: usize) -> Result<Vec<Socket>> {
    stream::iter(0..count).map(|_| Socket::open(server)).buffer_unordered(AT_ONCE).try_collect().await
}

/// Whether the answer to a registration says yes.
pub fn accepted(answer: &str) -> Result<()> {
    let said = Said::read(answer)?;
    ensure!(said.status == "ok", "the server says: {}", said.error.unwrap_or_default());
    Ok(())
}

/// Waits for all, and fails with the first that fails.
pub async fn all<T: 'static>(mut tasks: JoinSet<Result<T>>) -> Result<Vec<T>> {
    let mut done = Vec::with_capacity(tasks.len());
    while let Some(task) = tasks.join_next().await {
        done.push(task??);
    }
    Ok(done)
}
