//! Files that a client sends over its connection, collected until they are whole.

use bytes::{Bytes, BytesMut};
use hangar_aip::binary::{Announcement, Arrived, Completed, Receiver, TransferError, TransferLimits};
use tokio::time::Instant;

/// How long one transfer may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

/// A file, and what is in it.
pub(super) type Received = (Completed, Bytes);

/// The transfers of one connection.
#[derive(Debug)]
pub(super) struct Transfers {
    receiver: Receiver,
    content: BytesMut,
    since: Instant,
    /// Binary frames that nobody had announced.
    pub strikes: u32,
}

impl Default for Transfers {
    fn default() -> Self {
        let receiver = Receiver::new(TransferLimits::default());
        Self { receiver, content: BytesMut::new(), since: Instant::now(), strikes: 0 }
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

    /// Bytes came.
    pub fn binary(&mut self, bytes: Bytes) -> Result<Option<Received>, String> {
        let arrived = self.receiver.binary(&bytes);
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
            self.content = BytesMut::new();
        }
        interrupted
    }

    fn arrived(&mut self, arrived: Result<Arrived, TransferError>, bytes: &[u8]) -> Result<Option<Received>, String> {
        let arrived = arrived.map_err(|error| {
            self.content = BytesMut::new();
            error.to_string()
        })?;
        match arrived {
            Arrived::Announced => {}
            Arrived::Begun(_) => (self.content, self.since) = (BytesMut::new(), Instant::now()),
            Arrived::Chunk if self.since.elapsed() > PATIENCE => {
                self.receiver.abort();
                self.content = BytesMut::new();
                return Err("Transfer aborted: it took too long".to_owned());
            }
            Arrived::Chunk => self.content.extend_from_slice(bytes),
            Arrived::Whole(file) => return Ok(Some((file, Bytes::copy_from_slice(bytes)))),
            Arrived::File(file) => return Ok(Some((file, std::mem::take(&mut self.content).freeze()))),
        }
        Ok(None)
    }
}
