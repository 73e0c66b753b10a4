//! Replaying the journal of a run, and saying whether the plugin still answers as it did.

use std::io::BufRead;
use std::sync::Arc;

use anyhow::Result;
use hangar_runtime::journal::{Journal, Replay, replay as play_again};
use hangar_runtime::{LogSink, Plugin};

use super::loading::Loaded;
use super::log_lines::LogLines;
use super::transcript::Transcript;
use crate::cli::Verdict;
use crate::cli::problem::Problem;

/// Whether this is a journal and no script: its first line says so.
pub fn is_journal(bytes: &[u8]) -> bool {
    let rest = bytes.trim_ascii_start().strip_prefix(b"{");
    rest.is_some_and(|rest| rest.trim_ascii_start().starts_with(b"\"journal\""))
}

/// Replays it.
pub async fn replay(journal: impl BufRead, loaded: &Loaded, transcript: &mut Transcript<'_>) -> Result<Verdict> {
    let Plugin::Behaviour(behaviour) = &loaded.plugin else {
        let fix = "name the behaviour that the journal is of";
        return Err(Problem::new("a journal is of a behaviour, and this plugin is a handler", fix).into());
    };
    let journal = Journal::read(journal)
        .map_err(|error| Problem::new(error.to_string(), "take the journal as the host wrote it"))?;
    let lines = Arc::new(LogLines::default());
    let log: Arc<dyn LogSink> = Arc::clone(&lines) as _;
    let replayed = play_again(&journal, behaviour, Arc::clone(&loaded.terms.granted), log).await;
    let replayed = replayed.map_err(|fault| Problem::new(fault.to_string(), "try again"))?;
    let Replay { steps, skipped, fault, divergence, component_changed, .. } = replayed;

    if component_changed {
        transcript.remark("the journal was written with another build of the plugin")?;
    }
    if skipped > 0 {
        transcript.remark(&format!("the run was moved after {skipped} events: this is what came then"))?;
    }
    for (recorded, step) in journal.steps.iter().skip(skipped).zip(&steps) {
        transcript.event(&recorded.event)?;
        transcript.step(step)?;
    }
    // Which step a line belongs to is not known here.
    transcript.log(&lines.take())?;
    if let Some(fault) = fault {
        transcript.recorded_fault(&fault)?;
    }
    let ok = divergence.is_none();
    transcript.divergence(divergence.as_ref())?;
    transcript.end(ok)?;
    Ok(if ok { Verdict::Ok } else { Verdict::NotOk })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_tells_a_journal_from_a_script() {
        assert!(is_journal(b"\n{ \"journal\": {\"version\":1}}\n"));
        assert!(!is_journal(b"{\"event\":{\"body\":\"timer\"}}\n{\"journal\":{}}"));
        assert!(!is_journal(b""));
    }
}
