//! The journals of runs, each a bundle in a file of its own: written by one thread, so that no session waits for the disk,
//! and thrown away when there are too many.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hangar_runtime::Fault;
use hangar_runtime::Step;
use hangar_runtime::contract::events::Event;
use hangar_runtime::journal::JournalWriter;
use hangar_runtime::library::{Moved, PlacedRun};
use hangar_runtime::{Blob, Blobs};
use tokio::sync::{mpsc, oneshot};

use crate::config::SessionLimits;

/// Pieces that may wait for the disk; beyond it sessions wait, too.
const WAITING: usize = 1_024;

/// What journals are called.
const EXTENSION: &str = "jsonl";

/// The journals of this host.
#[derive(Debug, Clone)]
pub(super) struct Journals {
    directory: Arc<Path>,
    pieces: mpsc::Sender<Piece>,
}

/// Something for the thread that writes.
#[derive(Debug)]
enum Piece {
    /// More of a journal; it begins with the first.
    More(Name, Vec<u8>),
    /// It is whole.
    End(Name),
    /// Everything before this is to be in the file.
    Flush(oneshot::Sender<()>),
}

/// The plugin, and the run.
type Name = Arc<(String, String)>;

impl Journals {
    /// Keeps journals in this directory, which is made if it is not there.
    pub fn open(directory: &Path, limits: &SessionLimits) -> io::Result<Self> {
        make_private(directory)?;
        let kept = Kept::found_in(directory)?;
        let (pieces, work) = mpsc::channel(WAITING);
        let scribe = Scribe {
            directory: directory.to_owned(),
            open: HashMap::new(),
            kept,
            count: limits.journals,
            bytes: limits.journal_bytes,
            complained: false,
        };
        std::thread::Builder::new().name("journals".into()).spawn(move || scribe.write(work))?;
        Ok(Self { directory: directory.into(), pieces })
    }

    /// Begins the journal of this run, which has not been told anything yet.
    pub fn begin(&self, plugin: &str, run_id: &str, run: &PlacedRun) -> RunJournal {
        let name = Arc::new((plugin.to_owned(), run_id.to_owned()));
        let lines = Lines::default();
        let grants = grants(run);
        let writer = JournalWriter::begin(lines.clone(), run.run(), grants).ok();
        RunJournal { name, lines, writer, pieces: self.pieces.clone(), blobs: HashSet::new() }
    }

    /// Waits until all that was handed over so far is written.
    pub async fn flush(&self) {
        let (written, flushed) = oneshot::channel();
        if self.pieces.send(Piece::Flush(written)).await.is_ok() {
            let _ = flushed.await;
        }
    }

    /// The journal of a run, as far as it was written; none if it is not there (any more), or nothing could be written.
    pub async fn open_file(&self, plugin: &str, run_id: &str) -> Option<tokio::fs::File> {
        self.flush().await;
        let file = tokio::fs::File::open(path_of(&self.directory, plugin, run_id)).await.ok()?;
        let metadata = file.metadata().await.ok()?;
        (metadata.len() > 0).then_some(file)
    }
}

/// What a plugin may do, as journals say it.
fn grants(run: &PlacedRun) -> serde_json::Value {
    serde_json::to_value(run.generation().terms.granted.effective()).unwrap_or_default()
}

/// Both names are our own: a plugin's id was checked, a run's is a UUID.
fn path_of(directory: &Path, plugin: &str, run_id: &str) -> PathBuf {
    directory.join(plugin).join(run_id).with_extension(EXTENSION)
}

/// The journal of one run.
pub(super) struct RunJournal {
    name: Name,
    lines: Lines,
    /// None once it cannot be gone on with.
    writer: Option<JournalWriter<Lines>>,
    pieces: mpsc::Sender<Piece>,
    /// Those that are in it.
    blobs: HashSet<String>,
}

impl RunJournal {
    /// What the run is about to be told, and the blobs that it has not seen. It is handed over with the outcome, which is
    /// soon enough: before anything is carried out.
    pub fn event(&mut self, event: &Event, blobs: &Blobs) {
        for (id, blob) in self.unknown(blobs) {
            self.with(|writer| writer.blob(&blob));
            self.blobs.insert(id);
        }
        self.with(|writer| writer.event(event));
    }

    /// What came of it.
    pub async fn outcome(&mut self, outcome: &Result<Step, Fault>, took: Duration) {
        self.with(|writer| writer.outcome_after(outcome, took));
        self.hand_over().await;
    }

    /// It is on another version now. What is written goes with what comes next.
    pub fn moved(&mut self, run: &PlacedRun, moved: &Moved, blobs: &Blobs) {
        for (id, blob) in self.unknown(blobs) {
            self.with(|writer| writer.blob(&blob));
            self.blobs.insert(id);
        }
        let grants = grants(run);
        self.with(|writer| writer.moved(run.run(), &moved.handover, grants));
    }

    /// Nothing more comes.
    pub async fn end(self) {
        self.hand_over().await;
        let _ = self.pieces.send(Piece::End(self.name)).await;
    }

    fn unknown(&self, blobs: &Blobs) -> Vec<(String, Blob)> {
        if blobs.count() == self.blobs.len() {
            return Vec::new();
        }
        blobs.all().into_iter().filter(|(id, _)| !self.blobs.contains(id)).collect()
    }

