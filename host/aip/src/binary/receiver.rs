//! Receiving bytes: which frame may come now, and what it means.

use md5::{Digest, Md5};
use sha2::Sha256;

use super::announcement::{Announcement, DataAnnouncement, FileComplete, FileStart};
use crate::id::Id;

/// Bounds on what a connection may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferLimits {
    /// Bytes of one file, or of one binary frame that is no part of a file; beyond it the announcement is refused.
    pub file_bytes: u64,
    /// Bytes of one binary frame; beyond it the announcement is refused.
    pub frame_bytes: u64,
    /// Chunks of one file; beyond it the announcement is refused.
    pub chunks: u64,
}

impl Default for TransferLimits {
    fn default() -> Self {
        Self { file_bytes: 64 << 20, frame_bytes: 16 << 20, chunks: 65_536 }
    }
}

/// Takes the frames of one connection. There is at most one transfer at a time; whatever is refused ends it, and what was
/// received of it is to be thrown away.
#[derive(Debug)]
pub struct Receiver {
    limits: TransferLimits,
    file: Option<File>,
    /// What the next frame must be the bytes of.
    announced: Option<DataAnnouncement>,
}

/// A file that is on its way.
#[derive(Debug)]
struct File {
    start: FileStart,
    chunks: u64,
    bytes: u64,
    md5: Md5,
}

/// What a frame means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrived {
    /// Something is announced; nothing is to be done yet.
    Announced,
    /// A file begins: make room.
    Begun(FileStart),
    /// The bytes of this frame go to the end of the file.
    Chunk,
    /// The bytes of this frame are all there is.
    Whole(Completed),
    /// The file is whole.
    File(Completed),
}

/// What was received and found to be as it was announced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completed {
    /// What the sender calls it: for people, not for paths.
    pub filename: Option<String>,
    /// What the sender says it is.
    pub mime_type: Option<String>,
    /// The session that it is for; whether the sender may touch it is not known here.
    pub session_id: Option<Id>,
    /// What the sender says of it.
    pub description: Option<String>,
    /// Its bytes.
    pub size: u64,
}

/// Why a transfer is over before its end. The text goes into an ERROR; the connection stays.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// Bytes that were not announced.
    #[error("Unexpected binary frame: announce it with a binary_data message")]
    Unannounced,
    /// Another text frame came where bytes were announced.
    #[error("Transfer aborted: a text frame came in the place of the announced binary frame")]
    Interrupted,
    /// Other bytes than announced.
    #[error("Binary frame has {received} bytes, {announced} were announced")]
    Size {
        /// How many were announced.
        announced: u64,
        /// How many came.
        received: u64,
    },
    /// The bytes are not those that were sent.
    #[error("Checksum mismatch")]
    Checksum,
    /// It is too large.
    #[error("{what} has {size} bytes; {limit} are allowed")]
    TooLarge {
        /// What.
        what: &'static str,
        /// How large it is.
        size: u64,
        /// How large it may be.
        limit: u64,
    },
    /// It is cut into too many pieces.
    #[error("The file has {chunks} chunks; {limit} are allowed")]
    TooManyChunks {
        /// How many there are.
        chunks: u64,
        /// How many there may be.
        limit: u64,
    },
    /// The numbers of the announcement contradict each other.
    #[error("total_chunks must be size / chunk_size, rounded up")]
    Miscounted,
    /// A file while another is on its way.
    #[error("Another file transfer is going on; it was aborted")]
    Busy,
    /// A chunk or an end without a beginning.
    #[error("No file transfer is going on; begin it with file_transfer_start")]
    NotBegun,
    /// Not the chunk whose turn it is.
    #[error("Chunk {expected} was expected, {received} came")]
    Order {
        /// Whose turn it is.
        expected: u64,
        /// What came.
        received: u64,
    },
    /// More bytes than the file has, or a chunk of another size than was said.
    #[error("The chunk has {size} bytes, {expected} were expected")]
    ChunkSize {
        /// What it has.
        size: u64,
        /// What it must have.
        expected: u64,
    },
    /// The end came too early.
    #[error("The file ended after {received} of {expected} chunks")]
    Incomplete {
        /// Chunks that came.
        received: u64,
        /// Chunks that were announced.
        expected: u64,
    },
    /// The end of another file.
    #[error("file_transfer_complete names another file than file_transfer_start")]
    OtherFile,
}

impl Receiver {
    /// Nothing is on its way.
    pub const fn new(limits: TransferLimits) -> Self {
        Self { limits, file: None, announced: None }
    }

    /// Whether the next frame must be binary. If not, a binary frame may still be a message in UTF-8.
    pub const fn expects_binary(&self) -> bool {
        self.announced.is_some()
    }

    /// Whether anything is on its way.
    pub const fn is_idle(&self) -> bool {
        self.announced.is_none() && self.file.is_none()
    }

    /// Forgets what is on its way, as when it takes too long.
    pub fn abort(&mut self) {
        (self.file, self.announced) = (None, None);
    }

