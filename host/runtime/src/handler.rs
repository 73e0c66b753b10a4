//! Handlers: envelopes in, verdicts out. Instances are reused, and thrown away when something went wrong in them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::Store;
use wasmtime::component::{Instance, ResourceAny};

use crate::blobs::Blobs;
use crate::component::{Component, Function};
use crate::contract::messages::{Envelope, Verdict};
use crate::directory::Directory;
use crate::fault::Fault;
use crate::guest::{Guest, Now, Surroundings};
use crate::load_error::LoadError;
use crate::log::LogSink;
use crate::manifest::Granted;
use crate::outline::Outline;
use crate::permission::denied_verdict;

/// Instances that are kept for the next call.
const KEPT_WARM: usize = 4;

/// Calls after which an instance is replaced: memory only grows, and nothing is promised to be remembered.
const CALLS_PER_INSTANCE: u32 = 1_000;

/// One version of one plugin that gives verdicts; cheap to clone.
#[derive(Clone)]
pub struct HandlerPlugin {
    component: Arc<Component>,
}

impl HandlerPlugin {
    pub(crate) fn new(component: Arc<Component>) -> Self {
        Self { component }
    }

    /// A handler with these settings, a JSON object.
    #[must_use]
    pub fn start(&self, setup: HandlerSetup) -> Handler {
        Handler { component: Arc::clone(&self.component), setup: Arc::new(setup), pool: Arc::default() }
    }

    /// The hash of the component's bytes, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.component.hash
    }

    /// How many bytes the component has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.component.size
    }

    /// What it is on the outside.
    #[must_use]
    pub fn outline(&self) -> &Outline {
        &self.component.outline
    }

    /// What it says about itself: a JSON object.
    #[must_use]
    pub fn description(&self) -> &str {
        self.component.description.get()
    }

    /// Lets the plugin check itself.
    pub async fn self_test(&self) -> Result<(), LoadError> {
        let component = Arc::clone(&self.component);
        let turn = self.component.turn().await.map_err(LoadError::Probe)?;
        turn.run(move || component.self_test()).await.map_err(LoadError::Probe)?
    }
}

/// What a handler is given at its birth.
pub struct HandlerSetup {
    /// JSON object, checked against the manifest.
    pub settings: String,
    /// Where the plugin's log goes.
    pub log: Arc<dyn LogSink>,
    /// Seeds its random numbers.
    pub seed: String,
    /// Which verdicts it may give, and whether it sees the directory.
    pub granted: Arc<Granted>,
}

/// What the messages of one call may reach: no further than their senders.
#[derive(Clone)]
pub struct Scope {
    /// Who is there, for them.
    pub directory: Arc<dyn Directory>,
    /// The blobs that they name, and where new ones go.
    pub blobs: Arc<Blobs>,
}

/// A handler at work; cheap to clone, and calls may overlap.
#[derive(Clone)]
pub struct Handler {
    component: Arc<Component>,
    setup: Arc<HandlerSetup>,
    pool: Arc<Mutex<Pool>>,
}

/// Instances that wait for the next call.
#[derive(Default)]
struct Pool {
    warm: Vec<Live>,
    made: u64,
}

struct Live {
    store: Store<Guest>,
    handler: ResourceAny,
    handle: HandleFunction,
    calls: u32,
}

const CONSTRUCTOR: &str = "[constructor]handler";
const HANDLE: &str = "[method]handler.handle";

type Constructor = Function<(String,), ResourceAny>;
type HandleFunction = Function<(ResourceAny, Vec<Envelope>), Vec<Verdict>>;

/// Whether all the functions are there that calls will need, with the types of the contract.
pub(crate) fn check(component: &Component, store: &mut Store<Guest>, instance: &Instance) -> Result<(), Fault> {
    let _: Constructor = component.function(store, instance, CONSTRUCTOR)?;
    let _: HandleFunction = component.function(store, instance, HANDLE)?;
    Ok(())
}

impl Handler {
    /// One verdict for each envelope, in the same order. The plugin runs off the I/O threads.
    ///
    /// After a fault no verdict is known for any of them; the next call gets a fresh instance.
    pub async fn handle(&self, envelopes: Vec<Envelope>, scope: Scope) -> Result<Vec<Verdict>, Fault> {
        let this = self.clone();
        let turn = self.component.turn().await?;
        turn.run(move || this.handle_blocking(envelopes, scope)).await?
    }

    /// The same on this thread, which must not be one that serves I/O.
    pub fn handle_blocking(&self, envelopes: Vec<Envelope>, scope: Scope) -> Result<Vec<Verdict>, Fault> {
        let Some(time_ms) = envelopes.iter().map(|envelope| envelope.time_ms).max() else { return Ok(Vec::new()) };
        let now = Now::at(time_ms);
        let warm = self.pool().warm.pop();
        let mut live = match warm {
            Some(live) => live,
            None => self.construct(now)?,
        };
        let wanted = envelopes.len();
        let directory = self.setup.granted.sees_directory().then_some(scope.directory);
        live.store.data_mut().enter(directory, scope.blobs);
        Guest::begin(&mut live.store, now);
        let verdicts = self.component.call(&mut live.store, &live.handle, (live.handler, envelopes))?;
        if verdicts.len() != wanted {
            let what = format!("it gave {} verdicts on {wanted} messages", verdicts.len());
            return Err(Fault::Malformed { what });
        }
        // Then none of them counts: a message must not go on because a handler did what it may not.
        if let Some(what) = verdicts.iter().find_map(|verdict| denied_verdict(verdict, &self.setup.granted)) {
            return Err(Fault::Denied { what });
        }
        live.store.data_mut().leave();
        live.calls += 1;
        self.keep(live);
        Ok(verdicts)
    }

    /// Makes an instance and drops it, to find out whether it takes its settings.
    pub(crate) async fn prove(&self) -> Result<(), Fault> {
        let this = self.clone();
        let turn = self.component.turn().await?;
        turn.run(move || this.construct(Now::at(0)).map(drop)).await?
    }

    fn construct(&self, now: Now) -> Result<Live, Fault> {
        let number = {
            let mut pool = self.pool();
            pool.made += 1;
            pool.made
        };
        let around = Surroundings {
            // Two instances must not draw the same numbers.
            seed: format!("{}/{number}", self.setup.seed),
            // Its constructor belongs to nobody.
            blobs: Arc::default(),
            log: Arc::clone(&self.setup.log),
        };
        let permit = self.component.admit()?;
        let (mut store, instance) = self.component.instantiate(around, permit, now)?;
        let constructor: Constructor = self.component.function(&mut store, &instance, CONSTRUCTOR)?;
        let handler = self.component.call(&mut store, &constructor, (self.setup.settings.clone(),))?;
        let handle = self.component.function(&mut store, &instance, HANDLE)?;
        Ok(Live { store, handler, handle, calls: 0 })
    }

    fn keep(&self, live: Live) {
        let mut pool = self.pool();
        if live.calls < CALLS_PER_INSTANCE && pool.warm.len() < KEPT_WARM {
            pool.warm.push(live);
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
