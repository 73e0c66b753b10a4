//! Scripts: reading one, and getting a plugin ready to play it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use hangar_runtime::script::{PlayError, Player, Script};

use super::loading::Loaded;
use super::log_lines::LogLines;
use crate::cli::problem::Problem;

/// What a script consists of, for somebody who got one of its lines wrong.
const FORM: &str = "a script has one JSON object in each line: `event` and `expect` or `expect_fault` for a behaviour (and \
                    `info`, `blob`), `envelopes` and `expect` for a handler (and `settings`, `clients`); \
                    `hangar plugin test --help` shows some";

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
                "let the script give the settings that plugin.toml declares under [settings]"
            }
            _ => "try again",
        };
        Problem::new(error.to_string(), fix)
    })?;
    Ok(player)
}
