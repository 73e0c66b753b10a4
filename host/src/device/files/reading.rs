//! `read_file`: a part of a file, as text if it is text.

use std::io::{Read, Seek, SeekFrom};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cap_std::fs::OpenOptions;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Root;
use crate::device::tool::{Answer, Description};

/// Bytes that are read when nothing is said.
const USUAL: u64 = 64 << 10;

/// Bytes that are read at most.
pub const MOST: u64 = 4 << 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    path: String,
    offset: Option<u64>,
    limit: Option<u64>,
}

pub fn describe() -> Description {
    Description {
        name: "read_file",
        title: "Read a file",
        namespace: "files",
        text: "Reads a file below the root. Long files are read in parts: `next_offset` is where the next part begins, and null \
               after the last. What is no UTF-8 text comes as base64"
            .into(),
        parameters: json!({
            "path": {"type": "string", "description": "The file, from the root on"},
            "offset": {"type": "integer", "minimum": 0, "default": 0, "description": "The byte to begin at"},
            "limit": {
                "type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL,
                "description": "How many bytes to read",
            },
        }),
        required: &["path"],
        output: json!({
            "type": "object",
            "properties": {
                "content": {"type": "string"}, "encoding": {"enum": ["utf-8", "base64"]},
                "size": {"type": "integer"}, "next_offset": {"type": ["integer", "null"]},
            },
        }),
        only_looks: true,
        ..Description::default()
    }
}

pub fn read(root: &Root, wanted: &Wanted) -> Answer {
    let Wanted { path, offset, limit } = wanted;
    let (offset, limit) = (offset.unwrap_or(0), limit.unwrap_or(USUAL));
    if !(1..=MOST).contains(&limit) {
        return Err(format!("`limit` must be between 1 and {MOST} bytes; read longer files in parts, with `offset`"));
    }
    let problem = |error: std::io::Error| root.problem(path, &error);
    let mut options = OpenOptions::new();
    options.read(true);
    // A pipe that nobody writes to must not be waited for.
    #[cfg(unix)]
    cap_std::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let mut file = root.dir.open_with(root.relative(path)?, &options).map_err(problem)?;
    let about = file.metadata().map_err(problem)?;
    if !about.is_file() {
        let hint = if about.is_dir() { "a folder: list it with list_files" } else { "no file with content" };
        return Err(format!("`{path}` is {hint}"));
    }
    file.seek(SeekFrom::Start(offset)).map_err(problem)?;
    let mut bytes = Vec::new();
    (&mut file).take(limit).read_to_end(&mut bytes).map_err(problem)?;
    let ends = (bytes.len() as u64) < limit || offset.saturating_add(limit) >= about.len();
    let (content, encoding, used) = shown(bytes, ends);
    let next = offset.saturating_add(used as u64);
    let next = if ends { Value::Null } else { next.into() };
    Ok(json!({ "content": content, "encoding": encoding, "size": about.len(), "next_offset": next }))
}

/// The bytes as text where they are text, and how many of them are shown: a character that is cut at the end is left to
/// the next part.
fn shown(bytes: Vec<u8>, ends: bool) -> (String, &'static str, usize) {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => {
            let used = text.len();
            return (text, "utf-8", used);
        }
        Err(error) => {
            let whole = error.utf8_error().valid_up_to();
            let is_cut = error.utf8_error().error_len().is_none() && whole > 0 && !ends;
            let mut bytes = error.into_bytes();
            if is_cut {
                bytes.truncate(whole);
                return (String::from_utf8_lossy(&bytes).into_owned(), "utf-8", whole);
            }
            bytes
        }
    };
    (STANDARD.encode(&bytes), "base64", bytes.len())
}
