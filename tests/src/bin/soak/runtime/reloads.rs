//! A plugin directory in which everything goes on at once: runs, new versions, rubbish, and versions that crash.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hangar_runtime::library::{Library, LibraryConfig, PlacedRun, Timing};
use hangar_runtime::manifest::HostConfig;
use hangar_runtime::script::Script;
use hangar_runtime::{Blobs, Runtime};
use tempfile::TempDir;
use tokio::sync::Mutex;

use super::{Silence, chosen};

/// Versions of the plugin that differ in their bytes and in nothing else.
const VERSIONS: u8 = 6;

/// The plugin, and where it lies.
const ID: &str = "tour-rust";
const PLACE: &str = "tour";

/// How long all may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(60);

/// A library on a directory of its own.
pub struct Reloads {
    directory: TempDir,
    library: Library,
    /// One writes at a time, or nobody could tell what lies there.
    versions: Mutex<Vec<Vec<u8>>>,
    reloads: AtomicU64,
    moves: AtomicU64,
    runs: AtomicU64,
}

impl Reloads {
    /// Puts a first version there and waits until it serves.
    pub async fn begin(runtime: &Runtime, root: &Path) -> Result<Self> {
        let component = fs::read(root.join("target/plugins/tour-rust.wasm")).context("run `make plugins`")?;
        let versions: Vec<_> = (0..VERSIONS).map(|number| with_number(&component, number)).collect();
        let directory = tempfile::tempdir()?;
        let folder = directory.path().join(PLACE);
        fs::create_dir(&folder)?;
        fs::copy(root.join("examples/tour/rust/plugin.toml"), folder.join("plugin.toml"))?;
        let timing = Timing {
            quiet: Duration::from_millis(20),
            probation: Duration::from_millis(100),
            probation_runs: 0,
            ..Timing::default()
        };
        let host = "[plugins.tour-rust]\non-reload = \"move\"\n[plugins.tour-rust.grants]\nhost-tools = [\"*\"]\n\
             models = [\"*\"]\ndelegate = [\"*\"]\n";
        let host = HostConfig::parse(host)?;
        let config = LibraryConfig { timing, host, ..LibraryConfig::of(directory.path()) };
        let library = Library::open(runtime.clone(), config)?;
        let (reloads, moves, runs) = Default::default();
        let reloads = Self { directory, library, versions: Mutex::new(versions), reloads, moves, runs };
        reloads.rest().await?;
        Ok(reloads)
    }

    /// Puts another version there, whole or cut off, and does not wait for what comes of it.
    pub async fn reload(&self) -> Result<()> {
        let versions = self.versions.lock().await;
        // Cut off and not merely damaged: what is damaged in its data alone may be taken, and answer otherwise.
        let whole = chosen(&versions)?;
        let length = if fastrand::bool() { whole.len() } else { fastrand::usize(..whole.len() - 1) };
        self.put(whole.get(..length).unwrap_or_default())?;
        self.reloads.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// A whole run must end well on whichever versions it comes to be.
    pub async fn tour(&self, script: &Script) -> Result<()> {
        let catalog = self.library.catalog();
        let generation = catalog.plugin(ID).context("the plugin does not serve")?;
        let (info, blobs) = (script.info().clone(), Arc::new(Blobs::default()));
        for (_, blob) in script.blobs().all() {
            blobs.put(&blob.mime, blob.bytes)?;
        }
        let mut run = self.library.start(generation, "soak", info, blobs, Arc::new(Silence))?;
        let actions = self.play(&mut run, script).await?;
        ensure!(run.is_over() && actions == 33, "a tour in the library ended with {actions} actions");
        self.runs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn play(&self, run: &mut PlacedRun, script: &Script) -> Result<usize> {
        let mut actions = 0;
        for event in script.events() {
            if run.move_along(event.time_ms).await?.is_some() {
                self.moves.fetch_add(1, Ordering::Relaxed);
            }
            actions += run.feed(event.clone()).await?.count();
            tokio::task::yield_now().await;
        }
        Ok(actions)
    }

    /// A good version, alone.
    pub async fn rest(&self) -> Result<()> {
        let versions = self.versions.lock().await;
        self.put(chosen(&versions)?)?;
        let rested = async {
            loop {
                self.library.settled().await;
                let status = self.library.status().await.context("the library is closed")?;
                let plugin = status.plugins.iter().find(|plugin| plugin.id == ID);
                if plugin.is_some_and(|plugin| {
                    plugin.live.is_some() && plugin.former.is_empty() && plugin.candidate.is_none()
                }) {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(PATIENCE, rested).await {
            Ok(rested) => rested,
            Err(_) => bail!("the library does not come to rest: {:?}", self.library.status().await),
        }
    }

    /// What was done.
    pub fn report(&self) -> String {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        format!(
            "reloads {}, runs beside them {}, which moved {} times",
            count(&self.reloads),
            count(&self.runs),
            count(&self.moves)
        )
    }

    fn put(&self, bytes: &[u8]) -> Result<()> {
        let folder = self.directory.path().join(PLACE);
        let (new, place) = (folder.join(".new"), folder.join("tour.wasm"));
        fs::write(&new, bytes)?;
        Ok(fs::rename(new, place)?)
    }
}

/// The same component with a custom section behind it.
fn with_number(component: &[u8], number: u8) -> Vec<u8> {
    let section = [0, 3, 1, b'n', number];
    [component, &section].concat()
}
