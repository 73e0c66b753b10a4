//! What is to be written to one connection: two lanes, answers before bulk, both bounded. Whoever puts something in never
//! waits; a connection that does not keep up is closed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Where things are put in; cheap to clone.
#[derive(Debug, Clone)]
pub struct Outbox(Arc<Shared>);

/// Where they come out, for the one task that writes.
#[derive(Debug)]
pub struct Parcels(Arc<Shared>);

/// The next thing to do on a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum Parcel {
    /// Write this text frame.
    Text(Utf8Bytes),
    /// See whether anybody is there.
    Ping,
    /// Say good-bye with this code and reason; nothing comes after it.
    Close(u16, &'static str),
    /// Let go of the connection without a word; nothing comes after it.
    Cut(&'static str),
}

/// The connection does not take what is written to it fast enough, and is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection is gone or too slow")]
pub struct TooSlow;

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    waker: AtomicWaker,
    frames: u32,
    bytes: u32,
}

#[derive(Debug, Default)]
struct State {
    answers: VecDeque<Utf8Bytes>,
    bulk: VecDeque<Utf8Bytes>,
    /// Of all but the one that is larger than all may be together.
    bytes: usize,
    /// Whether that one is there.
    has_huge: bool,
    ping: bool,
    end: Option<Parcel>,
    /// Nothing is taken any more.
    shut: bool,
}

impl State {
    fn frames(&self) -> usize {
        self.answers.len() + self.bulk.len()
    }

    fn shut(&mut self, end: Parcel) {
        if !self.shut {
            (self.shut, self.end) = (true, Some(end));
        }
    }
}

impl Outbox {
    /// An empty one, with room for so many frames and so many bytes. One frame of any size always finds room.
    pub fn new(frames: usize, bytes: usize) -> (Self, Parcels) {
        let bound = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
        let (frames, bytes) = (bound(frames), bound(bytes));
        let shared = Arc::new(Shared { state: Mutex::default(), waker: AtomicWaker::new(), frames, bytes });
        (Self(Arc::clone(&shared)), Parcels(shared))
    }

    /// Puts an answer in: it is written before all that is in bulk.
    pub fn answer(&self, text: impl Into<Utf8Bytes>) -> Result<(), TooSlow> {
        self.put(text.into(), |state| &mut state.answers)
    }

    /// Puts in what can wait for answers. It stays in its order.
    pub fn bulk(&self, text: impl Into<Utf8Bytes>) -> Result<(), TooSlow> {
        self.put(text.into(), |state| &mut state.bulk)
    }

    fn put(&self, text: Utf8Bytes, lane: impl FnOnce(&mut State) -> &mut VecDeque<Utf8Bytes>) -> Result<(), TooSlow> {
        let mut state = self.0.state();
        if state.shut {
            return Err(TooSlow);
        }
        let is_huge = text.len() > self.0.bytes as usize;
        let bytes = if is_huge { state.bytes } else { state.bytes.saturating_add(text.len()) };
        let too_many = state.frames() >= self.0.frames as usize;
        let too_much = if is_huge { state.has_huge } else { bytes > self.0.bytes as usize };
        if too_many || too_much {
            // What is in there would come with holes.
            *state = State::default();
            state.shut(Parcel::Cut("it does not read what is written to it"));
        } else {
            state.bytes = bytes;
            state.has_huge |= is_huge;
            lane(&mut state).push_back(text);
        }
        let taken = if state.shut { Err(TooSlow) } else { Ok(()) };
        drop(state);
        self.0.waker.wake();
        taken
    }

    /// Has the connection pinged as soon as possible.
    pub fn ping(&self) {
        self.0.state().ping = true;
        self.0.waker.wake();
    }

    /// Takes no more; what is in it is written, then the connection is closed.
    pub fn close(&self, code: u16, reason: &'static str) {
        self.0.state().shut(Parcel::Close(code, reason));
        self.0.waker.wake();
    }

    /// Takes no more, and what is in it is thrown away with the connection.
    pub fn cut(&self, why: &'static str) {
        *self.0.state() = State { shut: true, end: Some(Parcel::Cut(why)), ..State::default() };
        self.0.waker.wake();
    }

    /// How many frames wait to be written.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.0.state().frames()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Parcels {
    /// The task that writes is at work and will ask for all there is before it sleeps: until then nobody has to wake it,
    /// least of all itself.
    pub fn awake(&self) {
        drop(self.0.waker.take());
    }

