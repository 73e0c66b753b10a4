//! A plugin's component: compiled, linked, probed, ready to be instantiated any number of times.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance, InstancePre, Lift, Lower, TypedFunc};

use crate::blobs::Blobs;
use crate::contract::{PACKAGE, VERSION};
use crate::fault::{Fault, classify};
use crate::guest::{Guest, Now, Surroundings};
use crate::limits::{Limits, MEMORIES};
use crate::load::Checked;
use crate::load_error::LoadError;
use crate::log::{LogSink, TracingSink};
use crate::outline::{Outline, World};
use crate::runtime::Shared;
use crate::workers::{Share, Turn};

/// A function that a component exports, with its types.
pub(crate) type Function<Params, Result> = TypedFunc<Params, (Result,)>;

/// Finds out whether an instance exports the functions that its world needs, with the types of the contract.
pub(crate) type Check = fn(&Component, &mut Store<Guest>, &Instance) -> Result<(), Fault>;

/// One version of one plugin, ready to run.
pub(crate) struct Component {
    pub(crate) shared: Arc<Shared>,
    pub(crate) limits: Limits,
    pub(crate) hash: String,
    /// Bytes of the file.
    pub(crate) size: usize,
    pub(crate) outline: Outline,
    /// What `describe` returned, to the letter.
    pub(crate) description: Box<RawValue>,
    share: Share,
    memories: u32,
    ready: InstancePre<Guest>,
    meta: ComponentExportIndex,
    world: ComponentExportIndex,
}

