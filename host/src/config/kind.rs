//! What the values of the configuration may be, and how they are read and written.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use hangar_runtime::manifest::{Names, Section, Unit, did_you_mean, one_of, quoted};
use serde_json::{Value as Json, json};

use super::{Given, Secret, SecretSource};

/// As much of a value as a message shows.
const SHOWN: usize = 80;

/// The longest time that can be waited for.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// Entries of a list or a table.
const ENTRIES: usize = 1_000;

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A time, of at least so many milliseconds.
    Time(u64),
    /// A time from 0.1 s to an hour, which a command line has in seconds.
    Seconds,
    /// A number of bytes, at least so many.
    Bytes(u64),
    /// A number, from and to.
    Number(u64, u64),
    /// `true` or `false`.
    Switch,
    /// The same, or the word that insists on it.
    Insist(&'static str),
    /// One of these words, in any case.
    Word(&'static [&'static str]),
    /// A text that this finds right, and may put into another form; the error goes on after the value.
    Text(fn(&str) -> Result<String, String>),
    /// A list of such texts.
    Texts(fn(&str) -> Result<String, String>),
    /// A list of names in which a final `*` stands for any ending.
    Names,
    /// The path of a file or folder; in a file, it begins at that file's folder.
    Path,
    /// The same, or `false` for none.
    PathOrNone,
    /// Numbers above 0, by name.
    Numbers,
    /// Lists of texts, by one of these names.
    Lists(&'static [&'static str]),
    /// A secret, and the keys under which stands where it is kept.
    Secret {
        /// The key for a variable's name.
        environment: &'static str,
        /// The key for a file's path.
        file: &'static str,
    },
    /// Whatever a plugin makes of it.
    Free,
}

impl Kind {
    /// Reads the value under this key of a file; paths begin at this folder.
    pub fn read(self, key: &'static str, section: &mut Section<'_>, folder: &Path) -> Option<(Given, usize)> {
        if let Self::Secret { environment, file } = self {
            return secret(section, [key, environment, file], folder);
        }
        let value = section.value(key)?;
        let given = self.of_json(&value.json()?).map_err(|why| value.complain(&why)).ok()?;
        Some((self.in_folder(given, folder), value.line_number()))
    }

    fn in_folder(self, given: Given, folder: &Path) -> Given {
        match (self, given) {
            (Self::Path | Self::PathOrNone, Given::Text(path)) => Given::Text(joined(folder, &path)),
            (_, given) => given,
        }
    }

