//! Large messages: how much room they take, who waits, and who never notices.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hangar_aip::limits::FRAME_BYTES;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::super::FrameRefusal;
use super::super::large_frames::Room;
use super::super::socket::Socket;
use super::{frame, header, soon};
use crate::config::ConnectionLimits;

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const LARGE: Duration = Duration::from_secs(120);

fn room(bytes: usize) -> Arc<Room> {
    Arc::new(Room::new(&ConnectionLimits {
        large_frames_bytes: bytes,
        large_frame: LARGE,
        ..ConnectionLimits::default()
    }))
}

fn pair(room: &Arc<Room>) -> (DuplexStream, Socket<DuplexStream>) {
    let (client, server) = duplex(256 * KIB);
    (client, Socket::new(server, Arc::clone(room), &[]))
}

async fn send(client: &mut DuplexStream, bytes: &[u8]) {
    client.write_all(bytes).await.unwrap();
}

/// Looks for something that must not come. Nothing else is under way then, so it is enough to have looked once.
async fn nothing_from(socket: &mut Socket<DuplexStream>) {
    tokio::select! {
        biased;
        read = socket.next() => panic!("{read:?}"),
        () = std::future::ready(()) => {}
    }
}

#[tokio::test]
async fn small_messages_take_no_room() {
    let room = room(MIB);
    let (mut client, mut socket) = pair(&room);
    send(&mut client, &frame(2, true, &vec![7; 64 * KIB])).await;
    let message = socket.next().await.unwrap().unwrap();
    assert_eq!((message.len(), room.reserved()), (64 * KIB, 0));
    assert!(socket.take_reservation().is_none());
}

#[tokio::test]
async fn room_lasts_as_long_as_somebody_holds_it() {
    let room = room(MIB);
    let (mut client, mut socket) = pair(&room);
    for is_taken in [true, false] {
        send(&mut client, &frame(2, true, &vec![7; 65 * KIB])).await;
        assert_eq!(socket.next().await.unwrap().unwrap().len(), 65 * KIB);
        assert_eq!(room.reserved(), 65 * KIB);
        let held = if is_taken { socket.take_reservation() } else { None };
        nothing_from(&mut socket).await;
        assert_eq!(room.reserved(), if is_taken { 65 * KIB } else { 0 }, "reading on gives back what nobody took");
        drop(held);
        assert_eq!(room.reserved(), 0);
    }
}

#[tokio::test]
async fn nothing_is_set_aside_for_what_waits() {
    let room = room(200 * MIB);
    let mut pairs: Vec<_> = (0..3).map(|_| pair(&room)).collect();
    for (client, socket) in &mut pairs {
        send(client, &header(1, true, FRAME_BYTES as u64)).await;
        send(client, b"some of it").await;
        nothing_from(socket).await;
        assert!(socket.is_receiving());
    }
    assert_eq!(room.reserved(), 200 * MIB, "two have room, the third waits");
    drop(pairs.remove(0));
    nothing_from(&mut pairs[1].1).await;
    assert_eq!(room.reserved(), 200 * MIB, "now it has");
    pairs.clear();
    assert_eq!(room.reserved(), 0);
}

#[tokio::test]
async fn a_message_larger_than_all_room_gets_all_of_it() {
    let room = room(100 * KIB);
    let (mut client, mut socket) = pair(&room);
    send(&mut client, &frame(2, true, &vec![7; 200 * KIB])).await;
    assert_eq!(socket.next().await.unwrap().unwrap().len(), 200 * KIB);
    assert_eq!(room.reserved(), 100 * KIB);
}

