//! A candidate played against journals of former runs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value as Json};
use tokio::time::{Instant, timeout_at};

use crate::behaviour::Behaviour;
use crate::described::Description;
use crate::fault::Fault;
use crate::journal::{Divergence, Journal, JournalError, replay_within};
use crate::log::{Level, LogSink, clean};
use crate::manifest::Terms;

/// The most journals that are played, the newest of them.
const JOURNALS: usize = 32;

/// The most files of a folder that are looked at; what is beyond is left out and counted.
const FILES: usize = 20_000;

/// The largest journal that is played, in bytes.
const JOURNAL_BYTES: u64 = 64 << 20;

/// The time for all of them together.
const TIME: Duration = Duration::from_secs(20);

/// The least time for one step. This is the machine that the journals were written on, only busier.
const PATIENCE: Duration = Duration::from_secs(2);

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Shadow {
    /// Journals that were played to their end, or up to where they diverge.
    pub(crate) played: usize,
    /// Journals that could not be played, with the reason.
    pub(crate) unplayable: Vec<Told>,
    /// Journals for which there were too many, or too little time.
    pub(crate) left_out: usize,
    /// Journals that the candidate answers otherwise, with the place.
    pub(crate) divergences: Vec<Told>,
}

/// What is to be said of one journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// The name of its file.
    pub(crate) journal: String,
    /// What is to be said.
    pub(crate) text: String,
}

impl std::fmt::Display for Told {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.journal, self.text)
    }
}

/// What became of one journal.
enum Outcome {
    Same,
    Diverges(Divergence),
    Unplayable(String),
}

/// Plays the newest journals in this folder with the candidate and says where it answers otherwise. What keeps a journal
/// from being played is said of that journal; an error is what the host could not do.
pub(crate) async fn shadow(behaviour: &Behaviour, terms: &Terms, journals: &Path) -> Result<Shadow, Fault> {
    let until = Instant::now() + TIME;
    let (folder, mut shadow) = (journals.to_owned(), Shadow::default());
    let (names, left_out) = match off_thread(move || newest(&folder)).await? {
        Ok(found) => found,
        Err(why) => {
            shadow.unplayable.push(Told { journal: "the folder of the journals".into(), text: why.to_string() });
            return Ok(shadow);
        }
    };
    shadow.left_out = left_out;
    for (at, name) in names.iter().enumerate() {
        let path = journals.join(name);
        let Ok(outcome) = timeout_at(until, play(behaviour, terms, path)).await else {
            shadow.left_out += names.len() - at;
            break;
        };
        let told = |text: String| Told { journal: clean(&name.to_string_lossy(), 100), text: clean(&text, 400) };
        match outcome? {
            Outcome::Same => shadow.played += 1,
            Outcome::Diverges(divergence) => {
                shadow.played += 1;
                shadow.divergences.push(told(divergence.to_string()));
            }
            Outcome::Unplayable(why) => shadow.unplayable.push(told(why)),
        }
    }
    Ok(shadow)
}

async fn play(behaviour: &Behaviour, terms: &Terms, path: PathBuf) -> Result<Outcome, Fault> {
    let mut journal = match off_thread(move || read(&path)).await? {
        Ok(journal) => journal,
        Err(why) => return Ok(Outcome::Unplayable(why.to_string())),
    };
    if let Some((_, moved)) = journal.last_move() {
        if moved.format.is_some() && moved.format != Description::of(behaviour.description()).snapshot {
            return Ok(Outcome::Unplayable("its run was moved with another snapshot format".into()));
        }
    } else {
        settle(&mut journal, terms);
    }
    let granted = Arc::clone(&terms.granted);
    let replay = replay_within(&journal, behaviour, granted, Arc::new(Silence), PATIENCE).await?;
    Ok(match replay.divergence {
        None => Outcome::Same,
        Some(_) if journal.blobs.was_missed() => Outcome::Unplayable("its blobs are not all in it".into()),
        Some(Divergence::Answer { found: Err(fault), .. }) if fault.code == WALL_LIMIT => {
            Outcome::Unplayable("this machine has too much to do".into())
        }
        Some(divergence) => Outcome::Diverges(divergence),
    })
}

/// See [`Fault::WallLimit`]: it says something about the machine.
const WALL_LIMIT: &str = "wall-limit";

/// A candidate that declares more settings than those of then would be told them in a new run.
fn settle(journal: &mut Journal, terms: &Terms) {
    let given: Result<Map<String, Json>, _> = serde_json::from_str(&journal.info.settings);
    if let Some(settings) = given.ok().and_then(|given| terms.settings(&given).ok()) {
        journal.info.settings = settings;
    }
}

/// The names of the newest journals of a folder, the newest first, and how many more files there are. A folder that is not
/// there has none.
fn newest(folder: &Path) -> io::Result<(Vec<OsString>, usize)> {
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        Err(error) => return Err(error),
    };
    let mut newest: BinaryHeap<Reverse<(SystemTime, OsString)>> = BinaryHeap::new();
    let mut left_out = 0;
    for (at, entry) in entries.enumerate() {
        let entry = entry?;
        if Path::new(&entry.file_name()).extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        // What is gone meanwhile is none, and neither is a link or a pipe.
        let Some(meta) = entry.metadata().ok().filter(std::fs::Metadata::is_file) else { continue };
        if at >= FILES {
            left_out += 1;
            continue;
        }
        newest.push(Reverse((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), entry.file_name())));
        if newest.len() > JOURNALS {
            newest.pop();
            left_out += 1;
        }
    }
    let names = newest.into_sorted_vec().into_iter().map(|Reverse((_, name))| name);
    Ok((names.collect(), left_out))
}

fn read(path: &Path) -> Result<Journal, JournalError> {
    let file = File::open(path)?;
    if file.metadata()?.len() > JOURNAL_BYTES {
        return Err(io::Error::other(format!("it has more than {} MiB", JOURNAL_BYTES >> 20)).into());
    }
    // The run may be at work and its journal grow.
    Journal::read(BufReader::new(file.take(JOURNAL_BYTES)))
}

async fn off_thread<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(job).await;
    done.map_err(|error| Fault::Host {
        what: if error.is_panic() { "a journal was not read".into() } else { "it is shutting down".into() },
    })
}

/// What the candidate logs has been logged before.
struct Silence;

impl LogSink for Silence {
    fn line(&self, _: Level, _: &str) {}
}

#[cfg(test)]
pub(super) mod tests;
