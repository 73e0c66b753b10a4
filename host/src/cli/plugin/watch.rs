//! `hangar plugin watch`: the library alone, live, telling what happens to the plugins of a directory.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anstyle::Style;
use anyhow::{Context, Result};
use clap::Args;
use hangar_runtime::library::{BreakerWord, Change, Library, LibraryConfig, Watching, status_in};
use hangar_runtime::manifest::HostConfig;
use serde::Serialize;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::config_file::ConfigFile;
use super::files::config_problem;
use super::loading::runtime;
use super::user_folders::{no_directory, state_of};
use crate::cli::Verdict;
use crate::cli::ends::Ends;
use crate::cli::problem::Problem;
use crate::cli::screen::{BAD, DOUBTFUL, FAINT, GOOD, Screen, plain};

/// How often is looked whether the configuration has changed; twice it has to look the same.
const CONFIG_LOOKS: Duration = Duration::from_millis(500);

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  hangar plugin watch plugins                        tell what happens to the plugins in there
  hangar plugin watch plugins --config hangar.toml   with the grants, settings and pins of this host
  hangar plugin watch plugins --poll 2               where the file system tells of no changes
  hangar plugin watch plugins --json | jq .why

It does with the directory what a server does: each plugin is a folder with a plugin.toml and a .wasm, or a .wasm alone. A \
new or changed one is read once it lies still, compiled, checked and let test itself, and only then takes the place of the \
version before it. What cannot be used is told with the reason, and the version that serves goes on serving. A changed \
--config takes effect as well. `hangar plugin list` shows how things stand, from another terminal. Ctrl-C ends it, with exit \
code 0.

