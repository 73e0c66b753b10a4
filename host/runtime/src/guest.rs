//! One live instance of a plugin as the host holds it: a store and what its imports work with.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::blobs::Blobs;
use crate::directory::Directory;
use crate::engine::Engine;
use crate::limits::Limits;
use crate::log::{LogSink, PluginLog};
use crate::meter::Meter;
use crate::wasi::{self, Clock};

/// Handles that an instance may hold at once: each costs the host memory that no other limit counts.
const HANDLES: usize = 10_000;

/// What an instance may reach, and nothing else.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) seed: String,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) log: Arc<dyn LogSink>,
}

/// When a call into the plugin happens, as the plugin sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    pub(crate) time_ms: u64,
    /// The least time that the call has: what has happened before may take longer than it could then.
    pub(crate) patience: Duration,
}

impl Now {
    /// At this time, and within the plugin's limits.
    pub(crate) fn at(time_ms: u64) -> Self {
        Self { time_ms, patience: Duration::ZERO }
    }
}

/// The host's side of one instance.
pub(crate) struct Guest {
    wasi: WasiCtx,
    table: ResourceTable,
    clock: Clock,
    pub(crate) meter: Meter,
    pub(crate) log: PluginLog,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) directory: Option<Arc<dyn Directory>>,
    pub(crate) max_live: u32,
    _permit: OwnedSemaphorePermit,
}

impl Guest {
    /// A store for one instance, within its limits.
    pub(crate) fn store(
        engine: &Engine,
        limits: &Limits,
        around: Surroundings,
        permit: OwnedSemaphorePermit,
    ) -> Store<Self> {
        let clock = Clock::default();
        let log = PluginLog::new(around.log, limits);
        let guest = Self {
            wasi: wasi::context(&around.seed, &clock, &log),
            table: ResourceTable::new(),
            clock,
            meter: Meter::new(limits),
            log,
            blobs: around.blobs,
            directory: None,
            max_live: engine.max_live,
            _permit: permit,
        };
        let mut store = Store::new(&engine.wasm, guest);
        store.limiter(|guest| &mut guest.meter);
        store.set_hostcall_fuel(limits.hostcall_bytes);
        store.set_max_component_handles(HANDLES);
        store.epoch_deadline_callback(|mut store| Ok(store.data_mut().meter.tick()));
        store
    }

    /// For the next call, these are its messages' directory and blobs. Without a directory it sees an empty one.
    pub(crate) fn enter(&mut self, directory: Option<Arc<dyn Directory>>, blobs: Arc<Blobs>) {
        self.directory = directory;
        self.blobs = blobs;
    }

    /// What belonged to the messages of the last call is out of reach again.
    pub(crate) fn leave(&mut self) {
        self.directory = None;
        self.blobs = Arc::default();
    }

    /// To be called before every call into the plugin: a fresh budget, and the time of the event.
    pub(crate) fn begin(store: &mut Store<Self>, now: Now) {
        store.set_epoch_deadline(1);
        let guest = store.data_mut();
        guest.clock.set(now.time_ms);
        guest.meter.begin(now.patience);
        guest.log.begin();
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
