//! Waiting for one answer.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use hangar_plugin_behaviour::actions::ActionBody;
use hangar_plugin_behaviour::events::EventBody;

use super::error::Error;
use super::mailbox::Mailbox;

/// Makes the answer of an event; none when the event is not the last one and more is to come.
type Reader<T> = Box<dyn FnMut(EventBody) -> Option<Result<T, Error>>>;

/// An answer that is to come. Dropping it gives up what can be given up: a timer, a model call, a question, a child.
#[must_use = "what was asked for is given up when the wait for it is dropped: `.await` it"]
pub struct Wait<T> {
    mailbox: Rc<RefCell<Mailbox>>,
    /// None when the run was to end already, so that nothing was asked for.
    token: Option<u32>,
    read: Reader<T>,
    can_be_given_up: bool,
    over: bool,
}

impl<T> Wait<T> {
    /// Asks for something.
    pub(super) fn ask(
        mailbox: &Rc<RefCell<Mailbox>>,
        body: ActionBody,
        read: impl FnMut(EventBody) -> Option<Result<T, Error>> + 'static,
    ) -> Self {
        let can_be_given_up = matches!(
            body,
            ActionBody::SetTimer(_) | ActionBody::AskModel(_) | ActionBody::AskUser(_) | ActionBody::Delegate(_)
        );
        let token = mailbox.borrow_mut().ask(body);
        Self { mailbox: Rc::clone(mailbox), token, read: Box::new(read), can_be_given_up, over: false }
    }

    /// Waits for what was asked for elsewhere.
    pub(super) fn again(
        mailbox: &Rc<RefCell<Mailbox>>,
        token: u32,
        read: impl FnMut(EventBody) -> Option<Result<T, Error>> + 'static,
    ) -> Self {
        let token = mailbox.borrow_mut().reopen(token);
        Self { mailbox: Rc::clone(mailbox), token, read: Box::new(read), can_be_given_up: false, over: false }
    }

    /// The token of the action; none when the run was to end already, so that nothing was asked for.
    pub fn token(&self) -> Option<u32> {
        self.token
    }

    fn next(&mut self) -> Option<Result<T, Error>> {
        let token = self.token?;
        loop {
            let body = self.mailbox.borrow_mut().take(token)?;
            let answer = match body {
                EventBody::Refused(why) => Some(Err(Error::Refused { code: why.code, text: why.text })),
                body => (self.read)(body),
            };
            if answer.is_some() {
                return answer;
            }
        }
    }
}

impl<T> Future for Wait<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(answer) = self.next() {
            self.over = true;
            return Poll::Ready(answer);
        }
        let told = self.mailbox.borrow_mut().tell_cancelled(self.token.is_none());
        if let Some(told) = told {
            return told.map_or(Poll::Pending, |reason| Poll::Ready(Err(Error::Cancelled { reason })));
        }
        if let Some(token) = self.token {
            let _formerly = self.mailbox.borrow_mut().wake_with(token, context.waker());
        }
        Poll::Pending
    }
}

impl<T> Drop for Wait<T> {
    fn drop(&mut self) {
        let Some(token) = self.token else { return };
        let _slot = self.mailbox.borrow_mut().close(token);
        if self.can_be_given_up && !self.over {
            self.mailbox.borrow_mut().give_up(token);
        }
    }
}
