//! Sending bytes.

use std::iter;

use md5::{Digest, Md5};

use super::announcement::{Announcement, Chunk, DataAnnouncement, FileComplete, FileStart};
use super::receiver::hex;
use crate::id::Id;

/// One frame of a transfer that goes out. No other text frame may come between an announcement and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutgoingFrame<'a> {
    /// A text frame.
    Text(Announcement),
    /// A binary frame.
    Binary(&'a [u8]),
}

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing<'a> {
    /// The base name of the file; a path before it is left out.
    pub filename: &'a str,
    /// What it is.
    pub mime_type: Option<&'a str>,
    /// The session that it is for.
    pub session_id: Option<Id>,
    /// The bytes.
    pub bytes: &'a [u8],
}

impl<'a> Outgoing<'a> {
    fn name(&self) -> String {
        self.filename.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
    }

    /// The two frames of a transfer at once.
    pub fn whole(&self) -> [OutgoingFrame<'a>; 2] {
        let announcement = DataAnnouncement {
            size: self.bytes.len() as u64,
            filename: Some(self.name()),
            mime_type: self.mime_type.map(str::to_owned),
            checksum: Some(hex(&Md5::digest(self.bytes))),
            session_id: self.session_id.clone(),
            ..DataAnnouncement::default()
        };
        [OutgoingFrame::Text(Announcement::Data(announcement)), OutgoingFrame::Binary(self.bytes)]
    }

    /// The frames of a transfer in chunks of so many bytes, at least one.
    pub fn chunked(&self, chunk_bytes: usize) -> impl Iterator<Item = OutgoingFrame<'a>> + use<'a> {
        let chunk_bytes = chunk_bytes.max(1);
        let filename = self.name();
        let total_chunks = self.bytes.len().div_ceil(chunk_bytes) as u64;
        let start = FileStart {
            filename: filename.clone(),
            size: self.bytes.len() as u64,
            chunk_size: chunk_bytes as u64,
            total_chunks,
            mime_type: self.mime_type.map(str::to_owned),
            session_id: self.session_id.clone(),
        };
        let checksum = Some(hex(&Md5::digest(self.bytes)));
        let complete = FileComplete { filename, total_chunks, checksum };
        let session_id = self.session_id.clone();
        let chunks = self.bytes.chunks(chunk_bytes).zip(0_u64..).flat_map(move |(bytes, chunk_num)| {
            let size = bytes.len() as u64;
            let chunk = Some(Chunk { chunk_num, chunk_size: size });
            let announcement =
                DataAnnouncement { size, session_id: session_id.clone(), chunk, ..DataAnnouncement::default() };
            [OutgoingFrame::Text(Announcement::Data(announcement)), OutgoingFrame::Binary(bytes)]
        });
        iter::once(OutgoingFrame::Text(Announcement::Start(start)))
            .chain(chunks)
            .chain(iter::once_with(move || OutgoingFrame::Text(Announcement::Complete(complete))))
    }
}
