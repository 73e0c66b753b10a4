//! The plugin that drives all sessions: replaced, broken, taken away, and put back.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use hangar_bench::plugin_file::PluginFile;
use hangar_bench::scripted::Scripted;
use tokio::time::{Instant, sleep};

use super::scene::{Scene, some};

/// How long nothing happens to it, at most.
const QUIET: Duration = Duration::from_secs(5);

/// How long it is away, at most, and how long it may take to serve again.
const AWAY: Duration = Duration::from_secs(2);
const BACK_WITHIN: Duration = Duration::from_secs(60);

/// Whoever does all this, and looks whether the plugin serves.
pub struct PluginFiles {
    file: PluginFile,
    scene: Arc<Scene>,
    versions: u32,
    probes: u32,
}

impl PluginFiles {
    /// Begins with the version that is there.
    pub fn begin(file: PluginFile, scene: Arc<Scene>) -> Self {
        Self { file, scene, versions: 0, probes: 0 }
    }

    /// Until the time has come.
    pub async fn storm(&mut self, until: Instant) -> Result<()> {
        while Instant::now() < until {
            sleep(some(QUIET)).await;
            match fastrand::u8(..10) {
                0..6 => self.replace()?,
                6..8 => self.damage()?,
                _ => self.take_away().await?,
            }
        }
        // Whatever lies there now, a good one comes last.
        self.replace()
    }

    fn replace(&mut self) -> Result<()> {
        self.versions += 1;
        self.scene.did("plugins replaced");
        self.file.replace(&self.file.version(self.versions))
    }

    /// Whatever serves goes on serving.
    fn damage(&mut self) -> Result<()> {
        self.scene.did("plugins broken");
        let whole = self.file.version(u32::MAX);
        let half = whole.get(..fastrand::usize(..whole.len() / 2)).unwrap_or_default();
        self.file.replace(half)
    }

    async fn take_away(&mut self) -> Result<()> {
        self.scene.did("plugins taken away");
        self.scene.book().plugin_away(true);
        self.file.take_away()?;
        sleep(some(AWAY)).await;
        self.replace_aside()?;
        self.serves().await?;
        self.scene.book().plugin_away(false);
        Ok(())
    }

    /// It may be broken where it lies aside, and would not serve when it came back.
    fn replace_aside(&mut self) -> Result<()> {
        self.file.bring_back()?;
        self.replace()
    }

    /// Waits until a session is completed, each time on a device of its own, to which nothing else happens.
    pub async fn serves(&mut self) -> Result<()> {
        let until = Instant::now() + BACK_WITHIN;
        while let Err(error) = self.probe().await {
            if Instant::now() > until {
                return Err(error.context("the plugin is back, and does not serve"));
            }
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    async fn probe(&mut self) -> Result<()> {
        self.probes += 1;
        for mut probe in Scripted::crowd(self.scene.server, &format!("probe-{}", self.probes), 1).await? {
            let served = probe.session(Duration::ZERO).await;
            probe.leave().await;
            served?;
        }
        Ok(())
    }
}
