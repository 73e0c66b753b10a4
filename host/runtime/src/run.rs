//! One run: events in, actions out. It owns its instance, and is over when the instance is gone.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use crate::behaviour::Behaviour;
use crate::component::Component;
use crate::contract::events::{Event, EventBody};
use crate::fault::Fault;
use crate::guest::Now;
use crate::handover::Handover;
use crate::live::{self, Live, RunSetup};
use crate::log::Level;
use crate::manifest::Granted;
use crate::rules::{Bounds, Rules};
use crate::step::Step;

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
    /// The least time that its steps have; see [`Now`].
    patience: Duration,
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
    Unborn(OwnedSemaphorePermit),
    Live(Live),
}

impl Run {
    pub(crate) fn new(behaviour: Behaviour, setup: RunSetup) -> Result<Self, Fault> {
        let permit = behaviour.component.admit()?;
        let state = State::Ready(Box::new(Instance::Unborn(permit)));
        Ok(Self { state, ..Self::over(behaviour, setup, "") })
    }

    /// A run that is over before it began.
    pub(crate) fn over(behaviour: Behaviour, setup: RunSetup, why: &str) -> Self {
        let state = State::Over(why.to_owned());
        Self {
            behaviour,
            setup: Arc::new(setup),
            rules: Rules::default(),
            next_seq: 0,
            patience: Duration::ZERO,
            state,
        }
    }

    /// A run as it was when it was handed over to this behaviour, after so many events.
    pub(crate) async fn taken_over(
        behaviour: Behaviour,
        setup: RunSetup,
        handover: Handover,
        events: u32,
        patience: Duration,
    ) -> Result<Self, Fault> {
        let Some(snapshot) = handover.snapshot else { return Self::new(behaviour, setup) };
        let turn = behaviour.component.turn().await?;
        let permit = behaviour.component.admit()?;
        let setup = Arc::new(setup);
        let now = Now { time_ms: handover.time_ms, patience };
        let (component, given) = (Arc::clone(&behaviour.component), Arc::clone(&setup));
        let live = turn.run(move || Live::restore(&component, &given, snapshot.into(), permit, now)).await??;
        let rules = Rules::taken_over(&handover.outstanding, handover.cancelled);
        let state = State::Ready(Box::new(Instance::Live(live)));
        Ok(Self { behaviour, setup, rules, next_seq: events, patience: Duration::ZERO, state })
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
        self.check(&event)?;
        // Waiting for a turn does the run no harm, so it comes before the run is taken apart.
        let turn = self.behaviour.component.turn().await?;
        let job = self.begin(event)?;
        let done = turn.run(move || job.work()).await;
        self.end(done.and_then(|done| done))
    }

    /// The same on this thread, which must not be one that serves I/O.
    pub fn feed_blocking(&mut self, event: Event) -> Result<Step, Fault> {
        let done = self.begin(event)?.work();
        self.end(done)
    }

    /// Moves the run to another version of its behaviour, between two steps, where it may do what that version was
    /// granted and no longer what the old one was. Whatever goes wrong, the run stays where it was and goes on there,
    /// unless it crashes while it saves itself or the returned future is dropped.
    ///
    /// What is handed over belongs into the run's journal before anything else is told to it. Whether the two versions understand each other's snapshots is for the caller to know, and for `restore` to say.
    pub async fn move_to(
        &mut self,
        behaviour: &Behaviour,
        granted: Arc<Granted>,
        time_ms: u64,
    ) -> Result<Handover, Fault> {
        if self.is_over() {
            return Err(self.refuse());
        }
        let turn = self.behaviour.component.turn().await?;
        let instance = self.take()?;
        let Instance::Live(live) = *instance else {
            // An instance of the other version may take more places.
            self.state = State::Ready(instance);
            let permit = behaviour.component.admit()?;
            self.state = State::Ready(Box::new(Instance::Unborn(permit)));
            self.settle(behaviour, granted);
            return Ok(self.handover(time_ms, None));
        };
        let now = Now::at(time_ms);
        let (old, new, setup) = (self.behaviour.clone(), behaviour.clone(), Arc::clone(&self.setup));
        let moved = turn.run(move || relocate(&old.component, live, &new.component, &setup, now)).await;
        let (live, result) = match moved {
            Ok(Relocated::There(live, snapshot)) => {
                self.settle(behaviour, granted);
                (live, Ok(self.handover(time_ms, Some(snapshot))))
            }
            Ok(Relocated::Stayed(live, why)) => (live, Err(why)),
            Ok(Relocated::Lost(fault)) | Err(fault) => {
                self.give_up(&fault.to_string());
                return Err(fault);
            }
        };
        self.state = State::Ready(Box::new(Instance::Live(live)));
        result
    }

