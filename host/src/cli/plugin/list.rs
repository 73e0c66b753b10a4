//! `hangar plugin list`: how the plugins of a directory stand, as the library that watches it has left word.

use std::io::Write;
use std::path::{Path, PathBuf};

use anstyle::Style;
use anyhow::Result;
use clap::Args;
use hangar_runtime::library::{BreakerWord, GenerationStatus, PluginStatus, State, Status, status_in};
use serde_json::json;

use super::user_folders::{no_directory, state_of};
use crate::cli::Verdict;
use crate::cli::problem::Problem;
use crate::cli::screen::{BAD, DOUBTFUL, FAINT, GOOD, STRONG, Screen, plain};

/// As much of a hash as people need to tell versions apart.
const SHORT: usize = 12;

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  hangar plugin list plugins           how they stand, while `hangar plugin watch` is at work
  hangar plugin list plugins --json | jq '.plugins[] | {id, reason}'

For each plugin: the version that serves, with the beginning of its hash (to pin it with `pin = \"HASH\"` under [plugins.ID] \
in the host's configuration), its runs and strikes; former versions that stand by or have runs on them; versions that can be \
gone back to; and why what lies in the directory does not serve, if so.

--json prints {\"process\":..,\"running\":..,\"directory\":..,\"unreadable\":..,\"polling\":..,\"left_out\":..,\"plugins\":[{\"id\":.., \
\"place\":..,\"enabled\":..,\"live\":..,\"candidate\":{\"version\":..,\"hash\":..,\"checking\":..},\"former\":[..],\"history\":[{\"version\":.., \
\"hash\":..,\"published_ms\":..,\"set_aside\":..}],\"reason\":..,\"pin\":..}],\"strays\":[{\"place\":..,\"why\":..}]}. `live` and each of \
`former` is {\"generation\":..,\"version\":..,\"hash\":..,\"state\":\"live|on-probation|standing-by|draining|ending\",\"published_ms\":.., \
\"serves\":[..],\"runs\":..,\"began\":..,\"ended_well\":..,\"strikes\":..,\"strikes_in_all\":..,\"breaker\":\"closed|open|half-open\", \
\"refused_clients\":[..],\"last_strike\":..,\"notes\":[..]}. What is not there is null.
Exit code 1: a plugin does not serve what lies in the directory, and not because it is switched off or pinned; a version is \
out of service; an entry of the directory is no plugin; or the directory cannot be read. Also if nothing has watched it yet.";

/// Which directory.
#[derive(Args)]
pub struct List {
    /// The plugin directory
    pub directory: PathBuf,
    /// Where its state is kept, if that was named to `watch`
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Print a line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Shows what was left word of.
pub fn work(list: &List, screen: &mut Screen) -> Result<Verdict> {
    let state = state_of(&list.directory, list.state.as_deref())?;
    let status = status_in(&state).map_err(|error| {
        Problem::new(format!("the status cannot be read: {error}"), "start `hangar plugin watch` anew")
    })?;
    let Some(status) = status else { return Err(nobody_watches(&list.directory).into()) };
    if list.json {
        screen.json(&json!(status))?;
    } else {
        print(&status, screen)?;
    }
    let is_well = status.unreadable.is_none() && status.strays.is_empty() && status.plugins.iter().all(is_well);
    Ok(if is_well { Verdict::Ok } else { Verdict::NotOk })
}

fn nobody_watches(directory: &Path) -> Problem {
    if !directory.is_dir() {
        return no_directory(directory);
    }
    let directory = directory.display();
    Problem::new(format!("nothing has watched {directory} yet"), format!("run `hangar plugin watch {directory}`"))
}

/// What is switched off or serves as it is pinned is well; so is what is being looked at, and what serves meanwhile.
fn is_well(plugin: &PluginStatus) -> bool {
    let in_service = plugin.live.as_ref().is_none_or(|live| live.breaker == BreakerWord::Closed);
    let as_wanted = plugin.candidate.as_ref().is_none_or(|candidate| candidate.checking || is_held_back(plugin));
    in_service && as_wanted
}

/// Whether what lies in the directory does not serve because somebody wants it so.
fn is_held_back(plugin: &PluginStatus) -> bool {
    let as_pinned = |pin: &String| plugin.live.as_ref().is_some_and(|live| live.hash.starts_with(pin));
    !plugin.enabled || plugin.pin.as_ref().is_some_and(as_pinned)
}

fn print(status: &Status, screen: &mut Screen) -> Result<()> {
    let directory = plain(&status.directory);
    match status.running {
        true => writeln!(screen, "{directory} {FAINT}watched by process {}{FAINT:#}", status.process)?,
        false => writeln!(screen, "{directory} {DOUBTFUL}nobody watches it now{DOUBTFUL:#}; this is how it was left")?,
    }
    if let Some(why) = &status.unreadable {
        writeln!(screen, "{BAD}unreadable{BAD:#} {}", plain(why))?;
    }
    if let Some(why) = &status.polling {
        writeln!(screen, "{DOUBTFUL}note{DOUBTFUL:#} it is looked at again and again: {}", plain(why))?;
    }
    if status.left_out > 0 {
        writeln!(screen, "{DOUBTFUL}note{DOUBTFUL:#} {} entries are not looked at", status.left_out)?;
    }
    if status.plugins.is_empty() && status.strays.is_empty() {
        writeln!(screen, "\nThere is no plugin in it.")?;
    }
    for plugin in &status.plugins {
        print_plugin(plugin, screen)?;
    }
    for stray in &status.strays {
        writeln!(screen, "\n{STRONG}{}{STRONG:#}", plain(&stray.place))?;
        print_reason(&stray.why, screen)?;
    }
    Ok(())
}

fn print_plugin(plugin: &PluginStatus, screen: &mut Screen) -> Result<()> {
    let place = plugin.place.as_ref().map(|place| format!(" in {}", plain(place))).unwrap_or_default();
    writeln!(screen, "\n{STRONG}{}{STRONG:#}{FAINT}{place}{FAINT:#}", plain(&plugin.id))?;
    if let Some(live) = &plugin.live {
        print_generation(live, screen)?;
        for note in &live.notes {
            writeln!(screen, "      {DOUBTFUL}note{DOUBTFUL:#} {}", plain(note))?;
        }
    }
    for former in &plugin.former {
        print_generation(former, screen)?;
    }
    if let Some(candidate) = &plugin.candidate {
        let (style, word) = match candidate.checking {
            true => (DOUBTFUL, "checking"),
            false if is_held_back(plugin) => (FAINT, "held back"),
            false => (BAD, "not taken"),
        };
        print_version(style, word, &candidate.version, &candidate.hash, "", screen)?;
    }
    if let Some(reason) = &plugin.reason {
        print_reason(reason, screen)?;
    }
    if let Some(pin) = &plugin.pin {
        writeln!(screen, "      pinned to {}", plain(pin.get(..SHORT).unwrap_or(pin)))?;
    }
    let shown = |hash: &str| {
        let former = plugin.former.iter().map(|former| &former.hash);
        plugin.live.iter().map(|live| &live.hash).chain(former).any(|shown| shown == hash)
    };
    for past in plugin.history.iter().filter(|past| !shown(&past.hash)) {
        let why = past.set_aside.as_deref().unwrap_or_default();
        print_version(FAINT, "before", &past.version, &past.hash, why, screen)?;
    }
    Ok(())
}

fn print_generation(generation: &GenerationStatus, screen: &mut Screen) -> Result<()> {
    let style = match generation.state {
        State::Live => GOOD,
        State::OnProbation | State::Ending => DOUBTFUL,
        State::StandingBy | State::Draining => FAINT,
    };
    let GenerationStatus { version, hash, serves, runs, began, strikes, strikes_in_all, .. } = generation;
    let mut facts = vec![format!("generation {}", generation.generation)];
    facts.extend((!serves.is_empty()).then(|| format!("for {}", serves.join(", "))));
    facts.push(format!("{} now, {began} in all", count(*runs, "run")));
    facts.extend(
        (*strikes_in_all > 0).then(|| format!("{} lately, {strikes_in_all} in all", count(*strikes, "strike"))),
    );
    facts.extend((generation.breaker != BreakerWord::Closed).then(|| generation.breaker.to_string()));
    print_version(style, generation.state.name(), version, hash, &facts.join("; "), screen)?;
    if let Some(last) = &generation.last_strike {
        writeln!(screen, "      last strike: {}", plain(last))?;
    }
    if !generation.refused_clients.is_empty() {
        writeln!(screen, "      refused: {}", plain(&generation.refused_clients.join(", ")))?;
    }
    Ok(())
}

fn print_version(style: Style, word: &str, version: &str, hash: &str, facts: &str, screen: &mut Screen) -> Result<()> {
    let hash = hash.get(..SHORT).unwrap_or(hash);
    let rest = format!("{:<10} {hash:<12}  {}", plain(version), plain(facts));
    match rest.trim_end() {
        "" => writeln!(screen, "  {style}{word}{style:#}")?,
        rest => writeln!(screen, "  {style}{word:<13}{style:#} {rest}")?,
    }
    Ok(())
}

fn print_reason(why: &str, screen: &mut Screen) -> Result<()> {
    for line in why.lines() {
        writeln!(screen, "      {}", plain(line))?;
    }
    Ok(())
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
