//! What a run has asked for and what has been answered: the one thing that the loop and the waits share.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::task::Waker;

use hangar_plugin_behaviour::actions::{Action, ActionBody};
use hangar_plugin_behaviour::events::EventBody;
use serde_json::Value;

/// How often a run that is to end may ask for more before it is taken for one that never will.
const PATIENCE: u32 = 100;

/// What is given up beyond so many actions of a step waits for a later one: the host allows few more in all.
const GIVEN_UP_WITHIN: usize = 32;

/// Events for one wait that nobody has looked at; beyond that the oldest news are forgotten.
const ARRIVED: usize = 64;

/// What a run has asked for and what has been answered.
#[derive(Default)]
pub(super) struct Mailbox {
    pub(super) last_token: u32,
    pub(super) last_call: u32,
    now_ms: u64,
    sent: Vec<Action>,
    /// Tokens that are still to be given up.
    given_up: VecDeque<u32>,
    /// What somebody waits for, by token; 0 for what answers nothing.
    open: BTreeMap<u32, Slot>,
    cancelled: Option<Cancelled>,
    resting: Option<(u32, Value)>,
}

#[derive(Default)]
pub(super) struct Slot {
    arrived: VecDeque<EventBody>,
    waker: Option<Waker>,
}

struct Cancelled {
    reason: String,
    told: u32,
}

impl Mailbox {
    /// An event is about to be told: its time, and what is left to be given up.
    pub(super) fn begin_step(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        for token in self.given_up.drain(..self.given_up.len().min(GIVEN_UP_WITHIN)).collect::<Vec<_>>() {
            self.tell(ActionBody::CancelAction(token));
        }
    }

    /// When the event happened that is told now.
    pub(super) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Asks for something and opens a slot for its answers. Gives no token when the run is to end: nothing is asked
    /// for any more.
    pub(super) fn ask(&mut self, body: ActionBody) -> Option<u32> {
        if self.cancelled.is_some() {
            return None;
        }
        self.last_token += 1;
        self.sent.push(Action { token: self.last_token, body, extra: String::new() });
        self.open.insert(self.last_token, Slot::default());
        Some(self.last_token)
    }

    /// Opens a slot for something that was asked for by a former instance, or for what answers nothing. Gives no token
    /// when the run is to end.
    pub(super) fn reopen(&mut self, token: u32) -> Option<u32> {
        if self.cancelled.is_some() {
            return None;
        }
        self.open.entry(token).or_default();
        Some(token)
    }

    /// Does something that has no answer.
    pub(super) fn tell(&mut self, body: ActionBody) {
        self.sent.push(Action { token: 0, body, extra: String::new() });
    }

    /// The next answer, if it is there.
    pub(super) fn take(&mut self, token: u32) -> Option<EventBody> {
        self.open.get_mut(&token)?.arrived.pop_front()
    }

    /// Whom to wake when an answer comes. Gives who would have been woken: wakers may own waits, so they are dropped
    /// when the mailbox is no longer borrowed.
    #[must_use]
    pub(super) fn wake_with(&mut self, token: u32, waker: &Waker) -> Option<Waker> {
        self.open.get_mut(&token)?.waker.replace(waker.clone())
    }

    /// Nobody waits for this any more. What answers nothing is kept for the next who asks. Gives what is to be dropped
    /// when the mailbox is no longer borrowed.
    #[must_use]
    pub(super) fn close(&mut self, token: u32) -> Option<Slot> {
        if token == 0 { None } else { self.open.remove(&token) }
    }

    /// Lets the host give up what nobody waits for, now or when there is room for it.
    pub(super) fn give_up(&mut self, token: u32) {
        if self.sent.len() < GIVEN_UP_WITHIN {
            self.tell(ActionBody::CancelAction(token));
        } else {
            self.given_up.push_back(token);
        }
    }

    /// An event has come. One that nobody waits for is forgotten, unless it answers nothing: then it is news.
    pub(super) fn deliver(this: &Rc<RefCell<Self>>, token: u32, body: EventBody) {
        let waker = {
            let mut mailbox = this.borrow_mut();
            if token == 0 {
                mailbox.open.entry(0).or_default();
            }
            let Some(slot) = mailbox.open.get_mut(&token) else { return };
            if slot.arrived.len() >= ARRIVED {
                slot.arrived.pop_front();
            }
            slot.arrived.push_back(body);
            slot.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The run is to end: from now on every wait says so.
    pub(super) fn cancel(this: &Rc<RefCell<Self>>, reason: String) {
        let wakers: Vec<Waker> = {
            let mut mailbox = this.borrow_mut();
            mailbox.cancelled.get_or_insert(Cancelled { reason, told: 0 });
            mailbox.open.values_mut().filter_map(|slot| slot.waker.take()).collect()
        };
        for waker in wakers {
            waker.wake();
        }
    }

    /// Why the run is to end, if it is.
    pub(super) fn cancelled(&self) -> Option<&str> {
        self.cancelled.as_ref().map(|cancelled| cancelled.reason.as_str())
    }

    /// The same for a wait. One that was begun afterwards is told so only for some time, so that a run which does not
    /// listen comes to rest.
    pub(super) fn tell_cancelled(&mut self, was_begun_afterwards: bool) -> Option<Result<String, Deaf>> {
        let cancelled = self.cancelled.as_mut()?;
        cancelled.told += u32::from(was_begun_afterwards);
        Some(if cancelled.told > PATIENCE { Err(Deaf) } else { Ok(cancelled.reason.clone()) })
    }

    /// While this is set the run can be moved.
    pub(super) fn rest(&mut self, resting: Option<(u32, Value)>) {
        self.resting = resting;
    }

    /// The token that the run rests upon, and what it keeps.
    pub(super) fn resting(&self) -> Option<(u32, &Value)> {
        self.resting.as_ref().map(|(token, kept)| (*token, kept))
    }

    /// Tokens and calls are numbered after those of a former instance.
    pub(super) fn number_from(&mut self, last_token: u32, last_call: u32) {
        (self.last_token, self.last_call) = (last_token, last_call);
    }

    /// What was asked for since the last time.
    pub(super) fn take_sent(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.sent)
    }
}

/// A run that goes on waiting although it was told often enough that it is to end.
pub(super) struct Deaf;
