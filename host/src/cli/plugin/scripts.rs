//! Scripts: reading one, and getting a plugin ready to play it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use hangar_runtime::script::{PlayError, Player, Script};

use super::loading::Loaded;
use super::log_lines::LogLines;
use crate::cli::problem::Problem;

/// What a script consists of, for somebody who got one of its lines wrong.
const FORM: &str = "a script has one JSON object in each line: `event` and `expect` or `expect_fault` for a behaviour (and \
                    `info`, `blob`, `move`, `expect_refused`), `envelopes` and `expect` for a handler (and `settings`, `clients`); \
                    `hangar plugin test --help` shows some";

/// A script or journal, to be read; `-` is standard input.
pub fn open(path: &Path) -> Result<Box<dyn BufRead>, Problem> {
    if path == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| unreadable(name(path), &error))?;
    Ok(Box::new(BufReader::new(file)))
}

/// What its mistakes are told with.
pub fn name(path: &Path) -> &Path {
    if path == Path::new("-") { Path::new("standard input") } else { path }
}

/// The bytes of an opened script, or one more than a script may have.
pub fn read(source: impl Read, name: &Path) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    source.take(Script::BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    Ok(bytes)
}

/// The text of a script.
pub fn text(bytes: Vec<u8>, name: &Path) -> Result<String, Problem> {
    if bytes.len() as u64 > Script::BYTES {
        let what = format!("{} has more than the {} bytes that a script may have", name.display(), Script::BYTES);
        return Err(Problem::new(what, "make several scripts of it"));
    }
    String::from_utf8(bytes).map_err(|error| unreadable(name, &error))
}

fn unreadable(name: &Path, why: &dyn std::fmt::Display) -> Problem {
    let what = format!("{} cannot be read: {why}", name.display());
    Problem::new(what, "name a text file with a script, or `-` for standard input")
}

/// Reads a script; `name` is what its mistakes are told with.
pub fn parse(text: &str, name: &Path) -> Result<Script> {
    let parsed = Script::parse(text).map_err(|error| {
        let (text, name) = (error.to_string(), name.display());
        let placed = text.strip_prefix("line ").map(|rest| format!("{name}:{rest}"));
        Problem::new(placed.unwrap_or_else(|| format!("{name}: {text}")), FORM)
    })?;
    Ok(parsed)
}

/// A player of this script that writes the plugin's log to `lines`.
pub fn player<'s>(script: &'s Script, loaded: &Loaded, lines: Arc<LogLines>) -> Result<Player<'s>> {
    let player = Player::new(script, &loaded.plugin, &loaded.terms, lines).map_err(|error| {
        let fix = match &error {
            PlayError::OtherWorld { .. } => {
                "play a script with `event` for a behaviour, with `envelopes` for a handler"
            }
            PlayError::Settings(_) | PlayError::NoSettings(_) => {
                "let the script give the settings that plugin.toml declares under [settings], and so the configuration, \
                 if one was named"
            }
            _ => "try again",
        };
        Problem::new(error.to_string(), fix)
    })?;
    Ok(player)
}
