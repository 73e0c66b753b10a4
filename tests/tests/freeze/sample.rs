//! A contract and its release, to be changed one way at a time.

use std::path::{Path, PathBuf};

use hangar_tests::freeze::{self, Break, Error};
use tempfile::TempDir;

fn draft() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/contract-sample")
}

/// A release of the contract, and what became of it.
pub struct Sample {
    folder: TempDir,
}

impl Sample {
    /// Both are copies of an early draft of the contract, which stays as it is while the contract still changes.
    pub fn new() -> Self {
        let sample = Self { folder: TempDir::new().unwrap() };
        for copy in ["frozen", "current"] {
            let folder = sample.folder(copy);
            std::fs::create_dir(&folder).unwrap();
            for file in std::fs::read_dir(draft()).unwrap() {
                let file = file.unwrap();
                std::fs::copy(file.path(), folder.join(file.file_name())).unwrap();
            }
        }
        sample
    }

    /// In `file`, replaces the first `from` after `anchor`.
    pub fn edit(self, file: &str, anchor: &str, from: &str, to: &str) -> Self {
        self.edit_in("current", file, anchor, from, to)
    }

    /// The same in one of the two: `frozen` or `current`.
    pub fn edit_in(self, copy: &str, file: &str, anchor: &str, from: &str, to: &str) -> Self {
        let path = self.folder(copy).join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        let (head, tail) = text.split_once(anchor).expect(anchor);
        assert!(tail.contains(from), "{file} has no `{from}` after `{anchor}`");
        assert_ne!(from, to);
        let tail = tail.replacen(from, to, 1);
        std::fs::write(path, format!("{head}{anchor}{tail}")).unwrap();
        self
    }

    /// Gives one of the two another package name and version.
    pub fn package(self, copy: &str, id: &str) -> Self {
        let files = std::fs::read_dir(self.folder(copy)).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let names: Vec<_> = names.collect();
        assert!(!names.is_empty());
        names.iter().fold(self, |sample, name| sample.edit_in(copy, name, "package ", "hangar:plugin@1.0.0", id))
    }

    /// The next minor version.
    pub fn minor(self) -> Self {
        self.package("current", "hangar:plugin@1.1.0")
    }

    /// The folder of one of the two: `frozen` or `current`.
    pub fn folder(&self, copy: &str) -> PathBuf {
        self.folder.path().join(copy)
    }

    pub fn compare(&self) -> Result<Vec<Break>, Error> {
        freeze::compare(&self.folder("frozen"), &self.folder("current"))
    }

    #[track_caller]
    pub fn is_accepted(&self) {
        self.breaks(&[]);
    }

    /// Expects exactly these breaks: each as item and change, which begin its sentence.
    #[track_caller]
    pub fn breaks(&self, expected: &[&str]) {
        let breaks = self.compare().unwrap();
        let found = breaks.iter().map(|found| format!("{}: {}", found.item, found.change));
        assert_eq!(found.collect::<Vec<_>>(), expected);
        assert!(breaks.iter().all(|found| !found.remedy.is_empty()));
    }
}
