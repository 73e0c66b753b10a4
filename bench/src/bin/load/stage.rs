//! The programs that are measured, and how they are started.

use std::path::PathBuf;

use anyhow::Result;
use hangar_bench::chosen;
use hangar_bench::plugin_file::PluginFile;
use hangar_bench::server::Server;

/// One connection sends more than anybody should: how fast it could be is the question, not how fast it may be.
const CONFIGURATION: &str = "[connections]\nmessages-per-second = 0\n";

/// The programs that are measured.
#[derive(Debug)]
pub struct Stage {
    hangar: PathBuf,
    echo: PathBuf,
}

impl Stage {
    /// Builds what is not there.
    pub fn set(server: Option<PathBuf>) -> Result<Self> {
        Ok(Self { hangar: chosen::hangar(server)?, echo: chosen::echo()? })
    }

    /// A server that nobody has talked to, and its plugin.
    pub async fn hangar(&self) -> Result<(Server, PluginFile)> {
        let (server, mut files) = Server::hangar(&self.hangar, &["linux"], CONFIGURATION).await?;
        // One was asked for, so one is there.
        let file = files.swap_remove(0);
        Ok((server, file))
    }

    /// The echo.
    pub async fn echo(&self) -> Result<Server> {
        Server::echo(&self.echo).await
    }
}
