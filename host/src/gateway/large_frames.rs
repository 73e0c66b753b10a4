//! The gate that every byte of a WebSocket comes through: it bounds the memory of all messages that are being read.
//!
//! Small messages go by and are merely counted. Where a header announces a larger one, its last byte is held back until
//! there is room for the whole message in a budget that all connections share. So no memory is set aside for what was
//! only announced, no two messages wait for each other half-read, and whoever waits is simply not read: the peer feels
//! it as a slow network, and nobody else feels anything.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hangar_aip::limits::FRAME_BYTES;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tokio_tungstenite::tungstenite::Error;

use super::frame_headers::{Announced, Brings, FrameHeaders};
use crate::config::ConnectionLimits;

/// What the WebSocket library reads at once, and keeps for as long as a connection lives. Tens of thousands of
/// connections have nothing to say most of the time.
pub const READ_BUFFER: usize = 2 << 10;

/// What is read at once of a large message.
const LONG_READ: usize = 64 << 10;

/// The budget is counted in pieces of so many bytes, because a semaphore gives at most 2³² at once.
const PIECE: usize = 1 << 10;

/// The room that all connections share for large messages, and what counts as one.
#[derive(Debug)]
pub struct Room {
    budget: Arc<Semaphore>,
    pieces: usize,
    small: usize,
    patience: Duration,
}

/// Room for one message, until this is dropped.
#[derive(Debug)]
pub struct Reservation(OwnedSemaphorePermit);

/// Why a connection is not read any further. It comes out of the WebSocket as the inner error of an [`io::Error`]; see
/// [`FrameRefusal::of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameRefusal {
    /// The message took too long.
    #[error("a large message arrives too slowly: it may take {} s, and each part of it its part of that; send it faster, or in smaller messages", patience.as_secs())]
    TooSlow {
        /// How long it may take.
        patience: Duration,
    },
    /// There was no room for it.
    #[error("there was no room for a large message within {} s, because others are being read; try again later", patience.as_secs())]
    NoRoom {
        /// How long is waited for room.
        patience: Duration,
    },
    /// The message is longer than what this connection may send for now.
    #[error("a message of {bytes} bytes was announced where at most {limit} are taken; register first")]
    TooLong {
        /// What was announced.
        bytes: u64,
        /// What would be taken.
        limit: usize,
    },
}

/// A stream whose reading side is bounded as this module says.
#[derive(Debug)]
pub struct Gate<S> {
    stream: S,
    room: Arc<Room>,
    frames: FrameHeaders,
    /// What was read and may not go on yet.
    ahead: Ahead,
    /// The message that is larger than small, while it waits or arrives.
    large: Option<Box<Large>>,
    /// The room of the one that has arrived, until somebody takes it or more is read.
    arrived: Option<Reservation>,
    /// The longest message that is taken.
    limit: usize,
    /// The library has had to enlarge one of its buffers, which it would keep.
    has_grown: bool,
    /// The last bytes that went on were the end of one message, and of no other: the library has nothing left to read.
    is_between_messages: bool,
    /// What the library wrote was not taken at once.
    is_blocked: bool,
}

/// A message that is larger than small.
enum Large {
    /// It waits for room, the end of its header held back.
    Waiting { room: Asked, until: Pin<Box<Sleep>>, announced: u64 },
    /// It has room, and arrives.
    Arriving { room: Reservation, pace: Pace },
}

/// How far a message has to be by when. Room that is set aside for one that does not come is room that others wait for, so
/// it is looked at again and again, and not only in the end.
struct Pace {
    next_look: Pin<Box<Sleep>>,
    looks: u32,
    announced: u64,
    arrived: u64,
}

/// Looks in the time that a message may take.
const LOOKS: u32 = 12;

impl Pace {
    fn begin(patience: Duration, announced: u64) -> Self {
        Self { next_look: Box::pin(sleep(patience / LOOKS)), looks: 0, announced, arrived: 0 }
    }

    /// Resolves when it is too slow.
    fn poll_too_slow(&mut self, patience: Duration, context: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.next_look.as_mut().poll(context));
            self.looks += 1;
            let is_behind =
                self.arrived.saturating_mul(LOOKS.into()) < self.announced.saturating_mul(self.looks.into());
            if is_behind || self.looks >= LOOKS {
                return Poll::Ready(());
            }
            let next = self.next_look.deadline() + patience / LOOKS;
            self.next_look.as_mut().reset(next);
        }
    }
}

type Asked = Pin<Box<dyn Future<Output = Result<OwnedSemaphorePermit, AcquireError>> + Send>>;

/// Bytes between the socket and the library.
#[derive(Debug, Default)]
struct Ahead {
    bytes: Vec<u8>,
    from: usize,
    to: usize,
}

impl Room {
    /// As much as these limits say, all of it free.
    pub fn new(limits: &ConnectionLimits) -> Self {
        let pieces = limits.large_frames_bytes.div_ceil(PIECE).clamp(1, Semaphore::MAX_PERMITS);
        Self {
            budget: Arc::new(Semaphore::new(pieces)),
            pieces,
            small: limits.small_frame_bytes,
            patience: limits.large_frame,
        }
    }

