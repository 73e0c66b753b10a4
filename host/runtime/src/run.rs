//! One run: events in, actions out. It owns its instance, and is over when the instance is gone.

use std::sync::Arc;

use wasmtime::Store;
use wasmtime::component::ResourceAny;

use crate::behaviour::Behaviour;
use crate::blobs::Blobs;
use crate::component::{Component, Function};
use crate::contract::actions::Action;
use crate::contract::events::{Event, EventBody};
use crate::contract::session::RunInfo;
use crate::contract::values::Failure;
use crate::fault::Fault;
use crate::guest::{Guest, Now, Surroundings};
use crate::log::LogSink;
use crate::step::{Rules, Step};

/// What a run is given at its birth.
#[derive(Clone)]
pub struct RunSetup {
    /// What the plugin is told about its surroundings.
    pub info: RunInfo,
    /// The session's blobs.
    pub blobs: Arc<Blobs>,
    /// Where the plugin's log goes.
    pub log: Arc<dyn LogSink>,
}

/// One run of a behaviour.
///
/// Feed it events, carry out the actions that come back, feed it the answers. The first event must be `start`. After a
/// fault, and after `finish` or `fail`, its instance is gone and every further event is refused.
pub struct Run {
    behaviour: Behaviour,
    /// Shared with the steps, which need it only to make the instance.
    setup: Arc<RunSetup>,
    rules: Rules,
    next_seq: u32,
    /// Whether the time limits hold; a replay lifts them.
    timed: bool,
    state: State,
}

enum State {
    /// The instance is there or will be made by the first step.
    Ready(Box<Instance>),
    /// A step is at work. Whoever finds this later knows that the step was abandoned.
    Stepping,
    /// How it ended.
    Over(String),
}

enum Instance {
    Unborn(tokio::sync::OwnedSemaphorePermit),
    Live(Live),
}

/// The instance with the function that is called again and again.
struct Live {
    store: Store<Guest>,
    instance: wasmtime::component::Instance,
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

impl Run {
    pub(crate) fn new(behaviour: Behaviour, setup: RunSetup) -> Result<Self, Fault> {
        let permit = behaviour.component.shared.engine.admit()?;
        let state = State::Ready(Box::new(Instance::Unborn(permit)));
        Ok(Self { behaviour, setup: Arc::new(setup), rules: Rules::default(), next_seq: 0, timed: true, state })
    }

    /// The event that comes next in this run, to be journaled and then fed; `token` is 0 if it answers no action.
    #[must_use]
    pub fn event(&self, time_ms: u64, token: u32, body: EventBody) -> Event {
        Event { seq: self.next_seq, time_ms, token, body, extra: String::new() }
    }

    /// Tells the plugin an event and gives what it answers. The plugin runs off the I/O threads.
    ///
    /// If the returned future is dropped before it is done, the run is over.
    pub async fn feed(&mut self, event: Event) -> Result<Step, Fault> {
        let instance = self.begin(&event)?;
        let (behaviour, setup, timed) = (self.behaviour.clone(), Arc::clone(&self.setup), self.timed);
        let workers = &self.behaviour.component.shared.workers;
        let stepped = workers.run(move || step(&behaviour.component, &setup, *instance, event, timed)).await;
        self.end(stepped.and_then(|stepped| stepped))
    }

    /// The same on this thread, which must not be one that serves I/O.
    pub fn feed_blocking(&mut self, event: Event) -> Result<Step, Fault> {
        let instance = self.begin(&event)?;
        let stepped = step(&self.behaviour.component, &self.setup, *instance, event, self.timed);
        self.end(stepped)
    }

    /// Moves the run to another version of its behaviour, between two steps. Whatever goes wrong, the run stays where
    /// it was and goes on there, unless it crashes while it saves itself.
    pub async fn move_to(&mut self, behaviour: &Behaviour, time_ms: u64) -> Result<(), Fault> {
        let instance = self.take()?;
        let Instance::Live(live) = *instance else {
            self.state = State::Ready(instance);
            self.behaviour = behaviour.clone();
            return Ok(());
        };
        let now = Now { time_ms, timed: self.timed };
        let (old, new, setup) = (self.behaviour.clone(), behaviour.clone(), Arc::clone(&self.setup));
        let workers = &self.behaviour.component.shared.workers;
        let moved = workers.run(move || relocate(&old.component, live, &new.component, &setup, now)).await;
        match moved {
            Ok((Ok(live), _)) => {
                self.state = State::Ready(Box::new(Instance::Live(live)));
                self.behaviour = behaviour.clone();
                Ok(())
            }
            Ok((Err(fault), Some(live))) => {
                self.state = State::Ready(Box::new(Instance::Live(live)));
                Err(fault)
            }
            Ok((Err(fault), None)) | Err(fault) => {
                self.state = State::Over(fault.to_string());
                Err(fault)
            }
        }
    }

