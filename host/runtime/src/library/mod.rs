//! The library: a directory of plugins that is live. Files come, change, break and go; what is published is always a
//! version that was proven, and nothing that runs is disturbed.

mod account;
mod archive;
mod breaker;
mod catalog;
mod change;
mod client_name;
mod clock;
#[cfg(test)]
mod documented;
mod examine;
mod files;
mod fingerprint;
mod generation;
mod ledger;
mod lifecycle;
mod links;
mod look;
mod package;
mod placed_run;
mod record;
mod scribe;
mod service;
mod shadow;
#[cfg(test)]
mod stage;
mod status;
mod store;
mod task;
mod timing;
mod watcher;
mod work;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::blobs::Blobs;
use crate::contract::session::RunInfo;
use crate::log::LogSink;
use crate::manifest::HostConfig;
use crate::runtime::Runtime;
use store::Store;
use task::{Call, Task};

pub use breaker::{BreakerPhase, BreakerRules};
pub use catalog::Catalog;
pub use change::{BreakerWord, Change, Phases, Stage, VersionName, Why};
pub use generation::{Generation, HandleError, StartError, Survey};
pub use lifecycle::{Order, OrderError};
pub use look::places_in;
pub use placed_run::{Moved, PlacedRun};
pub use record::{RecordSurvey, Refusal};
pub use service::Standing;
pub use status::{Candidate, GenerationStatus, PastVersion, PluginStatus, State, Status, Stray};
pub use store::status_in;
pub use timing::Timing;
pub use watcher::Watching;

/// Changes that a slow listener may be behind before it misses some.
const CHANGES: usize = 1_024;

/// Calls that may wait for the library.
const CALLS: usize = 64;

/// What a library is opened with.
#[derive(Debug, Clone, PartialEq)]
pub struct LibraryConfig {
    /// The plugin directory.
    pub directory: PathBuf,
    /// What the operator says of plugins.
    pub host: HostConfig,
    /// How changes are noticed.
    pub watching: Watching,
    /// Where to keep what must outlast the process; none to keep nothing.
    pub state: Option<PathBuf>,
    /// Where journals of former runs lie, in a folder for each plugin, for candidates to be played against.
    pub journals: Option<PathBuf>,
    /// How long to wait for what.
    pub timing: Timing,
    /// When a version is taken out of service.
    pub breaker: BreakerRules,
}

impl LibraryConfig {
    /// For this directory, and for the rest what is usual.
    #[must_use]
    pub fn of(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            host: HostConfig::default(),
            watching: Watching::default(),
            state: None,
            journals: None,
            timing: Timing::default(),
            breaker: BreakerRules::default(),
        }
    }
}

/// The library; cheap to clone. It works until it is closed, or the last clone is gone.
#[derive(Clone)]
pub struct Library {
    catalog: Arc<ArcSwap<Catalog>>,
    changes: broadcast::Sender<Arc<Change>>,
    calls: mpsc::Sender<Call>,
}

impl Library {
    /// Opens the library and begins to look at the directory; see [`Library::settled`]. An error is one of what is kept
    /// over a restart. A directory that cannot be read is none: it may come.
    pub fn open(runtime: Runtime, config: LibraryConfig) -> io::Result<Self> {
        let store = Arc::new(Store::open(config.state.as_deref())?);
        let catalog = Arc::<ArcSwap<Catalog>>::default();
        let (changes, _) = broadcast::channel(CHANGES);
        let (calls, called) = mpsc::channel(CALLS);
        let task = Task::new(runtime, config, store, Arc::clone(&catalog), changes.clone(), called);
        tokio::spawn(task.run());
        Ok(Self { catalog, changes, calls })
    }

    /// What is published now.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.catalog.load_full()
    }

    /// Begins a run for this client; see [`Generation::start`].
    pub fn start(
        &self,
        generation: &Arc<Generation>,
        client: &str,
        info: RunInfo,
        blobs: Arc<Blobs>,
        log: Arc<dyn LogSink>,
    ) -> Result<PlacedRun, StartError> {
        generation.start(client, info, blobs, log, &self.catalog)
    }

    /// Everything that happens from now on. Who does not keep up is told how many changes it has missed.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Arc<Change>> {
        self.changes.subscribe()
    }

    /// Waits until the directory was seen and nothing of it is under way.
    pub async fn settled(&self) {
        let (answer, settled) = oneshot::channel();
        let _ = self.calls.send(Call::Settled(answer)).await;
        let _ = settled.await;
    }

    /// How everything stands; none once the library is closed.
    pub async fn status(&self) -> Option<Status> {
        let (answer, status) = oneshot::channel();
        self.calls.send(Call::Status(answer)).await.ok()?;
        status.await.ok()
    }

    /// Has something done about a plugin. What comes of it is told as a change.
    pub async fn order(&self, id: &str, order: Order) -> Result<(), OrderError> {
        let (answer, done) = oneshot::channel();
        self.calls.send(Call::Order(id.to_owned(), order, answer)).await.map_err(|_| OrderError::Closed)?;
        done.await.map_err(|_| OrderError::Closed)?
    }

    /// Looks at the directory without waiting for it to stir.
    pub async fn look_now(&self) {
        let _ = self.calls.send(Call::LookNow).await;
    }

    /// Stops watching, and waits until what must outlast the process is written down. Runs go on where they are.
    pub async fn close(&self) {
        let _ = self.calls.send(Call::Close).await;
        self.calls.closed().await;
    }

    /// Takes another configuration of the host. What it changes for a plugin holds for the runs that begin after it.
    pub async fn configure(&self, host: HostConfig) {
        let _ = self.calls.send(Call::Configure(Box::new(host))).await;
    }
}
