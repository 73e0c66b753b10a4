//! How deeply a frame is nested, seen without reading it.

use memchr::memchr2;

use crate::limits::NESTING;

/// Whether objects and lists stand inside of each other more deeply than is allowed. Strings are leapt over, and nothing
/// is kept but a number, so that no frame is too large or too strange to ask. What is not JSON gets some answer.
pub fn too_deep(mut text: &[u8]) -> bool {
    let mut depth = 0_usize;
    while let Some((&byte, rest)) = text.split_first() {
        text = rest;
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > NESTING {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => text = behind_string(text),
            _ => {}
        }
    }
    false
}

/// What stands behind the string whose beginning was just read.
fn behind_string(mut text: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', text) {
        let quote = text.get(at) == Some(&b'"');
        // A backslash hides the byte behind it.
        text = text.get(at + if quote { 1 } else { 2 }..).unwrap_or_default();
        if quote {
            return text;
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_open_outside_of_strings() {
        let nested = |depth| "[".repeat(depth) + &"]".repeat(depth);
        assert!(!too_deep(nested(NESTING).as_bytes()));
        assert!(too_deep(nested(NESTING + 1).as_bytes()));
        assert!(too_deep("{\"a\":".repeat(1 << 20).as_bytes()));
        assert!(!too_deep(format!("[{}0]", "[],".repeat(1000)).as_bytes()), "beside each other");
        assert!(!too_deep(format!("{{\"a\\\"{}\":1}}", "[".repeat(1000)).as_bytes()), "in a string");
        assert!(too_deep(format!("[\"\\\\\",{}", "[".repeat(1000)).as_bytes()), "behind a string");
        assert!(!too_deep(b"\"\\"));
    }

    /// Whoever is handed a payload can build it up.
    #[test]
    fn what_is_allowed_can_be_read() {
        let nested = "[".repeat(NESTING) + &"]".repeat(NESTING);
        assert!(serde_json::from_str::<serde_json::Value>(&nested).is_ok());
    }
}
