//! Settings: a manifest declares them, the host's configuration gives values, and the plugin gets both as one JSON object.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value as Json};

use super::problems::{did_you_mean, one_of};
use super::section::{Section, Value};
use crate::log::clean;

/// As much of a value as a message shows.
const SHOWN: usize = 80;

/// As many problems as are told; who has more has given something else altogether.
const TOLD: usize = 20;

/// The settings that a manifest declares, by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Declarations(BTreeMap<String, Declaration>);

/// One declared setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// What values it takes.
    pub kind: Kind,
    /// For the operator; empty if there is none.
    pub description: String,
    /// Whether a value must be given.
    pub required: bool,
    /// The value where none is given. Without it, and when it is not required, the plugin is told nothing.
    pub default: Option<Json>,
}

/// What values a setting takes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// A text; one of these if there are any.
    Text {
        /// What it chooses from.
        choices: Vec<String>,
    },
    /// An integer within these bounds.
    Integer {
        /// The least.
        min: Option<i64>,
        /// The greatest.
        max: Option<i64>,
    },
    /// A number within these bounds.
    Number {
        /// The least.
        min: Option<f64>,
        /// The greatest.
        max: Option<f64>,
    },
    /// Yes or no.
    Boolean,
    /// A list of such values.
    List {
        /// What is in it.
        items: Box<Kind>,
    },
    /// Names with values of any type.
    Table,
}

/// What is wrong with the settings that were given: the first few problems. Shown with a line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// Each a sentence that names the setting.
    pub problems: Vec<String>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.problems.join("\n"))
    }
}

impl std::error::Error for SettingsError {}

