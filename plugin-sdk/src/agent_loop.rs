//! A run written as one `async fn`. It is polled inside `step`: what it asks for becomes the actions of the step, and
//! the events of the host are the answers that it awaits.
//!
//! - **Asking and awaiting are two things.** Each method of [`Cx`] asks at once and gives a [`Wait`]; `.await` it now, or
//!   ask for more first and have several under way. [`Cx::all`] awaits many together.
//! - **Giving up is dropping.** A `Wait` that is dropped gives up its timer, model call, question or child.
//! - **Cancellation comes through the wait.** When the run is to end, the wait that it is in gives
//!   [`Error::Cancelled`]; let `?` carry it out, or catch it to return what there is.

mod cx;
mod error;
mod mailbox;
mod wait;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::cx::Cx;
pub use self::error::Error;
pub use self::wait::Wait;
pub use hangar_plugin_behaviour::actions::{
    ActionBody, AskModel, Call, Delegate, EditImage, Emit, Fail, FinalAnswer, Finish, HistoryRange, Message, Notice,
    PlanStep, Progress, Question, Rect, Target, ToolScope, ToolSet,
};
pub use hangar_plugin_behaviour::events::{
    CallResult, ChildEnded, ChildUpdate, EventBody, ModelAnswer, ModelError, Start, UserReply,
};
pub use hangar_plugin_behaviour::session::RunInfo;
pub use hangar_plugin_behaviour::values::{Part, Tool, ToolCall};

use self::mailbox::Mailbox;
use crate::behaviour::{Action, Behaviour, Event, Failure};

/// How a run ends. `?` on an [`Error`] of a wait makes a [`Fail`] of it.
pub type Outcome = Result<Finish, Fail>;

/// A behaviour written as one `async fn`.
pub trait Agent: 'static {
    /// The kinds of extension events that it understands.
    const EXTENSIONS: &'static [&'static str] = &[];

    /// The number of the form of what it keeps in [`Cx::rest`]; none when its runs cannot be moved.
    const SNAPSHOT: Option<u32> = None;

    /// The whole run.
    fn run(cx: Cx) -> impl Future<Output = Outcome> + 'static;

    /// What is left of a run that was moved while it rested: what it kept, and what it goes on waiting for.
    fn resume(_cx: Cx, _kept: Value, _rest: Wait<EventBody>) -> impl Future<Output = Outcome> + 'static {
        async { Err(Fail::new("unsupported", "The runs of this plugin cannot be moved")) }
    }

    /// Checks what can be checked without a session. An error keeps this version from going live.
    fn self_test() -> Result<(), String> {
        Ok(())
    }
}

/// Makes a [`Behaviour`] of an [`Agent`].
pub struct AgentLoop<A> {
    cx: Cx,
    run: Progression,
    agent: std::marker::PhantomData<A>,
}

/// Where the author's function is.
enum Progression {
    Unstarted,
    /// It was moved here and has not been told anything since: the snapshot still holds.
    Moved(Snapshot, Pin<Box<dyn Future<Output = Outcome>>>),
    Running(Pin<Box<dyn Future<Output = Outcome>>>),
    Over,
}

/// Which loop wrote a snapshot; another one's may look alike.
const WRITER: &str = "rust";

/// What a run that rests is moved by.
#[derive(Clone, Serialize, Deserialize)]
struct Snapshot {
    writer: String,
    format: Option<u32>,
    token: u32,
    last_token: u32,
    last_call: u32,
    kept: Value,
}

