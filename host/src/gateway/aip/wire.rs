//! One socket, read and written by one task: what waits in the outbox is written while the peer is read, so that a peer that
//! waits for us to read is not waited for. Pings go out, and who says nothing for too long is gone.

use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use crate::clients::{Parcel, Parcels};
use crate::config::ConnectionLimits;
use crate::gateway::{FrameRefusal, Socket};
use crate::telemetry::Traffic;

/// Frames that are handed to the socket before it is flushed.
const BATCH: usize = 16;

/// A socket and what is to be written to it.
pub(super) struct Wire {
    socket: Socket,
    parcels: Parcels,
    limits: Arc<ConnectionLimits>,
    traffic: Traffic,
    /// Something was handed to the socket and is not flushed yet.
    is_writing: bool,
    heard: Instant,
    pinged: Instant,
    /// Pings are sent: the peer has been told that it is registered.
    pings: bool,
    /// Since when the good-bye is written, and only the peer's is waited for.
    closing: Option<Instant>,
    /// Somebody wants to know whether the peer is there, and it is: a large message comes from it.
    is_there: bool,
    pace: Option<Box<DefaultDirectRateLimiter>>,
    /// Nothing is read until then.
    paused: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
}

/// What happened on a socket.
#[derive(Debug)]
pub(super) enum Happening {
    /// A text frame came.
    Text(Utf8Bytes),
    /// A binary frame came.
    Binary(Bytes),
    /// Something came that says no more than that somebody is there.
    Sign,
    /// It is over.
    Gone(Gone),
}

/// Why it is over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Gone {
    /// The peer has closed it, or we have.
    #[error("it was closed")]
    Closed,
    /// It broke.
    #[error("it broke: {0}")]
    Broken(String),
    /// A frame was larger than any may be, or no frame of the protocol.
    #[error("{0}")]
    Unfit(String),
    /// The peer says nothing any more.
    #[error("nothing came from the peer for {0:?}")]
    Silent(Duration),
    /// The peer takes nothing any more.
    #[error("{0}")]
    TooSlow(&'static str),
}

impl Wire {
    pub fn new(socket: Socket, parcels: Parcels, limits: Arc<ConnectionLimits>, traffic: Traffic) -> Self {
        let now = Instant::now();
        let per_second = NonZeroU32::new(limits.messages_per_second);
        let quota = |each: NonZeroU32| Quota::per_second(each).allow_burst(each.saturating_mul(TWO));
        let pace = per_second.map(|each| Box::new(RateLimiter::direct(quota(each))));
        let alarm = Box::pin(sleep_until(now + limits.ping));
        Self {
            socket,
            parcels,
            limits,
            traffic,
            is_writing: false,
            heard: now,
            pinged: now,
            pings: false,
            closing: None,
            is_there: false,
            pace,
            paused: None,
            alarm,
        }
    }

    /// From now on the peer is pinged.
    pub fn begin_pings(&mut self) {
        self.pings = true;
    }

