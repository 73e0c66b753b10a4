//! The one pass over a frame: what stands where.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::fields::{CommandFields, Fields, Found, Key, MessageFields, ResultFields};
use super::text_of;
use crate::flaw::Flaw;
use crate::limits::{ITEMS, QUOTED_BYTES};
use crate::text::quoted;

/// A frame after the one pass, merged with its payload.
#[derive(Default)]
pub struct Envelope<'a> {
    pub fields: MessageFields<'a>,
    pub results: List<ResultFields<'a>>,
    pub commands: List<CommandFields<'a>>,
}

/// A list of objects, as it was found.
pub struct List<T> {
    /// Its elements, as far as they are within the limit; none for those that are no objects.
    items: Vec<Option<T>>,
    /// How many there are.
    count: usize,
    state: State,
    by_own_name: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Absent,
    List,
    /// It is there, and is neither list nor object.
    Wrong,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Vec::new(), count: 0, state: State::Absent, by_own_name: false }
    }
}

impl<T> List<T> {
    /// Its elements, or what is wrong with it.
    pub fn take<U>(self, field: &'static str, read: impl Fn(T) -> Result<U, Flaw>) -> Result<Vec<U>, Flaw> {
        if self.count > ITEMS {
            return Err(Flaw::TooMany { field, count: self.count });
        }
        if self.state == State::Wrong {
            return Err(Flaw::Wrong { field, wanted: "a list of objects" });
        }
        let item = |(index, item): (usize, Option<T>)| {
            item.ok_or(Flaw::Wrong { field: "it", wanted: "an object" }).and_then(&read).map_err(|why| Flaw::Item {
                field,
                index,
                why: Box::new(why),
            })
        };
        self.items.into_iter().enumerate().map(item).collect()
    }

    fn put(&mut self, list: Self, by_own_name: bool) {
        if list.state != State::Absent && (by_own_name || !self.by_own_name) {
            *self = Self { by_own_name, ..list };
        }
    }

    fn or(self, other: Self) -> Self {
        if self.state == State::Absent { other } else { self }
    }
}

impl<'a> Envelope<'a> {
    /// Reads a frame.
    pub fn read(frame: &'a [u8]) -> Result<Self, Flaw> {
        let text = text_of(frame)?;
        let mut from = serde_json::Deserializer::from_str(text);
        let read = Whole { inner: false }.deserialize(&mut from).and_then(|found| from.end().map(|()| found));
        match read {
            Ok(Some(envelope)) => Ok(envelope),
            Ok(None) => Err(Flaw::NotAnObject),
            Err(error) => Err(Flaw::NotJson { what: quoted(&error.to_string(), 2 * QUOTED_BYTES) }),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            fields: self.fields.or(other.fields),
            results: self.results.or(other.results),
            commands: self.commands.or(other.commands),
        }
    }
}

/// What a key of a message stands for.
enum Place {
    Field,
    Results { by_own_name: bool },
    Commands,
    Payload,
}

/// Reads a message, or the payload inside of one; none where it is no object.
struct Whole {
    inner: bool,
}

impl<'de> DeserializeSeed<'de> for Whole {
    type Value = Option<Envelope<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Whole {
    type Value = Option<Envelope<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut whole = Envelope::default();
        let mut payload = None;
        loop {
            let fields = &mut whole.fields;
            let place = Key::new(move |key| match key {
                "action_results" => (Place::Results { by_own_name: true }, None),
                "results" => (Place::Results { by_own_name: false }, None),
                "actions" => (Place::Commands, None),
                "payload" if !self.inner => (Place::Payload, None),
                key => (Place::Field, fields.slot(key)),
            });
            let Some((place, slot)) = map.next_key_seed(place)? else { break };
            match (place, slot) {
                (Place::Field, Some((slot, by_own_name))) => slot.put(map.next_value()?, by_own_name),
                (Place::Field, None) => {
                    map.next_value::<IgnoredAny>()?;
                }
                (Place::Results { by_own_name }, _) => {
                    whole.results.put(map.next_value_seed(Listed::default())?, by_own_name);
                }
                (Place::Commands, _) => whole.commands.put(map.next_value_seed(Listed::default())?, true),
                (Place::Payload, _) => payload = map.next_value_seed(Whole { inner: true })?.or(payload),
            }
        }
        Ok(Some(match payload {
            Some(payload) => whole.or(payload),
            None => whole,
        }))
    }

    nothing_else!();
    no_list!();
}

/// Reads a list of objects; one object alone is a list of one.
struct Listed<T>(PhantomData<T>);

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Fields<'de>> DeserializeSeed<'de> for Listed<T> {
    type Value = List<T>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<List<T>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, T: Fields<'de>> Visitor<'de> for Listed<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<List<T>, A::Error> {
        let mut found = List { state: State::List, ..List::default() };
        while found.count < ITEMS {
            let Some(item) = list.next_element_seed(Found::default())? else { return Ok(found) };
            found.items.push(item);
            found.count += 1;
        }
        while list.next_element::<IgnoredAny>()?.is_some() {
            found.count += 1;
        }
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<List<T>, A::Error> {
        let items = vec![Found::default().visit_map(map)?];
        Ok(List { items, count: 1, state: State::List, by_own_name: false })
    }

    fn visit_unit<E: Error>(self) -> Result<List<T>, E> {
        Ok(List::default())
    }

    anything_else!(List { state: State::Wrong, ..List::default() });
}
