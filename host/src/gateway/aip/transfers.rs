//! Files that a client sends over its connection, collected until they are whole.

use bytes::{Bytes, BytesMut};
use hangar_aip::binary::{Announcement, Arrived, Completed, Receiver, TransferError, TransferLimits};
use tokio::time::Instant;

use crate::gateway::{Reservation, Room};

/// How long one transfer may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(120);

const TOO_LONG: &str = "Transfer aborted: it took too long";

/// A file, and what is in it.
pub(super) type Received = (Completed, Bytes);

/// The transfers of one connection.
#[derive(Debug)]
pub(super) struct Transfers {
    receiver: Receiver,
    content: BytesMut,
    /// The room that the content takes, or will take.
    room: Option<Reservation>,
    since: Instant,
    /// Binary frames that nobody had announced.
    pub strikes: u32,
}

impl Default for Transfers {
    fn default() -> Self {
        let receiver = Receiver::new(TransferLimits::default());
        Self { receiver, content: BytesMut::new(), room: None, since: Instant::now(), strikes: 0 }
    }
}

impl Transfers {
    /// Whether the next frame must be binary.
    pub const fn expects_binary(&self) -> bool {
        self.receiver.expects_binary()
    }

    /// Whether nothing is on its way, and nothing is to be remembered.
    pub const fn is_idle(&self) -> bool {
        self.receiver.is_idle() && self.strikes == 0
    }

    /// Something is announced, or said to be complete.
    pub fn announced(&mut self, announcement: &Announcement) -> Result<Option<Received>, String> {
        let arrived = self.receiver.announcement(announcement);
        self.arrived(arrived, &[])
    }

    /// It is time to look whether what is on its way still comes. An error says that it took too long.
    pub fn look(&mut self) -> Result<(), String> {
        if self.receiver.is_idle() || self.since.elapsed() <= PATIENCE {
            return Ok(());
        }
        self.give_up();
        Err(TOO_LONG.to_owned())
    }

    fn give_up(&mut self) {
        self.receiver.abort();
        (self.content, self.room) = (BytesMut::new(), None);
    }

    /// Bytes came. Those of a file are kept until it is whole, if there is room for them.
    pub fn binary(&mut self, bytes: Bytes, room: &Room) -> Result<Option<Received>, String> {
        let arrived = self.receiver.binary(&bytes);
        if arrived == Ok(Arrived::Chunk) {
            match (room.try_reserve(bytes.len() as u64), &mut self.room) {
                (None, _) => {
                    self.give_up();
                    return Err(
                        "There is no room for the file, because others are being received; try again later".to_owned()
                    );
                }
                (Some(more), Some(held)) => held.merge(more),
                (more, none) => *none = more,
            }
        }
        if let Ok(Arrived::Whole(file)) = arrived {
            // Nothing is copied of what comes in one piece.
            return Ok(Some((file, bytes)));
        }
        self.arrived(arrived, &bytes)
    }

    /// A text frame came that is no announcement.
    pub fn interrupted(&mut self) -> Result<(), TransferError> {
        let interrupted = self.receiver.text();
        if interrupted.is_err() {
            self.give_up();
        }
        interrupted
    }

    fn arrived(&mut self, arrived: Result<Arrived, TransferError>, bytes: &[u8]) -> Result<Option<Received>, String> {
        let arrived = arrived.map_err(|error| {
            self.give_up();
            error.to_string()
        })?;
        match arrived {
            Arrived::Announced if self.room.is_none() => self.since = Instant::now(),
            Arrived::Announced => {}
            Arrived::Begun(_) => (self.content, self.since) = (BytesMut::new(), Instant::now()),
            Arrived::Chunk if self.since.elapsed() > PATIENCE => {
                self.give_up();
                return Err(TOO_LONG.to_owned());
            }
            Arrived::Chunk => self.content.extend_from_slice(bytes),
            Arrived::Whole(file) => return Ok(Some((file, Bytes::copy_from_slice(bytes)))),
            Arrived::File(file) => {
                let content = std::mem::take(&mut self.content).freeze();
                self.room = None;
                return Ok(Some((file, content)));
            }
        }
        Ok(None)
    }
}