#[tokio::test]
async fn pieces_reserve_the_most_that_may_come_and_give_back_what_did_not() {
    let room = room(512 * MIB);
    let (mut client, mut socket) = pair(&room);
    send(&mut client, &frame(2, false, &vec![7; 40 * KIB])).await;
    nothing_from(&mut socket).await;
    assert_eq!(room.reserved(), 0);
    send(&mut client, &frame(9, true, b"in between")).await;
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Ping("in between".into()));
    send(&mut client, &frame(0, false, &vec![7; 40 * KIB])).await;
    nothing_from(&mut socket).await;
    assert_eq!(room.reserved(), 2 * FRAME_BYTES);
    send(&mut client, &frame(0, true, &vec![7; 40 * KIB])).await;
    assert_eq!(socket.next().await.unwrap().unwrap().len(), 120 * KIB);
    assert_eq!(room.reserved(), 120 * KIB);
}

#[tokio::test]
async fn the_last_of_two_pieces_says_how_much_there_is() {
    let room = room(512 * MIB);
    let (mut client, mut socket) = pair(&room);
    send(&mut client, &frame(2, false, &vec![7; 40 * KIB])).await;
    send(&mut client, &header(0, true, 40 * KIB as u64)).await;
    nothing_from(&mut socket).await;
    assert_eq!(room.reserved(), 160 * KIB);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_drips_ends() {
    let room = room(MIB);
    let (mut client, mut socket) = pair(&room);
    let began = Instant::now();
    let drip = async {
        send(&mut client, &header(1, true, MIB as u64)).await;
        while client.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let read = async {
        let error = socket.next().await.unwrap().unwrap_err();
        assert_eq!(FrameRefusal::of(&error), Some(FrameRefusal::TooSlow { patience: LARGE }), "{error}");
        assert_eq!(began.elapsed().as_secs(), LARGE.as_secs() / 12, "it is behind at the first look");
        assert!(error.to_string().contains("a large message arrives too slowly: it may take 120 s"), "{error}");
        drop(socket);
    };
    tokio::join!(drip, read);
    assert_eq!(room.reserved(), 0);
}

#[tokio::test(start_paused = true)]
async fn waiting_for_room_ends_and_the_time_to_arrive_begins_with_the_room() {
    let room = room(MIB);
    let (mut first, mut holder) = pair(&room);
    send(&mut first, &frame(2, true, &vec![7; 200 * KIB])).await;
    holder.next().await.unwrap().unwrap();
    send(&mut first, &header(2, true, MIB as u64)).await;
    let held = holder.take_reservation();
    let (mut second, mut waiting) = pair(&room);
    send(&mut second, &header(2, true, MIB as u64)).await;

    // It gets its room just in time, and then has all the time that its first part may take.
    let began = Instant::now();
    let give_back = async {
        tokio::time::sleep(LARGE - Duration::from_secs(1)).await;
        drop(held);
    };
    let (read, ()) = tokio::join!(waiting.next(), give_back);
    assert_eq!(FrameRefusal::of(&read.unwrap().unwrap_err()), Some(FrameRefusal::TooSlow { patience: LARGE }));
    let first_look = LARGE.as_secs() / 12;
    assert_eq!(began.elapsed().as_secs(), LARGE.as_secs() - 1 + first_look);

    // It still has it, as nobody has dropped the socket.
    let read = holder.next().await.unwrap().unwrap_err();
    assert_eq!(FrameRefusal::of(&read), Some(FrameRefusal::NoRoom { patience: LARGE }));
    assert_eq!(began.elapsed().as_secs(), 2 * LARGE.as_secs() - 1 + first_look);

    // A goodbye can still be said.
    holder.send(Message::Close(None)).await.unwrap();
    let mut goodbye = [0; 2];
    first.read_exact(&mut goodbye).await.unwrap();
    assert_eq!(goodbye, [0x88, 0]);
}

#[tokio::test]
async fn whoever_is_not_known_yet_sends_little() {
    let room = room(MIB);
    let (mut client, mut socket) = pair(&room);
    socket.take_at_most(100 * KIB);
    send(&mut client, &frame(2, true, &vec![7; 100 * KIB])).await;
    assert_eq!(socket.next().await.unwrap().unwrap().len(), 100 * KIB);
    send(&mut client, &header(2, true, 100 * KIB as u64 + 1)).await;
    let error = socket.next().await.unwrap().unwrap_err();
    let refusal = FrameRefusal::TooLong { bytes: 100 * KIB as u64 + 1, limit: 100 * KIB };
    assert_eq!(FrameRefusal::of(&error), Some(refusal));
}

#[tokio::test]
async fn what_is_longer_than_the_protocol_allows_is_refused_at_its_header() {
    let room = room(MIB);
    for length in [FRAME_BYTES as u64 + 1, 1 << 40, u64::MAX] {
        let (mut client, mut socket) = pair(&room);
        send(&mut client, &header(1, true, length)).await;
        let error = soon(socket.next()).await.unwrap().unwrap_err();
        assert!(matches!(error, Error::Capacity(_)), "{error}");
        assert_eq!(room.reserved(), 0);
    }
}

/// What a message has grown does not stay: a message that is alone in its memory has left none of it behind.
#[tokio::test]
async fn a_long_message_leaves_no_long_buffer_behind() {
    let room = room(16 * MIB);
    let (mut client, mut socket) = pair(&room);
    for length in [3 * KIB, 20 * KIB, 64 * KIB, 200 * KIB, 1_000] {
        // What comes right behind it must not be lost with the buffer.
        let sent = [frame(2, true, &vec![7; length]), frame(2, true, b"behind"), frame(9, true, b"ping")].concat();
        send(&mut client, &sent).await;
        let Message::Binary(long) = socket.next().await.unwrap().unwrap() else { panic!() };
        assert_eq!(long.len(), length);
        assert!(length < 2 * KIB || long.is_unique(), "{length}: the buffer is still there");
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::Binary("behind".into()));
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::Ping("ping".into()));
    }
}

