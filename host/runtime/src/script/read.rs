//! Reading a script, line by line.

use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json};

use super::clients::Clients;
use super::entries::{Entry, EnvelopeEntry, EventEntry, MoveEntry};
use super::pattern::check_pattern;
use super::{Cue, Expectation, Expected, Script, Told};
use crate::blobs::Blobs;
use crate::contract::session::RunInfo;
use crate::log::clean;
use crate::manifest::{FileError, read_text};
use crate::outline::World;

/// When the first thing happens, if the script does not say: some day in 2026, in milliseconds since 1970.
const BEGIN_MS: u64 = 1_790_000_000_000;

/// How much later everything else happens than what is before it.
const PAUSE_MS: u64 = 1_000;

/// What is wrong with a script.
#[derive(Debug)]
pub struct ScriptError {
    file: Option<PathBuf>,
    what: Wrong,
}

#[derive(Debug)]
enum Wrong {
    File(FileError),
    Line(usize, String),
    Whole(&'static str),
}

impl fmt::Display for ScriptError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, &self.what) {
            (_, Wrong::File(error)) => error.fmt(formatter),
            (Some(file), Wrong::Line(line, what)) => write!(formatter, "{}:{line}: {what}", file.display()),
            (None, Wrong::Line(line, what)) => write!(formatter, "line {line}: {what}"),
            (Some(file), Wrong::Whole(what)) => write!(formatter, "{}: {what}", file.display()),
            (None, Wrong::Whole(what)) => formatter.write_str(what),
        }
    }
}

impl std::error::Error for ScriptError {}

impl Script {
    /// The largest script that is read, in bytes.
    pub const BYTES: u64 = 64 << 20;

    /// Reads a script from its text.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let wrong = |what| ScriptError { file: None, what };
        let mut reading = Reading::default();
        for (number, line) in text.lines().enumerate().map(|(at, line)| (at + 1, line)) {
            if !line.trim().is_empty() {
                let entry =
                    serde_json::from_str(line).map_err(|error| wrong(Wrong::Line(number, explained(&error))))?;
                reading.take(number, entry).map_err(|what| wrong(Wrong::Line(number, what)))?;
            }
        }
        let Reading { world: Some(world), info, settings, blobs, cues, .. } = reading else {
            return Err(wrong(Wrong::Whole("there is nothing to play in it: neither `event` nor `envelopes`")));
        };
        if cues.is_empty() {
            return Err(wrong(Wrong::Whole("there is nothing to play in it: neither `event` nor `envelopes`")));
        }
        let (info, settings) = (info.unwrap_or_else(some_info), settings.unwrap_or_default());
        Ok(Self { source: text.to_owned(), world, info, settings, blobs, cues })
    }

    /// Reads a script from its file.
    pub fn read(path: &Path) -> Result<Self, ScriptError> {
        let text =
            read_text(path, Self::BYTES).map_err(|error| ScriptError { file: None, what: Wrong::File(error) })?;
        Self::parse(&text).map_err(|error| ScriptError { file: Some(path.to_owned()), ..error })
    }
}

/// What a run is given if the script does not say.
fn some_info() -> RunInfo {
    RunInfo {
        run_id: "run-1".into(),
        session_id: "session-1".into(),
        executor: "lab-1".into(),
        platform: "linux".into(),
        requester_kind: "script".into(),
        ..RunInfo::default()
    }
}

/// Each entry is read by itself, so the reader always believes to be in line 1.
fn explained(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    format!("{} (column {})", clean(what, 400), error.column())
}

#[derive(Default)]
struct Reading {
    world: Option<World>,
    info: Option<RunInfo>,
    settings: Option<Map<String, Json>>,
    blobs: Blobs,
    clients: Clients,
    cues: Vec<Cue>,
    /// How many of them are events.
    events: usize,
    /// When the newest of what was told happened.
    now_ms: Option<u64>,
}