    /// The behaviour that drives it now.
    #[must_use]
    pub fn behaviour(&self) -> &Behaviour {
        &self.behaviour
    }

    /// What it was given.
    #[must_use]
    pub fn setup(&self) -> &RunSetup {
        &self.setup
    }

    /// Whether it takes no more events.
    #[must_use]
    pub fn is_over(&self) -> bool {
        !matches!(self.state, State::Ready(_))
    }

    /// Bytes of its memories and tables.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        match &self.state {
            State::Ready(instance) => match &**instance {
                Instance::Live(live) => live.store.data().meter.memory(),
                Instance::Unborn(_) => 0,
            },
            State::Stepping | State::Over(_) => 0,
        }
    }

    /// Makes the instance as the first step would, and nothing more: for a benchmark.
    #[doc(hidden)]
    pub fn into_instance(self) -> Result<impl Sized, Fault> {
        match self.state {
            State::Ready(instance) => match *instance {
                Instance::Unborn(permit) => {
                    let now = Now { time_ms: 0, timed: self.timed };
                    self.behaviour.component.instantiate(surroundings(&self.setup), permit, now)
                }
                Instance::Live(_) => Err(Fault::Host { what: "the run has its instance already".into() }),
            },
            _ => Err(self.refuse()),
        }
    }

    /// From now on time does not count, because what happens has happened before.
    pub(crate) fn lift_time_limits(&mut self) {
        self.timed = false;
    }

    /// From now on time counts.
    pub(crate) fn restore_time_limits(&mut self) {
        self.timed = true;
    }

    /// Ends the run from outside.
    pub(crate) fn give_up(&mut self, why: &str) {
        self.state = State::Over(why.to_owned());
    }

    fn begin(&mut self, event: &Event) -> Result<Box<Instance>, Fault> {
        if matches!(self.state, State::Ready(_)) {
            self.check_order(event)?;
        }
        let instance = self.take()?;
        self.rules.told(event);
        self.next_seq = self.next_seq.saturating_add(1);
        Ok(instance)
    }

    /// The instance, for something that may end the run if it is not brought to its end.
    fn take(&mut self) -> Result<Box<Instance>, Fault> {
        match std::mem::replace(&mut self.state, State::Stepping) {
            State::Ready(instance) => Ok(instance),
            over => {
                self.state = over;
                Err(self.refuse())
            }
        }
    }

    /// A host that mixes up its events is told so before the plugin is bothered, and the run is unharmed.
    fn check_order(&self, event: &Event) -> Result<(), Fault> {
        let is_start = matches!(event.body, EventBody::Start(_));
        let what = if event.seq != self.next_seq {
            format!("event {} was fed where event {} is due", event.seq, self.next_seq)
        } else if is_start != (event.seq == 0) {
            "the first event, and only the first, must be `start`".to_owned()
        } else {
            return Ok(());
        };
        Err(Fault::Host { what })
    }

    fn end(&mut self, stepped: Result<(Box<Instance>, Vec<Action>), Fault>) -> Result<Step, Fault> {
        let checked = stepped.and_then(|(instance, returned)| {
            let step = self.rules.check(returned, &self.behaviour.component.limits)?;
            Ok((instance, step))
        });
        match checked {
            Ok((_, step)) if step.ends() => {
                self.state = State::Over("it has finished".into());
                Ok(step)
            }
            Ok((instance, step)) => {
                self.state = State::Ready(instance);
                Ok(step)
            }
            Err(fault) => {
                self.state = State::Over(fault.to_string());
                Err(fault)
            }
        }
    }

    fn refuse(&self) -> Fault {
        match &self.state {
            State::Over(why) => Fault::Over { why: why.clone() },
            _ => Fault::Over { why: "a step of it was abandoned".into() },
        }
    }
}

