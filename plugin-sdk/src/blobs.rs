//! Pictures, files and long strings, which the host keeps for the session.

/// What is known of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// The media type, such as `image/png`.
    pub mime: String,
    /// How many bytes.
    pub length: u32,
    /// Width and height in pixels, for a picture.
    pub size: Option<(u32, u32)>,
}

/// Why a blob cannot be read or made: a code of the contract, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// `not-found`, `limit` and others.
    pub code: String,
    /// What was wrong.
    pub text: String,
}

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Unavailable {}

/// How much is read at once, so that large blobs stay within what one call may carry.
const PIECE: u32 = 1 << 20;

/// What is known of this blob; none if the session has no such blob.
pub fn info(id: &str) -> Option<Info> {
    host::info(id)
}

/// Some of its bytes; fewer than asked for at its end.
pub fn read(id: &str, offset: u32, length: u32) -> Result<Vec<u8>, Unavailable> {
    host::read(id, offset, length)
}

/// All of its bytes. Mind that a plugin's memory is bounded.
pub fn read_all(id: &str) -> Result<Vec<u8>, Unavailable> {
    let mut content = Vec::new();
    loop {
        let offset = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let piece = read(id, offset, PIECE)?;
        if piece.is_empty() {
            return Ok(content);
        }
        content.extend(piece);
    }
}

/// Keeps these bytes and gives their id. The same bytes have the same id.
pub fn create(mime: &str, content: &[u8]) -> Result<String, Unavailable> {
    host::create(mime, content)
}

#[cfg(target_family = "wasm")]
mod host {
    use super::{Info, Unavailable};
    use crate::imports::blob;
    use crate::imports::hangar::plugin::values::Failure;

    pub(super) fn info(id: &str) -> Option<Info> {
        let known = blob::info(id)?;
        Some(Info { mime: known.mime, length: known.length, size: known.width.zip(known.height) })
    }

    pub(super) fn read(id: &str, offset: u32, length: u32) -> Result<Vec<u8>, Unavailable> {
        blob::read(id, offset, length).map_err(unavailable)
    }

    pub(super) fn create(mime: &str, content: &[u8]) -> Result<String, Unavailable> {
        blob::create(mime, content).map_err(unavailable)
    }

    fn unavailable(failure: Failure) -> Unavailable {
        Unavailable { code: failure.code, text: failure.text }
    }
}

/// In a native test, the blobs of the thread.
#[cfg(not(target_family = "wasm"))]
mod host {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::hash::{DefaultHasher, Hash, Hasher};

    use super::{Info, Unavailable};

    thread_local! {
        static KEPT: RefCell<BTreeMap<String, (String, Vec<u8>)>> = RefCell::default();
    }

    pub(super) fn info(id: &str) -> Option<Info> {
        KEPT.with_borrow(|kept| {
            let (mime, content) = kept.get(id)?;
            Some(Info { mime: mime.clone(), length: u32::try_from(content.len()).unwrap_or(u32::MAX), size: None })
        })
    }

    pub(super) fn read(id: &str, offset: u32, length: u32) -> Result<Vec<u8>, Unavailable> {
        KEPT.with_borrow(|kept| {
            let Some((_, content)) = kept.get(id) else {
                return Err(Unavailable { code: "not-found".into(), text: format!("There is no blob `{id}`") });
            };
            Ok(content.iter().skip(offset as usize).take(length as usize).copied().collect())
        })
    }

    #[expect(clippy::unnecessary_wraps, reason = "the real one can be full")]
    pub(super) fn create(mime: &str, content: &[u8]) -> Result<String, Unavailable> {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let id = format!("{:016x}", hasher.finish());
        KEPT.with_borrow_mut(|kept| kept.insert(id.clone(), (mime.into(), content.to_vec())));
        Ok(id)
    }
}