    /// The socket itself.
    pub fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// What happens next. Can be dropped while it waits.
    pub async fn next(&mut self) -> Happening {
        std::future::poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happening> {
        let polled = self.poll_all(context);
        if polled.is_ready() {
            self.parcels.awake();
        }
        polled
    }

    fn poll_all(&mut self, context: &mut Context<'_>) -> Poll<Happening> {
        if let Err(gone) = self.write(context) {
            return Poll::Ready(Happening::Gone(gone));
        }
        if std::mem::take(&mut self.is_there) {
            return Poll::Ready(Happening::Sign);
        }
        if let Poll::Ready(happening) = self.read(context) {
            return Poll::Ready(happening);
        }
        self.watch(context)
    }

    /// Writes what there is, as far as the peer takes it.
    fn write(&mut self, context: &mut Context<'_>) -> Result<(), Gone> {
        loop {
            if self.is_writing {
                match Pin::new(&mut self.socket).poll_flush(context) {
                    Poll::Ready(flushed) => flushed.map_err(of_error)?,
                    // The socket itself gives up a peer that takes nothing.
                    Poll::Pending => return self.parcels.cut(context).map_or(Ok(()), |why| Err(Gone::TooSlow(why))),
                }
                self.is_writing = false;
            }
            for _ in 0..BATCH {
                let Poll::Ready(parcel) = self.parcels.poll(context) else { break };
                if parcel == Parcel::Ping && self.socket.is_receiving() {
                    // It could not answer before all of that has come.
                    self.is_there = true;
                    continue;
                }
                self.is_writing = true;
                let message = match parcel {
                    Parcel::Text(text) => {
                        self.traffic.sent(text.len());
                        Message::Text(text)
                    }
                    Parcel::Ping => Message::Ping(Bytes::new()),
                    Parcel::Close(code, reason) => {
                        self.closing = Some(Instant::now());
                        Message::Close(Some(CloseFrame { code: code.into(), reason: Utf8Bytes::from_static(reason) }))
                    }
                    Parcel::Cut(why) => return Err(Gone::TooSlow(why)),
                };
                // Where the socket does not take it at once, it keeps it until it is flushed.
                Pin::new(&mut self.socket).start_send(message).map_err(of_error)?;
                if self.closing.is_some() {
                    break;
                }
            }
            if !self.is_writing {
                return Ok(());
            }
        }
    }

    fn read(&mut self, context: &mut Context<'_>) -> Poll<Happening> {
        if let Some(until) = self.paused {
            if until > Instant::now() {
                return Poll::Pending;
            }
            // What was read before the pause is yet to be counted.
            self.paused = None;
            self.keep_pace();
            if self.paused.is_some() {
                return Poll::Pending;
            }
        }
        let Poll::Ready(read) = Pin::new(&mut self.socket).poll_next(context) else { return Poll::Pending };
        self.heard = Instant::now();
        Poll::Ready(match read {
            Some(Ok(Message::Text(text))) => {
                self.traffic.received(text.len());
                self.keep_pace();
                Happening::Text(text)
            }
            Some(Ok(Message::Binary(bytes))) => {
                self.traffic.received(bytes.len());
                self.keep_pace();
                Happening::Binary(bytes)
            }
            Some(Ok(Message::Ping(_))) => {
                self.keep_pace();
                // The socket has an answer ready, which has to be flushed.
                self.is_writing = true;
                Happening::Sign
            }
            Some(Ok(Message::Pong(_) | Message::Frame(_))) => Happening::Sign,
            Some(Ok(Message::Close(_))) => {
                self.is_writing = true;
                Happening::Gone(Gone::Closed)
            }
            Some(Err(error)) => Happening::Gone(of_error(error)),
            None => Happening::Gone(Gone::Closed),
        })
    }

    /// Who sends too fast is read more slowly; nothing is lost.
    fn keep_pace(&mut self) {
        let Some(pace) = &self.pace else { return };
        if let Err(wait) = pace.check() {
            let wait = wait.wait_time_from(governor::clock::Clock::now(pace.clock()));
            self.paused = Some(Instant::now() + wait);
        }
    }

    /// Looks at the clock, and sees to it that it will be looked at again in time.
    fn watch(&mut self, context: &mut Context<'_>) -> Poll<Happening> {
        loop {
            let now = Instant::now();
            if self.closing.is_some_and(|since| now >= since + FAREWELL) {
                return Poll::Ready(Happening::Gone(Gone::Closed));
            }
            if self.socket.is_receiving() {
                // It cannot say anything else meanwhile.
                self.heard = now;
            }
            if now >= self.heard + self.limits.silence {
                return Poll::Ready(Happening::Gone(Gone::Silent(self.limits.silence)));
            }
            if self.paused.is_some_and(|until| until <= now) {
                // It is time to read again.
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.pings && self.closing.is_none() && !self.is_writing && now >= self.pinged + self.limits.ping {
                self.pinged = now;
                if let Err(error) = Pin::new(&mut self.socket).start_send(Message::Ping(Bytes::new())) {
                    return Poll::Ready(Happening::Gone(of_error(error)));
                }
                self.is_writing = true;
                if let Err(gone) = self.write(context) {
                    return Poll::Ready(Happening::Gone(gone));
                }
            }
            let next_ping = if now >= self.pinged + self.limits.ping {
                now + self.limits.ping
            } else {
                self.pinged + self.limits.ping
            };
            let due = [
                Some(self.heard + self.limits.silence),
                self.pings.then_some(next_ping),
                self.closing.map(|since| since + FAREWELL),
                self.paused,
            ];
            let Some(next) = due.into_iter().flatten().min() else { return Poll::Pending };
            // Most frames put the next look off; it may as well come too early.
            if self.alarm.deadline() > next || self.alarm.is_elapsed() {
                self.alarm.as_mut().reset(next);
            }
            if self.alarm.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Writes what is still in the outbox, the good-bye last, and waits a little for the peer's.
    pub async fn say_good_bye(mut self) {
        let patience = FAREWELL;
        let farewell = async {
            loop {
                match self.next().await {
                    Happening::Gone(_) => return,
                    // What still comes is too late.
                    Happening::Text(_) | Happening::Binary(_) | Happening::Sign => {}
                }
            }
        };
        let _ = tokio::time::timeout(patience, farewell).await;
        let flush = std::future::poll_fn(|context| Pin::new(&mut self.socket).poll_flush(context));
        let _ = tokio::time::timeout(FLUSH, flush).await;
    }
}

/// How long the peer has to take what is left and to say good-bye.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long the last byte may take.
const FLUSH: Duration = Duration::from_secs(1);

const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

fn of_error(error: Error) -> Gone {
    if let Some(refusal) = FrameRefusal::of(&error) {
        return Gone::Unfit(refusal.to_string());
    }
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => Gone::Closed,
        Error::Capacity(what) => Gone::Unfit(what.to_string()),
        Error::Protocol(what) => Gone::Unfit(what.to_string()),
        Error::Utf8(what) => Gone::Unfit(what),
        Error::Io(error) => Gone::Broken(error.to_string()),
        other => Gone::Broken(other.to_string()),
    }
}
