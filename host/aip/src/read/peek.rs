//! A look at a frame that may be of another protocol.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fields::{Key, scalar};
use super::text_of;
use crate::flaw::{Flaw, ReadError};
use crate::limits::QUOTED_BYTES;
use crate::terms::{ClientKind, word};
use crate::text::{cut, quoted};

/// Keys that are remembered of one frame; whoever tells protocols apart needs few.
const KEYS: usize = 64;

/// What a frame looks like from outside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peek {
    /// The type that it says it has, in lower case and with `_` between words, under whichever of the keys for it.
    pub kind: Option<String>,
    /// The keys at its top level, the first 64 of them, cut to 64 bytes.
    pub keys: Vec<String>,
}

impl Peek {
    /// Whether a reader of this protocol knows the type.
    pub fn is_known(&self) -> bool {
        self.kind.as_deref().and_then(ClientKind::read).is_some()
    }

    /// Whether a key stands at the top level.
    pub fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|each| each == key)
    }
}

/// Looks at the first frame of a connection, so that its protocol can be told.
pub fn peek(frame: &[u8]) -> Result<Peek, ReadError> {
    let mut from = serde_json::Deserializer::from_str(text_of(frame)?);
    match Look.deserialize(&mut from).and_then(|peek| from.end().map(|()| peek)) {
        Ok(Some(peek)) => Ok(peek),
        Ok(None) => Err(Flaw::NotAnObject.into()),
        Err(error) => Err(Flaw::NotJson { what: quoted(&error.to_string(), 2 * QUOTED_BYTES) }.into()),
    }
}

struct Look;

impl<'de> DeserializeSeed<'de> for Look {
    type Value = Option<Peek>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look {
    type Value = Option<Peek>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut peek, mut by_own_name) = (Peek::default(), false);
        while let Some(key) = map.next_key_seed(Key::new(|key| cut(key, QUOTED_BYTES).to_owned()))? {
            if matches!(key.as_str(), "type" | "message_type" | "messageType" | "msg_type") {
                let raw = map.next_value::<&RawValue>()?;
                if let Some(text) = scalar(raw).filter(|_| !by_own_name) {
                    peek.kind = Some(word(&text)).filter(|word| !word.is_empty());
                    by_own_name = key == "type";
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            if peek.keys.len() < KEYS {
                peek.keys.push(key);
            }
        }
        Ok(Some(peek))
    }

    nothing_else!();
    no_list!();
}
