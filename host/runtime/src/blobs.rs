//! Bytes that a session keeps outside of its plugins: pictures, files, long strings, by the hash of their content.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::contract::values::BlobId;
use crate::limits::BlobLimits;

/// One blob; cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// The media type, as whoever brought it named it.
    pub mime: String,
    /// The content.
    pub bytes: Bytes,
    /// Width and height in pixels, if it is a picture.
    pub size: Option<(u32, u32)>,
}

impl Blob {
    /// How many bytes; the limits keep it far below what fits.
    #[must_use]
    pub fn length(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    /// Some of its bytes, fewer than asked for at its end.
    #[must_use]
    pub fn range(&self, offset: u32, length: u32) -> &[u8] {
        let begin = (offset as usize).min(self.bytes.len());
        let end = begin.saturating_add(length as usize).min(self.bytes.len());
        self.bytes.get(begin..end).unwrap_or_default()
    }
}

/// Why a blob is not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// There are enough of them.
    #[error("the session has {limit} blobs already; it may not have more")]
    TooMany {
        /// How many there may be.
        limit: usize,
    },
    /// They are too large.
    #[error("with {wanted} more bytes the session's blobs would exceed {limit} bytes")]
    TooLarge {
        /// The size of the new one.
        wanted: usize,
        /// What they may have together.
        limit: usize,
    },
    /// The media type is none.
    #[error("a media type is written like `image/png`")]
    NoMime,
}

impl BlobError {
    /// The word that the contract has for it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::TooMany { .. } | Self::TooLarge { .. } => "limit",
            Self::NoMime => "invalid",
        }
    }
}

/// The blobs of one session.
#[derive(Debug)]
pub struct Blobs {
    limits: BlobLimits,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_id: HashMap<BlobId, Blob>,
    bytes: usize,
    /// Whether one was asked for that is not there.
    missed: bool,
}

impl Default for Blobs {
    fn default() -> Self {
        Self::new(BlobLimits::default())
    }
}

impl Blobs {
    /// No blobs yet.
    #[must_use]
    pub fn new(limits: BlobLimits) -> Self {
        Self { limits, kept: Mutex::default() }
    }

    /// How much there may be.
    #[must_use]
    pub fn limits(&self) -> &BlobLimits {
        &self.limits
    }

    /// Keeps these bytes; what is there already costs nothing.
    pub fn put(&self, mime: &str, bytes: Bytes) -> Result<BlobId, BlobError> {
        if !is_mime(mime) {
            return Err(BlobError::NoMime);
        }
        let id = id_of(&bytes);
        let size = picture_size(mime, &bytes);
        let mut kept = self.kept();
        if kept.by_id.contains_key(&id) {
            return Ok(id);
        }
        if kept.by_id.len() >= self.limits.count {
            return Err(BlobError::TooMany { limit: self.limits.count });
        }
        let after = kept.bytes.saturating_add(bytes.len());
        if after > self.limits.bytes {
            return Err(BlobError::TooLarge { wanted: bytes.len(), limit: self.limits.bytes });
        }
        kept.bytes = after;
        kept.by_id.insert(id.clone(), Blob { mime: mime.to_owned(), bytes, size });
        Ok(id)
    }

    /// The blob of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<Blob> {
        let mut kept = self.kept();
        let found = kept.by_id.get(id).cloned();
        kept.missed |= found.is_none();
        found
    }

    /// Whether one was asked for that is not there: a journal without its blobs shows it so.
    pub(crate) fn was_missed(&self) -> bool {
        self.kept().missed
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.kept().by_id.len()
    }

    /// All blobs, by id, for a bundle.
    #[must_use]
    pub fn all(&self) -> Vec<(BlobId, Blob)> {
        let mut all: Vec<_> = self.kept().by_id.iter().map(|(id, blob)| (id.clone(), blob.clone())).collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The id that these bytes have everywhere.
#[must_use]
pub fn id_of(bytes: &[u8]) -> BlobId {
    hex(&Sha256::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn is_mime(mime: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    mime.len() <= 128
        && mime.bytes().all(allowed)
        && mime.split_once('/').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
}

/// Where a picture says how large it is; further in, nobody looks.
const PICTURE_HEAD: usize = 64 << 10;

fn picture_size(mime: &str, bytes: &[u8]) -> Option<(u32, u32)> {
    let head = bytes.get(..PICTURE_HEAD).unwrap_or(bytes);
    let size = mime.starts_with("image/").then(|| imagesize::blob_size(head).ok())??;
    Some((u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_are_kept_once() {
        let blobs = Blobs::new(BlobLimits { count: 1, bytes: 4 });
        let id = blobs.put("text/plain", Bytes::from_static(b"four")).unwrap();
        assert_eq!(blobs.put("text/plain", Bytes::from_static(b"four")), Ok(id.clone()));
        assert_eq!(id.len(), 64);
        assert_eq!(blobs.get(&id).unwrap().range(1, 2), b"ou");
        assert_eq!(blobs.get(&id).unwrap().range(3, u32::MAX), b"r");
        assert_eq!(blobs.get(&id).unwrap().range(9, 1), b"");
    }

    #[test]
    fn bounds_hold() {
        let blobs = Blobs::new(BlobLimits { count: 2, bytes: 5 });
        blobs.put("text/plain", Bytes::from_static(b"four")).unwrap();
        assert_eq!(
            blobs.put("text/plain", Bytes::from_static(b"21")),
            Err(BlobError::TooLarge { wanted: 2, limit: 5 })
        );
        blobs.put("text/plain", Bytes::from_static(b"1")).unwrap();
        assert_eq!(blobs.put("text/plain", Bytes::new()), Err(BlobError::TooMany { limit: 2 }));
        assert_eq!(blobs.put("text\n/plain", Bytes::new()), Err(BlobError::NoMime));
    }

    #[test]
    fn pictures_have_a_size_and_broken_ones_none() {
        let blobs = Blobs::default();
        let gif = b"GIF89a\x02\x00\x03\x00\x00\x00\x00";
        let id = blobs.put("image/gif", Bytes::from_static(gif)).unwrap();
        assert_eq!(blobs.get(&id).unwrap().size, Some((2, 3)));
        let id = blobs.put("image/png", Bytes::from_static(b"no png")).unwrap();
        assert_eq!(blobs.get(&id).unwrap().size, None);
    }
}
