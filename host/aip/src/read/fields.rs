//! Values as they stand in a frame, found by their keys under any of their names, and taken out leniently.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::flaw::Flaw;
use crate::id::{Id, IdError};
use crate::json::Json;
use crate::limits::{ERROR_BYTES, METADATA_BYTES, NAME_BYTES};
use crate::text::shortened;

/// The value of one key, under whichever of its names. The key's own name beats the others; null is nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slot<'a> {
    raw: Option<&'a RawValue>,
    by_own_name: bool,
}

impl<'a> Slot<'a> {
    pub(super) fn put(&mut self, raw: &'a RawValue, by_own_name: bool) {
        if raw.get() != "null" && (by_own_name || !self.by_own_name) {
            *self = Self { raw: Some(raw), by_own_name };
        }
    }

    /// This one, or the other where this is nothing.
    pub fn or(self, other: Self) -> Self {
        if self.raw.is_some() { self } else { other }
    }

    /// A text, also where it is written as a number or a boolean.
    pub fn text(self, field: &'static str) -> Result<Option<Cow<'a, str>>, Flaw> {
        let Some(raw) = self.raw else { return Ok(None) };
        scalar(raw).map(Some).ok_or(Flaw::Wrong { field, wanted: "a string" })
    }

    /// A text, and nothing where it is none.
    pub fn word(self) -> Option<Cow<'a, str>> {
        self.raw.and_then(scalar)
    }

    /// A text of at most so many bytes.
    pub fn bounded(self, field: &'static str, limit: usize) -> Result<Option<String>, Flaw> {
        match self.text(field)? {
            Some(text) if text.len() > limit => Err(Flaw::TooLong { field, bytes: text.len(), limit }),
            text => Ok(text.map(Cow::into_owned)),
        }
    }

    pub fn name(self, field: &'static str) -> Result<Option<String>, Flaw> {
        self.bounded(field, NAME_BYTES)
    }

    /// An id; one that is empty is none.
    pub fn id(self, field: &'static str) -> Result<Option<Id>, Flaw> {
        match self.text(field)?.as_deref().map(Id::new) {
            None | Some(Err(IdError::Empty)) => Ok(None),
            Some(Ok(id)) => Ok(Some(id)),
            Some(Err(why)) => Err(Flaw::Id { field, why }),
        }
    }

    /// What went wrong. An error that is an object is told in its JSON.
    pub fn error(self) -> Option<String> {
        let raw = self.raw?;
        let text = scalar(raw).unwrap_or(Cow::Borrowed(raw.get()));
        Some(shortened(text.into_owned(), ERROR_BYTES))
    }

    /// Looks for fields in it.
    pub fn find<T>(self, find: impl FnOnce(&'a RawValue) -> Option<T>) -> Option<T> {
        find(self.raw?)
    }

    pub fn json(self) -> Option<Json> {
        self.raw.map(Json::from)
    }

    /// An object, of at most as many bytes as metadata may have. What is no object is nothing.
    pub fn object(self, field: &'static str) -> Result<Option<Json>, Flaw> {
        match self.raw {
            Some(raw) if !raw.get().starts_with('{') => Ok(None),
            Some(raw) if raw.get().len() > METADATA_BYTES => {
                Err(Flaw::TooLong { field, bytes: raw.get().len(), limit: METADATA_BYTES })
            }
            raw => Ok(raw.map(Json::from)),
        }
    }

    /// A number of things; JSON has `3`, `3.0` and, with some clients, `"3"` for it.
    pub fn count(self, field: &'static str) -> Result<Option<u64>, Flaw> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        let text = text.trim();
        let whole = text.strip_suffix(".0").unwrap_or(text);
        whole.parse().map(Some).map_err(|_| Flaw::Wrong { field, wanted: "a whole number" })
    }
}

/// The text of a string, a number or a boolean. Halves of surrogate pairs, which some clients write for bytes that are no
/// text, become replacement characters.
pub fn scalar(raw: &RawValue) -> Option<Cow<'_, str>> {
    struct Lossy;
    impl<'de> Visitor<'de> for Lossy {
        type Value = Cow<'de, str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
            Ok(String::from_utf8_lossy(bytes))
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
            Ok(Cow::Owned(String::from_utf8_lossy(bytes).into_owned()))
        }
    }
    let text = raw.get();
    match text.as_bytes().first()? {
        b'"' => serde_json::Deserializer::from_str(text).deserialize_bytes(Lossy).ok(),
        b'{' | b'[' | b'n' => None,
        _ => Some(Cow::Borrowed(text)),
    }
}