impl<A: Agent> Behaviour for AgentLoop<A> {
    const EXTENSIONS: &'static [&'static str] = A::EXTENSIONS;
    const SNAPSHOT: Option<u32> = A::SNAPSHOT;

    fn begin(info: RunInfo) -> Self {
        Self { cx: Cx::new(info), run: Progression::Unstarted, agent: std::marker::PhantomData }
    }

    fn step(&mut self, event: Event) -> Result<Vec<Action>, Failure> {
        if let Some(outcome) = self.go_on(event) {
            // The function is over and its waits are dropped: what they gave up ends with the run anyway.
            self.run = Progression::Over;
            let mut sent = self.cx.take_sent();
            while sent.last().is_some_and(|action| matches!(action.body, ActionBody::CancelAction(_))) {
                sent.pop();
            }
            let body = outcome.map_or_else(ActionBody::Fail, ActionBody::Finish);
            sent.push(Action { token: 0, body, extra: String::new() });
            return Ok(sent);
        }
        Ok(self.cx.take_sent())
    }

    fn save(&self) -> Result<Vec<u8>, Failure> {
        let snapshot = match &self.run {
            Progression::Moved(snapshot, _) => Some(snapshot.clone()),
            Progression::Running(_) => self.snapshot(),
            Progression::Unstarted | Progression::Over => None,
        };
        let snapshot =
            snapshot.ok_or_else(|| Failure::new("unsupported", "The run can only be moved while it rests"))?;
        serde_json::to_vec(&snapshot).map_err(|error| Failure::new("internal", error.to_string()))
    }

    fn restore(info: RunInfo, snapshot: Vec<u8>) -> Result<Self, Failure> {
        if A::SNAPSHOT.is_none() {
            return Err(Failure::new("unsupported", "The runs of this plugin cannot be moved"));
        }
        let snapshot: Snapshot = serde_json::from_slice(&snapshot)
            .map_err(|error| Failure::new("invalid", format!("This is no snapshot of this plugin: {error}")))?;
        if snapshot.writer != WRITER || snapshot.format != A::SNAPSHOT {
            return Err(Failure::new("invalid", "This is no snapshot of this version of the plugin"));
        }
        let restored = Self::begin(info);
        restored.cx.mailbox.borrow_mut().number_from(snapshot.last_token, snapshot.last_call);
        let rest = restored.cx.wait_again(snapshot.token);
        let run = A::resume(restored.cx.clone(), snapshot.kept.clone(), rest);
        Ok(Self { run: Progression::Moved(snapshot, Box::pin(run)), ..restored })
    }

    fn self_test() -> Result<(), String> {
        A::self_test()
    }
}

impl<A: Agent> AgentLoop<A> {
    /// What the run is moved by, if it rests.
    fn snapshot(&self) -> Option<Snapshot> {
        let mailbox = self.cx.mailbox.borrow();
        let (token, kept) = mailbox.resting()?;
        Some(Snapshot {
            writer: WRITER.into(),
            format: A::SNAPSHOT,
            token,
            last_token: mailbox.last_token,
            last_call: mailbox.last_call,
            kept: kept.clone(),
        })
    }

    /// Hands the event over and lets the function go on as far as it can; gives how it ends, if it does.
    fn go_on(&mut self, event: Event) -> Option<Outcome> {
        self.cx.mailbox.borrow_mut().begin_step(event.time_ms);
        self.run = match std::mem::replace(&mut self.run, Progression::Over) {
            Progression::Moved(_, run) => Progression::Running(run),
            other => other,
        };
        match (&self.run, event.body) {
            (Progression::Over | Progression::Moved(..), _) => return None,
            (Progression::Unstarted, EventBody::Start(start)) => {
                self.cx = self.cx.started(start);
                self.run = Progression::Running(Box::pin(A::run(self.cx.clone())));
            }
            (Progression::Unstarted, _) => return Some(Err(Fail::new("invalid", "The first event must be `start`"))),
            (Progression::Running(_), EventBody::Cancel(reason)) => Mailbox::cancel(&self.cx.mailbox, reason),
            (Progression::Running(_), body) => Mailbox::deliver(&self.cx.mailbox, event.token, body),
        }
        let Progression::Running(run) = &mut self.run else { return None };
        match run.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => {
                let reason = self.cx.cancelled()?;
                Some(Err(Error::Cancelled { reason }.into()))
            }
        }
    }
}
