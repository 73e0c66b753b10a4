//! Whatever comes in whatever pieces: a socket says of it what the WebSocket library says of it.

use std::collections::VecDeque;
use std::io::{self, Cursor, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::StreamExt as _;
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Message, WebSocket};

use super::super::large_frames::Room;
use super::super::socket::Socket;
use super::frame;
use crate::config::ConnectionLimits;

/// Gives pieces of what was sent, with pauses between them, and takes everything; every other write only later.
struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    is_pause: bool,
    takes: bool,
}

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.is_pause = !self.is_pause;
        if self.is_pause {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(mut piece) = self.pieces.pop_front() {
            let taken = piece.len().min(buffer.remaining());
            buffer.put_slice(&piece[..taken]);
            piece.drain(..taken);
            if !piece.is_empty() {
                self.pieces.push_front(piece);
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.takes = !self.takes;
        if self.takes {
            return Poll::Ready(Ok(bytes.len()));
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The same for the library by itself, all at once.
struct Whole(Cursor<Vec<u8>>);

impl Read for Whole {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn said_by_the_library(bytes: &[u8]) -> Vec<Result<Message, String>> {
    let limits = WebSocketConfig::default()
        .max_message_size(Some(hangar_aip::limits::FRAME_BYTES))
        .max_frame_size(Some(hangar_aip::limits::FRAME_BYTES));
    let mut socket = WebSocket::from_raw_socket(Whole(Cursor::new(bytes.to_vec())), Role::Server, Some(limits));
    let mut said = Vec::new();
    loop {
        let read = socket.read().map_err(|error| error.to_string());
        let is_end = read.is_err();
        said.push(read);
        if is_end {
            return said;
        }
    }
}

async fn said_by_a_socket(bytes: &[u8], sizes: &[usize]) -> (Vec<Result<Message, String>>, Arc<Room>) {
    let limits = ConnectionLimits {
        small_frame_bytes: 3_000,
        large_frames_bytes: 1 << 20,
        large_frame: Duration::from_secs(60),
        ..ConnectionLimits::default()
    };
    let room = Arc::new(Room::new(&limits));
    let mut rest = bytes;
    let mut pieces = VecDeque::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at((*size).min(rest.len()));
        pieces.push_back(piece.to_vec());
        rest = behind;
    }
    // The first piece came along with the handshake.
    let first = pieces.pop_front().unwrap_or_default();
    let mut socket = Socket::new(Pieces { pieces, is_pause: false, takes: false }, Arc::clone(&room), &first);
    let mut said = Vec::new();
    while let Some(read) = socket.next().await {
        assert!(room.reserved() <= 1 << 20);
        if let Ok(Message::Binary(bytes)) = &read
            && bytes.len() > 3_000
        {
            let held = socket.take_reservation().unwrap().bytes();
            assert!(held >= bytes.len() && held < bytes.len() + 2_048, "{held} for {}", bytes.len());
        }
        said.push(read.map_err(|error| error.to_string()));
    }
    (said, room)
}

/// Whole conversations: messages in one or more frames, with control frames in between and within.
fn conversations() -> impl Strategy<Value = Vec<u8>> {
    let length =
        prop_oneof![4 => 0..200_usize, 2 => 1_900..2_300_usize, 2 => 2_900..3_100_usize, 1 => 60_000..70_000_usize];
    let control =
        (prop_oneof![Just(9_u8), Just(10)], 0..=125_usize).prop_map(|(opcode, length)| (opcode, true, length));
    let message = (1..=2_u8, prop::collection::vec((length, prop::option::weighted(0.2, control)), 1..4)).prop_map(
        |(opcode, fragments)| {
            let last = fragments.len() - 1;
            let mut bytes = Vec::new();
            for (number, (length, control)) in fragments.into_iter().enumerate() {
                if let Some((opcode, is_final, length)) = control {
                    bytes.extend(frame(opcode, is_final, &vec![b'c'; length]));
                }
                bytes.extend(frame(if number == 0 { opcode } else { 0 }, number == last, &vec![b'x'; length]));
            }
            bytes
        },
    );
    prop::collection::vec(message, 1..8).prop_map(|messages| messages.concat())
}

fn compare(bytes: &[u8], sizes: &[usize]) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let (mut said, room) = runtime.block_on(said_by_a_socket(bytes, sizes));
    let mut expected = said_by_the_library(bytes);
    // A stream ends where the library says so.
    let is_end = |read: &Result<Message, String>| read.as_ref().is_err_and(|error| error.contains("closed normally"));
    expected.retain(|read| !is_end(read));
    said.retain(|read| !is_end(read));
    prop_assert_eq!(said, expected);
    prop_assert_eq!(room.reserved(), 0);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whole_messages_come_through(bytes in conversations(), sizes in prop::collection::vec(1..5_000_usize, 1..20)) {
        compare(&bytes, &sizes)?;
    }

    #[test]
    fn byte_by_byte_too(bytes in conversations()) {
        compare(bytes.get(..20_000).unwrap_or(&bytes), &[1, 2, 1, 3])?;
    }

    #[test]
    fn so_does_what_is_broken(
        bytes in conversations(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        sizes in prop::collection::vec(1..5_000_usize, 1..20),
    ) {
        let mut bytes = bytes;
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        compare(&bytes, &sizes)?;
    }

    #[test]
    fn and_what_never_was_a_frame(bytes in prop::collection::vec(any::<u8>(), 0..300), sizes in prop::collection::vec(1..50_usize, 1..9)) {
        compare(&bytes, &sizes)?;
    }
}
