//! Files that are in use and may change meanwhile.

use std::path::{Path, PathBuf};

use hangar_runtime::Stamp;

/// Notices when a file has changed. A file that is just being written is left alone until two looks after each other show
/// the same: half of it may well be a whole one that says something else.
#[derive(Debug)]
pub struct Watched {
    path: PathBuf,
    /// What the file looked like when it was read last.
    read: Option<Stamp>,
    /// What it looked like the last time.
    seen: Option<Stamp>,
}

impl Watched {
    /// From now on. To be made before the file is read, so that no change is missed.
    pub fn new(path: &Path) -> Self {
        let seen = Stamp::at(path);
        Self { path: path.to_owned(), read: seen, seen }
    }

    /// Looks at the file: whether it is time to read it again. That is told once for each change.
    pub fn has_changed(&mut self) -> bool {
        let now = Stamp::at(&self.path);
        let is_still = std::mem::replace(&mut self.seen, now) == now;
        if now == self.read || !is_still {
            return false;
        }
        self.read = now;
        true
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// What stands in a file, read again when it changes. What is wrong with a newer one is told once, and what was read
/// before goes on to hold.
#[derive(Debug)]
pub struct FileInUse<T, E> {
    watched: Watched,
    read: fn(&Path) -> Result<T, E>,
}

impl<T, E> FileInUse<T, E> {
    /// Reads the file for the first time.
    pub fn open(path: &Path, read: fn(&Path) -> Result<T, E>) -> Result<(Self, T), E> {
        let watched = Watched::new(path);
        Ok((Self { watched, read }, read(path)?))
    }

    /// Reads it again if it has changed since and lies still; none if not.
    pub fn read_again(&mut self) -> Option<Result<T, E>> {
        self.watched.has_changed().then(|| (self.read)(self.watched.path()))
    }
}
