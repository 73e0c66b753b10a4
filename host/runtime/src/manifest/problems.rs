//! What is wrong with a file that people write: every problem at once, each with its line.

use std::fmt;
use std::path::{Path, PathBuf};

/// Problems that are shown; a file with more is wrong as a whole.
const SHOWN: usize = 20;

/// What is wrong with a file, at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there and what to do about it.
    pub text: String,
}

/// Everything that is wrong with one TOML file. Shown with a line for each problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TomlError {
    file: Option<PathBuf>,
    problems: Vec<Problem>,
}

impl TomlError {
    /// These, which are in the order of their lines.
    pub(super) fn new(problems: Vec<Problem>) -> Self {
        Self { file: None, problems }
    }

    /// The problems, by line.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The same, with the name of the file in front of each line.
    #[must_use]
    pub fn in_file(self, file: &Path) -> Self {
        Self { file: Some(file.to_owned()), ..self }
    }
}

impl fmt::Display for TomlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Problem { line, text }) in self.problems.iter().take(SHOWN).enumerate() {
            let end_of_last = if at == 0 { "" } else { "\n" };
            match &self.file {
                Some(file) => write!(formatter, "{end_of_last}{}:{line}: {text}", file.display())?,
                None => write!(formatter, "{end_of_last}line {line}: {text}")?,
            }
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(formatter, "\nand {more} more"),
        }
    }
}

impl std::error::Error for TomlError {}

/// The known word that is most like this one, as the end of a sentence; empty if none is.
#[must_use]
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    /// Below this, two words merely share some letters.
    const ALIKE: f64 = 0.8;
    let likeness = |known: &'a str| (strsim::jaro_winkler(word, known), known);
    let nearest = known.into_iter().map(likeness).max_by(|one, other| one.0.total_cmp(&other.0));
    match nearest {
        Some((likeness, known)) if likeness > ALIKE => format!("; did you mean `{known}`?"),
        _ => String::new(),
    }
}

/// Names to choose from, as a sentence has them: `a`, `b` or `c`.
#[must_use]
pub fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    in_a_row(names, "or")
}

/// Names, as a sentence has them: `a`, `b` and `c`.
#[must_use]
pub fn all_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    in_a_row(names, "and")
}

fn in_a_row<'a>(names: impl IntoIterator<Item = &'a str>, last_word: &str) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} {last_word} {last}", others.join(", ")),
        None => "none".into(),
    }
}
