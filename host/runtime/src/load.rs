//! From bytes to a proven component. What takes long, compiling, is done in the background and by few at once; what was
//! compiled before does not wait for it.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::background::{self, Failure};
use crate::blobs::hex;
use crate::component::{Check, Component, link_error};
use crate::fault::Fault;
use crate::handler;
use crate::limits::Limits;
use crate::live;
use crate::load_error::LoadError;
use crate::outline::{Outline, World};
use crate::runtime::Shared;

/// Turns to load, so that loading never takes all cores from serving.
pub(crate) struct Loaders {
    /// What is at hand: milliseconds.
    ready: Arc<Semaphore>,
    /// What has to be compiled: seconds.
    compiling: Arc<Semaphore>,
}

/// What is known of a component before it is compiled.
pub(crate) struct Checked {
    pub(crate) outline: Outline,
    /// The SHA-256 of its bytes.
    pub(crate) hash: String,
    /// Bytes of the file.
    pub(crate) size: usize,
}

impl Loaders {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = || Arc::new(Semaphore::new((cores / 2).max(1)));
        Self { ready: turns(), compiling: turns() }
    }
}

/// Loads a component, which is to be of this world if one is given.
pub(crate) async fn load(
    shared: Arc<Shared>,
    bytes: Bytes,
    wanted: Option<World>,
    limits: Limits,
) -> Result<Arc<Component>, LoadError> {
    let (at, source) = (Arc::clone(&shared), bytes.clone());
    let (checked, compiled) = in_turn(&shared.loaders.ready, move || {
        let checked = check(&source, wanted)?;
        let compiled = at.cache.as_ref().and_then(|cache| cache.find(&at.engine.wasm, &checked.hash));
        Ok((checked, compiled))
    })
    .await?;
    let compiled = match compiled {
        Some(compiled) => compiled,
        None => compile(&shared, bytes, checked.hash.clone()).await?,
    };
    let at = Arc::clone(&shared);
    in_turn(&shared.loaders.ready, move || {
        let (check, limits): (Check, _) = match checked.outline.world {
            World::Behaviour => (live::check, limits),
            // An instance of a handler has no end of its own: its log is bounded by the call alone.
            World::Handler => (handler::check, Limits { log_lines: u32::MAX, ..limits }),
        };
        Component::link(at, &compiled, checked, limits, check).map(Arc::new)
    })
    .await
}

fn check(bytes: &[u8], wanted: Option<World>) -> Result<Checked, LoadError> {
    let outline = Outline::of(bytes)?;
    let found = outline.world;
    if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
        return Err(LoadError::OtherWorld { found, wanted });
    }
    Ok(Checked { outline, hash: hex(&Sha256::digest(bytes)), size: bytes.len() })
}

async fn compile(
    shared: &Arc<Shared>,
    bytes: Bytes,
    hash: String,
) -> Result<wasmtime::component::Component, LoadError> {
    let turn = turn(&shared.loaders.compiling).await?;
    let shared = Arc::clone(shared);
    let compiled = in_background("hangar-compile", turn, move || {
        let engine = &shared.engine.wasm;
        match &shared.cache {
            Some(cache) => cache.compile(engine, &bytes, &hash),
            None => wasmtime::component::Component::new(engine, &bytes),
        }
    });
    compiled.await?.map_err(|error| link_error(&error))
}

async fn turn(turns: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, LoadError> {
    Arc::clone(turns).acquire_owned().await.map_err(|_| LoadError::ShuttingDown)
}

/// Reads, hashes, links or probes, when it is its turn.
async fn in_turn<T: Send + 'static>(
    turns: &Arc<Semaphore>,
    work: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
) -> Result<T, LoadError> {
    in_background("hangar-load", turn(turns).await?, work).await?
}

async fn in_background<T: Send + 'static>(
    name: &str,
    turn: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, LoadError> {
    let done = background::run(name, move || {
        let _turn = turn;
        work()
    });
    done.await.map_err(|failure| match failure {
        Failure::Panicked => LoadError::Link("the compiler cannot take it".into()),
        Failure::NoThread(error) => {
            LoadError::Probe(Fault::Host { what: format!("there is no thread to load it on: {error}") })
        }
    })
}
