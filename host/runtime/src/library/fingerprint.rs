//! What the system says of the files of a place, to tell without opening them whether they have changed.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::stamp::Stamp;

/// While a file is younger, it can change without its times showing it: those have the step of the system's tick, or of
/// two seconds on some file systems.
const COARSEST_TIMES: Duration = Duration::from_secs(2);

/// What the system says of the files of a place. As long as it stays the same, and is not too young, so do they.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Fingerprint {
    traces: Vec<Trace>,
    /// Whether there are others that count: more files than are looked at, or more components beside a manifest that may
    /// be about any of them.
    crowded: bool,
}

impl Fingerprint {
    pub(super) fn of(traces: Vec<Trace>, crowded: bool) -> Self {
        Self { traces, crowded }
    }

    /// The names of the files.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        self.traces.iter().map(|trace| trace.name.as_str())
    }

    /// Whether there was nothing at all, such as behind a link that leads nowhere.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.traces.iter().all(|trace| trace.stamp.is_none())
    }

    /// Whether it is so young, seen from `now`, that an equal one later does not prove that nothing has changed.
    pub(crate) fn is_racy(&self, now: SystemTime) -> bool {
        let newest = self.traces.iter().filter_map(|trace| trace.stamp?.newest()).max();
        // A file from the future has no age.
        newest.is_some_and(|newest| now.duration_since(newest).is_ok_and(|age| age < COARSEST_TIMES) || newest > now)
    }
}

/// What is known of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trace {
    name: String,
    /// Where it is, with all links followed.
    path: Option<PathBuf>,
    stamp: Option<Stamp>,
}

impl Trace {
    /// Of the file of this name, be there one or not.
    pub(super) fn of(folder: &Path, name: &str) -> Self {
        let path = folder.join(name);
        Self { name: name.to_owned(), path: path.canonicalize().ok(), stamp: Stamp::at(&path) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    fn of_file(content: &str) -> (tempfile::TempDir, impl Fn() -> Fingerprint) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x.wasm"), content).unwrap();
        let path = folder.path().to_owned();
        (folder, move || Fingerprint::of(vec![Trace::of(&path, "x.wasm"), Trace::of(&path, "gone")], false))
    }

    #[test]
    fn young_files_are_not_trusted() {
        let (folder, print) = of_file("code");
        let now = SystemTime::now();
        assert!(print().is_racy(now));
        assert!(print().is_racy(now - Duration::from_secs(60)), "a file from the future");
        assert!(!print().is_racy(now + Duration::from_secs(3)));
        assert!(!Fingerprint::default().is_racy(now));
        // Setting its time back does not make it older: the change itself has a time.
        let past = now - Duration::from_secs(3600);
        File::options().write(true).open(folder.path().join("x.wasm")).unwrap().set_modified(past).unwrap();
        assert!(print().is_racy(SystemTime::now()));
    }

    #[test]
    fn it_is_empty_if_nothing_is_there() {
        let (folder, print) = of_file("");
        assert!(!print().is_empty());
        fs::remove_file(folder.path().join("x.wasm")).unwrap();
        assert!(print().is_empty() && Fingerprint::default().is_empty());
        assert_ne!(print(), Fingerprint::default(), "a name without a file is another thing than none");
    }
}
