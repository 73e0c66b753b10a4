//! Takes pictures and long strings out of JSON, so that what is large reaches handlers and behaviours by name only.

use bytes::Bytes;
use data_url::DataUrl;
use serde_json::value::RawValue;

use crate::blobs::{BlobError, Blobs};
use crate::contract::values::BlobId;

/// JSON with `{"$blob": "<id>"}` in the places of what was taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOut {
    /// The JSON, otherwise to the letter as it was.
    pub json: String,
    /// What was taken out, each once, in order.
    pub blobs: Vec<BlobId>,
}

/// Why nothing was taken out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TakeOutError {
    /// It is no JSON.
    #[error("it is not JSON")]
    NotJson,
    /// There is no room for it.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl Blobs {
    /// Takes every `data:` URI, and every other string of more than `longest` bytes, out of the JSON. Keys stay, and so
    /// does what is shorter than the name that it would get.
    pub fn take_out(&self, json: &str, longest: usize) -> Result<TakenOut, TakeOutError> {
        if serde_json::from_str::<&RawValue>(json).is_err() {
            return Err(TakeOutError::NotJson);
        }
        let mut taken = TakenOut { json: String::new(), blobs: Vec::new() };
        let mut rest = json;
        while let Some((before, string, after)) = next_string(rest) {
            taken.json.push_str(before);
            match self.take(string, after, longest)? {
                Some(id) => {
                    taken.json.push_str(&format!(r#"{{"$blob":"{id}"}}"#));
                    if !taken.blobs.contains(&id) {
                        taken.blobs.push(id);
                    }
                }
                None => taken.json.push_str(string),
            }
            rest = after;
        }
        taken.json.push_str(rest);
        Ok(taken)
    }

    /// Keeps the string as a blob, if it is of that kind. `string` has its quotes.
    fn take(&self, string: &str, after: &str, longest: usize) -> Result<Option<BlobId>, TakeOutError> {
        let is_key = after.trim_ascii_start().starts_with(':');
        let is_long = string.len().saturating_sub(2) > longest;
        // Shorter than what would stand in its place.
        let is_short = string.len() <= REFERENCE;
        if is_key || is_short || !(is_long || may_be_uri(string)) {
            return Ok(None);
        }
        // A lone half of a surrogate pair is JSON, but no text.
        let Ok(text) = serde_json::from_str::<String>(string) else { return Ok(None) };
        match uri_content(&text) {
            Some((mime, content)) => Ok(Some(self.put(&mime, content)?)),
            None if is_long => Ok(Some(self.put("text/plain;charset=utf-8", text.into())?)),
            None => Ok(None),
        }
    }
}

/// The length of `{"$blob":"<id>"}`.
const REFERENCE: usize = 76;

/// Whether the string, which has its quotes, begins like a `data:` URI; it may do so in escapes.
fn may_be_uri(string: &str) -> bool {
    let head: String = string.chars().skip(1).take(30).collect();
    head.contains('\\') || head.trim_start().get(..5).is_some_and(|head| head.eq_ignore_ascii_case("data:"))
}

/// The next string with its quotes, what is before it, and what is after it.
fn next_string(json: &str) -> Option<(&str, &str, &str)> {
    let begin = json.find('"')?;
    let bytes = json.as_bytes();
    let mut end = begin + 1;
    loop {
        end += bytes.get(end..)?.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if bytes.get(end) == Some(&b'"') {
            break;
        }
        end += 2;
    }
    let (until, after) = json.split_at_checked(end + 1)?;
    let (before, string) = until.split_at_checked(begin)?;
    Some((before, string, after))
}

/// The media type and the content of a `data:` URI.
fn uri_content(text: &str) -> Option<(String, Bytes)> {
    let uri = DataUrl::process(text).ok()?;
    let (content, _) = uri.decode_to_vec().ok()?;
    Some((uri.mime_type().to_string(), content.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::BlobLimits;

    const RED: &str = "data:image/gif;base64,          R0lGODlhAQABAIAAAP8AAP///ywAAAAAAQABAAACAkQBADs=";

    #[test]
    fn pictures_and_long_strings_go_and_the_rest_stays_to_the_letter() {
        let blobs = Blobs::default();
        let json = format!(
            r#"{{"a" : "{RED}", "long key long key": ["short", "a string that is longer than the name that stands in its place once it was taken out of here\n\"\\"], "n":1.0}}"#
        );
        let taken = blobs.take_out(&json, 10).unwrap();
        let [picture, long] = taken.blobs.as_slice() else { panic!("{taken:?}") };
        assert_eq!(
            taken.json,
            format!(
                r#"{{"a" : {{"$blob":"{picture}"}}, "long key long key": ["short", {{"$blob":"{long}"}}], "n":1.0}}"#
            )
        );
        let picture = blobs.get(picture).unwrap();
        assert_eq!((picture.mime.as_str(), picture.size), ("image/gif", Some((1, 1))));
        assert_eq!(
            blobs.get(long).unwrap().bytes,
            "a string that is longer than the name that stands in its place once it was taken out of here\n\"\\"
        );
    }

    #[test]
    fn what_only_looks_like_a_uri_stays_while_it_is_short() {
        let json = r#"["data:", "DATA:nonsense", "data:;base64,%%%", "date:"]"#;
        assert_eq!(Blobs::default().take_out(json, 100).unwrap(), TakenOut { json: json.into(), blobs: Vec::new() });
    }

    #[test]
    fn an_escaped_uri_is_one_and_the_same_twice_is_one_blob() {
        let escaped = RED.replacen('d', "\\u0064", 1);
        let taken = Blobs::default().take_out(&format!(r#"["{RED}", " {escaped}"]"#), 1_000).unwrap();
        assert_eq!(taken.blobs.len(), 1);
        assert_eq!(taken.json.matches("$blob").count(), 2);
    }

    #[test]
    fn a_bare_string_is_json_too() {
        let taken = Blobs::default().take_out(&format!("\"{RED}\""), 10).unwrap();
        assert_eq!(taken.json, format!(r#"{{"$blob":"{}"}}"#, taken.blobs[0]));
    }

    #[test]
    fn what_cannot_be_taken_is_said() {
        assert_eq!(Blobs::default().take_out("[1,", 10), Err(TakeOutError::NotJson));
        let none = Blobs::new(BlobLimits { count: 0, bytes: 0 });
        assert_eq!(none.take_out(RED, 10), Err(TakeOutError::NotJson));
        let full = none.take_out(&format!("\"{RED}\""), 10);
        assert_eq!(full, Err(TakeOutError::Blob(BlobError::TooMany { limit: 0 })));
    }

    proptest::proptest! {
        #[test]
        fn it_stays_json_and_nothing_is_lost(texts in proptest::collection::vec("\\PC{0,120}|[\\\\\"\n]{0,100}", 0..6)) {
            let json = serde_json::to_string(&texts).unwrap();
            let blobs = Blobs::default();
            let taken = blobs.take_out(&json, 80).unwrap();
            let values: Vec<serde_json::Value> = serde_json::from_str(&taken.json).unwrap();
            let back = values.iter().map(|value| match value.as_str() {
                Some(text) => text.to_owned(),
                None => String::from_utf8(blobs.get(value["$blob"].as_str().unwrap()).unwrap().bytes.to_vec()).unwrap(),
            });
            assert_eq!(back.collect::<Vec<_>>(), texts);
        }
    }
}
