//! The entrance: one runtime per process, which loads plugins.

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime::component::Linker;

use crate::behaviour::Behaviour;
use crate::cache::Cache;
use crate::engine::{Allocation, Engine};
use crate::guest::Guest;
use crate::handler::HandlerPlugin;
use crate::imports;
use crate::limits::Limits;
use crate::load::{Loaders, load};
use crate::load_error::LoadError;
use crate::outline::World;
use crate::plugin::Plugin;
use crate::workers::Workers;

/// How a runtime is set up.
#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// Instances that may live at once; none for what the machine bears.
    pub max_live_instances: Option<u32>,
    /// Where compiled plugins are kept; none to compile each time.
    pub cache: Option<PathBuf>,
    /// Reserve room for all instances at the start. Worth it on a server, not in a short-lived tool.
    pub pooling: bool,
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        Self { max_live_instances: None, cache: None, pooling: true }
    }
}

/// Why there is no runtime.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The engine does not start.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// The cache cannot be trusted or used.
    #[error("the compile cache cannot be used: {0}")]
    Cache(#[from] std::io::Error),
}

/// What everything that runs has in common.
pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) cache: Option<Cache>,
    pub(crate) workers: Workers,
    pub(crate) imports_of_behaviours: Linker<Guest>,
    pub(crate) imports_of_handlers: Linker<Guest>,
    pub(crate) loaders: Loaders,
}

/// Loads plugins and runs them; cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    shared: Arc<Shared>,
}

impl Runtime {
    /// Starts the engine.
    pub fn new(config: &RuntimeConfig) -> Result<Self, RuntimeError> {
        let engine_error = |error: wasmtime::Error| RuntimeError::Engine(format!("{error:#}"));
        let engine = Engine::new(config.max_live_instances, config.pooling).map_err(engine_error)?;
        let imports_of_behaviours = imports::of_behaviours(&engine.wasm).map_err(engine_error)?;
        let imports_of_handlers = imports::of_handlers(&engine.wasm).map_err(engine_error)?;
        let cache = config.cache.as_deref().map(Cache::open).transpose()?;
        let (workers, loaders) = (Workers::new(), Loaders::new());
        let shared = Shared { engine, cache, workers, loaders, imports_of_behaviours, imports_of_handlers };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Loads a plugin of whichever world it is.
    pub async fn plugin(&self, bytes: Bytes, limits: Limits) -> Result<Plugin, LoadError> {
        let component = load(Arc::clone(&self.shared), bytes, None, limits).await?;
        Ok(match component.outline.world {
            World::Behaviour => Plugin::Behaviour(Behaviour::new(component)),
            World::Handler => Plugin::Handler(HandlerPlugin::new(component)),
        })
    }

    /// Loads a behaviour: checked, compiled, linked and probed.
    pub async fn behaviour(&self, bytes: Bytes, limits: Limits) -> Result<Behaviour, LoadError> {
        let component = load(Arc::clone(&self.shared), bytes, Some(World::Behaviour), limits).await?;
        Ok(Behaviour::new(component))
    }

    /// Loads a handler: checked, compiled, linked and probed.
    pub async fn handler(&self, bytes: Bytes, limits: Limits) -> Result<HandlerPlugin, LoadError> {
        let component = load(Arc::clone(&self.shared), bytes, Some(World::Handler), limits).await?;
        Ok(HandlerPlugin::new(component))
    }

    /// Where instances get their memory from.
    #[must_use]
    pub fn allocation(&self) -> &Allocation {
        &self.shared.engine.allocation
    }

    /// How many places for live instances there are. Most plugins take one; an instance takes as many as it has linear
    /// memories.
    #[must_use]
    pub fn max_live_instances(&self) -> u32 {
        self.shared.engine.max_live
    }

    /// How many of these places are taken now.
    #[must_use]
    pub fn live_instances(&self) -> u32 {
        self.shared.engine.live()
    }

    /// The engine, for a benchmark that compares this crate with bare wasmtime.
    #[must_use]
    pub fn engine(&self) -> &wasmtime::Engine {
        &self.shared.engine.wasm
    }
}