--json prints first {\"watching\":..,\"state\":..}, then an object in each line: {\"at_ms\":..,\"change\":..} and, by `change`:
  published                        id, version, hash, generation, former, why, notes [..], took
  rejected                         place, id, stage, why, serving
  withdrawn, set-aside             id, version, hash, generation, why
  proven, drained                  id, version, hash, generation
  overdue                          id, version, hash, generation, runs
  breaker                          id, version, hash, generation, state, why
  unreadable, unconfigured         why (the directory, the configuration cannot be used)
  readable, configured             nothing (they can again; the configuration was read again)
  missed                           count (changes came faster than they were read)
`former` and `serving` are {id,version,hash,generation} or null; `took` is {read_us,load_us,probe_us,shadow_us}. The `why` of \
`published` is files, rolled-back, pinned, configured or last-good, the `state` of `breaker` open, half-open or closed.";

/// What to watch, and for which host.
#[derive(Args)]
pub struct Watch {
    /// The plugin directory
    pub directory: PathBuf,
    /// The host's configuration, for its grants, limits, settings and pins
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where to keep former versions and what was learned about them [default: a folder of this user's]
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
    /// Journals of former runs, in a folder for each plugin, that new versions are played against (see `shadow` in the
    /// configuration)
    #[arg(long, value_name = "DIR")]
    journals: Option<PathBuf>,
    /// Look every so many seconds instead of waiting for the file system to tell
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    poll: Option<Duration>,
    /// Print a line of JSON for each change
    #[arg(long)]
    pub json: bool,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    if !(0.1..=3_600.0).contains(&seconds) {
        return Err("between 0.1 and 3600 seconds".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// Watches until it is interrupted.
pub fn work(watch: &Watch, screen: &mut Screen) -> Result<Verdict> {
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    threads.context("no threads can be had")?.block_on(follow(watch, screen))
}

async fn follow(watch: &Watch, screen: &mut Screen) -> Result<Verdict> {
    if !watch.directory.is_dir() {
        return Err(no_directory(&watch.directory).into());
    }
    let (mut file, host) = match &watch.config {
        Some(path) => {
            let (file, host) = ConfigFile::read(path).map_err(|error| config_problem(&error))?;
            (Some(file), host)
        }
        None => (None, HostConfig::default()),
    };
    let mut ends = Ends::new()?;
    let state = state_of(&watch.directory, watch.state.as_deref())?;
    let config = LibraryConfig {
        host,
        watching: watch.poll.map_or(Watching::Native, Watching::Polling),
        state: Some(state.clone()),
        journals: watch.journals.clone(),
        ..LibraryConfig::of(&watch.directory)
    };
    let library = Library::open(runtime()?, config);
    let library = library.map_err(|error| cannot_open(&error, &watch.directory, &state))?;
    let mut teller = Teller { screen, json: watch.json };
    let mut changes = library.changes();
    teller.begin(&watch.directory, &state)?;
    let mut config_looks = tokio::time::interval(CONFIG_LOOKS);
    let ended = loop {
        let told = tokio::select! {
            told = next(&mut changes) => told,
            _ = config_looks.tick() => match file.as_mut().and_then(ConfigFile::read_again) {
                Some(Ok(host)) => {
                    library.configure(host).await;
                    Some(Told::now(What::Configured))
                }
                Some(Err(error)) => Some(Told::now(What::Unconfigured(error.to_string()))),
                None => continue,
            },
            () = ends.any() => None,
        };
        let Some(told) = told else { break Ok(Verdict::Ok) };
        if let Err(error) = teller.tell(&told) {
            break Err(error);
        }
    };
    library.close().await;
    ended
}

/// Why the library does not open: mostly another one is at work on this directory.
fn cannot_open(error: &io::Error, directory: &Path, state: &Path) -> Problem {
    if error.kind() != io::ErrorKind::ResourceBusy {
        let fix = "name a folder of your own with --state, in which the library can write";
        return Problem::new(format!("what must outlast this cannot be kept: {error}"), fix);
    }
    // It may have left no word yet.
    let status = status_in(state).ok().flatten().filter(|status| status.running);
    let by = status.map(|status| format!(" by process {}", status.process)).unwrap_or_default();
    let what = format!("{} is watched already{by}, which keeps its state in {}", directory.display(), state.display());
    Problem::new(
        what,
        "see how it stands with `hangar plugin list`; stop the other one, or name another folder with --state",
    )
}

/// Something to be told.
struct Told {
    at: SystemTime,
    what: What,
}

enum What {
    Change(Arc<Change>),
    Configured,
    Unconfigured(String),
    Missed(u64),
}

impl Told {
    fn now(what: What) -> Self {
        Self { at: SystemTime::now(), what }
    }
}

async fn next(changes: &mut Receiver<Arc<Change>>) -> Option<Told> {
    match changes.recv().await {
        Ok(change) => Some(Told::now(What::Change(change))),
        Err(RecvError::Lagged(count)) => Some(Told::now(What::Missed(count))),
        Err(RecvError::Closed) => None,
    }
}

/// Prints what happens.
struct Teller<'s> {
    screen: &'s mut Screen,
    json: bool,
}

impl Teller<'_> {
    fn begin(&mut self, directory: &Path, state: &Path) -> Result<()> {
        let (directory, state) = (directory.display().to_string(), state.display().to_string());
        if self.json {
            return Ok(self.screen.json(&json!({ "watching": directory, "state": state }))?);
        }
        writeln!(self.screen, "watching {}; stop with Ctrl-C", plain(&directory))?;
        writeln!(self.screen, "{FAINT}what must outlast this is kept in {}{FAINT:#}", plain(&state))?;
        Ok(self.screen.flush()?)
    }

    fn tell(&mut self, told: &Told) -> Result<()> {
        if self.json {
            return Ok(self.screen.json(&told.json())?);
        }
        let time = jiff::Timestamp::try_from(told.at).unwrap_or_default();
        let time = time.to_zoned(jiff::tz::TimeZone::system()).strftime("%H:%M:%S");
        let (style, word, text) = told.in_words();
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        writeln!(self.screen, "{FAINT}{time}{FAINT:#}  {style}{word:<12}{style:#} {}", plain(first))?;
        for line in lines {
            writeln!(self.screen, "{:23}{}", "", plain(line))?;
        }
        Ok(self.screen.flush()?)
    }
}

/// A change with its time, for programs.
#[derive(Serialize)]
struct Line<'c> {
    at_ms: u128,
    #[serde(flatten)]
    change: &'c Change,
}

impl Told {
    fn json(&self) -> serde_json::Value {
        let at_ms = self.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
        match &self.what {
            What::Change(change) => serde_json::to_value(Line { at_ms, change }).unwrap_or_default(),
            What::Configured => json!({ "at_ms": at_ms, "change": "configured" }),
            What::Unconfigured(why) => json!({ "at_ms": at_ms, "change": "unconfigured", "why": why }),
            What::Missed(count) => json!({ "at_ms": at_ms, "change": "missed", "count": count }),
        }
    }

    fn in_words(&self) -> (Style, &'static str, String) {
        match &self.what {
            What::Change(change) => {
                let (style, word) = label(change);
                (style, word, change.to_string())
            }
            What::Configured => (GOOD, "configured", "the configuration was read again".into()),
            What::Unconfigured(why) => (BAD, "unconfigured", format!("{why}\nthe former configuration holds")),
            What::Missed(count) => {
                let text = "changes came too fast to be told; `hangar plugin list` shows how things stand";
                (BAD, "missed", format!("{count} {text}"))
            }
        }
    }
}

fn label(change: &Change) -> (Style, &'static str) {
    match change {
        Change::Published { .. } => (GOOD, "live"),
        Change::Rejected { .. } => (BAD, "rejected"),
        Change::Withdrawn { .. } => (DOUBTFUL, "withdrawn"),
        Change::SetAside { .. } => (BAD, "set aside"),
        Change::Proven { .. } => (GOOD, "proven"),
        Change::Drained { .. } => (FAINT, "drained"),
        Change::Overdue { .. } => (DOUBTFUL, "overdue"),
        Change::Breaker { state: BreakerWord::Closed, .. } => (GOOD, "breaker"),
        Change::Breaker { .. } => (BAD, "breaker"),
        Change::Unreadable { .. } => (BAD, "unreadable"),
        _ => (GOOD, "readable"),
    }
}
