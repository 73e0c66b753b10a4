//! What a command says when it cannot do what it was asked: what is wrong, and what to do about it.

use std::fmt;

use anstream::eprintln;
use serde_json::json;

use super::screen::{BAD, STRONG, plain};

/// What is wrong and what to do about it; as an error, the reason why a command stops.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// What is wrong, and where.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

impl Problem {
    /// A problem and its cure. Either may have words of a plugin in it.
    pub fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        let lines = |text: String| text.lines().map(plain).collect::<Vec<_>>().join("\n");
        Self { what: lines(what.into()), fix: lines(fix.into()) }
    }

    /// The problem in a text whose first sentence says what is wrong, and whose others say what to do. Texts of one
    /// sentence get this cure.
    pub fn from_text(text: &str, otherwise: &str) -> Self {
        match text.split_once(". ") {
            Some((what, fix)) => Self::new(what, fix),
            None => Self::new(text, otherwise),
        }
    }

    /// The same with the place before it.
    pub fn at(self, place: impl fmt::Display) -> Self {
        Self::new(format!("{place}: {}", self.what), self.fix)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

impl std::error::Error for Problem {}

/// Says on standard error why a command stopped; to whoever asked for JSON, on standard output as well.
pub fn report(error: &anyhow::Error, json: bool) {
    let problem = error.downcast_ref::<Problem>().cloned().unwrap_or_else(|| Problem::new(format!("{error:#}"), ""));
    if json {
        let _ = super::screen::Screen::new().json(&json!({ "ok": false, "error": problem }));
    }
    eprintln!("{BAD}error:{BAD:#} {}", problem.what);
    if !problem.fix.is_empty() {
        eprintln!("{STRONG}fix:{STRONG:#} {}", problem.fix);
    }
}

/// Says that this program itself is at fault.
pub fn report_mistake(what: &str) {
    let what = what.replace('\n', ": ");
    eprintln!("{BAD}error:{BAD:#} hangar made a mistake of its own: {what}");
    eprintln!("{STRONG}fix:{STRONG:#} please report it, with this line and what you did");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_plugin_drive_no_terminal() {
        let problem = Problem::new("it says:\n\u{1b}]0;title\u{7}", "see\u{9b}31m").at("x\u{8}.wasm");
        assert_eq!(problem.what, "x\u{fffd}.wasm: it says:\n\u{fffd}]0;title\u{fffd}");
        assert_eq!(problem.fix, "see\u{fffd}31m");
    }
}