impl Declarations {
    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Declaration)> {
        self.0.iter().map(|(name, declaration)| (name.as_str(), declaration))
    }

    /// Checks what was given and fills in what was not: a JSON object as text, as the plugin gets it.
    pub fn resolve(&self, given: &Map<String, Json>) -> Result<String, SettingsError> {
        let undeclared = given.keys().filter(|name| !self.0.contains_key(name.as_str())).map(|name| self.no_such(name));
        let wrong = self.0.iter().filter_map(|(name, declaration)| declaration.problem(name, given.get(name)));
        let mut problems: Vec<String> = undeclared.chain(wrong).take(TOLD + 1).collect();
        if problems.len() > TOLD {
            problems.truncate(TOLD);
            problems.push("and there is more that is wrong".into());
        }
        if !problems.is_empty() {
            return Err(SettingsError { problems });
        }
        let value = |(name, declaration): (&String, &Declaration)| {
            Some((name.clone(), given.get(name).or(declaration.default.as_ref())?.clone()))
        };
        Ok(Json::Object(self.0.iter().filter_map(value).collect()).to_string())
    }

    /// What must be given and is not, as TOML to be filled in; empty if there is all.
    pub(super) fn to_be_given(&self, given: &Map<String, Json>) -> String {
        let missing = self.0.iter().filter(|(name, wanted)| wanted.required && !given.contains_key(name.as_str()));
        let line = |(name, wanted): (&String, &Declaration)| {
            let remark = if wanted.description.is_empty() { "" } else { " # " };
            format!("{name} = {}{remark}{}\n", wanted.kind.example(), wanted.description)
        };
        missing.map(line).collect()
    }

    fn no_such(&self, name: &str) -> String {
        let name = clean(name, SHOWN);
        let hint = did_you_mean(&name, self.0.keys().map(String::as_str));
        format!("there is no setting `{name}`{hint}")
    }

    /// Reads `[settings]`.
    pub(super) fn read(section: &Section<'_>) -> Self {
        let mut declarations = BTreeMap::new();
        for (name, value) in section.all() {
            if !is_name(name) {
                value.complain("must have a name of at most 64 letters, digits, `-` and `_`");
            }
            if let Some(section) = value.section() {
                declarations.extend(Declaration::read(section).map(|declaration| (name.to_owned(), declaration)));
            }
        }
        Self(declarations)
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

impl Declaration {
    fn read(mut section: Section<'_>) -> Option<Self> {
        let kind = read_kind(&mut section);
        let description = section.value("description").and_then(|value| value.line()).unwrap_or_default().to_owned();
        let required = section.value("required").and_then(|value| value.boolean()).unwrap_or(false);
        let default = section.value("default").and_then(|value| {
            let default = value.json()?;
            if required {
                value.complain("goes not together with `required = true`: drop one of them");
            }
            if let Some(Err(why)) = kind.as_ref().map(|kind| kind.check(&default)) {
                value.complain(&why);
            }
            Some(default)
        });
        section.end();
        Some(Self { kind: kind?, description, required, default })
    }

    /// What is wrong with the value that is given for it, or that none is.
    fn problem(&self, name: &str, given: Option<&Json>) -> Option<String> {
        match given {
            Some(value) => self.kind.check(value).err().map(|why| format!("the setting `{name}` {why}")),
            None => self.required.then(|| format!("the setting `{name}` must be given: it has no default")),
        }
    }
}

/// The types by name, without restrictions.
fn kind_of(word: &str) -> Option<Kind> {
    Some(match word {
        "text" => Kind::Text { choices: Vec::new() },
        "integer" => Kind::Integer { min: None, max: None },
        "number" => Kind::Number { min: None, max: None },
        "boolean" => Kind::Boolean,
        "list" => Kind::List { items: Box::new(Kind::Text { choices: Vec::new() }) },
        "table" => Kind::Table,
        _ => return None,
    })
}

const TYPES: [&str; 6] = ["text", "integer", "number", "boolean", "list", "table"];
const TYPES_OF_ITEMS: [&str; 5] = ["text", "integer", "number", "boolean", "table"];

fn read_kind(section: &mut Section<'_>) -> Option<Kind> {
    let kind = match section.value("type") {
        Some(value) => read_type(&value, &TYPES),
        None => {
            section.complain(format!("a setting needs a `type`: {}", one_of(TYPES)));
            None
        }
    };
    let (choices, items) = (section.value("choices"), section.value("items"));
    let (least, greatest) = (section.value("min"), section.value("max"));
    let mut kind = kind?;
    let mut out_of_place = Vec::new();
    match &mut kind {
        Kind::Text { choices: into } => {
            *into = choices.as_ref().and_then(read_choices).unwrap_or_default();
            out_of_place.extend([items, least, greatest]);
        }
        Kind::Integer { min, max } => {
            (*min, *max) = read_bounds(least.as_ref(), greatest.as_ref(), "an integer", Json::as_i64);
            out_of_place.extend([choices, items]);
        }
        Kind::Number { min, max } => {
            (*min, *max) = read_bounds(least.as_ref(), greatest.as_ref(), "a number", Json::as_f64);
            out_of_place.extend([choices, items]);
        }
        Kind::List { items: into } => {
            if let Some(items) = items.and_then(|value| read_type(&value, &TYPES_OF_ITEMS)) {
                **into = items;
            }
            out_of_place.extend([choices, least, greatest]);
        }
        Kind::Boolean | Kind::Table => out_of_place.extend([choices, items, least, greatest]),
    }
    for value in out_of_place.into_iter().flatten() {
        value.complain(&format!("means nothing for {}", kind.name()));
    }
    Some(kind)
}

fn read_type(value: &Value<'_>, types: &[&str]) -> Option<Kind> {
    let word = value.text()?;
    let kind = types.contains(&word).then(|| kind_of(word)).flatten();
    if kind.is_none() {
        let hint = did_you_mean(word, types.iter().copied());
        value.complain(&format!("is `{}`; it must be {}{hint}", clean(word, SHOWN), one_of(types.iter().copied())));
    }
    kind
}

fn read_choices(value: &Value<'_>) -> Option<Vec<String>> {
    let choices = value.lines()?;
    if choices.is_empty() {
        value.complain("is empty, so that nothing could be chosen");
    }
    Some(choices.into_iter().map(str::to_owned).collect())
}

type Bounds<T> = (Option<T>, Option<T>);

fn read_bounds<T: PartialOrd + Copy>(
    least: Option<&Value<'_>>,
    greatest: Option<&Value<'_>>,
    wanted: &str,
    number: impl Fn(&Json) -> Option<T>,
) -> Bounds<T> {
    let read = |value: &Value<'_>| {
        let bound = number(&value.json()?);
        if bound.is_none() {
            value.complain(&format!("must be {wanted}"));
        }
        bound
    };
    let (min, max) = (least.and_then(read), greatest.and_then(read));
    if let (Some(least), Some(min), Some(max)) = (least, min, max)
        && min > max
    {
        least.complain("is above `max`");
    }
    (min, max)
}

