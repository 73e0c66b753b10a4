//! Writing a journal, line by line, as the run goes on.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::time::Duration;

use super::{ActionsEntry, BlobEntry, Entry, FaultEntry, Header, Journal, MovedEntry, RecordedLimits};
use crate::blobs::Blob;
use crate::contract::VERSION;
use crate::contract::events::Event;
use crate::fault::Fault;
use crate::handover::Handover;
use crate::run::Run;
use crate::step::Step;

/// Writes the journal of one run.
///
/// Write each event before it is fed and its outcome before the actions are carried out: then whatever was done is in
/// the journal, and what is not in it was not done. When it reaches the disk is up to the writer below.
pub struct JournalWriter<W> {
    writer: W,
}

impl<W: Write> JournalWriter<W> {
    /// Begins the journal of this run, which has not been fed yet.
    pub fn begin(writer: W, run: &Run, grants: serde_json::Value) -> io::Result<Self> {
        let mut journal = Self { writer };
        let (contract, component) = (VERSION.to_owned(), run.behaviour().hash().to_owned());
        let limits = Some(RecordedLimits::of(run));
        journal.line(&Entry::Journal(Header { version: 1, contract, component, grants, limits }))?;
        journal.line(&Entry::Info(run.setup().info.clone()))?;
        Ok(journal)
    }

    /// Puts a blob into it, for a bundle; before the first event that names it. Blobs that the run made itself belong in
    /// before it is moved: what made them is not done again.
    pub fn blob(&mut self, blob: &Blob) -> io::Result<()> {
        self.line(&Entry::Blob(BlobEntry::of(blob)))
    }

    /// What the run is about to be told.
    pub fn event(&mut self, event: &Event) -> io::Result<()> {
        // Borrowed, because events can be large; the JSON is that of `Entry::Event`.
        self.line(&EventLine { event })
    }

    /// What came of it. What the host could not do did not come of it and is not written: the event, which stands in the
    /// journal already, is to be fed again.
    pub fn outcome(&mut self, outcome: &Result<Step, Fault>) -> io::Result<()> {
        self.outcome_taking(outcome, None)
    }

    /// The same with the time that it took.
    pub fn outcome_after(&mut self, outcome: &Result<Step, Fault>, took: Duration) -> io::Result<()> {
        self.outcome_taking(outcome, u64::try_from(took.as_micros()).ok())
    }

    fn outcome_taking(&mut self, outcome: &Result<Step, Fault>, took_us: Option<u64>) -> io::Result<()> {
        match outcome {
            Err(fault) if fault.is_of_host() => Ok(()),
            Ok(step) => self.line(&Entry::Actions(ActionsEntry { took_us, ..ActionsEntry::of(step) })),
            Err(fault) => self.line(&Entry::Fault(FaultEntry::of(fault))),
        }
    }

    /// The run was moved, and this was handed over to it; before it is told anything else.
    pub fn moved(&mut self, run: &Run, handover: &Handover, grants: serde_json::Value) -> io::Result<()> {
        self.line(&Entry::Moved(MovedEntry::of(run, handover, grants)))
    }

    /// Hands everything to the writer below and gives it back.
    pub fn finish(mut self) -> io::Result<W> {
        self.writer.flush()?;
        Ok(self.writer)
    }

    fn line(&mut self, entry: &impl serde::Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.writer, entry)?;
        self.writer.write_all(b"\n")
    }
}

#[derive(serde::Serialize)]
struct EventLine<'a> {
    event: &'a Event,
}

impl JournalWriter<File> {
    /// Goes on with a journal that was read from this file, behind what of it is whole.
    pub fn resume(mut file: File, journal: &Journal) -> io::Result<Self> {
        file.set_len(journal.whole_bytes)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { writer: file })
    }
}
