//! How a field that holds JSON as text is written in the JSON form of the contract: as the JSON itself.
//!
//! Reading gives back the very text that was written, so a journal replays to the byte. Text that cannot stand in a
//! line of JSON as it is (because it is no JSON, spans lines or would be mistaken for this escape) is written as
//! `{"$text": "..."}`. Empty text is no value and is left out.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

const ESCAPE: &str = "$text";

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Escaped<T> {
    #[serde(rename = "$text")]
    text: T,
}

pub(crate) fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    match as_it_is(text) {
        Some(raw) => raw.serialize(serializer),
        None => Escaped { text }.serialize(serializer),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    text_of(&Box::<RawValue>::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// The text, if it is JSON that can stand in a line and that reading does not take for an escape.
fn as_it_is(text: &str) -> Option<&RawValue> {
    let in_one_line = !text.bytes().any(|byte| byte == b'\n' || byte == b'\r');
    let trimmed = text.len() == text.trim_ascii().len();
    if in_one_line && trimmed && !looks_escaped(text) { serde_json::from_str(text).ok() } else { None }
}

/// Quick and generous: what only resembles an escape is escaped too.
fn looks_escaped(text: &str) -> bool {
    text.starts_with('{') && text.contains(ESCAPE)
}

fn text_of(raw: &RawValue) -> serde_json::Result<String> {
    if looks_escaped(raw.get())
        && let Ok(escaped) = serde_json::from_str::<Escaped<String>>(raw.get())
    {
        return Ok(escaped.text);
    }
    Ok(raw.get().to_owned())
}

/// The same for a list of JSON texts.
pub(crate) mod list {
    use super::{Deserialize, Deserializer, Error, RawValue, Serializer, text_of};
    use serde::ser::SerializeSeq;

    struct One<'a>(&'a str);

    impl serde::Serialize for One<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            super::serialize(self.0, serializer)
        }
    }

    pub(crate) fn serialize<S: Serializer>(texts: &[String], serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(texts.len()))?;
        for text in texts {
            list.serialize_element(&One(text))?;
        }
        list.end()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
        let raw = Vec::<Box<RawValue>>::deserialize(deserializer)?;
        raw.iter().map(|raw| text_of(raw)).collect::<Result<_, _>>().map_err(D::Error::custom)
    }
}

/// Bytes are written as base64.
pub(crate) mod bytes {
    use super::{Deserialize, Deserializer, Error, Serializer};
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Holder {
        #[serde(with = "crate::contract::json_text")]
        json: String,
    }

    fn written(text: &str) -> String {
        serde_json::to_string(&Holder { json: text.into() }).unwrap()
    }

    proptest::proptest! {
        #[test]
        fn any_text_comes_back(text in "\\PC*") {
            assert_eq!(serde_json::from_str::<Holder>(&written(&text)).unwrap().json, text);
        }

        #[test]
        fn anything_like_json_comes_back(text in "[\\[{\"$textrue:,0-9\\-.\\\\ \n\r\u{7f}\u{2028}}\\]]{0,24}") {
            let line = written(&text);
            assert!(!line.contains(['\n', '\r']));
            assert_eq!(serde_json::from_str::<Holder>(&line).unwrap().json, text);
        }
    }

    #[test]
    fn json_is_embedded_to_the_letter() {
        assert_eq!(written(r#"{"a" : [1.0,"é"]}"#), r#"{"json":{"a" : [1.0,"é"]}}"#);
    }

    #[test]
    fn whatever_the_text_it_comes_back() {
        let deep = "[".repeat(5_000) + &"]".repeat(5_000);
        let texts = [
            deep.as_str(),
            "{}",
            "null",
            "not json",
            "",
            " 1",
            "{\n}",
            "{\"$text\":\"x\"}",
            "{\"$text\":1}",
            "\"$text\"",
            "1e400",
            "[1,]",
        ];
        for text in texts {
            let line = written(text);
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(serde_json::from_str::<Holder>(&line).unwrap().json, text, "{line}");
        }
    }
}