    /// The next parcel.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<Parcel> {
        if let Some(parcel) = self.take() {
            return Poll::Ready(parcel);
        }
        self.0.waker.register(context.waker());
        // It may have come in between.
        self.take().map_or(Poll::Pending, Poll::Ready)
    }

    /// Why the connection is to be let go of at once, if it is; whoever waits for something else is woken by that.
    pub fn cut(&mut self, context: &mut Context<'_>) -> Option<&'static str> {
        self.0.waker.register(context.waker());
        match self.0.state().end {
            Some(Parcel::Cut(why)) => Some(why),
            _ => None,
        }
    }

    fn take(&self) -> Option<Parcel> {
        let mut state = self.0.state();
        if state.ping {
            state.ping = false;
            return Some(Parcel::Ping);
        }
        let text = match state.answers.pop_front() {
            Some(text) => Some(text),
            None => state.bulk.pop_front(),
        };
        if let Some(text) = text {
            match text.len() > self.0.bytes as usize {
                true => state.has_huge = false,
                false => state.bytes -= text.len(),
            }
            if state.frames() == 0 {
                // An idle connection keeps no room for what it once had to say.
                (state.answers, state.bulk) = (VecDeque::new(), VecDeque::new());
            }
            return Some(Parcel::Text(text));
        }
        state.end.take()
    }
}

/// Whoever still puts something in is told that nobody writes any more.
impl Drop for Parcels {
    fn drop(&mut self) {
        *self.0.state() = State { shut: true, ..State::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(parcels: &mut Parcels) -> Vec<Parcel> {
        let mut context = Context::from_waker(std::task::Waker::noop());
        std::iter::from_fn(|| match parcels.poll(&mut context) {
            Poll::Ready(parcel) => Some(parcel),
            Poll::Pending => None,
        })
        .collect()
    }

    fn text(text: &'static str) -> Parcel {
        Parcel::Text(Utf8Bytes::from_static(text))
    }

    #[test]
    fn answers_come_before_bulk_and_the_good_bye_last() {
        let (outbox, mut parcels) = Outbox::new(8, 100);
        outbox.bulk("command").unwrap();
        outbox.answer("heartbeat").unwrap();
        outbox.bulk("end").unwrap();
        outbox.close(1000, "bye");
        outbox.ping();
        assert_eq!(outbox.answer("late"), Err(TooSlow));
        assert_eq!(outbox.waiting(), 3);
        let [heartbeat, command, end] = ["heartbeat", "command", "end"].map(text);
        assert_eq!(all(&mut parcels), [Parcel::Ping, heartbeat, command, end, Parcel::Close(1000, "bye")]);
    }

    #[test]
    fn who_does_not_keep_up_is_cut_off() {
        let (outbox, _parcels) = Outbox::new(8, 10);
        outbox.bulk("far more than ten bytes").unwrap();
        outbox.answer("x").unwrap();
        let (outbox, mut parcels) = Outbox::new(8, 10);
        outbox.bulk("far more than ten bytes").unwrap();
        outbox.bulk("ten bytes.").unwrap();
        assert_eq!(outbox.answer("x"), Err(TooSlow), "too many bytes");
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(parcels.cut(&mut context).is_some());
        assert!(matches!(all(&mut parcels)[..], [Parcel::Cut(_)]));
        let (outbox, _parcels) = Outbox::new(8, 10);
        outbox.bulk("far more than ten bytes").unwrap();
        assert_eq!(outbox.bulk("another that is as large"), Err(TooSlow), "one such is enough");
        let (outbox, mut parcels) = Outbox::new(2, 10);
        outbox.answer("1").unwrap();
        outbox.answer("2").unwrap();
        assert_eq!(outbox.answer("3"), Err(TooSlow), "too many frames");
        outbox.close(1000, "it is cut off already");
        assert!(matches!(all(&mut parcels)[..], [Parcel::Cut(_)]));
    }

    #[test]
    fn nobody_writes_when_the_parcels_are_gone() {
        let (outbox, parcels) = Outbox::new(2, 10);
        outbox.answer("1").unwrap();
        drop(parcels);
        assert_eq!((outbox.answer("2"), outbox.waiting()), (Err(TooSlow), 0));
    }
}