impl Component {
    /// A compiled component, linked and proven.
    pub(crate) fn link(
        shared: Arc<Shared>,
        compiled: &wasmtime::component::Component,
        checked: Checked,
        limits: Limits,
        check: Check,
    ) -> Result<Self, LoadError> {
        let Checked { outline, hash, size } = checked;
        let world = outline.world;
        let export = |interface: &'static str| {
            let name = format!("{PACKAGE}/{interface}@{VERSION}");
            let missing = LoadError::MissingExport { interface, world };
            compiled.get_export_index(None, name.as_str()).ok_or(missing)
        };
        let (meta, exported) = (export("meta")?, export(world.interface())?);
        let imports = match world {
            World::Behaviour => &shared.imports_of_behaviours,
            World::Handler => &shared.imports_of_handlers,
        };
        let ready = imports.instantiate_pre(compiled).map_err(|error| link_error(&error))?;
        compiled.initialize_copy_on_write_image().map_err(|error| link_error(&error))?;
        let description = RawValue::from_string("{}".into()).map_err(|error| LoadError::Link(error.to_string()))?;
        let share = shared.workers.share();
        let memories = compiled.resources_required().map_or(MEMORIES, |needed| needed.num_memories);
        let mut component =
            Self { shared, limits, hash, size, outline, description, share, memories, ready, meta, world: exported };
        component.description = component.describe(check)?;
        Ok(component)
    }

    /// The same component, within other limits.
    pub(crate) fn within(&self, limits: Limits) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            limits,
            hash: self.hash.clone(),
            size: self.size,
            outline: self.outline.clone(),
            description: self.description.clone(),
            share: self.share.clone(),
            memories: self.memories,
            ready: self.ready.clone(),
            meta: self.meta,
            world: self.world,
        }
    }

    /// The right to one live instance.
    pub(crate) fn admit(&self) -> Result<OwnedSemaphorePermit, Fault> {
        self.shared.engine.admit(self.memories)
    }

    /// Waits for the right to one call.
    pub(crate) async fn turn(&self) -> Result<Turn, Fault> {
        self.shared.workers.turn(&self.share).await
    }

    /// A store with a fresh instance in it.
    pub(crate) fn instantiate(
        &self,
        around: Surroundings,
        permit: OwnedSemaphorePermit,
        now: Now,
    ) -> Result<(Store<Guest>, Instance), Fault> {
        let mut store = Guest::store(&self.shared.engine, &self.limits, around, permit);
        Guest::begin(&mut store, now);
        let instance = self.ready.instantiate(&mut store);
        store.data().log.end();
        let instance = instance.map_err(|error| no_instance(classify(&error, store.data(), &self.limits)))?;
        Ok((store, instance))
    }

    /// A function of the interface that makes the plugin's world.
    pub(crate) fn function<P, R>(
        &self,
        store: &mut Store<Guest>,
        instance: &Instance,
        name: &str,
    ) -> Result<Function<P, R>, Fault>
    where
        P: ComponentNamedList + Lower,
        R: Lift + 'static,
        (R,): ComponentNamedList + Lift,
    {
        typed(store, instance, &self.world, name)
    }

    /// Calls the plugin. After an error the store must not be used again.
    pub(crate) fn call<P, R>(&self, store: &mut Store<Guest>, function: &Function<P, R>, params: P) -> Result<R, Fault>
    where
        P: ComponentNamedList + Lower,
        R: Lift + 'static,
        (R,): ComponentNamedList + Lift,
    {
        let called = function.call(&mut *store, params);
        store.data().log.end();
        let (result,) = called.map_err(|error| classify(&error, store.data(), &self.limits))?;
        Ok(result)
    }

    /// The probe: a first instance says what it is. It also proves that the exports have the types of the contract.
    fn describe(&self, check: Check) -> Result<Box<RawValue>, LoadError> {
        let (mut store, instance) = self.probe()?;
        let said: String = self.ask(&mut store, &instance, "describe")?;
        let object = serde_json::from_str::<serde_json::Map<_, _>>(&said).map(|_: serde_json::Map<String, _>| ());
        let description = object
            .and_then(|()| RawValue::from_string(said))
            .map_err(|error| LoadError::Description(error.to_string()))?;
        check(self, &mut store, &instance).map_err(misfit)?;
        Ok(description)
    }

    /// Asks the plugin to check itself.
    pub(crate) fn self_test(&self) -> Result<(), LoadError> {
        let (mut store, instance) = self.probe()?;
        let verdict: Result<(), String> = self.ask(&mut store, &instance, "self-test")?;
        verdict.map_err(|text| LoadError::SelfTest(crate::log::clean(&text, 4096)))
    }

    fn probe(&self) -> Result<(Store<Guest>, Instance), LoadError> {
        let log: Arc<dyn LogSink> = Arc::new(TracingSink { plugin: self.hash.clone(), run: "probe".into() });
        let around = Surroundings { seed: String::new(), blobs: Arc::new(Blobs::default()), log };
        let permit = self.admit().map_err(LoadError::Probe)?;
        self.instantiate(around, permit, Now::at(0)).map_err(LoadError::Probe)
    }

    fn ask<R>(&self, store: &mut Store<Guest>, instance: &Instance, function: &str) -> Result<R, LoadError>
    where
        R: Lift + 'static,
        (R,): ComponentNamedList + Lift,
    {
        let function = typed::<(), R>(store, instance, &self.meta, function).map_err(misfit)?;
        self.call(store, &function, ()).map_err(LoadError::Probe)
    }
}

/// Before any code of the plugin has run, what is no trap and no limit of its own is for want of room in the host.
fn no_instance(fault: Fault) -> Fault {
    match fault {
        Fault::Malformed { what } => Fault::Host { what },
        other => other,
    }
}

fn typed<P, R>(
    store: &mut Store<Guest>,
    instance: &Instance,
    interface: &ComponentExportIndex,
    name: &str,
) -> Result<Function<P, R>, Fault>
where
    P: ComponentNamedList + Lower,
    R: Lift + 'static,
    (R,): ComponentNamedList + Lift,
{
    let malformed = |why: String| Fault::Malformed { what: format!("its function `{name}` {why}") };
    let index =
        instance.get_export_index(&mut *store, Some(interface), name).ok_or_else(|| malformed("is missing".into()))?;
    instance
        .get_typed_func::<P, (R,)>(&mut *store, index)
        .map_err(|error| malformed(format!("has other types than the contract: {}", error.root_cause())))
}

/// What the probe finds wrong with a function is wrong with the component.
fn misfit(fault: Fault) -> LoadError {
    match fault {
        Fault::Malformed { what } => LoadError::Link(what),
        other => LoadError::Probe(other),
    }
}

/// The cause and not only the last context: "type mismatch" alone helps nobody.
pub(crate) fn link_error(error: &wasmtime::Error) -> LoadError {
    LoadError::Link(crate::log::clean(&format!("{error:#}"), 2048))
}
