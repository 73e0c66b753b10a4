//! Transfers: what is sent arrives, and nothing else does.

use hangar_aip::ClientMessage;
use hangar_aip::binary::{
    Announcement, Arrived, Chunk, DataAnnouncement, FileComplete, FileStart, Outgoing, OutgoingFrame, Receiver,
    TransferError, TransferLimits,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn data(size: u64) -> Announcement {
    Announcement::Data(DataAnnouncement { size, ..DataAnnouncement::default() })
}

fn chunk(chunk_num: u64, chunk_size: u64) -> Announcement {
    let chunk = Some(Chunk { chunk_num, chunk_size });
    Announcement::Data(DataAnnouncement { size: chunk_size, chunk, ..DataAnnouncement::default() })
}

fn start(size: u64, chunk_size: u64, total_chunks: u64) -> Announcement {
    let (filename, mime_type, session_id) = ("f".to_owned(), None, None);
    Announcement::Start(FileStart { filename, size, chunk_size, total_chunks, mime_type, session_id })
}

fn complete(total_chunks: u64, checksum: Option<&str>) -> Announcement {
    Announcement::Complete(FileComplete { filename: "f".into(), total_chunks, checksum: checksum.map(str::to_owned) })
}

fn receiver() -> Receiver {
    Receiver::new(TransferLimits { file_bytes: 100, frame_bytes: 50, chunks: 10 })
}

fn outgoing(bytes: &[u8]) -> Outgoing<'_> {
    Outgoing { filename: "/tmp/x\\a.bin", mime_type: Some("application/octet-stream"), session_id: None, bytes }
}

/// Feeds the frames of a transfer over the wire and gives what arrived.
fn transfer<'a>(
    receiver: &mut Receiver,
    frames: impl IntoIterator<Item = OutgoingFrame<'a>>,
) -> (Vec<u8>, Option<String>) {
    let (mut bytes, mut name) = (Vec::new(), None);
    for frame in frames {
        let arrived = match frame {
            OutgoingFrame::Text(announcement) => {
                let frame =
                    ClientMessage::Transfer(announcement.clone()).write("2026-03-04T05:06:07Z".parse().unwrap());
                let read = ClientMessage::read(frame.as_bytes()).unwrap();
                assert_eq!(read, ClientMessage::Transfer(announcement.clone()), "{frame}");
                receiver.announcement(&announcement).unwrap()
            }
            OutgoingFrame::Binary(chunk) => {
                bytes.extend_from_slice(chunk);
                receiver.binary(chunk).unwrap()
            }
        };
        if let Arrived::Whole(completed) | Arrived::File(completed) = arrived {
            assert_eq!(completed.size as usize, bytes.len());
            name = completed.filename;
        }
    }
    assert!(receiver.is_idle());
    (bytes, name)
}

#[test]
fn sent_at_once_and_in_chunks() {
    let bytes: Vec<u8> = (0..100).collect();
    let name = Some("a.bin".to_owned());
    assert_eq!(transfer(&mut receiver(), outgoing(&bytes[..50]).whole()), (bytes[..50].to_vec(), name.clone()));
    for chunk in [10, 33, 50] {
        assert_eq!(transfer(&mut receiver(), outgoing(&bytes).chunked(chunk)), (bytes.clone(), name.clone()));
    }
    assert_eq!(transfer(&mut receiver(), outgoing(&[]).chunked(10)), (vec![], name));
}

/// 10.1: MD5 or SHA-256, in any case; what looks like neither says nothing.
#[test]
fn checksums() {
    let with = |checksum: &str| {
        let checksum = Some(checksum.to_owned());
        let mut receiver = receiver();
        let announced = Announcement::Data(DataAnnouncement { size: 11, checksum, ..DataAnnouncement::default() });
        receiver.announcement(&announced).unwrap();
        receiver.binary(b"hello world").map(drop)
    };
    assert_eq!(with("5EB63BBBE01EEED093CB22BB8F5ACDC3"), Ok(()));
    assert_eq!(with("b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"), Ok(()));
    assert_eq!(with("crc32:0d4a1185"), Ok(()));
    assert_eq!(with(&"0".repeat(32)), Err(TransferError::Checksum));
    assert_eq!(with(&"0".repeat(64)), Err(TransferError::Checksum));
    let mut receiver = receiver();
    receiver.announcement(&start(0, 10, 0)).unwrap();
    assert_eq!(receiver.announcement(&complete(0, Some("00"))), Err(TransferError::Checksum));
}

