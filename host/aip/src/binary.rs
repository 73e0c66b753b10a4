//! Files and other bytes that go over a connection, beside the messages.
//!
//! Bytes are announced by a text frame and follow in a binary frame of exactly the announced size. A file is begun by a
//! text frame, comes in chunks that are announced one by one, and is ended by a text frame with its checksum.
//!
//! [`Receiver`] takes the frames of one connection in their order and says what each of them means; [`Outgoing`] makes
//! the frames of one transfer. Neither does I/O and neither keeps bytes. A file's name is what the sender calls it: show
//! it, but never use it as a path.

mod announcement;
mod outgoing;
mod receiver;

pub use announcement::{Announcement, Chunk, DataAnnouncement, FileComplete, FileStart};
pub use outgoing::{Outgoing, OutgoingFrame};
pub use receiver::{Arrived, Completed, Receiver, TransferError, TransferLimits};

/// Bytes of one chunk of a file, where nobody says otherwise.
pub const CHUNK_BYTES: u64 = 1 << 20;
