//! The text frames of a transfer.

use serde::Serialize;

use crate::flaw::Flaw;
use crate::id::Id;
use crate::limits::REQUEST_BYTES;
use crate::read::MessageFields;
use crate::terms::ClientKind;

/// A text frame that speaks of binary ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Announcement {
    /// A binary frame follows.
    Data(DataAnnouncement),
    /// A file follows, in chunks.
    Start(FileStart),
    /// All chunks were sent.
    Complete(FileComplete),
}

/// `binary_data`: a binary frame follows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct DataAnnouncement {
    /// Its bytes.
    pub size: u64,
    /// What the sender calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    /// Its MD5 or SHA-256 in hexadecimal digits; other forms are not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// The session that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Id>,
    /// What the sender says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Which chunk of the file it is; none where it is not part of one.
    #[serde(flatten)]
    pub chunk: Option<Chunk>,
}

/// The place of a chunk in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Chunk {
    /// Which one, from 0.
    pub chunk_num: u64,
    /// Its bytes; the same as the size that is announced.
    pub chunk_size: u64,
}

/// `file_transfer_start`: a file follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileStart {
    /// What the sender calls it.
    pub filename: String,
    /// Its bytes.
    pub size: u64,
    /// Bytes of each chunk but the last.
    pub chunk_size: u64,
    /// How many chunks it has: none for an empty file.
    pub total_chunks: u64,
    /// What it is.
    pub mime_type: Option<String>,
    /// The session that it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Id>,
}

/// `file_transfer_complete`: all chunks were sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileComplete {
    /// What the sender calls it.
    pub filename: String,
    /// How many chunks it had.
    pub total_chunks: u64,
    /// The MD5 of the whole file, in hexadecimal digits.
    pub checksum: Option<String>,
}

impl Announcement {
    /// Reads it; `kind` is one of the three.
    pub(crate) fn read(kind: ClientKind, fields: &MessageFields<'_>) -> Result<Self, Flaw> {
        let filename = fields.filename.name("filename")?;
        let mime_type = fields.mime_type.name("mime_type")?;
        let session_id = fields.session_id.id("session_id")?;
        let checksum = fields.checksum.name("checksum")?;
        let needed = |kind, field| Flaw::Missing { kind, field };
        match kind {
            ClientKind::FileTransferStart => {
                const KIND: &str = "file_transfer_start";
                let size = fields.size.count("size")?.ok_or(needed(KIND, "size"))?;
                let chunk_size = fields.chunk_size.count("chunk_size")?.unwrap_or(super::CHUNK_BYTES);
                let counted = size.checked_div(chunk_size).map(|_| size.div_ceil(chunk_size));
                Ok(Self::Start(FileStart {
                    filename: filename.ok_or(needed(KIND, "filename"))?,
                    size,
                    chunk_size,
                    total_chunks: fields.total_chunks.count("total_chunks")?.or(counted).unwrap_or_default(),
                    mime_type,
                    session_id,
                }))
            }
            ClientKind::FileTransferComplete => {
                const KIND: &str = "file_transfer_complete";
                let total_chunks = fields.total_chunks.count("total_chunks")?.ok_or(needed(KIND, "total_chunks"))?;
                let filename = filename.ok_or(needed(KIND, "filename"))?;
                Ok(Self::Complete(FileComplete { filename, total_chunks, checksum }))
            }
            _ => {
                let size = fields.size.count("size")?.ok_or(needed("binary_data", "size"))?;
                let chunk_num = fields.chunk_num.count("chunk_num")?;
                let chunk_size = fields.chunk_size.count("chunk_size")?.unwrap_or(size);
                Ok(Self::Data(DataAnnouncement {
                    size,
                    filename,
                    mime_type,
                    checksum,
                    session_id,
                    description: fields.description.bounded("description", REQUEST_BYTES)?,
                    chunk: chunk_num.map(|chunk_num| Chunk { chunk_num, chunk_size }),
                }))
            }
        }
    }
}