impl Reading {
    fn take(&mut self, line: usize, entry: Entry) -> Result<(), String> {
        match entry {
            Entry::Info(info) => {
                self.is_for(World::Behaviour, "info")?;
                once(&mut self.info, *info, "info")?;
            }
            Entry::Settings(settings) => {
                self.is_for(World::Handler, "settings")?;
                once(&mut self.settings, settings, "settings")?;
            }
            Entry::Blob(blob) => blob.keep(&self.blobs)?,
            Entry::Clients(entries) => {
                self.is_for(World::Handler, "clients")?;
                self.clients = self.clients.replaced_by(entries);
            }
            Entry::Event(event) => {
                self.is_for(World::Behaviour, "event")?;
                let told = self.event(*event)?;
                self.cues.push(Cue { line, told, expected: None });
            }
            Entry::Move(entry) => {
                self.is_for(World::Behaviour, "move")?;
                let told = self.move_at(&entry)?;
                self.cues.push(Cue { line, told, expected: None });
            }
            Entry::Envelopes(envelopes) => {
                self.is_for(World::Handler, "envelopes")?;
                let told = self.envelopes(envelopes)?;
                self.cues.push(Cue { line, told, expected: None });
            }
            Entry::Expect(patterns) => {
                patterns.iter().try_for_each(check_pattern)?;
                self.expect(Expected { line, what: Expectation::Answer(patterns) })?;
            }
            Entry::ExpectFault(code) => self.expect(Expected { line, what: Expectation::Fault(code) })?,
            Entry::ExpectRefused(code) => match self.cues.last() {
                Some(Cue { told: Told::Move { .. }, .. }) => {
                    self.expect(Expected { line, what: Expectation::Refused(code) })?;
                }
                _ => return Err("`expect_refused` is about a `move`, and belongs below one".into()),
            },
            Entry::Journal(_) | Entry::Actions(_) | Entry::Fault(_) | Entry::Moved(_) => {
                return Err("this is of a journal, which says what happened; \
                    to play it as a script, take out its lines `journal`, `actions`, `fault` and `moved`"
                    .into());
            }
        }
        Ok(())
    }

    /// A script is for one of the worlds.
    fn is_for(&mut self, world: World, entry: &str) -> Result<(), String> {
        match *self.world.get_or_insert(world) {
            other if other != world => {
                Err(format!("`{entry}` is for a {}, and what stands above is for a {}", world.name(), other.name()))
            }
            _ => Ok(()),
        }
    }

    fn event(&mut self, event: EventEntry) -> Result<Told, String> {
        let due = u32::try_from(self.events).map_err(|error| error.to_string())?;
        self.events += 1;
        let seq = event.seq.unwrap_or(due);
        if seq != due {
            return Err(format!("event {seq} stands where event {due} is due; `seq` may be left out"));
        }
        let time_ms = event.time_ms.unwrap_or_else(|| self.later());
        self.now_ms = Some(time_ms);
        Ok(Told::Event(Box::new(event.at(seq, time_ms))))
    }

    fn move_at(&mut self, entry: &MoveEntry) -> Result<Told, String> {
        if self.events == 0 {
            return Err("a run can be moved once it was told something: `move` belongs below its `start`".into());
        }
        let time_ms = entry.time_ms.unwrap_or_else(|| self.later());
        self.now_ms = Some(time_ms);
        Ok(Told::Move { time_ms })
    }

    fn envelopes(&mut self, envelopes: Vec<EnvelopeEntry>) -> Result<Told, String> {
        let later = self.later();
        let time = |envelope: &EnvelopeEntry| envelope.time_ms.unwrap_or(later);
        let newest = envelopes.iter().map(time).max();
        self.now_ms = Some(newest.ok_or("a call needs at least one envelope")?);
        let envelopes = envelopes.into_iter().map(|envelope| (time(&envelope), envelope));
        let envelopes = envelopes.map(|(time, envelope)| envelope.at(time)).collect();
        Ok(Told::Envelopes { envelopes, clients: self.clients.clone() })
    }

    fn later(&self) -> u64 {
        self.now_ms.map_or(BEGIN_MS, |now| now.saturating_add(PAUSE_MS))
    }

    fn expect(&mut self, expected: Expected) -> Result<(), String> {
        match self.cues.last_mut() {
            None => Err("nothing was told yet of which something could be expected".into()),
            Some(Cue { expected: Some(_), .. }) => Err("something is expected already of what was told last".into()),
            Some(cue) => {
                cue.expected = Some(expected);
                Ok(())
            }
        }
    }
}

fn once<T>(place: &mut Option<T>, value: T, entry: &str) -> Result<(), String> {
    match place.replace(value) {
        Some(_) => Err(format!("a second `{entry}`")),
        None => Ok(()),
    }
}
