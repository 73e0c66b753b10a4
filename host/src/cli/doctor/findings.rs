//! What a doctor finds, and what is to be done about it.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::problem::Problem;
use crate::cli::screen::{BAD, DOUBTFUL, GOOD, STRONG, Screen, plain};

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// As it should be.
    Ok,
    /// It works, and may not be what is wanted.
    Warn,
    /// It does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct Finding {
    check: &'static str,
    outcome: Outcome,
    found: String,
    fix: String,
}

/// Everything that was looked at, in order.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// It is as it should be.
    pub fn ok(&mut self, check: &'static str, found: impl Into<String>) {
        self.add(check, Outcome::Ok, Problem::new(found, ""));
    }

    /// It works, and may not be what is wanted.
    pub fn warn(&mut self, check: &'static str, found: impl Into<String>, fix: impl Into<String>) {
        self.add(check, Outcome::Warn, Problem::new(found, fix));
    }

    /// It does not work.
    pub fn bad(&mut self, check: &'static str, found: impl Into<String>, fix: impl Into<String>) {
        self.add(check, Outcome::Bad, Problem::new(found, fix));
    }

    /// It does not work, as this says.
    pub fn problem(&mut self, check: &'static str, problem: Problem) {
        self.add(check, Outcome::Bad, problem);
    }

    fn add(&mut self, check: &'static str, outcome: Outcome, problem: Problem) {
        self.0.push(Finding { check, outcome, found: problem.what, fix: problem.fix });
    }

    /// All of them.
    pub fn all(&self) -> &[Finding] {
        &self.0
    }

    /// Whether nothing is bad.
    pub fn are_ok(&self) -> bool {
        self.0.iter().all(|finding| finding.outcome != Outcome::Bad)
    }

    /// A line for each, what to do below it, and how many there are that ask for somebody.
    pub fn print(&self, screen: &mut Screen) -> io::Result<()> {
        for Finding { check, outcome, found, fix } in &self.0 {
            let (style, word) = match outcome {
                Outcome::Ok => (GOOD, "ok"),
                Outcome::Warn => (DOUBTFUL, "warn"),
                Outcome::Bad => (BAD, "BAD"),
            };
            let mut lines = found.lines();
            writeln!(screen, "{style}{word:<4}{style:#}  {check:<13} {}", plain(lines.next().unwrap_or_default()))?;
            for line in lines {
                writeln!(screen, "{:20}{}", "", plain(line))?;
            }
            let mut lines = fix.lines();
            if let Some(line) = lines.next() {
                writeln!(screen, "{:20}{STRONG}fix:{STRONG:#} {}", "", plain(line))?;
            }
            for line in lines {
                writeln!(screen, "{:25}{}", "", plain(line))?;
            }
        }
        let count = |outcome: Outcome| self.0.iter().filter(|finding| finding.outcome == outcome).count();
        let (bad, doubtful) = (count(Outcome::Bad), count(Outcome::Warn));
        writeln!(screen)?;
        match (bad, doubtful) {
            (0, 0) => writeln!(screen, "All is well."),
            (0, doubtful) => writeln!(screen, "It works; {doubtful} to look at."),
            (bad, doubtful) => writeln!(screen, "{bad} to mend, {doubtful} to look at."),
        }
    }
}
