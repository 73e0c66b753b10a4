//! The instance of one run: made, stepped, saved, brought back. After a fault it must not be used again.

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::{Instance, ResourceAny};

use crate::blobs::Blobs;
use crate::component::{Component, Function};
use crate::contract::actions::Action;
use crate::contract::events::Event;
use crate::contract::session::RunInfo;
use crate::contract::values::Failure;
use crate::fault::Fault;
use crate::guest::{Guest, Now, Surroundings};
use crate::log::LogSink;
use crate::manifest::Granted;

/// What a run is given at its birth.
#[derive(Clone)]
pub struct RunSetup {
    /// What the plugin is told about its surroundings.
    pub info: RunInfo,
    /// The session's blobs.
    pub blobs: Arc<Blobs>,
    /// Where the plugin's log goes.
    pub log: Arc<dyn LogSink>,
    /// What the plugin may ask of the host, until the run ends or is moved.
    pub granted: Arc<Granted>,
}

/// The instance, with the function that is called again and again.
pub(crate) struct Live {
    store: Store<Guest>,
    instance: Instance,
    run: ResourceAny,
    step: StepFunction,
}

const CONSTRUCTOR: &str = "[constructor]run";
const STEP: &str = "[method]run.step";
const SAVE: &str = "[method]run.save";
const RESTORE: &str = "[static]run.restore";

type Constructor<'a> = Function<(&'a RunInfo,), ResourceAny>;
type StepFunction = Function<(ResourceAny, Event), Result<Vec<Action>, Failure>>;
type SaveFunction = Function<(ResourceAny,), Result<Vec<u8>, Failure>>;
type RestoreFunction<'a> = Function<(&'a RunInfo, Vec<u8>), Result<ResourceAny, Failure>>;

/// Whether all the functions are there that runs will need, with the types of the contract.
pub(crate) fn check(component: &Component, store: &mut Store<Guest>, instance: &Instance) -> Result<(), Fault> {
    let _: Constructor<'_> = component.function(store, instance, CONSTRUCTOR)?;
    let _: StepFunction = component.function(store, instance, STEP)?;
    let _: SaveFunction = component.function(store, instance, SAVE)?;
    let _: RestoreFunction<'_> = component.function(store, instance, RESTORE)?;
    Ok(())
}

/// A fresh instance, before its constructor has run.
pub(crate) fn instantiate(
    component: &Component,
    setup: &RunSetup,
    permit: OwnedSemaphorePermit,
    now: Now,
) -> Result<(Store<Guest>, Instance), Fault> {
    let around =
        Surroundings { seed: setup.info.seed.clone(), blobs: Arc::clone(&setup.blobs), log: Arc::clone(&setup.log) };
    component.instantiate(around, permit, now)
}

impl Live {
    /// A run from its beginning.
    pub(crate) fn construct(
        component: &Component,
        setup: &RunSetup,
        permit: OwnedSemaphorePermit,
        now: Now,
    ) -> Result<Self, Fault> {
        let (mut store, instance) = instantiate(component, setup, permit, now)?;
        let constructor: Constructor<'_> = component.function(&mut store, &instance, CONSTRUCTOR)?;
        let run = component.call(&mut store, &constructor, (&setup.info,))?;
        Self::of(component, store, instance, run)
    }

    /// A run from a snapshot.
    pub(crate) fn restore(
        component: &Component,
        setup: &RunSetup,
        snapshot: Vec<u8>,
        permit: OwnedSemaphorePermit,
        now: Now,
    ) -> Result<Self, Fault> {
        let (mut store, instance) = instantiate(component, setup, permit, now)?;
        let restore: RestoreFunction<'_> = component.function(&mut store, &instance, RESTORE)?;
        let run = component.call(&mut store, &restore, (&setup.info, snapshot))?.map_err(Fault::Guest)?;
        Self::of(component, store, instance, run)
    }

    fn of(component: &Component, mut store: Store<Guest>, instance: Instance, run: ResourceAny) -> Result<Self, Fault> {
        let step = component.function(&mut store, &instance, STEP)?;
        Ok(Self { store, instance, run, step })
    }

    /// Tells the plugin an event and gives what it returns.
    pub(crate) fn step(&mut self, component: &Component, event: Event, now: Now) -> Result<Vec<Action>, Fault> {
        Guest::begin(&mut self.store, now);
        component.call(&mut self.store, &self.step, (self.run, event))?.map_err(Fault::Guest)
    }

    /// A snapshot, or why there is none now. Only a fault costs the instance its life.
    pub(crate) fn save(&mut self, component: &Component, now: Now) -> Result<Result<Vec<u8>, Failure>, Fault> {
        let limits = &component.limits;
        let save: SaveFunction = component.function(&mut self.store, &self.instance, SAVE)?;
        Guest::begin(&mut self.store, now);
        // What is too large is refused below; handing it over must not end the run.
        self.store.set_hostcall_fuel(limits.hostcall_bytes.max(limits.memory_bytes));
        let saved = component.call(&mut self.store, &save, (self.run,))?;
        self.store.set_hostcall_fuel(limits.hostcall_bytes);
        Ok(saved.and_then(|snapshot| fitting(snapshot, limits.snapshot_bytes)))
    }

    /// Bytes of its memories and tables.
    pub(crate) fn memory(&self) -> usize {
        self.store.data().meter.memory()
    }
}

fn fitting(snapshot: Vec<u8>, limit: usize) -> Result<Vec<u8>, Failure> {
    if snapshot.len() <= limit {
        return Ok(snapshot);
    }
    let text = format!("its snapshot has {} bytes; {limit} are allowed", snapshot.len());
    Err(Failure { code: "limit".into(), text, extra: String::new() })
}
