//! What the library knows of its plugins beyond their files: which versions were in service, and what speaks against some.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::log::clean_lines;

/// As many former versions as are remembered of a plugin.
pub(super) const HISTORY: usize = 5;

/// As many marks as are remembered of a plugin; the oldest go.
pub(super) const MARKS: usize = 32;

/// As many plugins as are remembered; those that were longest out of use go.
const PLUGINS: usize = 512;

/// As much of a reason as is remembered, in bytes.
const WHY: usize = 4 << 10;

/// What is remembered of all plugins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// The form of what is written.
    pub(crate) version: u32,
    /// The plugins, by id.
    #[serde(default)]
    pub(crate) plugins: BTreeMap<String, Entry>,
}

/// What is remembered of one plugin.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Where it was last.
    #[serde(default)]
    pub(crate) place: String,
    /// The versions that were in service, newest first.
    #[serde(default)]
    pub(crate) history: Vec<Past>,
    /// The versions that are not tried again, by version hash.
    #[serde(default)]
    pub(crate) marks: BTreeMap<String, Mark>,
    /// The one version that may be in service.
    #[serde(default)]
    pub(crate) pin: Option<String>,
    /// Whether it was taken out of service by hand.
    #[serde(default)]
    pub(crate) disabled: bool,
}

/// A version that was in service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Past {
    /// Its version hash.
    pub(crate) hash: String,
    /// The hash of its component.
    pub(crate) component: String,
    /// The version that its manifest names.
    pub(crate) version: Option<String>,
    /// When it went into service, in milliseconds since 1970.
    pub(crate) published_ms: u64,
}

/// Why a version is not tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Who spoke against it.
    pub(crate) kind: MarkKind,
    /// The reason, in words.
    pub(crate) why: String,
    /// Since when, in milliseconds since 1970.
    pub(crate) at_ms: u64,
}

/// Who spoke against a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MarkKind {
    /// It did not pass a check.
    Rejected,
    /// It collected strikes while it was in service.
    Struck,
    /// Somebody took it out of service by hand.
    SetAside,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { version: Self::VERSION, plugins: BTreeMap::new() }
    }
}

impl Ledger {
    /// The form that is written today.
    const VERSION: u32 = 1;

    /// Reads what [`Ledger::to_json`] wrote, or says why it cannot be that.
    pub(super) fn from_json(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Form {
            version: u32,
        }
        // The form first: another one may have other fields, too.
        let form: Form = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if form.version != Self::VERSION {
            return Err(format!("it has version {}; this host knows version {}", form.version, Self::VERSION));
        }
        let ledger: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(ledger.bounded())
    }

    /// As it is kept: within its bounds, whoever filled it.
    pub(super) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec_pretty(&self.clone().bounded())
    }

    fn bounded(mut self) -> Self {
        self.plugins.values_mut().for_each(Entry::bound);
        while self.plugins.len() > PLUGINS {
            let least = self.plugins.iter().min_by_key(|(_, entry)| entry.worth()).map(|(id, _)| id.clone());
            least.and_then(|id| self.plugins.remove(&id));
        }
        self
    }
}

impl Entry {
    /// Notes that this version is in service now.
    pub(crate) fn remember(&mut self, past: Past) {
        self.history.retain(|former| former.hash != past.hash);
        self.history.insert(0, past);
        self.bound();
    }

    /// Notes that this version is not to be tried again.
    pub(crate) fn mark(&mut self, hash: String, mark: Mark) {
        self.marks.remove(&hash);
        // Room is made before, so that the new one stays even if a clock says that it is the oldest.
        self.forget_marks(MARKS - 1);
        self.marks.insert(hash, mark);
        self.bound();
    }

    fn bound(&mut self) {
        self.history.truncate(HISTORY);
        self.forget_marks(MARKS);
        for mark in self.marks.values_mut() {
            mark.why = clean_lines(&mark.why, WHY);
        }
    }

    fn forget_marks(&mut self, kept: usize) {
        while self.marks.len() > kept {
            // What was only rejected is examined before it serves, and found out again.
            let weight = |mark: &Mark| (mark.kind != MarkKind::Rejected, mark.at_ms);
            let least = self.marks.iter().min_by_key(|(_, mark)| weight(mark)).map(|(hash, _)| hash.clone());
            least.and_then(|hash| self.marks.remove(&hash));
        }
    }