    /// Takes so many bytes at once, or not at all, for what is collected from many messages.
    pub fn try_reserve(&self, bytes: u64) -> Option<Reservation> {
        let pieces = u32::try_from(bytes.div_ceil(PIECE as u64)).ok()?;
        Arc::clone(&self.budget).try_acquire_many_owned(pieces).ok().map(Reservation)
    }

    /// Bytes that are reserved at present.
    pub fn reserved(&self) -> usize {
        self.pieces.saturating_sub(self.budget.available_permits()).saturating_mul(PIECE)
    }

    /// Asks for so many bytes; for the whole room where they are more than that.
    fn ask(&self, bytes: u64, announced: u64) -> Large {
        let pieces = usize::try_from(bytes.div_ceil(PIECE as u64)).unwrap_or(usize::MAX).min(self.pieces);
        let pieces = u32::try_from(pieces).unwrap_or(u32::MAX);
        let room = Box::pin(Arc::clone(&self.budget).acquire_many_owned(pieces));
        Large::Waiting { room, until: Box::pin(sleep(self.patience)), announced }
    }
}

impl Reservation {
    /// So many bytes are reserved.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.0.num_permits().saturating_mul(PIECE)
    }

    /// The room of both.
    pub fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    /// Gives back what is more than so many bytes.
    fn shrink(&mut self, bytes: u64) {
        let needed = usize::try_from(bytes.div_ceil(PIECE as u64)).unwrap_or(usize::MAX);
        drop(self.0.split(self.0.num_permits().saturating_sub(needed)));
    }
}

impl FrameRefusal {
    /// The refusal inside of this error of a socket, if it is one.
    pub fn of(error: &Error) -> Option<Self> {
        match error {
            Error::Io(error) => error.get_ref()?.downcast_ref().copied(),
            _ => None,
        }
    }

    fn error(self) -> io::Error {
        let kind = match self {
            Self::TooSlow { .. } | Self::NoRoom { .. } => io::ErrorKind::TimedOut,
            Self::TooLong { .. } => io::ErrorKind::InvalidData,
        };
        io::Error::new(kind, self)
    }
}

impl<S> Gate<S> {
    /// A gate before a stream of which these bytes have been read already.
    pub fn new(stream: S, room: Arc<Room>, read: &[u8]) -> Self {
        Self {
            stream,
            room,
            frames: FrameHeaders::default(),
            ahead: Ahead { bytes: read.to_vec(), from: 0, to: read.len() },
            large: None,
            arrived: None,
            limit: usize::MAX,
            has_grown: false,
            is_between_messages: false,
            is_blocked: false,
        }
    }

    /// From now on takes messages of at most so many bytes. What the protocol allows at most is the library's to refuse.
    pub fn take_at_most(&mut self, bytes: usize) {
        self.limit = bytes;
    }

    /// The room of the message that was read last, if it was a large one. Whoever works on the message keeps it as long;
    /// where nobody takes it, it is given back as soon as more is read.
    pub fn take_reservation(&mut self) -> Option<Reservation> {
        self.arrived.take()
    }

    /// A large message waits for room or arrives, which has time limits of its own. Nothing else can come meanwhile, not
    /// even the answer to a ping, so silence means nothing.
    pub fn is_receiving(&self) -> bool {
        self.large.is_some()
    }

    /// The library holds nothing but buffers that are larger than they need be: now they can be replaced.
    pub fn wants_small_buffers(&self) -> bool {
        self.has_grown && self.is_between_messages && !self.is_blocked
    }

    /// The library has had to enlarge one of its buffers, which it would keep.
    #[cfg(test)]
    pub fn has_grown(&self) -> bool {
        self.has_grown
    }

    /// They have been replaced.
    pub fn has_small_buffers(&mut self) {
        self.has_grown = false;
    }

    /// How many of these bytes may go on now.
    fn let_by(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut passed = 0;
        let mut ends = 0_usize;
        self.is_between_messages = false;
        while let Some(rest) = bytes.get(passed..)
            && !rest.is_empty()
        {
            let step = self.frames.next(rest);
            if let Brings::Header(announced) = step.brings
                && !self.has_room_for(announced)?
            {
                break;
            }
            let brings = self.frames.pass(rest, step);
            passed += step.bytes;
            let is_end = matches!(brings, Brings::Control | Brings::Message { .. });
            self.is_between_messages = is_end && !self.frames.is_in_message();
            if is_end {
                ends += 1;
                if let Brings::Message { bytes } = brings {
                    self.message_has_arrived(bytes);
                }
                if self.has_grown {
                    break;
                }
            }
        }
        self.is_between_messages &= ends == 1;
        if let Some(Large::Arriving { pace, .. }) = self.large.as_deref_mut() {
            pace.arrived += passed as u64;
        }
        Ok(passed)
    }

