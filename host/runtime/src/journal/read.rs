//! Reading a journal back.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use super::{ActionsEntry, Entry, FaultEntry, Header, MovedEntry};
use crate::blobs::Blobs;
use crate::contract::events::Event;
use crate::contract::session::RunInfo;

/// The version of the format that this host writes, and the newest that it reads.
const VERSION: u32 = 1;

/// The longest line; an event is far shorter, and a blob in a bundle is bounded too.
const LINE_BYTES: u64 = 512 << 20;

/// A journal that was read.
#[derive(Debug)]
pub struct Journal {
    /// What was running at first.
    pub header: Header,
    /// What the run was given.
    pub info: RunInfo,
    /// The blobs that were in it.
    pub blobs: Arc<Blobs>,
    /// The steps, in order.
    pub steps: Vec<Recorded>,
    /// The moves to other versions, in order, each with the number of steps before it.
    pub moves: Vec<(usize, MovedEntry)>,
    /// Its last line breaks off, as a crash leaves it. What came before is whole.
    pub torn: bool,
    /// The bytes of what is whole. Whoever goes on writing must cut off what is behind them.
    pub whole_bytes: u64,
}

/// One step of a journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// What the run was told.
    pub event: Event,
    /// What came of it; none where the journal ends before it was known.
    pub outcome: Option<Result<ActionsEntry, FaultEntry>>,
}

/// What is wrong with a journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// It could not be read.
    #[error("the journal cannot be read: {0}")]
    Read(#[from] io::Error),
    /// A line is not one of a journal.
    #[error("line {line} of the journal is damaged: {what}")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A newer host wrote it.
    #[error("the journal has format {found}; this host reads up to {VERSION}. Read it with a newer one")]
    Newer {
        /// Its format.
        found: u32,
    },
    /// It does not begin like one.
    #[error("it does not begin with a `journal` line, which says what was running: it is no journal")]
    NoHeader,
    /// It does not say what the run was given.
    #[error("the journal has no `info` line, which says what the run was given")]
    NoInfo,
}

impl Journal {
    /// Reads a journal or a bundle.
    pub fn read(mut reader: impl BufRead) -> Result<Self, JournalError> {
        let mut reading = Reading::default();
        let (mut line, mut number, mut whole_bytes) = (Vec::new(), 0, 0);
        let torn = loop {
            line.clear();
            number += 1;
            let length = (&mut reader).take(LINE_BYTES + 1).read_until(b'\n', &mut line)? as u64;
            if length > LINE_BYTES {
                return Err(JournalError::Line { line: number, what: format!("it has more than {LINE_BYTES} bytes") });
            }
            if length == 0 || is_torn(&line) {
                break length > 0;
            }
            if !line.trim_ascii().is_empty() {
                let entry = serde_json::from_slice(&line);
                let entry = entry.map_err(|error| JournalError::Line { line: number, what: error.to_string() })?;
                reading.take(entry).map_err(|what| what.at(number))?;
            }
            whole_bytes += length;
        };
        let Reading { header, info, blobs, steps, moves } = reading;
        let (header, info) = (header.ok_or(JournalError::NoHeader)?, info.ok_or(JournalError::NoInfo)?);
        Ok(Self { header, info, blobs: Arc::new(blobs), steps, moves, torn, whole_bytes })
    }

    /// The last move, with the number of steps before it.
    #[must_use]
    pub fn last_move(&self) -> Option<(usize, &MovedEntry)> {
        self.moves.last().map(|(at, entry)| (*at, entry))
    }
}

/// A crash leaves half a line; some filesystems leave zeros where the end of the file should have been.
fn is_torn(line: &[u8]) -> bool {
    line.last() != Some(&b'\n') || line.first() == Some(&0)
}

#[derive(Default)]
struct Reading {
    header: Option<Header>,
    info: Option<RunInfo>,
    blobs: Blobs,
    steps: Vec<Recorded>,
    moves: Vec<(usize, MovedEntry)>,
}

/// What is wrong with an entry.
enum Wrong {
    Entry(String),
    Newer(u32),
    NoHeader,
}

impl Wrong {
    fn at(self, line: usize) -> JournalError {
        match self {
            Self::Entry(what) => JournalError::Line { line, what },
            Self::Newer(found) => JournalError::Newer { found },
            Self::NoHeader => JournalError::NoHeader,
        }
    }
}

impl Reading {
    fn take(&mut self, entry: Entry) -> Result<(), Wrong> {
        match entry {
            Entry::Journal(header) if header.version > VERSION => return Err(Wrong::Newer(header.version)),
            Entry::Journal(_) if self.header.is_some() => {
                return Err(Wrong::Entry("`journal` must be the first line".into()));
            }
            Entry::Journal(header) => {
                self.blobs = header.limits.as_ref().map(|limits| Blobs::new(limits.blobs())).unwrap_or_default();
                self.header = Some(header);
            }
            _ if self.header.is_none() => return Err(Wrong::NoHeader),
            Entry::Info(_) if self.info.is_some() => return Err(Wrong::Entry("a second `info`".into())),
            Entry::Info(info) => self.info = Some(info),
            Entry::Blob(blob) => blob.keep(&self.blobs).map_err(Wrong::Entry)?,
            Entry::Event(event) => self.event(event)?,
            Entry::Actions(actions) => self.outcome(Ok(actions))?,
            Entry::Fault(fault) => self.outcome(Err(fault))?,
            Entry::Moved(entry) => self.moved(entry)?,
        }
        Ok(())
    }

    fn event(&mut self, event: Event) -> Result<(), Wrong> {
        if matches!(self.steps.last(), Some(Recorded { outcome: Some(Err(_)), .. })) {
            return Err(Wrong::Entry("an event after the fault that ended the run".into()));
        }
        if event.seq as usize != self.steps.len() {
            let due = self.steps.len();
            return Err(Wrong::Entry(format!("event {} stands where event {due} is due", event.seq)));
        }
        self.steps.push(Recorded { event, outcome: None });
        Ok(())
    }

    fn moved(&mut self, entry: MovedEntry) -> Result<(), Wrong> {
        let at = match self.steps.last() {
            Some(Recorded { outcome: Some(Err(_)), .. }) => {
                return Err(Wrong::Entry("a move after the fault that ended the run".into()));
            }
            // The host could not feed the event yet: the new version answers it.
            Some(Recorded { outcome: None, .. }) => self.steps.len().saturating_sub(1),
            _ => self.steps.len(),
        };
        if (at == 0) != entry.snapshot.is_none() {
            return Err(Wrong::Entry("a run is moved with a snapshot, and without one only before its start".into()));
        }
        entry.handover().map_err(Wrong::Entry)?;
        self.moves.push((at, entry));
        Ok(())
    }

    fn outcome(&mut self, outcome: Result<ActionsEntry, FaultEntry>) -> Result<(), Wrong> {
        match self.steps.last_mut() {
            Some(step) if step.outcome.is_none() => step.outcome = Some(outcome),
            _ => return Err(Wrong::Entry("an outcome without an event before it".into())),
        }
        Ok(())
    }
}