    /// From now on this is its version, on the terms of this version.
    fn settle(&mut self, behaviour: &Behaviour, granted: Arc<Granted>) {
        self.behaviour = behaviour.clone();
        self.setup = Arc::new(RunSetup { granted, ..RunSetup::clone(&self.setup) });
    }

    fn handover(&self, time_ms: u64, snapshot: Option<Bytes>) -> Handover {
        let (outstanding, cancelled) = (self.rules.outstanding(), self.rules.is_cancelled());
        Handover { time_ms, snapshot, outstanding, cancelled }
    }

    /// The behaviour that drives it now.
    #[must_use]
    pub fn behaviour(&self) -> &Behaviour {
        &self.behaviour
    }

    /// What it was given, and what it may do now.
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
                Instance::Live(live) => live.memory(),
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
                    let now = Now::at(0);
                    live::instantiate(&self.behaviour.component, &self.setup, permit, now)
                }
                Instance::Live(_) => Err(Fault::Host { what: "the run has its instance already".into() }),
            },
            _ => Err(self.refuse()),
        }
    }

    /// Tells the plugin an event that it once answered in time, and gives it at least so much for it now.
    pub(crate) async fn feed_again(&mut self, event: Event, patience: Duration) -> Result<Step, Fault> {
        self.patience = patience;
        let step = self.feed(event).await;
        self.patience = Duration::ZERO;
        step
    }

    /// Ends the run from outside.
    pub(crate) fn give_up(&mut self, why: &str) {
        self.state = State::Over(why.to_owned());
    }

    /// A host that mixes up its events is told so before the plugin is bothered, and the run is unharmed.
    fn check(&self, event: &Event) -> Result<(), Fault> {
        if self.is_over() { Err(self.refuse()) } else { self.check_order(event) }
    }

    fn begin(&mut self, event: Event) -> Result<Job, Fault> {
        self.check(&event)?;
        let instance = self.take()?;
        self.next_seq = self.next_seq.saturating_add(1);
        Ok(Job {
            behaviour: self.behaviour.clone(),
            setup: Arc::clone(&self.setup),
            rules: std::mem::take(&mut self.rules),
            instance: *instance,
            event,
            patience: self.patience,
        })
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

    fn end(&mut self, done: Result<Done, Fault>) -> Result<Step, Fault> {
        match done {
            Ok(Done { step, rules, live: Some(live) }) => {
                self.rules = rules;
                self.state = State::Ready(Box::new(Instance::Live(live)));
                Ok(step)
            }
            Ok(Done { step, live: None, .. }) => {
                self.give_up("it has finished");
                Ok(step)
            }
            Err(fault) => {
                self.give_up(&fault.to_string());
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

/// One step, to be worked off on a thread that may be kept busy; so is the end of the instance, if it comes to that.
struct Job {
    behaviour: Behaviour,
    setup: Arc<RunSetup>,
    rules: Rules,
    instance: Instance,
    event: Event,
    patience: Duration,
}

/// A step that went well.
struct Done {
    step: Step,
    rules: Rules,
    /// The instance, unless the run has ended itself.
    live: Option<Live>,
}

impl Job {
    fn work(mut self) -> Result<Done, Fault> {
        let component = &self.behaviour.component;
        let now = Now { time_ms: self.event.time_ms, patience: self.patience };
        let mut live = match self.instance {
            Instance::Live(live) => live,
            Instance::Unborn(permit) => Live::construct(component, &self.setup, permit, now)?,
        };
        self.rules.told(&self.event);
        let returned = live.step(component, self.event, now)?;
        let RunSetup { info, granted, .. } = &*self.setup;
        let bounds = Bounds { limits: &component.limits, granted, models: &info.models };
        let step = self.rules.check(returned, &bounds)?;
        for why in step.unheard() {
            self.setup.log.line(Level::Warn, &format!("an action was refused: {}", why.text));
        }
        let live = (!step.ends()).then_some(live);
        Ok(Done { step, rules: self.rules, live })
    }
}

/// Where a run is after an attempt to move it.
enum Relocated {
    There(Live, Bytes),
    Stayed(Live, Fault),
    Lost(Fault),
}

fn relocate(old: &Component, mut live: Live, new: &Component, setup: &RunSetup, now: Now) -> Relocated {
    let snapshot = match live.save(old, now) {
        Ok(Ok(snapshot)) => Bytes::from(snapshot),
        Ok(Err(failure)) => return Relocated::Stayed(live, Fault::Guest(failure)),
        Err(fault) => return Relocated::Lost(fault),
    };
    let there = new.admit().and_then(|permit| Live::restore(new, setup, snapshot.to_vec(), permit, now));
    match there {
        Ok(there) => Relocated::There(there, snapshot),
        Err(why) => Relocated::Stayed(live, why),
    }
}