    /// Takes a text of a command line or an environment; the error goes on after the name of the value.
    pub fn of_text(self, text: &str) -> Result<Given, String> {
        let trimmed = text.trim();
        match self {
            Self::Secret { .. } => Ok(Given::Secret(SecretSource::Value(Secret::new(text)))),
            Self::Seconds if trimmed.parse::<f64>().is_ok() => {
                let seconds = trimmed.parse::<f64>().ok().filter(|seconds| (0.1..=3_600.0).contains(seconds));
                let seconds = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                let milliseconds = seconds.and_then(|time| u64::try_from(time.as_millis()).ok());
                milliseconds.map(Given::Number).ok_or_else(|| self.complaint(&Json::from(trimmed)))
            }
            Self::Bytes(_) | Self::Number(..) if trimmed.parse::<u64>().is_ok() => {
                self.of_json(&trimmed.parse::<u64>().map_or(Json::Null, Json::from))
            }
            Self::Switch | Self::Insist(_) | Self::PathOrNone => match trimmed.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" if !matches!(self, Self::PathOrNone) => self.of_json(&json!(true)),
                "false" | "no" | "off" | "0" => self.of_json(&json!(false)),
                _ => self.of_json(&Json::from(text)),
            },
            Self::Texts(_) | Self::Names => {
                let items: Vec<&str> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
                self.of_json(&Json::from(items))
            }
            _ => self.of_json(&Json::from(text)),
        }
    }

    /// Whether a variable of the environment can have it.
    pub fn is_scalar(self) -> bool {
        !matches!(self, Self::Numbers | Self::Lists(_) | Self::Free)
    }

    fn of_json(self, value: &Json) -> Result<Given, String> {
        let wrong = || self.complaint(value);
        match self {
            Self::Time(least) => {
                let most = u64::try_from(LONGEST.as_millis()).unwrap_or(u64::MAX);
                let time = value.as_str().and_then(|text| Unit::Milliseconds.parse(text));
                time.filter(|time| (least..=most).contains(time)).map(Given::Number).ok_or_else(wrong)
            }
            Self::Seconds => {
                let time = match value {
                    Json::Number(seconds) => seconds.as_u64().and_then(|seconds| seconds.checked_mul(1_000)),
                    value => value.as_str().and_then(|text| Unit::Milliseconds.parse(text)),
                };
                time.filter(|time| (100..=3_600_000).contains(time)).map(Given::Number).ok_or_else(wrong)
            }
            Self::Bytes(least) => {
                let bytes = match value {
                    Json::Number(bytes) => bytes.as_u64(),
                    value => value.as_str().and_then(|text| Unit::Bytes.parse(text)),
                };
                bytes.filter(|bytes| *bytes >= least).map(Given::Number).ok_or_else(wrong)
            }
            Self::Number(least, most) => {
                let number = value.as_u64().filter(|number| (least..=most).contains(number));
                number.map(Given::Number).ok_or_else(wrong)
            }
            Self::Switch => value.as_bool().map(Given::Switch).ok_or_else(wrong),
            Self::Insist(word) => match value {
                Json::Bool(switch) => Ok(Given::Switch(*switch)),
                Json::String(text) if text.trim().eq_ignore_ascii_case(word) => Ok(Given::Text(word.to_owned())),
                _ => Err(wrong()),
            },
            Self::Word(words) => {
                let text = value.as_str().ok_or_else(wrong)?.trim();
                let found = words.iter().find(|word| word.eq_ignore_ascii_case(text));
                let hint = || did_you_mean(&text.to_ascii_lowercase(), words.iter().copied());
                found.map(|word| Given::Text((*word).to_owned())).ok_or_else(|| wrong() + &hint())
            }
            Self::Text(check) => Ok(Given::Text(check(value.as_str().ok_or_else(wrong)?)?)),
            Self::Texts(check) => {
                let texts = texts(value).ok_or_else(wrong)?;
                let checked = texts.into_iter().map(|text| {
                    check(text).map_err(|why| format!("has `{}`, which {}", cut(text), why.trim_start_matches("has ")))
                });
                Ok(Given::Texts(checked.collect::<Result<_, _>>()?))
            }
            Self::Names => {
                let names = Names::read(texts(value).ok_or_else(wrong)?)?;
                Ok(Given::Texts(names.entries().collect()))
            }
            Self::Path => path(value).ok_or_else(wrong),
            Self::PathOrNone => match value {
                Json::Bool(false) => Ok(Given::Switch(false)),
                value => path(value).ok_or_else(wrong),
            },
            Self::Numbers => {
                let table = value.as_object().filter(|table| table.len() <= ENTRIES).ok_or_else(wrong)?;
                let number = |(name, value): (&String, &Json)| match value.as_u64().filter(|number| *number > 0) {
                    Some(number) => Ok((name.clone(), number)),
                    None => Err(format!("has {} for `{}`; it must be an integer above 0", shown(value), cut(name))),
                };
                Ok(Given::Numbers(table.iter().map(number).collect::<Result<_, _>>()?))
            }
            Self::Lists(names) => {
                let table = value.as_object().ok_or_else(wrong)?;
                let list = |(name, value): (&String, &Json)| {
                    if !names.contains(&name.as_str()) {
                        let hint = match did_you_mean(name, names.iter().copied()) {
                            hint if hint.is_empty() => format!("; it must be {}", one_of(names.iter().copied())),
                            hint => hint,
                        };
                        return Err(format!("has `{}`, which is none{hint}", cut(name)));
                    }
                    let wrong = || format!("has {} for `{name}`; it must be a list of texts", shown(value));
                    let texts = texts(value).ok_or_else(wrong)?;
                    Ok((name.clone(), texts.into_iter().map(str::to_owned).collect()))
                };
                Ok(Given::Lists(table.iter().map(list).collect::<Result<BTreeMap<_, Vec<String>>, _>>()?))
            }
            Self::Secret { .. } => Err(wrong()),
            Self::Free => Ok(Given::Json(value.clone())),
        }
    }

    /// What is wrong with a value, and what it must be.
    fn complaint(self, value: &Json) -> String {
        format!("is {}; it must be {}", shown(value), self.wanted())
    }

    /// What a value must be.
    pub fn wanted(self) -> String {
        match self {
            Self::Time(least) if least > 1 => {
                format!("a time such as {}, and no shorter than that", Unit::Milliseconds.toml(least))
            }
            Self::Time(_) => "a time such as \"200 ms\" or \"2 s\", above 0 and at most a year".to_owned(),
            Self::Seconds => "a time from 0.1 s to 3600 s, such as \"2 s\", or a number of seconds".to_owned(),
            Self::Bytes(least) if least > 1 => {
                format!("a size such as {} (KiB, MiB or GiB), and no smaller than that", Unit::Bytes.toml(least))
            }
            Self::Bytes(_) => Unit::Bytes.wanted().to_owned(),
            Self::Number(1, u64::MAX) => Unit::Number.wanted().to_owned(),
            Self::Number(least, most) => format!("an integer from {least} to {most}"),
            Self::Switch => "`true` or `false`".to_owned(),
            Self::Insist(word) => format!("`true`, `false` or \"{word}\""),
            Self::Word(words) => one_of(words.iter().copied()),
            Self::Text(_) | Self::Secret { .. } => "a text".to_owned(),
            Self::Texts(_) | Self::Names => format!("a list of at most {ENTRIES} texts"),
            Self::Path => "a path".to_owned(),
            Self::PathOrNone => "a path, or `false` for none".to_owned(),
            Self::Numbers => "a table of numbers such as `{ linux = 4 }`".to_owned(),
            Self::Lists(_) => "a table of lists such as `{ command = [\"guard\"] }`".to_owned(),
            Self::Free => "a value".to_owned(),
        }
    }

    /// A value of this kind as JSON for programs, with times and sizes as texts and without secrets.
    pub fn json(self, given: &Given) -> Json {
        match (self, given) {
            (_, Given::Nothing) => Json::Null,
            (Self::Time(_) | Self::Seconds, Given::Number(number)) => {
                Json::from(Unit::Milliseconds.toml(*number).trim_matches('"'))
            }
            (Self::Bytes(_), Given::Number(number)) => match Unit::Bytes.toml(*number) {
                plain if !plain.starts_with('"') => Json::from(*number),
                text => Json::from(text.trim_matches('"')),
            },
            (_, Given::Number(number)) => Json::from(*number),
            (_, Given::Switch(switch)) => Json::from(*switch),
            (_, Given::Text(text)) => Json::from(text.as_str()),
            (_, Given::Texts(texts)) => Json::from(texts.as_slice()),
            (_, Given::Numbers(numbers)) => json!(numbers),
            (_, Given::Lists(lists)) => json!(lists),
            (_, Given::Secret(SecretSource::Value(_))) => Json::from("[secret]"),
            (_, Given::Secret(SecretSource::Environment(name))) => Json::from(name.as_str()),
            (_, Given::Secret(SecretSource::File(path))) => Json::from(path.to_string_lossy()),
            (_, Given::Json(json)) => json.clone(),
        }
    }

    /// A value of this kind as TOML; none if nothing is said.
    pub fn toml(self, given: &Given) -> Option<String> {
        match given {
            Given::Nothing => None,
            given => Some(toml(&self.json(given))),
        }
    }
}

