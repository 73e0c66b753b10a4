//! Reading TOML with an eye on where things stand: whatever is wrong is noted with its line, and reading goes on, so that
//! the author hears of everything at once. A host reads its own sections of `hangar.toml` with it.

use std::cell::RefCell;

use serde_json::{Map, Value as Json};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::names::Names;
use super::problems::{Problem, TomlError, all_of, did_you_mean, one_of};
use crate::log::clean;

/// As much of a name or value as a message shows.
const SHOWN: usize = 80;

/// A document that is being read.
pub struct Document {
    /// Where its lines end.
    ends: Vec<usize>,
    /// What is wrong, and where in the text.
    problems: RefCell<Vec<(usize, String)>>,
}

impl Document {
    /// Reads a text with `read`, which gets the outermost table. What `read` makes of it counts only if it had nothing to
    /// complain about, so it may go on with anything in place of what is wrong.
    pub fn read<T>(text: &str, read: impl FnOnce(Section<'_>) -> T) -> Result<T, TomlError> {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        let document = Document { ends, problems: RefCell::default() };
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let at = error.span().map_or(0, |span| span.start);
            document.complain(at, format!("this is no TOML: {}", clean(error.message(), 200)));
        }
        let read = errors.is_empty().then(|| read(Section::outermost(&document, table.get_ref())));
        match (read, document.problems()) {
            (Some(read), problems) if problems.is_empty() => Ok(read),
            (_, problems) => Err(TomlError::new(problems)),
        }
    }

    fn complain(&self, at: usize, text: String) {
        self.problems.borrow_mut().push((at, text));
    }

    /// The problems with their lines.
    fn problems(&self) -> Vec<Problem> {
        let mut noted = self.problems.take();
        noted.sort_by_key(|(at, _)| *at);
        noted.into_iter().map(|(at, text)| Problem { line: self.line(at), text }).collect()
    }

    /// The line of this place, from 1.
    fn line(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end < at) + 1
    }
}

/// One table of a document. It knows which keys it was asked for; all others are unknown.
pub struct Section<'d> {
    document: &'d Document,
    table: &'d DeTable<'d>,
    /// As the file names it, such as `settings.greeting`; empty for the outermost one.
    path: String,
    at: usize,
    known: Vec<&'static str>,
}

impl<'d> Section<'d> {
    fn outermost(document: &'d Document, table: &'d DeTable<'d>) -> Self {
        Self { document, table, path: String::new(), at: 0, known: Vec::new() }
    }

    /// What stands under this key.
    pub fn value(&mut self, key: &'static str) -> Option<Value<'d>> {
        self.known.push(key);
        let (name, value) = self.table.get_key_value(key)?;
        Some(self.found(name, value))
    }

    /// The table that stands under this key.
    pub fn section(&mut self, key: &'static str) -> Option<Section<'d>> {
        self.value(key)?.section()
    }

    /// Everything in a table whose keys are free.
    pub fn all(&self) -> impl Iterator<Item = (&'d str, Value<'d>)> {
        self.table.iter().map(|(name, value)| (name.get_ref().as_ref(), self.found(name, value)))
    }

    fn found(&self, name: &Spanned<std::borrow::Cow<'_, str>>, value: &'d Spanned<DeValue<'d>>) -> Value<'d> {
        Value {
            document: self.document,
            section: self.path.clone(),
            key: clean(name.get_ref(), SHOWN),
            at: name.span().start,
            value: value.get_ref(),
        }
    }

    /// Notes a problem of the table as a whole.
    pub fn complain(&self, text: String) {
        self.document.complain(self.at, text);
    }

    /// The line in which it begins, from 1.
    #[must_use]
    pub fn line_number(&self) -> usize {
        self.document.line(self.at)
    }

    /// Complains of every key that nobody has asked for.
    pub fn end(self) {
        for (key, _) in self.table.iter().filter(|(key, _)| !self.known.contains(&key.get_ref().as_ref())) {
            let name = clean(key.get_ref(), SHOWN);
            let known = self.known.iter().copied();
            let hint = match did_you_mean(&name, known.clone()) {
                hint if hint.is_empty() => format!("; known are {}", all_of(known)),
                hint => hint,
            };
            self.document.complain(key.span().start, format!("unknown key `{name}`{}{hint}", inside(&self.path)));
        }
    }
}

/// A value, and where it stands.
pub struct Value<'d> {
    document: &'d Document,
    section: String,
    key: String,
    at: usize,
    value: &'d DeValue<'d>,
}

impl<'d> Value<'d> {
    /// Notes a problem: the text goes on after "`key` in [section] ".
    pub fn complain(&self, text: &str) {
        self.document.complain(self.at, format!("`{}`{} {text}", self.key, inside(&self.section)));
    }

    /// Notes that another type is wanted.
    fn complain_of_type(&self, wanted: &str) {
        self.complain(&format!("is {}; it must be {wanted}", type_of(self.value)));
    }

    /// The line in which it stands, from 1.
    #[must_use]
    pub fn line_number(&self) -> usize {
        self.document.line(self.at)
    }

    /// A text.
    pub fn text(&self) -> Option<&'d str> {
        let text = self.value.as_str();
        self.or_complain(text, "a text")
    }

    /// A text for people, in one line: it is shown in terminals, which it must not drive.
    pub fn line(&self) -> Option<&'d str> {
        self.text().inspect(|text| self.check_line(text))
    }

