//! `hangar plugin run`: plays a script, or a journal, and shows what the plugin answers.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use clap::Args;
use hangar_runtime::script::Player;

use super::loading::{Which, wait_for};
use super::log_lines::LogLines;
use super::project::warn_if_outdated;
use super::transcript::Transcript;
use super::{replaying, scripts};
use crate::cli::Verdict;
use crate::cli::screen::Screen;

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  hangar plugin run --script tests/hello.jsonl
  hangar plugin run greeter.wasm --script events.jsonl --config hangar.toml
  echo '{\"event\":{\"body\":{\"start\":{\"input\":[{\"text\":\"Hello\"}]}}}}' | hangar plugin run --script -

A script has an event in each line, as above; for a handler a list of messages: {\"envelopes\":[{\"kind\":\"task\",..}]}; \
{\"move\":{}} between two events saves and restores the run, as a reload would. \
`-->` is what the plugin is told, `<--` what it answers, [1] the token by which an answer finds its action; what is empty \
or too long is left out. Without --config the plugin gets all that its plugin.toml asks for. A journal of a server is \
replayed, and compared with what is answered now.

--json prints an object in each line, with one of these keys: plugin {id,version,world,not_granted}, event, move {time_ms}, \
moved {bytes}, stayed {code,text} (why a run does not move), envelopes, \
misfit (why no host would tell a run this), log {level,line}, action (and, where the host refuses it, refused {code,text}), verdict (and `on`, the message), \
fault {code,text}, expected (a boolean, and differences [{path,expected,found}]), divergence {seq,text}; the last one is \
end {ok,over,waits_for}.
Exit code 1: a fault that was not expected, an expectation that was missed, a journal that diverges.";

/// What to play, and under which terms.
#[derive(Args)]
pub struct Run {
    #[command(flatten)]
    which: Which,
    /// The script or journal to play; `-` reads standard input
    #[arg(long)]
    script: PathBuf,
    /// Print a JSON object in each line
    #[arg(long)]
    pub json: bool,
}

/// Plays it.
pub fn work(run: &Run, screen: &mut Screen) -> Result<Verdict> {
    wait_for(async {
        let name = scripts::name(&run.script);
        let mut source = scripts::open(&run.script)?;
        let bytes = scripts::read(&mut source, name)?;
        let loaded = run.which.load().await?;
        warn_if_outdated(&loaded.files.component, &run.which.plugin);
        let begin = |screen| Transcript::begin(screen, run.json, &loaded, name, run.which.config.is_some());
        if replaying::is_journal(&bytes) {
            // With its blobs in it, a journal may be longer than any script.
            return replaying::replay(bytes.as_slice().chain(source), &loaded, &mut begin(screen)?).await;
        }
        let script = scripts::parse(&scripts::text(bytes, name)?, name)?;
        let lines = Arc::new(LogLines::default());
        let player = scripts::player(&script, &loaded, Arc::clone(&lines))?;
        play(player, &lines, begin(screen)?).await
    })
}

async fn play(mut player: Player<'_>, lines: &LogLines, mut transcript: Transcript<'_>) -> Result<Verdict> {
    let mut ok = true;
    while let Some(turn) = player.next().await {
        ok &= !turn.failed();
        transcript.turn(&turn, &lines.take())?;
    }
    transcript.end(ok)?;
    Ok(if ok { Verdict::Ok } else { Verdict::NotOk })
}
