//! Lists of names in which a final `*` stands for any ending, and what two such lists have in common.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Serialize, Serializer};

/// The most entries that a list may have.
const MOST: usize = 1_000;

/// Names and beginnings of names. No entry is covered by another one, so two lists that allow the same are equal.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names(BTreeSet<Entry>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    Name(String),
    /// Every name that begins like this.
    Prefix(String),
}

impl Names {
    /// Every name.
    #[must_use]
    pub fn all() -> Self {
        Self::of(["*"])
    }

    /// No name.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// These entries: names, and prefixes with a final `*`.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a str>) -> Self {
        entries.into_iter().map(Entry::of).collect()
    }

    /// The same, for entries that somebody wrote; the error goes on after the name of the list.
    pub fn read<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let check = |entry: &'a str| match entry.find('*') {
            _ if entry.is_empty() => Err("has an empty name; `*` stands for all names".to_owned()),
            _ if entry.contains(char::is_control) => {
                Err(format!("has `{}` with control characters, which no name has", crate::log::clean(entry, 80)))
            }
            Some(at) if at + 1 < entry.len() => {
                Err(format!("has `{}`; a `*` may stand only at the end", crate::log::clean(entry, 80)))
            }
            _ => Ok(Entry::of(entry)),
        };
        let checked = entries.into_iter().map(check).collect::<Result<Vec<_>, _>>()?;
        match checked.len() {
            count if count > MOST => Err(format!("has {count} names; {MOST} are allowed, and a final `*` spares many")),
            _ => Ok(checked.into_iter().collect()),
        }
    }

    /// Whether this name is among them.
    #[must_use]
    pub fn allows(&self, name: &str) -> bool {
        self.0.iter().any(|entry| entry.covers_name(name))
    }

    /// Whether no name is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names that both lists allow.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let pairs = self.0.iter().flat_map(|one| other.0.iter().map(move |other| (one, other)));
        pairs.filter_map(|(one, other)| one.in_common(other)).cloned().collect()
    }

    /// The entries as they are written.
    pub fn entries(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(Entry::to_string)
    }
}

impl FromIterator<Entry> for Names {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut names = Self::default();
        for entry in entries {
            if !names.0.iter().any(|kept| kept.covers(&entry)) {
                names.0.retain(|kept| !entry.covers(kept));
                names.0.insert(entry);
            }
        }
        names
    }
}

impl Entry {
    fn of(entry: &str) -> Self {
        match entry.strip_suffix('*') {
            Some(prefix) => Self::Prefix(prefix.to_owned()),
            None => Self::Name(entry.to_owned()),
        }
    }

    fn covers_name(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Prefix(prefix) => name.starts_with(prefix.as_str()),
        }
    }

    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Name(name)) => self.covers_name(name),
            (Self::Prefix(prefix), Self::Prefix(longer)) => longer.starts_with(prefix.as_str()),
            (Self::Name(_), Self::Prefix(_)) => false,
        }
    }

    /// Two entries have nothing in common, or one covers the other.
    fn in_common<'a>(&'a self, other: &'a Self) -> Option<&'a Self> {
        if self.covers(other) { Some(other) } else { other.covers(self).then_some(self) }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => formatter.write_str(name),
            Self::Prefix(prefix) => write!(formatter, "{prefix}*"),
        }
    }
}

/// As in TOML.
impl fmt::Display for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted: Vec<String> = self.entries().map(|entry| quoted(&entry)).collect();
        write!(formatter, "[{}]", quoted.join(", "))
    }
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.entries())
    }
}

/// A text as TOML has it: in one line, and without anything that could drive a terminal.
#[must_use]
pub fn quoted(text: &str) -> String {
    let escaped = |char: char| match char {
        '\\' | '"' => format!("\\{char}"),
        '\n' => "\\n".into(),
        '\r' => "\\r".into(),
        '\t' => "\\t".into(),
        char if char.is_control() => format!("\\u{:04X}", u32::from(char)),
        char => char.into(),
    };
    format!("\"{}\"", text.chars().map(escaped).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_allows_its_names_and_all_with_its_prefixes() {
        let names = Names::of(["search.*", "clock"]);
        assert!(names.allows("clock") && names.allows("search.web") && names.allows("search."));
        assert!(!names.allows("clock2") && !names.allows("search") && !names.allows(""));
        assert!(Names::all().allows("") && Names::all().allows("anything"));
        assert!(!Names::none().allows("") && Names::none().is_empty());
    }

    #[test]
    fn what_is_covered_is_not_kept() {
        assert_eq!(Names::of(["a", "ab*", "a*", "abc", "b"]), Names::of(["b", "a*"]));
        assert_eq!(Names::of(["b", "a*", "*"]), Names::all());
        assert_eq!(Names::of(["x*", "b\"c"]).to_string(), r#"["b\"c", "x*"]"#);
    }

    #[test]
    fn what_cannot_be_an_entry() {
        assert_eq!(Names::read([""]).unwrap_err(), "has an empty name; `*` stands for all names");
        assert_eq!(Names::read(["a*b"]).unwrap_err(), "has `a*b`; a `*` may stand only at the end");
        let escape = Names::read(["\u{1b}[31ma\n"]).unwrap_err();
        assert_eq!(escape, "has `[31ma` with control characters, which no name has");
        assert_eq!(Names::read(["a", "*"]), Ok(Names::all()));
        let many = Names::read(["a"; 1_001]).unwrap_err();
        assert_eq!(many, "has 1001 names; 1000 are allowed, and a final `*` spares many");
    }

    #[test]
    fn a_list_is_shown_as_toml_that_means_the_same() {
        let strange = "a\n[b]\t\"\\\r\u{1b}[31m\u{7f}\u{9b}\0é";
        let shown = Names::of([strange]).to_string();
        assert!(!shown.contains(char::is_control), "{shown}");
        let text = format!("names = {shown}");
        let read = toml::de::DeTable::parse(&text).unwrap();
        assert_eq!(read.get_ref()["names"].get_ref()[0].get_ref().as_str(), Some(strange));
    }

    proptest::proptest! {
        #[test]
        fn an_intersection_allows_what_both_allow(
            one in proptest::collection::vec("[ab]{0,3}\\*?", 0..5),
            other in proptest::collection::vec("[ab]{0,3}\\*?", 0..5),
            name in "[ab]{0,4}",
        ) {
            let one = Names::of(one.iter().map(String::as_str));
            let other = Names::of(other.iter().map(String::as_str));
            let both = one.intersection(&other);
            assert_eq!(both.allows(&name), one.allows(&name) && other.allows(&name), "{one} and {other}: {both}");
            assert_eq!(both, other.intersection(&one));
            assert_eq!(one.intersection(&one), one);
        }
    }
}