impl Kind {
    /// What it is, as a sentence has it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Text { .. } => "a text",
            Self::Integer { .. } => "an integer",
            Self::Number { .. } => "a number",
            Self::Boolean => "a boolean",
            Self::List { .. } => "a list",
            Self::Table => "a table",
        }
    }

    /// Whether it takes this value; the error goes on after the name of the setting.
    /// Some value of it, as TOML has it.
    fn example(&self) -> String {
        match self {
            Self::Text { choices } => Json::from(choices.first().map_or("...", String::as_str)).to_string(),
            Self::Integer { min, max } => min.or(*max).unwrap_or(0).to_string(),
            Self::Number { min, max } => format!("{:?}", min.or(*max).unwrap_or(0.0)),
            Self::Boolean => "true".into(),
            Self::List { items } => format!("[{}]", items.example()),
            Self::Table => "{}".into(),
        }
    }

    fn check(&self, value: &Json) -> Result<(), String> {
        match (self, value) {
            (Self::Text { choices }, Json::String(text)) if !choices.is_empty() && !choices.contains(text) => {
                let text = clean(text, SHOWN);
                let hint = did_you_mean(&text, choices.iter().map(String::as_str));
                let choices = one_of(choices.iter().map(String::as_str));
                Err(format!("must be {choices}, not `{text}`{hint}"))
            }
            (Self::Integer { min, max }, Json::Number(number)) => {
                let integer = number.as_i64().ok_or_else(|| format!("must be an integer, not {number}"))?;
                within(integer, *min, *max)
            }
            (Self::Number { min, max }, Json::Number(number)) => match number.as_f64() {
                Some(number) => within(number, *min, *max),
                None => Err(format!("must be a number, not {number}")),
            },
            (Self::List { items }, Json::Array(list)) => {
                let check = |(at, item)| items.check(item).map_err(|why| format!("has an item {at} that {why}"));
                list.iter().enumerate().try_for_each(check)
            }
            (Self::Text { .. }, Json::String(_)) | (Self::Boolean, Json::Bool(_)) | (Self::Table, Json::Object(_)) => {
                Ok(())
            }
            (wanted, found) => Err(format!("must be {}, not {}", wanted.name(), clean(&found.to_string(), SHOWN))),
        }
    }
}

