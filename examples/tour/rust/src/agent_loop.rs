//! Lets a run be written as one async function: the function is polled inside `step`, what it sends becomes the
//! actions of the step, and the events of the host are the answers that it awaits.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use hangar_plugin_sdk::behaviour::actions::{Action, ActionBody, Emit, Fail, Finish};
use hangar_plugin_sdk::behaviour::events::{Event, EventBody};

/// How a run ends.
pub enum Outcome {
    Finished(Finish),
    Failed(Fail),
}

/// What the author's function holds of its run; cheap to clone.
#[derive(Clone, Default)]
pub struct Cx(Rc<RefCell<Mailbox>>);

#[derive(Default)]
struct Mailbox {
    last_token: u32,
    sent: Vec<Action>,
    /// Events that nobody has awaited yet, by the token that they answer; 0 for those that answer nothing.
    arrived: BTreeMap<u32, VecDeque<EventBody>>,
}

impl Cx {
    /// A context whose tokens begin after the last one that a former instance has used.
    pub fn resume(last_token: u32) -> Self {
        let cx = Self::default();
        cx.0.borrow_mut().last_token = last_token;
        cx
    }

    /// Asks for something and gives the token that its answers will name.
    pub fn send(&self, body: ActionBody) -> u32 {
        let mut mailbox = self.0.borrow_mut();
        mailbox.last_token += 1;
        let token = mailbox.last_token;
        mailbox.sent.push(Action { token, body, extra: String::new() });
        token
    }

    /// The last token that was used.
    pub fn last_token(&self) -> u32 {
        self.0.borrow().last_token
    }

    /// Asks for something and waits for its answer.
    pub async fn ask(&self, body: ActionBody) -> EventBody {
        self.answer(self.send(body)).await
    }

    /// Waits for the next event that answers `token`.
    pub async fn answer(&self, token: u32) -> EventBody {
        poll_fn(|_| match self.0.borrow_mut().arrived.get_mut(&token).and_then(VecDeque::pop_front) {
            Some(body) => Poll::Ready(body),
            None => Poll::Pending,
        })
        .await
    }

    /// Waits for the next event that answers no action of ours.
    pub async fn news(&self) -> EventBody {
        self.answer(0).await
    }

    /// Does something that has no answer.
    pub fn tell(&self, body: ActionBody) {
        self.0.borrow_mut().sent.push(Action { token: 0, body, extra: String::new() });
    }

    /// Shows something to those who watch.
    pub fn emit(&self, emit: Emit) {
        self.tell(ActionBody::Emit(emit));
    }
}

/// One run of an author's function.
pub struct AgentLoop {
    cx: Cx,
    run: Pin<Box<dyn Future<Output = Outcome>>>,
    cancelled: fn(&str) -> Outcome,
}

impl AgentLoop {
    /// `run` is the function at work, over the same `cx`; `cancelled` says how to end when the host cancels.
    pub fn new(cx: Cx, run: impl Future<Output = Outcome> + 'static, cancelled: fn(&str) -> Outcome) -> Self {
        Self { cx, run: Box::pin(run), cancelled }
    }

    /// Hands the event to the function, lets it go on as far as it can, and gives what it has sent.
    pub fn step(&mut self, event: Event) -> Vec<Action> {
        let outcome = match event.body {
            EventBody::Cancel(reason) => Some((self.cancelled)(&reason)),
            body => {
                self.cx.0.borrow_mut().arrived.entry(event.token).or_default().push_back(body);
                match self.run.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(outcome) => Some(outcome),
                    Poll::Pending => None,
                }
            }
        };
        match outcome {
            Some(Outcome::Finished(finish)) => self.cx.tell(ActionBody::Finish(finish)),
            Some(Outcome::Failed(fail)) => self.cx.tell(ActionBody::Fail(fail)),
            None => {}
        }
        std::mem::take(&mut self.cx.0.borrow_mut().sent)
    }
}
