//! The lenient reader.
//!
//! Before a frame is read at all, its size and how deeply it is nested are looked at; neither takes memory. Then one pass
//! finds what the message is about and where everything stands; what it carries is copied out once, and what nobody
//! looks at is not even built up.
//!
//! Where the protocol merges an envelope's `payload`, a key at the top level wins under any of its names: a payload
//! often has a `type` or `status` of its own that says something else.

#[macro_use]
mod any;
mod client;
mod depth;
mod envelope;
mod fields;
mod peek;
mod server;

pub(crate) use fields::{MessageFields, ToolFields, scalar};
pub use peek::{Peek, peek};

use crate::flaw::Flaw;
use crate::limits::FRAME_BYTES;

/// The text of a frame within its limits, without a byte order mark and blanks around it.
fn text_of(frame: &[u8]) -> Result<&str, Flaw> {
    if frame.len() > FRAME_BYTES {
        return Err(Flaw::TooLarge { bytes: frame.len() });
    }
    let text = std::str::from_utf8(frame).map_err(|error| Flaw::NotText { at: error.valid_up_to() })?;
    let text = text.trim_start_matches(|each: char| each == '\u{feff}' || each.is_whitespace()).trim_end();
    if depth::too_deep(text.as_bytes()) {
        return Err(Flaw::TooDeep);
    }
    Ok(text)
}