#[tokio::test]
async fn what_was_not_written_yet_is_not_lost_with_the_buffer() {
    let room = room(16 * MIB);
    let (mut client, server) = duplex(KIB);
    let mut socket = Socket::new(server, Arc::clone(&room), &[]);
    // It fills the pipe and waits within the library.
    let long = "x".repeat(10 * KIB);
    socket.feed(Message::text(long.clone())).await.unwrap();
    let sent = frame(2, true, &vec![7; 900]);
    for _ in 0..3 {
        send(&mut client, &sent).await;
        socket.next().await.unwrap().unwrap();
    }
    let mut written = vec![0; 4 + long.len()];
    let both = async { tokio::join!(socket.flush(), client.read_exact(&mut written)) };
    let (flushed, read) = soon(both).await;
    flushed.unwrap();
    read.unwrap();
    assert_eq!(&written[4..], long.as_bytes());
    // Now that it is gone, so is its buffer, with the next message.
    assert!(socket.has_grown());
    send(&mut client, &sent).await;
    socket.next().await.unwrap().unwrap();
    assert!(!socket.has_grown());
}

#[tokio::test]
async fn what_was_read_at_once_is_not_lost_with_the_buffer() {
    let room = room(16 * MIB);
    let (mut client, mut socket) = pair(&room);
    send(&mut client, &[frame(2, true, b"a"), frame(2, true, b"b"), frame(2, true, b"c")].concat()).await;
    assert_eq!(soon(socket.next()).await.unwrap().unwrap(), Message::Binary("a".into()));
    // From now on there is a buffer to be replaced, but two messages are still in the other.
    socket.send(Message::Binary(vec![7; 10 * KIB].into())).await.unwrap();
    for expected in ["b", "c"] {
        assert_eq!(soon(socket.next()).await.unwrap().unwrap(), Message::Binary(expected.into()));
    }
    assert!(socket.has_grown());
    send(&mut client, &frame(2, true, b"d")).await;
    assert_eq!(soon(socket.next()).await.unwrap().unwrap(), Message::Binary("d".into()));
    assert!(!socket.has_grown());
}
