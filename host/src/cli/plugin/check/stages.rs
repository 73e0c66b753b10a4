//! The stages of a check, and what was found at each.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::problem::Problem;
use crate::cli::screen::{BAD, FAINT, GOOD, STRONG, Screen, plain};

/// How a stage came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is as it should be.
    Ok,
    /// It is not.
    Failed,
    /// It needs what failed before.
    Skipped,
}

/// One stage.
#[derive(Debug, Serialize)]
pub struct Stage {
    stage: &'static str,
    outcome: Outcome,
    found: String,
    problems: Vec<Problem>,
}

/// The stages of a check, in order.
#[derive(Debug, Default)]
pub struct Stages(Vec<Stage>);

impl Stages {
    /// What was found at a stage, or all that is wrong there.
    pub fn add(&mut self, stage: &'static str, result: Result<String, Vec<Problem>>) {
        let (outcome, found, problems) = match result {
            Ok(found) => (Outcome::Ok, plain(&found), Vec::new()),
            Err(problems) => (Outcome::Failed, String::new(), problems),
        };
        self.0.push(Stage { stage, outcome, found, problems });
    }

    /// These could not be looked at.
    pub fn skip(&mut self, stages: &[&'static str]) {
        for stage in stages {
            self.0.push(Stage { stage, outcome: Outcome::Skipped, found: String::new(), problems: Vec::new() });
        }
    }

    /// All of them.
    pub fn all(&self) -> &[Stage] {
        &self.0
    }

    /// Whether none has failed.
    pub fn are_ok(&self) -> bool {
        self.0.iter().all(|stage| stage.outcome != Outcome::Failed)
    }

    /// A line for each, and below it what is wrong.
    pub fn print(&self, screen: &mut Screen) -> io::Result<()> {
        for Stage { stage, outcome, found, problems } in &self.0 {
            match outcome {
                Outcome::Ok => writeln!(screen, "{GOOD}ok{GOOD:#}      {stage:<10} {found}")?,
                Outcome::Skipped => writeln!(screen, "{FAINT}-       {stage}{FAINT:#}")?,
                Outcome::Failed => writeln!(screen, "{BAD}FAILED{BAD:#}  {stage}")?,
            }
            // Problems of one cure in a row, and the cure below them.
            for alike in problems.chunk_by(|one, next| one.fix == next.fix) {
                for Problem { what, .. } in alike {
                    writeln!(screen, "        {}", what.replace('\n', "\n        "))?;
                }
                if let Some(Problem { fix, .. }) = alike.last() {
                    writeln!(screen, "        {STRONG}fix:{STRONG:#} {}", fix.replace('\n', "\n        "))?;
                }
            }
        }
        Ok(())
    }
}
