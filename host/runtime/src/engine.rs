//! The one wasmtime engine: its configuration, its allocator, its clock tick, its cap on live instances.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::fault::Fault;
use crate::limits::{CORE_INSTANCES, MEMORIES, TABLE_ELEMENTS, TABLES};
use crate::machine;

/// How often running plugins are looked at.
const TICK: Duration = Duration::from_millis(10);

/// Live instances when neither the configuration nor the machine says less.
const LIVE_INSTANCES: u32 = 12_000;

/// Where instances get their memory from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allocation {
    /// From slots reserved at the start: fast, and bounded by nature.
    Pooling {
        /// Instances that it is laid out for.
        instances: u32,
    },
    /// From the system each time.
    OnDemand {
        /// Why there is no pool.
        why: String,
    },
}

/// The engine and the permits to live in it.
pub(crate) struct Engine {
    pub(crate) wasm: wasmtime::Engine,
    pub(crate) allocation: Allocation,
    pub(crate) max_live: u32,
    live: Arc<Semaphore>,
}

impl Engine {
    pub(crate) fn new(max_live: Option<u32>, pooling: bool) -> wasmtime::Result<Self> {
        let max_live = max_live_instances(max_live);
        let (wasm, allocation) = if pooling { pooled(max_live)? } else { on_demand("it is switched off")? };
        tick(&wasm)?;
        Ok(Self { wasm, allocation, max_live, live: Arc::new(Semaphore::new(max_live as usize)) })
    }

    /// The right to one live instance, for as long as it is held. An instance takes a place for each of its linear
    /// memories, because these are what the pool and the address space have least of.
    pub(crate) fn admit(&self, memories: u32) -> Result<OwnedSemaphorePermit, Fault> {
        let places = Arc::clone(&self.live).try_acquire_many_owned(memories.max(1));
        places.map_err(|_| Fault::Overloaded { live: self.max_live })
    }

    /// How many places are taken.
    pub(crate) fn live(&self) -> u32 {
        self.max_live.saturating_sub(u32::try_from(self.live.available_permits()).unwrap_or(u32::MAX))
    }
}

/// The configured bound, kept below what the machine bears.
fn max_live_instances(configured: Option<u32>) -> u32 {
    let wanted = configured.unwrap_or(LIVE_INSTANCES).max(1);
    match machine::instances_below_map_limit() {
        Some(bearable) if bearable < wanted => {
            tracing::warn!(
                wanted,
                bearable,
                "fewer plugin instances may live than wanted: raise vm.max_map_count to have more"
            );
            bearable.max(1)
        }
        _ => wanted,
    }
}

/// Asking for the pool is the probe: reserving its address space either works here or it does not.
fn pooled(max_live: u32) -> wasmtime::Result<(wasmtime::Engine, Allocation)> {
    let mut config = config();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(max_live)));
    match wasmtime::Engine::new(&config) {
        Ok(wasm) => Ok((wasm, Allocation::Pooling { instances: max_live })),
        Err(error) => {
            tracing::warn!(%error, "no instance pool on this machine, plugins start more slowly");
            on_demand(&error.to_string())
        }
    }
}

fn on_demand(why: &str) -> wasmtime::Result<(wasmtime::Engine, Allocation)> {
    Ok((wasmtime::Engine::new(&config())?, Allocation::OnDemand { why: why.to_owned() }))
}

/// What every plugin is compiled for and run with.
fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // A step never waits, so calls are plain ones: cheaper, and without a stack of their own.
        .concurrency_support(false)
        // One compilation takes one core; see `compiling.rs`.
        .parallel_compilation(false)
        // No language needs it, and it would take part of the address space checks with it.
        .wasm_memory64(false)
        // Interpreters recurse deeply. It is stack of the thread that steps, of which Rust gives 2 MiB.
        .max_wasm_stack(1 << 20)
        // The same events must give the same actions on every machine.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true);
    config
}

/// Room for guests of every language: interpreters are made of many core instances and need large tables.
fn pool(max_live: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    let per_instance = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    pool.total_component_instances(max_live)
        .total_core_instances(max_live.saturating_mul(16))
        .total_memories(max_live)
        .total_tables(max_live.saturating_mul(per_instance(TABLES)))
        .total_stacks(0)
        .max_core_instances_per_component(per_instance(CORE_INSTANCES))
        .max_tables_per_component(per_instance(TABLES))
        .max_memories_per_component(MEMORIES)
        .max_component_instance_size(8 << 20)
        .max_core_instance_size(8 << 20)
        .table_elements(TABLE_ELEMENTS);
    pool
}

/// A thread that advances the epoch until the engine is gone.
fn tick(engine: &wasmtime::Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new().name("hangar-tick".into()).spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    })?;
    Ok(())
}