    fn with(&mut self, write: impl FnOnce(&mut JournalWriter<Lines>) -> io::Result<()>) {
        if self.writer.as_mut().is_some_and(|writer| write(writer).is_err()) {
            self.writer = None;
        }
    }

    async fn hand_over(&self) {
        let bytes = self.lines.take();
        if !bytes.is_empty() {
            let _ = self.pieces.send(Piece::More(Arc::clone(&self.name), bytes)).await;
        }
    }
}

/// What was written and not handed over yet.
#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes journals, on a thread of its own.
struct Scribe {
    directory: PathBuf,
    open: HashMap<Name, File>,
    kept: Kept,
    count: usize,
    bytes: u64,
    complained: bool,
}

impl Scribe {
    fn write(mut self, mut work: mpsc::Receiver<Piece>) {
        while let Some(piece) = work.blocking_recv() {
            match piece {
                Piece::More(name, bytes) => {
                    let written = self.append(&name, &bytes);
                    self.complain(written);
                }
                Piece::End(name) => {
                    if let Some(file) = self.open.remove(&name) {
                        let size = file.metadata().map(|metadata| metadata.len()).unwrap_or_default();
                        self.kept.add(path_of(&self.directory, &name.0, &name.1), size);
                        self.kept.keep_within(self.count, self.bytes);
                    }
                }
                Piece::Flush(written) => {
                    let _ = written.send(());
                }
            }
        }
    }

    fn append(&mut self, name: &Name, bytes: &[u8]) -> io::Result<()> {
        let file = match self.open.entry(Arc::clone(name)) {
            std::collections::hash_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::hash_map::Entry::Vacant(new) => {
                let mut options = OpenOptions::new();
                options.create(true).append(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let path = path_of(&self.directory, &name.0, &name.1);
                let opened = options.open(&path).or_else(|error| match error.kind() {
                    // The first of its plugin, or somebody has tidied up.
                    io::ErrorKind::NotFound => {
                        make_private(&self.directory.join(&name.0))?;
                        options.open(&path)
                    }
                    _ => Err(error),
                });
                new.insert(opened?)
            }
        };
        file.write_all(bytes)
    }

    /// Once: a full disk would otherwise fill the log as well.
    fn complain(&mut self, written: io::Result<()>) {
        let fails = written.is_err();
        let has_failed = std::mem::replace(&mut self.complained, fails);
        if let Err(error) = written
            && !has_failed
        {
            tracing::error!(%error, "journals cannot be written; sessions go on without");
        }
    }
}

/// The journals of runs that are over, the oldest first.
#[derive(Debug, Default)]
struct Kept {
    files: VecDeque<(PathBuf, u64)>,
    bytes: u64,
}

impl Kept {
    fn found_in(directory: &Path) -> io::Result<Self> {
        let mut found = Vec::new();
        for plugin in fs::read_dir(directory)? {
            let Ok(files) = fs::read_dir(plugin?.path()) else { continue };
            for file in files {
                let file = file?;
                let is_journal = file.path().extension().is_some_and(|extension| extension == EXTENSION);
                if let (true, Ok(metadata)) = (is_journal, file.metadata()) {
                    found.push((metadata.modified()?, file.path(), metadata.len()));
                }
            }
        }
        found.sort();
        let mut kept = Self::default();
        for (_, path, size) in found {
            kept.add(path, size);
        }
        Ok(kept)
    }

    fn add(&mut self, path: PathBuf, size: u64) {
        self.bytes += size;
        self.files.push_back((path, size));
    }

    fn keep_within(&mut self, count: usize, bytes: u64) {
        while self.files.len() > count || (self.bytes > bytes && self.files.len() > 1) {
            let Some((path, size)) = self.files.pop_front() else { break };
            self.bytes -= size;
            // Whoever removed it was faster.
            let _ = fs::remove_file(path);
        }
    }
}

/// Journals hold what devices have answered, which is nobody else's business.
fn make_private(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    #[tokio::test]
    async fn what_was_written_is_read_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("journals");
        let limits = SessionLimits { journals: 2, ..SessionLimits::default() };
        let journals = Journals::open(&directory, &limits).unwrap();
        for run in ["1", "2", "3"] {
            let name: Name = Arc::new(("echo".into(), run.into()));
            journals.pieces.send(Piece::More(Arc::clone(&name), b"a\n".to_vec())).await.unwrap();
            journals.pieces.send(Piece::More(Arc::clone(&name), b"b\n".to_vec())).await.unwrap();
            let mut read = Vec::new();
            journals.open_file("echo", run).await.unwrap().read_to_end(&mut read).await.unwrap();
            assert_eq!(read, b"a\nb\n");
            journals.pieces.send(Piece::End(name)).await.unwrap();
        }
        assert!(journals.open_file("echo", "1").await.is_none());
        assert!(journals.open_file("echo", "3").await.is_some());
        let again = Kept::found_in(&directory).unwrap();
        assert_eq!((again.files.len(), again.bytes), (2, 8));
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let mode = |path: PathBuf| fs::metadata(path).unwrap().mode() & 0o777;
            assert_eq!((mode(directory.join("echo")), mode(path_of(&directory, "echo", "3"))), (0o700, 0o600));
        }
    }
}
