//! One WebSocket as the tasks of connections hold it: messages in, messages out, in as little memory as can be.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::{FutureExt, Sink, Stream};
use hangar_aip::limits::FRAME_BYTES;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::large_frames::{Gate, READ_BUFFER, Reservation, Room};
use crate::server::Connection;

/// A WebSocket on the server's side.
///
/// Pings are answered by themselves as long as messages are read; everything else that keeps a connection alive or ends
/// it is up to the holder.
#[derive(Debug)]
pub struct Socket<S = Connection> {
    /// None only if it could not be put together again, which ends it.
    inner: Option<WebSocketStream<Gate<S>>>,
    /// Somebody has said goodbye.
    is_closing: bool,
}

fn settings() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        // Each message goes out at once: how much may wait is the outbox's to decide.
        .write_buffer_size(0)
        .max_message_size(Some(FRAME_BYTES))
        .max_frame_size(Some(FRAME_BYTES))
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// Speaks WebSocket on a stream on which the handshake is done, and these bytes behind it have been read already.
    pub fn new(stream: S, room: Arc<Room>, read: &[u8]) -> Self {
        Self { inner: speak(Gate::new(stream, room, read)), is_closing: false }
    }

    /// From now on takes messages of at most so many bytes, so that whoever has not said who it is takes no room from those
    /// who have.
    pub fn take_at_most(&mut self, bytes: usize) {
        if let Some(inner) = &mut self.inner {
            inner.get_mut().take_at_most(bytes);
        }
    }

    /// The room of the message that was read last, if it was a large one. Whoever works on the message keeps it as long;
    /// where nobody takes it, it is given back as soon as more is read.
    pub fn take_reservation(&mut self) -> Option<Reservation> {
        self.inner.as_mut()?.get_mut().take_reservation()
    }

    /// A large message waits for room or arrives, which has time limits of its own. Nothing else can come meanwhile, not
    /// even the answer to a ping, so silence means nothing.
    pub fn is_receiving(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.get_ref().is_receiving())
    }

    /// One of the library's buffers is larger than it need be.
    #[cfg(test)]
    pub fn has_grown(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.get_ref().has_grown())
    }

    fn inner(&mut self) -> Result<Pin<&mut WebSocketStream<Gate<S>>>, Error> {
        self.inner.as_mut().map(Pin::new).ok_or(Error::AlreadyClosed)
    }

    /// The library never makes its buffers smaller: one screenshot, or one long command, and the connection would cost as
    /// much for the rest of its life. So after such a message, when nothing is in them, they are thrown away.
    fn renew_buffers(&mut self) {
        let wants = self.inner.as_ref().is_some_and(|inner| inner.get_ref().wants_small_buffers());
        if !wants || self.is_closing {
            return;
        }
        if let Some(inner) = self.inner.take() {
            let mut gate = inner.into_inner();
            gate.has_small_buffers();
            self.inner = speak(gate);
        }
    }
}

/// It does not wait: there is a future only because others of its kind shake hands.
fn speak<S: AsyncRead + AsyncWrite + Unpin>(gate: Gate<S>) -> Option<WebSocketStream<Gate<S>>> {
    WebSocketStream::from_raw_socket(gate, Role::Server, Some(settings())).now_or_never()
}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for Socket<S> {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let message = ready!(self.inner()?.poll_next(context));
        match &message {
            // The answer to a ping, or to a goodbye, is still with the library.
            Some(Ok(Message::Ping(_))) => {}
            Some(Ok(Message::Close(_)) | Err(_)) | None => self.is_closing = true,
            Some(Ok(_)) => self.renew_buffers(),
        }
        Poll::Ready(message)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sink<Message> for Socket<S> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner()?.poll_ready(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.is_closing |= matches!(message, Message::Close(_));
        self.inner()?.start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner()?.poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.is_closing = true;
        self.inner()?.poll_close(context)
    }
}