/// Makes the instance if it is not there yet, and steps it. The instance comes back only unharmed.
fn step(
    component: &Component,
    setup: &RunSetup,
    instance: Instance,
    event: Event,
    timed: bool,
) -> Result<(Box<Instance>, Vec<Action>), Fault> {
    let now = Now { time_ms: event.time_ms, timed };
    let mut live = match instance {
        Instance::Live(live) => live,
        Instance::Unborn(permit) => construct(component, setup, permit, now)?,
    };
    Guest::begin(&mut live.store, now);
    let returned = component.call(&mut live.store, &live.step, (live.run, event))?;
    Ok((Box::new(Instance::Live(live)), returned.map_err(Fault::Guest)?))
}

/// Whether all the functions are there that runs will need, with the types of the contract.
pub(crate) fn check(
    component: &Component,
    store: &mut Store<Guest>,
    instance: &wasmtime::component::Instance,
) -> Result<(), Fault> {
    let _: Constructor<'_> = component.function(store, instance, CONSTRUCTOR)?;
    let _: StepFunction = component.function(store, instance, STEP)?;
    let _: SaveFunction = component.function(store, instance, SAVE)?;
    let _: RestoreFunction<'_> = component.function(store, instance, RESTORE)?;
    Ok(())
}

fn surroundings(setup: &RunSetup) -> Surroundings {
    Surroundings {
        seed: setup.info.seed.clone(),
        blobs: Arc::clone(&setup.blobs),
        log: Arc::clone(&setup.log),
        directory: None,
    }
}

fn construct(
    component: &Component,
    setup: &RunSetup,
    permit: tokio::sync::OwnedSemaphorePermit,
    now: Now,
) -> Result<Live, Fault> {
    let (mut store, instance) = component.instantiate(surroundings(setup), permit, now)?;
    let constructor: Constructor<'_> = component.function(&mut store, &instance, CONSTRUCTOR)?;
    let run = component.call(&mut store, &constructor, (&setup.info,))?;
    live(component, store, instance, run)
}

fn live(
    component: &Component,
    mut store: Store<Guest>,
    instance: wasmtime::component::Instance,
    run: ResourceAny,
) -> Result<Live, Fault> {
    let step = component.function(&mut store, &instance, STEP)?;
    Ok(Live { store, instance, run, step })
}

/// The new instance, or why there is none; and the old one, if it is still sound.
fn relocate(
    old: &Component,
    mut from: Live,
    new: &Component,
    setup: &RunSetup,
    now: Now,
) -> (Result<Live, Fault>, Option<Live>) {
    Guest::begin(&mut from.store, now);
    // A snapshot that is too large is refused below; handing it over must not cost the run its life.
    from.store.set_hostcall_fuel(old.limits.hostcall_bytes.max(old.limits.memory_bytes));
    let save = old.function(&mut from.store, &from.instance, SAVE);
    let saved = save.and_then(|save: SaveFunction| old.call(&mut from.store, &save, (from.run,)));
    from.store.set_hostcall_fuel(old.limits.hostcall_bytes);
    let snapshot = match saved {
        Ok(Ok(snapshot)) => snapshot,
        Ok(Err(failure)) => return (Err(Fault::Guest(failure)), Some(from)),
        Err(fault) => return (Err(fault), None),
    };
    let limit = old.limits.snapshot_bytes;
    if snapshot.len() > limit {
        let what = format!("its snapshot has {} bytes; {limit} are allowed", snapshot.len());
        return (Err(Fault::Malformed { what }), Some(from));
    }
    (restore(new, setup, snapshot, now), Some(from))
}

fn restore(component: &Component, setup: &RunSetup, snapshot: Vec<u8>, now: Now) -> Result<Live, Fault> {
    let permit = component.shared.engine.admit()?;
    let (mut store, instance) = component.instantiate(surroundings(setup), permit, now)?;
    let restore: RestoreFunction<'_> = component.function(&mut store, &instance, RESTORE)?;
    let run = component.call(&mut store, &restore, (&setup.info, snapshot))?.map_err(Fault::Guest)?;
    live(component, store, instance, run)
}