    /// A list of texts for people, each in one line.
    pub fn lines(&self) -> Option<Vec<&'d str>> {
        self.texts().inspect(|texts| texts.iter().for_each(|text| self.check_line(text)))
    }

    fn check_line(&self, text: &str) {
        if text.contains(char::is_control) {
            self.complain("has a line break or another control character; write it in one line, without them");
        }
    }

    /// What one of these words means.
    pub fn word<T: Copy, const N: usize>(&self, words: [(&'static str, T); N]) -> Option<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let words = words.map(|(word, _)| word);
            let hint = did_you_mean(text, words);
            self.complain(&format!("is `{}`; it must be {}{hint}", clean(text, SHOWN), one_of(words)));
        }
        found
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        self.or_complain(self.value.as_bool(), "`true` or `false`")
    }

    /// A list of texts.
    pub fn texts(&self) -> Option<Vec<&'d str>> {
        let list = self.value.as_array();
        let texts = list.and_then(|list| list.iter().map(|text| text.get_ref().as_str()).collect());
        self.or_complain(texts, "a list of texts")
    }

    /// A list of names, in which a final `*` stands for any ending.
    pub fn names(&self) -> Option<Names> {
        match Names::read(self.texts()?) {
            Ok(names) => Some(names),
            Err(why) => {
                self.complain(&why);
                None
            }
        }
    }

    /// The table behind `[section.key]`, without a word if it is something else.
    #[must_use]
    pub fn table(&self) -> Option<Section<'d>> {
        self.value.as_table().map(|table| self.section_of(table))
    }

    /// The table behind `[section.key]`.
    pub fn section(&self) -> Option<Section<'d>> {
        self.or_complain(self.value.as_table(), "a table").map(|table| self.section_of(table))
    }

    fn section_of(&self, table: &'d DeTable<'d>) -> Section<'d> {
        let path = path(&self.section, &self.key);
        Section { document: self.document, table, path, at: self.at, known: Vec::new() }
    }

    /// The tables behind `[[section.key]]`.
    pub fn sections(&self) -> Option<Vec<Section<'d>>> {
        let list = self.value.as_array();
        let tables = list.and_then(|list| {
            list.iter().map(|item| Some((item.span().start, item.get_ref().as_table()?))).collect::<Option<Vec<_>>>()
        });
        let path = format!("[{}]", path(&self.section, &self.key));
        let section =
            |(at, table)| Section { document: self.document, table, path: path.clone(), at, known: Vec::new() };
        Some(self.or_complain(tables, "a list of tables")?.into_iter().map(section).collect())
    }

    /// An integer, or whatever else `read` makes of a text.
    pub fn integer_or<T>(
        &self,
        wanted: &str,
        integer: impl FnOnce(i64) -> Option<T>,
        text: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let read = match self.value {
            DeValue::Integer(found) => integer_of(found).and_then(integer),
            DeValue::String(found) => text(found),
            _ => {
                self.complain_of_type(wanted);
                return None;
            }
        };
        if read.is_none() {
            self.complain(&format!("is {}; it must be {wanted}", shown(self.value)));
        }
        read
    }

    /// The same value as JSON.
    pub fn json(&self) -> Option<Json> {
        match json_of(self.value) {
            Ok(json) => Some(json),
            Err(why) => {
                self.complain(why);
                None
            }
        }
    }

    fn or_complain<T>(&self, found: Option<T>, wanted: &str) -> Option<T> {
        if found.is_none() {
            self.complain_of_type(wanted);
        }
        found
    }
}

/// The name of a table in another one.
fn path(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

fn inside(section: &str) -> String {
    if section.is_empty() { String::new() } else { format!(" in [{section}]") }
}

fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("`{}`", clean(text, SHOWN)),
        DeValue::Integer(integer) => clean(&integer.to_string(), SHOWN),
        other => type_of(other).to_owned(),
    }
}

fn integer_of(integer: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

/// The reader of TOML bounds how deep this goes.
fn json_of(value: &DeValue<'_>) -> Result<Json, &'static str> {
    Ok(match value {
        DeValue::String(text) => Json::from(text.as_ref()),
        DeValue::Integer(integer) => Json::from(integer_of(integer).ok_or("has an integer of more than 64 bits")?),
        DeValue::Float(float) => {
            let finite = float.as_str().parse().ok().and_then(serde_json::Number::from_f64);
            Json::Number(finite.ok_or("has a number that is not finite")?)
        }
        DeValue::Boolean(boolean) => Json::from(*boolean),
        DeValue::Datetime(_) => return Err("has a date; write it as a text, in quotes"),
        DeValue::Array(list) => Json::Array(list.iter().map(|item| json_of(item.get_ref())).collect::<Result<_, _>>()?),
        DeValue::Table(table) => {
            let entry = |(key, value): (&Spanned<std::borrow::Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
                Ok((key.get_ref().clone().into_owned(), json_of(value.get_ref())?))
            };
            Json::Object(table.iter().map(entry).collect::<Result<Map<_, _>, &'static str>>()?)
        }
    })
}