/// Declares what a reader looks for in an object: fields with the names of their keys, its own first.
macro_rules! fields {
    ($(#[$about:meta])* $name:ident { $($field:ident: $own:literal $(| $other:literal)*;)+ }) => {
        $(#[$about])*
        #[derive(Debug, Default)]
        pub struct $name<'a> {
            $(pub $field: Slot<'a>,)+
            /// Keys that were not looked for.
            pub others: usize,
        }

        impl<'a> Fields<'a> for $name<'a> {
            fn slot(&mut self, key: &str) -> Option<(&mut Slot<'a>, bool)> {
                match key {
                    $($own => Some((&mut self.$field, true)),)+
                    $($($other => Some((&mut self.$field, false)),)*)+
                    _ => {
                        self.others += 1;
                        None
                    }
                }
            }
        }

        impl<'a> $name<'a> {
            /// Finds them in a value; none where it is no object.
            #[allow(dead_code, reason = "some are read in the pass over the frame only")]
            pub fn of(raw: &'a RawValue) -> Option<Self> {
                let read = Found::<Self>::default().deserialize(&mut serde_json::Deserializer::from_str(raw.get()));
                read.ok().flatten()
            }

            /// These, and the others where these are nothing.
            #[allow(dead_code, reason = "only an envelope has others")]
            pub fn or(self, other: Self) -> Self {
                Self { $($field: self.$field.or(other.$field),)+ others: self.others + other.others }
            }
        }
    };
}

/// What a reader looks for in an object.
pub trait Fields<'a>: Default {
    fn slot(&mut self, key: &str) -> Option<(&mut Slot<'a>, bool)>;
}

fields! {
    /// Of a message, except its lists.
    MessageFields {
        kind: "type" | "message_type" | "messageType" | "msg_type";
        status: "status";
        client_type: "client_type";
        client_id: "client_id";
        device_id: "device_id";
        agent_id: "agent_id";
        target_id: "target_id" | "target_device" | "target_device_id";
        session_id: "session_id";
        task_name: "task_name";
        request: "request" | "user_request";
        request_id: "request_id";
        prev_response_id: "prev_response_id";
        response_id: "response_id";
        error: "error";
        metadata: "metadata";
        platform: "platform";
        agent_name: "agent_name";
        process_name: "process_name";
        root_name: "root_name";
        result: "result";
        size: "size";
        filename: "filename";
        mime_type: "mime_type";
        checksum: "checksum";
        description: "description";
        chunk_num: "chunk_num";
        chunk_size: "chunk_size";
        total_chunks: "total_chunks";
    }
}

fields! {
    /// Of one result.
    ResultFields {
        status: "status";
        result: "result" | "output" | "data";
        error: "error";
        namespace: "namespace";
        call_id: "call_id";
    }
}

fields! {
    /// Of one command.
    CommandFields {
        tool_name: "tool_name";
        tool_type: "tool_type";
        parameters: "parameters";
        call_id: "call_id";
    }
}

fields! {
    /// Of the metadata of a registration: what says something of the connection. All else is about the device.
    MetadataFields {
        platform: "platform";
        kind: "type";
        device_id: "device_id";
        targeted_device_id: "targeted_device_id";
        system_info: "system_info";
        task_name: "task_name";
        registration_time: "registration_time";
        version: "version";
    }
}

fields! {
    /// Of an answer that is none.
    RefusedFields {
        error: "error";
    }
}

fields! {
    /// Of one tool of an inventory.
    ToolFields {
        tool_key: "tool_key";
        tool_name: "tool_name";
        title: "title";
        namespace: "namespace";
        tool_type: "tool_type";
        description: "description";
        input_schema: "input_schema";
        output_schema: "output_schema";
        meta: "meta";
        annotations: "annotations";
    }
}

/// Reads a value and finds fields in it; none where it is no object.
pub struct Found<T>(std::marker::PhantomData<T>);

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<'de, T: Fields<'de>> DeserializeSeed<'de> for Found<T> {
    type Value = Option<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T: Fields<'de>> Visitor<'de> for Found<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = T::default();
        loop {
            let fields = &mut fields;
            let Some(slot) = map.next_key_seed(Key::new(move |key| fields.slot(key)))? else { break };
            match slot {
                Some((slot, by_own_name)) => slot.put(map.next_value()?, by_own_name),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Some(fields))
    }

    nothing_else!();
    no_list!();
}

/// Reads a key and says what it stands for.
pub struct Key<F>(F);

impl<T, F: FnOnce(&str) -> T> Key<F> {
    pub const fn new(what: F) -> Self {
        Self(what)
    }
}

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Key<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        from.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Key<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<T, E> {
        Ok((self.0)(key))
    }
}