    /// What somebody said by hand outweighs everything; otherwise the latest counts.
    fn worth(&self) -> (bool, u64) {
        let times = self.history.iter().map(|past| past.published_ms).chain(self.marks.values().map(|mark| mark.at_ms));
        (self.disabled || self.pin.is_some(), times.max().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn past(hash: &str, published_ms: u64) -> Past {
        Past { hash: hash.to_owned(), component: format!("c-{hash}"), version: Some("1.2.3".to_owned()), published_ms }
    }

    fn mark(at_ms: u64) -> Mark {
        Mark { kind: MarkKind::Struck, why: "it traps".to_owned(), at_ms }
    }

    #[test]
    fn the_form_is_what_people_can_read() {
        let mut ledger = Ledger::default();
        let entry = ledger.plugins.entry("greeter".to_owned()).or_default();
        entry.place = "greeter.wasm".to_owned();
        entry.remember(past("aa", 7));
        entry.mark("bb".to_owned(), Mark { kind: MarkKind::SetAside, ..mark(8) });
        entry.pin = Some("aa".to_owned());
        let json: serde_json::Value = serde_json::from_slice(&ledger.to_json().unwrap()).unwrap();
        let expected = serde_json::json!({"version": 1, "plugins": {"greeter": {
            "place": "greeter.wasm",
            "history": [{"hash": "aa", "component": "c-aa", "version": "1.2.3", "published_ms": 7}],
            "marks": {"bb": {"kind": "set-aside", "why": "it traps", "at_ms": 8}},
            "pin": "aa", "disabled": false,
        }}});
        assert_eq!(json, expected);
        assert_eq!(Ledger::from_json(&json.to_string()).unwrap(), ledger);
    }

    #[test]
    fn what_is_none_says_why() {
        for (text, expected) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            ("{\"version\": 1, \"plugins\": 3}", "invalid type: integer `3`, expected a map at line 1 column 27"),
            ("{\"version\": 2, \"plugins\": 3}", "it has version 2; this host knows version 1"),
            ("{}", "missing field `version` at line 1 column 2"),
        ] {
            assert_eq!(Ledger::from_json(text).unwrap_err(), expected);
        }
        let lenient = "{\"version\": 1, \"later\": 1, \"plugins\": {\"a\": {\"later\": 1}}}";
        assert_eq!(Ledger::from_json(lenient).unwrap().plugins["a"], Entry::default());
    }

    #[test]
    fn a_version_that_comes_back_is_the_newest_once() {
        let mut entry = Entry::default();
        for (hash, at) in [("a", 1), ("b", 2), ("a", 3)] {
            entry.remember(past(hash, at));
        }
        assert_eq!(entry.history, [past("a", 3), past("b", 2)]);
    }

    #[test]
    fn what_was_set_aside_is_remembered_whatever_is_rejected_after_it() {
        let mut entry = Entry::default();
        entry.mark("struck".to_owned(), mark(0));
        for number in 1..=MARKS as u64 {
            entry.mark(format!("{number}"), Mark { kind: MarkKind::Rejected, ..mark(number) });
        }
        assert!(entry.marks.len() == MARKS && entry.marks.contains_key("struck"));
    }

    #[test]
    fn a_new_mark_stays_whatever_the_clock_says() {
        let mut entry = Entry::default();
        for number in 0..MARKS as u64 {
            entry.mark(format!("old-{number}"), mark(1_000 + number));
        }
        entry.mark("new".to_owned(), mark(0));
        assert!(entry.marks.contains_key("new") && !entry.marks.contains_key("old-0"));
        entry.mark("new".to_owned(), Mark { why: format!("one\ntwo\x1b{}", "x".repeat(WHY)), ..mark(1) });
        assert_eq!(entry.marks.len(), MARKS);
        let why = &entry.marks["new"].why;
        assert!(why.starts_with("one\ntwox") && why.ends_with('…') && why.len() < WHY + 4, "{why}");
    }

    #[test]
    fn plugins_that_nobody_uses_are_forgotten_first() {
        let mut ledger = Ledger::default();
        for number in 0..PLUGINS as u64 + 2 {
            let entry = ledger.plugins.entry(format!("p{number}")).or_default();
            entry.remember(past("a", number));
        }
        ledger.plugins.get_mut("p0").unwrap().disabled = true;
        let kept = Ledger::from_json(&String::from_utf8(ledger.to_json().unwrap()).unwrap()).unwrap().plugins;
        assert_eq!(kept.len(), PLUGINS);
        assert!(kept.contains_key("p0") && !kept.contains_key("p1") && !kept.contains_key("p2"));
    }

    proptest! {
        #[test]
        fn bounds_hold_and_nothing_else_changes(deeds in prop::collection::vec((any::<bool>(), 0..40_u8, 0..100_u64), 0..200)) {
            let mut ledger = Ledger::default();
            let entry = ledger.plugins.entry("a".to_owned()).or_default();
            for (publish, hash, at) in deeds {
                let hash = format!("{hash}");
                if publish {
                    entry.remember(past(&hash, at));
                    prop_assert_eq!(&entry.history[0], &past(&hash, at));
                } else {
                    entry.mark(hash.clone(), mark(at));
                    prop_assert_eq!(entry.marks.get(&hash), Some(&mark(at)));
                }
                prop_assert!(entry.history.len() <= HISTORY && entry.marks.len() <= MARKS);
            }
            let written = String::from_utf8(ledger.to_json().unwrap()).unwrap();
            prop_assert_eq!(Ledger::from_json(&written).unwrap(), ledger);
        }
    }
}
