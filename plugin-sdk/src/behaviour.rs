//! A behaviour as it is: one event in, some actions out. [`agent_loop`](crate::agent_loop) makes one of an `async fn`.

use std::cell::RefCell;
use std::marker::PhantomData;

pub use hangar_plugin_behaviour::actions::{Action, ActionBody};
pub use hangar_plugin_behaviour::events::{Event, EventBody};
pub use hangar_plugin_behaviour::session::RunInfo;
pub use hangar_plugin_behaviour::values::Failure;
use hangar_plugin_behaviour::{GuestRun, MetaGuest, Run, RunsGuest};
pub use hangar_plugin_behaviour::{actions, events, session, values};

use crate::identity::{Identity, describe};
use crate::logger;

/// Drives one run, event by event.
pub trait Behaviour: Sized + 'static {
    /// The kinds of extension events that it understands.
    const EXTENSIONS: &'static [&'static str] = &[];

    /// The number of its snapshot format; none when its runs cannot be moved to another version.
    const SNAPSHOT: Option<u32> = None;

    /// Prepares a run. What is wrong with `info` is said by the first step.
    fn begin(info: RunInfo) -> Self;

    /// Takes an event, answers with actions. An error ends the run as failed.
    fn step(&mut self, event: Event) -> Result<Vec<Action>, Failure>;

    /// Everything that [`restore`](Self::restore) needs to go on from here.
    fn save(&self) -> Result<Vec<u8>, Failure> {
        Err(Failure::new("unsupported", "The runs of this plugin cannot be moved"))
    }

    /// A run that goes on from a snapshot.
    fn restore(_info: RunInfo, _snapshot: Vec<u8>) -> Result<Self, Failure> {
        Err(Failure::new("unsupported", "The runs of this plugin cannot be moved"))
    }

    /// Checks what can be checked without a session. An error keeps this version from going live.
    fn self_test() -> Result<(), String> {
        Ok(())
    }
}

/// A behaviour in the form in which the contract exports it.
#[doc(hidden)]
pub struct Exported<B, I>(PhantomData<(B, I)>);

impl<B: Behaviour, I: Identity> MetaGuest for Exported<B, I> {
    fn describe() -> String {
        describe::<I>(B::EXTENSIONS, B::SNAPSHOT)
    }

    fn self_test() -> Result<(), String> {
        logger::install();
        B::self_test()
    }
}

impl<B: Behaviour, I: Identity> RunsGuest for Exported<B, I> {
    type Run = ExportedRun<B>;
}

/// A run in the form in which the contract exports it.
#[doc(hidden)]
pub struct ExportedRun<B>(RefCell<B>);

impl<B: Behaviour> GuestRun for ExportedRun<B> {
    fn new(info: RunInfo) -> Self {
        logger::install();
        Self(RefCell::new(B::begin(info)))
    }

    fn step(&self, event: Event) -> Result<Vec<Action>, Failure> {
        self.0.borrow_mut().step(event)
    }

    fn save(&self) -> Result<Vec<u8>, Failure> {
        self.0.borrow().save()
    }

    fn restore(info: RunInfo, snapshot: Vec<u8>) -> Result<Run, Failure> {
        logger::install();
        B::restore(info, snapshot).map(|behaviour| Run::new(Self(RefCell::new(behaviour))))
    }
}
