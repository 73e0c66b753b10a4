//! The names of tools as endpoints take them: they allow fewer characters than tools have in their names.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use hangar_runtime::contract::values::Tool;

use super::flaw::Flaw;

/// The longest name that endpoints take.
const LONGEST: usize = 64;
/// Tools of one request; beyond it the request is refused. No endpoint takes nearly as many.
const TOOLS: usize = 512;

/// The tools of one request, by either name.
#[derive(Debug, Default)]
pub struct ToolNames<'a> {
    spoken: HashMap<&'a str, String>,
    meant: HashMap<String, &'a str>,
}

impl<'a> ToolNames<'a> {
    /// Those of these tools; no two are spoken alike.
    pub fn of(tools: &'a [Tool]) -> Result<Self, Flaw> {
        if tools.len() > TOOLS {
            return Err(Flaw::TooManyTools { limit: TOOLS });
        }
        let mut all = HashSet::with_capacity(tools.len());
        for tool in tools {
            if tool.name.is_empty() {
                return Err(Flaw::NamelessTool);
            }
            if !all.insert(tool.name.as_str()) {
                return Err(Flaw::SameTool(tool.name.clone()));
            }
        }
        // Whoever can keep its name keeps it, so that no other takes it away.
        let (fit, unfit): (Vec<_>, Vec<_>) = tools.iter().map(|tool| tool.name.as_str()).partition(|name| is_fit(name));
        let mut names = Self::default();
        for name in fit {
            names.add(name, name.to_owned());
        }
        for name in unfit {
            let plain = fitted(name);
            let numbered = (2_usize..).map(|number| with_number(&plain, number));
            let free = std::iter::once(plain.clone()).chain(numbered).find(|free| !names.meant.contains_key(free));
            names.add(name, free.unwrap_or(plain));
        }
        Ok(names)
    }

    fn add(&mut self, meant: &'a str, spoken: String) {
        self.spoken.insert(meant, spoken.clone());
        self.meant.insert(spoken, meant);
    }

    /// Whether the request has this tool.
    pub fn has(&self, name: &str) -> bool {
        self.spoken.contains_key(name)
    }

    /// How a tool is called towards the endpoint, also one that was there earlier in the conversation.
    pub fn spoken<'n>(&'n self, name: &'n str) -> Cow<'n, str> {
        match self.spoken.get(name) {
            Some(spoken) => Cow::Borrowed(spoken),
            None if is_fit(name) => Cow::Borrowed(name),
            None => Cow::Owned(fitted(name)),
        }
    }

    /// Which tool the model means; what it made up stays as it is.
    pub fn meant<'n>(&'n self, spoken: &'n str) -> &'n str {
        self.meant.get(spoken).copied().unwrap_or(spoken)
    }
}

fn is_allowed(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')
}

fn is_fit(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len()) && name.chars().all(is_allowed)
}

fn fitted(name: &str) -> String {
    let fitted: String =
        name.chars().map(|letter| if is_allowed(letter) { letter } else { '_' }).take(LONGEST).collect();
    if fitted.is_empty() { "_".to_owned() } else { fitted }
}

fn with_number(plain: &str, number: usize) -> String {
    let number = format!("_{number}");
    let kept = plain.get(..LONGEST.saturating_sub(number.len())).unwrap_or(plain);
    format!("{kept}{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str) -> Tool {
        Tool {
            name: name.to_owned(),
            namespace: String::new(),
            tool_type: String::new(),
            description: String::new(),
            schema: String::new(),
            extra: String::new(),
        }
    }

    #[test]
    fn names_come_back_whatever_is_in_them() {
        let long = "a".repeat(70);
        let longer = "a".repeat(71);
        let names = ["search.web", "search_web", "search/web", "öffnen", &long, &longer, "run-it"];
        let tools: Vec<_> = names.iter().map(|name| tool(name)).collect();
        let spoken = ToolNames::of(&tools).unwrap();
        let said: Vec<_> = names.iter().map(|name| spoken.spoken(name).into_owned()).collect();
        assert_eq!(said[..4], ["search_web_2", "search_web", "search_web_3", "_ffnen"]);
        assert_eq!(said[5], "a".repeat(62) + "_2");
        for (name, said) in names.iter().zip(&said) {
            assert!(is_fit(said), "{said}");
            assert_eq!(spoken.meant(said), *name);
        }
        assert_eq!((spoken.meant("made.up"), spoken.spoken("gone.by").as_ref()), ("made.up", "gone_by"));
    }

    #[test]
    fn tools_need_names_of_their_own() {
        let many: Vec<_> = (0..=TOOLS).map(|number| tool(&number.to_string())).collect();
        assert_eq!(ToolNames::of(&many).unwrap_err(), Flaw::TooManyTools { limit: TOOLS });
        assert_eq!(ToolNames::of(&[tool("")]).unwrap_err(), Flaw::NamelessTool);
        assert_eq!(ToolNames::of(&[tool("a"), tool("a")]).unwrap_err(), Flaw::SameTool("a".to_owned()));
    }
}
