//! `hangar plugin test`: plays the scripts of a project and compares the answers with what they expect.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use hangar_runtime::Fault;
use hangar_runtime::script::{Check, Turn};
use serde::Serialize;
use serde_json::json;

use super::loading::{Loaded, wait_for};
use super::log_lines::LogLines;
use super::project::warn_if_outdated;
use super::remedies::remedy_of;
use super::scripts;
use crate::cli::Verdict;
use crate::cli::problem::Problem;
use crate::cli::screen::{BAD, DOUBTFUL, FAINT, GOOD, Screen};

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  hangar plugin test                  all scripts in tests/ of this folder
  hangar plugin test . hello          those whose names contain `hello`
  hangar plugin test --update         write the plugin's answers into the scripts

A script is a file of JSON lines. After each event stands what the plugin must answer:
  {\"event\":{\"body\":{\"start\":{\"input\":[{\"text\":\"Hello\"}]}}}}
  {\"expect\":[{\"body\":{\"finish\":{\"text\":{\"$contains\":\"Hello\"}}}}]}
As much of it as matters: what is left out may be anything. For a handler {\"envelopes\":[{\"kind\":\"task\",..}]} and {\"expect\":[\"pass\"]}; where a step must fail \
{\"expect_fault\":\"cpu-limit\"}. Between two events {\"move\":{}} saves and restores the run, as a reload would; where it must \
not go, {\"expect_refused\":\"unsupported\"}. `hangar plugin run --script FILE` shows everything that happens.

--json prints {\"ok\":..,\"scripts\":[{\"script\":..,\"ok\":..,\"turns\":..,\"updated\":..,\"problems\":[{\"line\":..,\"text\":..}]}]}. \
Exit code 1: a script failed, or there is none.";

/// What to play.
#[derive(Args)]
pub struct Test {
    /// The project
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Only scripts whose names contain this
    filter: Option<String>,
    /// The host's configuration, for its grants, limits and settings; without it the plugin gets what it asks for
    #[arg(long)]
    config: Option<PathBuf>,
    /// Write what the plugin answers into the scripts
    #[arg(long)]
    update: bool,
    /// Print a line of JSON
    #[arg(long)]
    pub json: bool,
}

/// What came of one script.
#[derive(Serialize)]
struct Played {
    script: String,
    ok: bool,
    turns: usize,
    updated: bool,
    /// Turns of which nothing was expected.
    #[serde(skip)]
    unchecked: usize,
    problems: Vec<Complaint>,
}

/// What is wrong in one line of a script; 0 where it is about all of it.
#[derive(Serialize)]
struct Complaint {
    line: usize,
    text: String,
}

/// Plays all scripts, one after the other.
pub fn work(test: &Test, screen: &mut Screen) -> Result<Verdict> {
    let scripts = find(&test.dir, test.filter.as_deref())?;
    wait_for(async {
        let loaded = Loaded::from(&test.dir, test.config.as_deref()).await?;
        warn_if_outdated(&loaded.files.component, &test.dir);
        let mut all = Vec::new();
        for script in &scripts {
            let played = play(script, &loaded, test.update).await?;
            if !test.json {
                print(&played, screen)?;
            }
            all.push(played);
        }
        let ok = all.iter().all(|played| played.ok);
        if test.json {
            screen.json(&json!({ "ok": ok, "scripts": all }))?;
        } else {
            summarise(&all, screen)?;
        }
        Ok(if ok { Verdict::Ok } else { Verdict::NotOk })
    })
}

/// The scripts of a project, by name.
fn find(project: &Path, filter: Option<&str>) -> Result<Vec<PathBuf>> {
    if !project.is_dir() {
        let name = project.display();
        let fix = format!(
            "name the folder of a project; `hangar plugin test . {name}` plays the scripts here whose names contain `{name}`"
        );
        return Err(Problem::new(format!("{name} is no folder"), fix).into());
    }
    let folder = project.join("tests");
    let files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut scripts: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|extension| extension == "jsonl")).collect();
    scripts.sort();
    if scripts.is_empty() {
        return Err(Problem::new(format!("there is no script in {}", folder.display()), HOW_TO_WRITE_ONE).into());
    }
    if let Some(filter) = filter {
        scripts.retain(|script| name(script).contains(filter));
        if scripts.is_empty() {
            let what = format!("no script in {} has `{filter}` in its name", folder.display());
            return Err(Problem::new(what, "leave the filter out to play them all").into());
        }
    }
    Ok(scripts)
}

const HOW_TO_WRITE_ONE: &str = r#"write tests/hello.jsonl with what the plugin is to be told, a line for each event:

    {"event":{"body":{"start":{"input":[{"text":"Hello"}]}}}}

for a handler a line for each call: {"envelopes":[{"kind":"task","sender":{"id":"me"},"body":{"request":"Hello"}}]}.
Then `hangar plugin test --update` writes below each line what the plugin answers"#;

async fn play(script: &Path, loaded: &Loaded, update: bool) -> Result<Played> {
    let name = name(script);
    let read = scripts::open(script).and_then(|file| scripts::text(scripts::read(file, script)?, script));
    let parsed =
        read.map_err(anyhow::Error::from).and_then(|text| Ok((scripts::parse(&text, Path::new(&name))?, text)));
    let (parsed, text) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return Ok(Played::unplayable(name, &error)),
    };
    let turns = match scripts::player(&parsed, loaded, Arc::new(LogLines::default())) {
        Ok(player) => player.play().await,
        Err(error) => return Ok(Played::unplayable(name, &error)),
    };
    let updated = update && write_updated(script, &text, &parsed.updated(&turns))?;
    // What was missed stands in the script now, unless it is the host's fault.
    let is_mended =
        |turn: &Turn<'_>| update && turn.misfit.is_none() && !turn.outcome.as_ref().is_err_and(Fault::is_of_host);
    let failed: Vec<&Turn<'_>> = turns.iter().filter(|turn| turn.failed() && !is_mended(turn)).collect();
    Ok(Played {
        script: name,
        ok: failed.is_empty(),
        turns: turns.len(),
        updated,
        unchecked: turns.iter().filter(|turn| matches!(turn.check, Check::Unchecked)).count(),
        problems: failed.into_iter().flat_map(complaints).collect(),
    })
}

impl Played {
    /// A script that cannot be played, for this reason.
    fn unplayable(script: String, error: &anyhow::Error) -> Self {
        let fix = error.downcast_ref::<Problem>().map(|problem| format!("\nfix: {}", problem.fix));
        let problem = Complaint { line: 0, text: format!("{error:#}{}", fix.unwrap_or_default()) };
        Self { script, ok: false, turns: 0, updated: false, unchecked: 0, problems: vec![problem] }
    }
}

/// Writes a script if it has changed, and says whether it has.
fn write_updated(script: &Path, before: &str, after: &str) -> Result<bool> {
    if before == after {
        return Ok(false);
    }
    fs::write(script, after).with_context(|| format!("{} cannot be written", script.display()))?;
    Ok(true)
}

/// What is wrong with a turn: what the plugin was told, or what it answered.
fn complaints(turn: &Turn<'_>) -> Vec<Complaint> {
    let misfit = turn.misfit.iter().map(|text| Complaint { line: turn.cue.line, text: text.clone() });
    misfit.chain(missed(turn)).collect()
}

/// What a turn missed.
fn missed(turn: &Turn<'_>) -> Vec<Complaint> {
    let line = turn.cue.expected.as_ref().map_or(turn.cue.line, |expected| expected.line);
    let Check::Missed(differences) = &turn.check else { return Vec::new() };
    let fix = remedy_of(turn).map(|remedy| format!("\nfix: {remedy}")).unwrap_or_default();
    differences.iter().map(|difference| Complaint { line, text: format!("{difference}{fix}") }).collect()
}

fn print(played: &Played, screen: &mut Screen) -> Result<()> {
    let name = &played.script;
    let turns = format!("{} {}", played.turns, if played.turns == 1 { "step" } else { "steps" });
    if played.updated {
        writeln!(screen, "{GOOD}ok{GOOD:#}      {name}, {turns}, {DOUBTFUL}updated{DOUBTFUL:#}")?;
    } else if played.ok && played.unchecked == played.turns {
        writeln!(screen, "{GOOD}ok{GOOD:#}      {name}, {turns} {FAINT}of which nothing is expected{FAINT:#}")?;
    } else if played.ok {
        writeln!(screen, "{GOOD}ok{GOOD:#}      {name}, {turns}")?;
    } else {
        writeln!(screen, "{BAD}FAILED{BAD:#}  {name}")?;
    }
    for Complaint { line, text } in &played.problems {
        let place = if *line == 0 { String::new() } else { format!("line {line}: ") };
        writeln!(screen, "        {place}{}", text.replace('\n', "\n        "))?;
    }
    Ok(())
}

fn summarise(all: &[Played], screen: &mut Screen) -> Result<()> {
    let failed = all.iter().filter(|played| !played.ok).count();
    let scripts = if all.len() == 1 { "script" } else { "scripts" };
    match failed {
        0 => writeln!(screen, "\n{} {scripts}, all {GOOD}ok{GOOD:#}", all.len())?,
        _ => {
            writeln!(screen, "\n{} {scripts}, {BAD}{failed} failed{BAD:#}", all.len())?;
            writeln!(
                screen,
                "`hangar plugin run --script tests/NAME` shows all that happens; where the new answer is"
            )?;
            writeln!(screen, "the right one, `hangar plugin test --update` writes it down")?;
        }
    }
    Ok(())
}

fn name(script: &Path) -> String {
    script.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
