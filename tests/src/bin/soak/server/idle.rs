//! Ten thousand devices that do nothing, and to whom nothing must happen.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use hangar_bench::crowd;
use tokio::task::JoinSet;

use super::scene::Scene;

/// How many there are.
pub const IDLE: usize = 10_000;

/// What their names begin with.
pub const CROWD: &str = "idle";

/// Brings them in, and writes down whatever happens to one.
pub async fn settle(scene: &Arc<Scene>, server: SocketAddr, tasks: &mut JoinSet<()>) -> Result<()> {
    for (id, mut socket) in crowd::devices(server, CROWD, IDLE).await? {
        let scene = Arc::clone(scene);
        tasks.spawn(async move {
            match socket.next().await {
                Ok(Some(frame)) => scene.wrong(format!("{id}, which asked for nothing, is told {frame}")),
                Ok(None) => scene.wrong(format!("{id}, which did nothing, is thrown out")),
                Err(error) => scene.wrong(format!("{id}, which did nothing, is thrown out: {error:#}")),
            }
        });
    }
    Ok(())
}