    /// A text frame came that is no announcement. Between an announcement and its bytes it ends the transfer.
    pub fn text(&mut self) -> Result<(), TransferError> {
        if self.expects_binary() { self.ended(TransferError::Interrupted) } else { Ok(()) }
    }

    /// An announcement came.
    pub fn announcement(&mut self, announcement: &Announcement) -> Result<Arrived, TransferError> {
        let arrived = self.text().and_then(|()| match announcement {
            Announcement::Data(data) => self.data(data),
            Announcement::Start(start) => self.start(start),
            Announcement::Complete(complete) => self.complete(complete),
        });
        arrived.or_else(|error| self.ended(error))
    }

    /// Bytes came.
    pub fn binary(&mut self, bytes: &[u8]) -> Result<Arrived, TransferError> {
        self.bytes(bytes).or_else(|error| self.ended(error))
    }

    fn ended<T>(&mut self, error: TransferError) -> Result<T, TransferError> {
        self.abort();
        Err(error)
    }

    fn data(&mut self, data: &DataAnnouncement) -> Result<Arrived, TransferError> {
        let limit = self.limits.frame_bytes.min(self.limits.file_bytes);
        if data.size > limit {
            return Err(TransferError::TooLarge { what: "The binary frame", size: data.size, limit });
        }
        match (&self.file, data.chunk) {
            (Some(file), Some(chunk)) => {
                if chunk.chunk_num != file.chunks || file.chunks >= file.start.total_chunks {
                    return Err(TransferError::Order { expected: file.chunks, received: chunk.chunk_num });
                }
                let expected = file.start.chunk_size.min(file.start.size - file.bytes);
                if data.size != expected || chunk.chunk_size != data.size {
                    return Err(TransferError::ChunkSize { size: data.size, expected });
                }
            }
            (Some(_), None) => return Err(TransferError::Busy),
            (None, Some(_)) => return Err(TransferError::NotBegun),
            (None, None) => {}
        }
        self.announced = Some(data.clone());
        Ok(Arrived::Announced)
    }

    fn start(&mut self, start: &FileStart) -> Result<Arrived, TransferError> {
        if self.file.is_some() {
            return Err(TransferError::Busy);
        }
        if start.size > self.limits.file_bytes {
            let (size, limit) = (start.size, self.limits.file_bytes);
            return Err(TransferError::TooLarge { what: "The file", size, limit });
        }
        let counted = match start.chunk_size {
            0 if start.size > 0 => return Err(TransferError::Miscounted),
            0 => 0,
            chunk_size => start.size.div_ceil(chunk_size),
        };
        if start.total_chunks != counted {
            return Err(TransferError::Miscounted);
        }
        if counted > self.limits.chunks {
            return Err(TransferError::TooManyChunks { chunks: counted, limit: self.limits.chunks });
        }
        self.file = Some(File { start: start.clone(), chunks: 0, bytes: 0, md5: Md5::new() });
        Ok(Arrived::Begun(start.clone()))
    }

    fn complete(&mut self, complete: &FileComplete) -> Result<Arrived, TransferError> {
        let file = self.file.take().ok_or(TransferError::NotBegun)?;
        if complete.filename != file.start.filename {
            return Err(TransferError::OtherFile);
        }
        if file.chunks != file.start.total_chunks || complete.total_chunks != file.start.total_chunks {
            return Err(TransferError::Incomplete { received: file.chunks, expected: file.start.total_chunks });
        }
        let md5 = hex(&file.md5.finalize());
        if complete.checksum.as_ref().is_some_and(|checksum| !checksum.trim().eq_ignore_ascii_case(&md5)) {
            return Err(TransferError::Checksum);
        }
        Ok(Arrived::File(Completed {
            filename: Some(file.start.filename),
            mime_type: file.start.mime_type,
            session_id: file.start.session_id,
            description: None,
            size: file.bytes,
        }))
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<Arrived, TransferError> {
        let data = self.announced.take().ok_or(TransferError::Unannounced)?;
        let received = bytes.len() as u64;
        if received != data.size {
            return Err(TransferError::Size { announced: data.size, received });
        }
        if data.checksum.as_deref().is_some_and(|checksum| !matches(checksum.trim(), bytes)) {
            return Err(TransferError::Checksum);
        }
        let Some(file) = &mut self.file else {
            let DataAnnouncement { filename, mime_type, session_id, description, size, .. } = data;
            return Ok(Arrived::Whole(Completed { filename, mime_type, session_id, description, size }));
        };
        file.md5.update(bytes);
        file.chunks += 1;
        file.bytes += received;
        Ok(Arrived::Chunk)
    }
}

/// Whether bytes have this checksum; what looks like no checksum that is known here says nothing.
fn matches(checksum: &str, bytes: &[u8]) -> bool {
    let is_hex = checksum.bytes().all(|each| each.is_ascii_hexdigit());
    match checksum.len() {
        32 if is_hex => checksum.eq_ignore_ascii_case(&hex(&Md5::digest(bytes))),
        64 if is_hex => checksum.eq_ignore_ascii_case(&hex(&Sha256::digest(bytes))),
        _ => true,
    }
}

/// Bytes in hexadecimal digits, in lower case.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