#[test]
fn what_may_not_come() {
    use TransferError as E;
    type Step<'a> = (&'a [Announcement], Option<&'a [u8]>, E);
    let whole = |what: &'static str, size, limit| E::TooLarge { what, size, limit };
    let table: &[Step<'_>] = &[
        (&[], Some(b"x"), E::Unannounced),
        (&[data(3)], Some(b"xy"), E::Size { announced: 3, received: 2 }),
        (&[data(3), data(3)], None, E::Interrupted),
        (&[data(51)], None, whole("The binary frame", 51, 50)),
        (&[start(101, 10, 11)], None, whole("The file", 101, 100)),
        (&[start(100, 5, 20)], None, E::TooManyChunks { chunks: 20, limit: 10 }),
        (&[start(10, 5, 3)], None, E::Miscounted),
        (&[start(10, 0, 0)], None, E::Miscounted),
        (&[start(u64::MAX, 1, u64::MAX)], None, whole("The file", u64::MAX, 100)),
        (&[start(10, 5, 2), start(10, 5, 2)], None, E::Busy),
        (&[start(10, 5, 2), data(5)], None, E::Busy),
        (&[chunk(0, 5)], None, E::NotBegun),
        (&[complete(0, None)], None, E::NotBegun),
        (&[start(10, 5, 2), chunk(1, 5)], None, E::Order { expected: 0, received: 1 }),
        (&[start(10, 5, 2), chunk(0, 4)], None, E::ChunkSize { size: 4, expected: 5 }),
        (&[start(10, 5, 2)], Some(b"x"), E::Unannounced),
        (&[start(10, 5, 2), complete(2, None)], None, E::Incomplete { received: 0, expected: 2 }),
        (&[start(0, 5, 0), chunk(0, 0)], None, E::Order { expected: 0, received: 0 }),
    ];
    for (announcements, bytes, expected) in table {
        let mut receiver = receiver();
        let mut last = Ok(Arrived::Announced);
        for announcement in *announcements {
            assert!(last.is_ok(), "{announcements:?}");
            last = receiver.announcement(announcement);
        }
        let last = bytes.map_or(last, |bytes| receiver.binary(bytes));
        assert_eq!(last.as_ref(), Err(expected), "{announcements:?}");
        assert!(receiver.is_idle());
    }
    // Another message between chunks is fine, between an announcement and its bytes it is not.
    let mut receiver = receiver();
    receiver.announcement(&start(5, 5, 1)).unwrap();
    assert_eq!(receiver.text(), Ok(()));
    receiver.announcement(&chunk(0, 5)).unwrap();
    assert_eq!(receiver.text(), Err(TransferError::Interrupted));
    assert!(receiver.is_idle());
}

proptest! {
    #[test]
    fn what_is_sent_arrives(bytes in vec(any::<u8>(), 0..100), chunk in 10_usize..50) {
        prop_assert_eq!(transfer(&mut receiver(), outgoing(&bytes).chunked(chunk)).0, bytes);
    }

    /// Whatever comes in whatever order: what arrives is within the limits, and after an error nothing is on its way.
    #[test]
    fn nothing_beyond_the_limits(frames in vec((0_u8..5, 0_u64..120, 0_u64..60, 0_u64..12), 0..60)) {
        let mut receiver = receiver();
        let mut received = 0;
        for (kind, size, chunk_size, number) in frames {
            let outcome = match kind {
                0 => receiver.announcement(&data(size)),
                1 => receiver.announcement(&chunk(number % 3, chunk_size)),
                2 => receiver.announcement(&start(size, chunk_size, size.checked_div(chunk_size).map_or(number, |_| size.div_ceil(chunk_size)))),
                3 => receiver.announcement(&complete(number, None)),
                _ => receiver.binary(&vec![0; size as usize]),
            };
            match outcome {
                Ok(Arrived::Begun(_)) => received = 0,
                Ok(Arrived::Chunk) => received += size,
                Ok(Arrived::File(file)) => {
                    prop_assert!(receiver.is_idle());
                    prop_assert_eq!(file.size, received);
                }
                Ok(Arrived::Whole(whole)) => prop_assert!(receiver.is_idle() && whole.size <= 50),
                Ok(Arrived::Announced) => prop_assert!(receiver.expects_binary()),
                Err(_) => prop_assert!(receiver.is_idle()),
            }
            prop_assert!(received <= 100);
        }
    }
}