fn within<T: PartialOrd + Copy + fmt::Display>(value: T, min: Option<T>, max: Option<T>) -> Result<(), String> {
    match (min, max) {
        (Some(min), _) if value < min => Err(format!("must be at least {min}, not {value}")),
        (_, Some(max)) if value > max => Err(format!("must be at most {max}, not {value}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifest::{HostConfig, Manifest};

    fn declarations() -> Declarations {
        let text = r#"
            id = "greeter"
            version = "0.1.0"
            world = "behaviour"
            [settings]
            greeting = { type = "text", default = "Hello" }
            tone = { type = "text", choices = ["kind", "plain"] }
            times = { type = "integer", min = 1, max = 3, default = 1 }
            pace = { type = "number" }
            loud = { type = "boolean", required = true }
            names = { type = "list", default = ["you"] }
            more = { type = "table", default = { a = [1, 2.5, true] } }
        "#;
        Manifest::parse(text).unwrap().settings
    }

    fn resolve(given: &Json) -> Result<Json, String> {
        let resolved = declarations().resolve(given.as_object().unwrap()).map_err(|error| error.to_string())?;
        Ok(serde_json::from_str(&resolved).unwrap())
    }

    #[test]
    fn what_must_be_given_is_shown_as_toml() {
        let text = r#"
            id = "greeter"
            version = "0.1.0"
            world = "behaviour"
            [settings]
            a = { type = "text", choices = ["kind", "plain"], required = true, description = "How it speaks" }
            b = { type = "integer", min = 3, required = true }
            c = { type = "number", required = true }
            d = { type = "list", items = "boolean", required = true }
            e = { type = "table", required = true }
            f = { type = "text", required = true }
            g = { type = "text" }
        "#;
        let declarations = Manifest::parse(text).unwrap().settings;
        let given = json!({ "f": "there" });
        let toml = declarations.to_be_given(given.as_object().unwrap());
        assert_eq!(toml, "a = \"kind\" # How it speaks\nb = 3\nc = 0.0\nd = [true]\ne = {}\n");
        let config = format!("[plugins.greeter.settings]\nf = \"there\"\n{toml}");
        let given = HostConfig::parse(&config).unwrap().plugin("greeter").settings;
        declarations.resolve(&given).unwrap();
        assert_eq!(declarations.to_be_given(&given), "");
    }

    #[test]
    fn defaults_are_filled_in_and_what_has_none_is_left_out() {
        let defaults =
            json!({"greeting": "Hello", "times": 1, "names": ["you"], "more": {"a": [1, 2.5, true]}, "loud": true});
        assert_eq!(resolve(&json!({"loud": true})), Ok(defaults));
        let given = json!({
            "greeting": "Ahoy", "tone": "kind", "times": 3, "pace": 2, "loud": false, "names": [], "more": {"b": null}
        });
        assert_eq!(resolve(&given), Ok(given));
    }

    #[test]
    fn settings_that_are_all_wrong_are_told_in_few_words() {
        let given: Map<String, Json> = (0..100_000).map(|at| (format!("no-such-{at}"), Json::Null)).collect();
        let problems = declarations().resolve(&given).unwrap_err().problems;
        assert_eq!(problems.len(), TOLD + 1);
        assert_eq!(problems[TOLD], "and there is more that is wrong");
        let given = given.into_iter().take(TOLD).chain([("loud".into(), Json::Bool(true))]).collect();
        assert_eq!(declarations().resolve(&given).unwrap_err().problems.len(), TOLD, "and there is no more");
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let given =
            json!({"greting": "Ahoy", "tone": "kimd", "times": 4, "pace": "fast", "names": ["a", 5], "more": []});
        let expected = "there is no setting `greting`; did you mean `greeting`?\n\
            the setting `loud` must be given: it has no default\n\
            the setting `more` must be a table, not []\n\
            the setting `names` has an item 1 that must be a text, not 5\n\
            the setting `pace` must be a number, not \"fast\"\n\
            the setting `times` must be at most 3, not 4\n\
            the setting `tone` must be `kind` or `plain`, not `kimd`; did you mean `kind`?";
        assert_eq!(resolve(&given).unwrap_err(), expected);
        for (times, wrong) in [
            (json!(null), "must be an integer, not null"),
            (json!(1.5), "must be an integer, not 1.5"),
            (json!(0), "must be at least 1, not 0"),
            (json!(u64::MAX), "must be an integer, not 18446744073709551615"),
        ] {
            let error = resolve(&json!({"loud": true, "times": times})).unwrap_err();
            assert_eq!(error, format!("the setting `times` {wrong}"));
        }
    }
}