    fn has_room_for(&mut self, announced: Announced) -> io::Result<bool> {
        let Announced { frame, message, is_in_pieces, is_last } = announced;
        if message > self.limit as u64 {
            return Err(FrameRefusal::TooLong { bytes: message, limit: self.limit }.error());
        }
        // Beyond it the library refuses the header, and has set nothing aside for it.
        let is_refused_anyway = frame > FRAME_BYTES as u64;
        if is_refused_anyway {
            return Ok(true);
        }
        self.has_grown |= message > READ_BUFFER as u64;
        if message <= self.room.small as u64 || self.large.is_some() {
            return Ok(true);
        }
        // Pieces are put together by copying them, so for a while they are there twice; and how many more will come,
        // nobody knows before the last.
        let bytes = match (is_in_pieces, is_last) {
            (false, _) => message,
            (true, true) => message.saturating_mul(2),
            (true, false) => 2 * FRAME_BYTES.min(self.limit) as u64,
        };
        // What is yet to be announced has to come in its time as well.
        let expected = if is_in_pieces { bytes / 2 } else { message };
        self.large = Some(Box::new(self.room.ask(bytes, expected)));
        Ok(false)
    }

    fn message_has_arrived(&mut self, bytes: u64) {
        if let Some(large) = self.large.take()
            && let Large::Arriving { mut room, .. } = *large
        {
            room.shrink(bytes);
            self.arrived = Some(room);
        }
    }

    /// Comes back once nothing stands against reading on.
    fn poll_large(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let patience = self.room.patience;
        let Some(large) = &mut self.large else {
            return Poll::Ready(Ok(()));
        };
        if let Large::Waiting { room, until, announced } = &mut **large {
            match room.as_mut().poll(context) {
                Poll::Ready(Ok(room)) => {
                    let pace = Pace::begin(patience, *announced);
                    **large = Large::Arriving { room: Reservation(room), pace };
                }
                Poll::Ready(Err(_)) => return Poll::Ready(Err(FrameRefusal::NoRoom { patience }.error())),
                Poll::Pending => {
                    ready!(until.as_mut().poll(context));
                    return Poll::Ready(Err(FrameRefusal::NoRoom { patience }.error()));
                }
            }
        }
        if let Large::Arriving { pace, .. } = &mut **large
            && pace.poll_too_slow(patience, context).is_ready()
        {
            return Poll::Ready(Err(FrameRefusal::TooSlow { patience }.error()));
        }
        Poll::Ready(Ok(()))
    }
}

impl std::fmt::Debug for Large {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Waiting { .. } => "Waiting",
            Self::Arriving { .. } => "Arriving",
        })
    }
}

impl Ahead {
    fn is_empty(&self) -> bool {
        self.from >= self.to
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.from..self.to).unwrap_or_default()
    }

    /// So many have gone on. A buffer with nothing in it is no longer kept.
    fn advance(&mut self, bytes: usize) {
        self.from += bytes;
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let gate = &mut *self;
        // Whoever reads on has done with the message before, or has taken its room.
        gate.arrived = None;
        if buffer.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        loop {
            ready!(gate.poll_large(context))?;
            if gate.ahead.is_empty() {
                let to_come = usize::try_from(gate.frames.to_come()).unwrap_or(usize::MAX);
                if to_come > 4 * READ_BUFFER {
                    let mut bytes = vec![0; to_come.min(LONG_READ)];
                    let mut read = ReadBuf::new(&mut bytes);
                    ready!(Pin::new(&mut gate.stream).poll_read(context, &mut read))?;
                    let to = read.filled().len();
                    if to == 0 {
                        return Poll::Ready(Ok(()));
                    }
                    gate.ahead = Ahead { bytes, from: 0, to };
                } else {
                    // Once there is a buffer to be replaced, nothing is read beyond the end of the frame.
                    let most = if gate.has_grown && to_come > 0 { to_come } else { usize::MAX };
                    let most = most.min(buffer.remaining());
                    let bytes = buffer.initialize_unfilled_to(most);
                    let mut read = ReadBuf::new(bytes);
                    ready!(Pin::new(&mut gate.stream).poll_read(context, &mut read))?;
                    let read = read.filled();
                    if read.is_empty() {
                        return Poll::Ready(Ok(()));
                    }
                    let passed = gate.let_by(read)?;
                    if let Some(rest) = read.get(passed..)
                        && !rest.is_empty()
                    {
                        gate.ahead = Ahead { bytes: rest.to_vec(), from: 0, to: rest.len() };
                    }
                    if passed > 0 {
                        buffer.advance(passed);
                        return Poll::Ready(Ok(()));
                    }
                    continue;
                }
            }
            let mut ahead = std::mem::take(&mut gate.ahead);
            let rest = ahead.rest();
            let rest = rest.get(..buffer.remaining()).unwrap_or(rest);
            let passed = gate.let_by(rest)?;
            if let Some(passed) = rest.get(..passed) {
                buffer.put_slice(passed);
            }
            ahead.advance(passed);
            gate.ahead = ahead;
            if passed > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.has_grown |= bytes.len() > READ_BUFFER;
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.is_blocked = written.is_pending();
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.is_blocked = flushed.is_pending();
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