/// JSON as TOML, in one line. What TOML has no word for is left out.
fn toml(value: &Json) -> String {
    match value {
        Json::Null => "\"\"".to_owned(),
        Json::Bool(_) | Json::Number(_) => value.to_string(),
        Json::String(text) => quoted(text),
        Json::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Json::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Json::Object(fields) => {
            let field = |(name, value): (&String, &Json)| format!("{} = {}", key(name), toml(value));
            format!("{{ {} }}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
    }
}

/// A key as TOML has it.
pub fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || "-_".contains(char));
    if is_bare { name.to_owned() } else { quoted(name) }
}

/// A path of a file, seen from the folder of that file.
pub fn joined(folder: &Path, path: &str) -> String {
    folder.join(path).to_string_lossy().into_owned()
}

/// A secret of a file, under one of three keys: itself, the name of a variable, the path of a file.
fn secret(section: &mut Section<'_>, keys: [&'static str; 3], folder: &Path) -> Option<(Given, usize)> {
    let found: Vec<_> = keys.iter().filter_map(|key| Some((*key, section.value(key)?))).collect();
    if let [_, (_, other), ..] = found.as_slice() {
        other.complain(&format!("is one too many; give only one of {}", hangar_runtime::manifest::all_of(keys)));
        return None;
    }
    let (key, value) = found.into_iter().next()?;
    let text = value.text()?;
    let [_, environment, file] = keys;
    let source = match key {
        key if key == environment => SecretSource::Environment(text.to_owned()),
        key if key == file => SecretSource::File(folder.join(text)),
        _ => SecretSource::Value(Secret::new(text)),
    };
    if text.is_empty() {
        value.complain("is empty; write there what it is, or leave the key out");
        return None;
    }
    Some((Given::Secret(source), value.line_number()))
}

fn path(value: &Json) -> Option<Given> {
    let text = value.as_str().filter(|text| !text.is_empty() && !text.contains(char::is_control))?;
    Some(Given::Text(text.to_owned()))
}

fn texts(value: &Json) -> Option<Vec<&str>> {
    value.as_array().filter(|list| list.len() <= ENTRIES)?.iter().map(Json::as_str).collect()
}

fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => format!("`{}`", cut(text)),
        Json::Number(number) => number.to_string(),
        Json::Bool(_) => "a boolean".to_owned(),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "a table".to_owned(),
        Json::Null => "nothing".to_owned(),
    }
}

/// The beginning of a text, without what could drive a terminal.
pub fn cut(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(SHOWN).collect()
}
