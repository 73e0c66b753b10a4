//! The library: how soon a changed file serves, and what that costs those who are served meanwhile.

pub mod neighbours;
pub mod pause;
pub mod placed;
pub mod publication;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use hangar_runtime::contract::session::RunInfo;
use hangar_runtime::library::{Change, Library, LibraryConfig, Phases, PlacedRun, Timing};
use hangar_runtime::manifest::HostConfig;
use hangar_runtime::{Blobs, Runtime};
use tempfile::TempDir;
use tokio::runtime::Runtime as Tokio;
use tokio::sync::broadcast::Receiver;

use crate::stage::{Silence, runtime};

/// Whatever takes longer than this is not worth waiting for.
const PATIENCE: Duration = Duration::from_secs(300);

/// A library at work, as a server has it: with a cache, a store, and a file system that tells.
pub struct Live {
    pub tokio: Tokio,
    pub library: Library,
    changes: Receiver<Arc<Change>>,
    folder: TempDir,
}

/// One publication.
pub struct Publication {
    /// From the file's rename until its version serves.
    pub took: Duration,
    /// Of that, what the library says that it spent on what.
    pub phases: Phases,
}

impl Live {
    /// A library that waits for so much quiet, on an empty directory and an empty cache.
    pub fn open(quiet: Duration) -> Result<Self> {
        let (tokio, folder) = (Tokio::new()?, TempDir::new()?);
        let [plugins, next, state, cache] = ["plugins", "next", "state", "cache"].map(|name| folder.path().join(name));
        fs::create_dir(&plugins)?;
        fs::create_dir(&next)?;
        let runtime: Runtime = runtime(&cache, None)?;
        // A look that nobody asked for would begin the wait for quiet anew.
        let timing = Timing { quiet, rescan: Duration::from_secs(24 * 60 * 60), ..Timing::default() };
        // All of them are for the same platform.
        let host = HostConfig { platforms: [("linux".to_owned(), "echo".to_owned())].into(), ..HostConfig::default() };
        let config = LibraryConfig { host, state: Some(state), timing, ..LibraryConfig::of(&plugins) };
        let library = {
            let _inside = tokio.enter();
            Library::open(runtime, config)?
        };
        let changes = library.changes();
        tokio.block_on(library.settled());
        Ok(Self { tokio, library, changes, folder })
    }

    /// Puts a component there as `ID.wasm`, whole and by one rename, and waits until it serves.
    pub fn publish(&mut self, id: &str, component: &[u8]) -> Result<Publication> {
        let Self { tokio, library, changes, folder } = self;
        // Nothing of the last one is under way any more.
        tokio.block_on(library.settled());
        while changes.try_recv().is_ok() {}
        let begin = put(folder.path(), id, component)?;
        let served = tokio.block_on(async { tokio::time::timeout(PATIENCE, serves(changes, id)).await });
        let (at, phases) = served.with_context(|| format!("`{id}` was not published"))??;
        Ok(Publication { took: at.duration_since(begin), phases })
    }

    /// A run of what serves as this plugin.
    pub fn start(&self, id: &str, client: &str, info: RunInfo) -> Result<PlacedRun> {
        start(&self.library, id, client, info)
    }
}

/// A run of what serves as this plugin.
pub fn start(library: &Library, id: &str, client: &str, info: RunInfo) -> Result<PlacedRun> {
    let catalog = library.catalog();
    let generation = catalog.plugin(id).with_context(|| format!("`{id}` does not serve"))?;
    Ok(library.start(generation, client, info, Arc::new(Blobs::default()), Arc::new(Silence))?)
}

/// Gives the moment before the rename.
fn put(folder: &Path, id: &str, component: &[u8]) -> Result<Instant> {
    let name = format!("{id}.wasm");
    let next = folder.join("next").join(&name);
    fs::write(&next, component)?;
    let begin = Instant::now();
    fs::rename(next, folder.join("plugins").join(name))?;
    Ok(begin)
}

async fn serves(changes: &mut Receiver<Arc<Change>>, wanted: &str) -> Result<(Instant, Phases)> {
    loop {
        match &*changes.recv().await? {
            Change::Published { version, took, .. } if version.id == wanted => {
                return Ok((Instant::now(), *took));
            }
            rejected @ Change::Rejected { .. } => bail!("{rejected}"),
            _ => {}
        }
    }
}

/// The same component with other bytes: a custom section at its end, which means nothing.
pub fn variant(component: &Bytes, number: u32) -> Bytes {
    const NAME: &[u8] = b"variant";
    let mut bytes = component.to_vec();
    // A custom section has the id 0; its size, and that of its name, fit in a byte each.
    bytes.extend([0, 1 + NAME.len() as u8 + 4, NAME.len() as u8]);
    bytes.extend(NAME);
    bytes.extend(number.to_le_bytes());
    bytes.into()
}
