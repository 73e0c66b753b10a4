//! The host's configuration as a file that may change while it is in use.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hangar_runtime::manifest::{FileError, HostConfig};

/// A configuration that is read again when its file changes.
pub struct ConfigFile {
    path: PathBuf,
    seen: Option<(u64, SystemTime)>,
}

impl ConfigFile {
    /// Reads the file for the first time.
    pub fn read(path: &Path) -> Result<(Self, HostConfig), FileError> {
        let file = Self { path: path.to_owned(), seen: look(path) };
        Ok((file, HostConfig::read(path)?))
    }

    /// Reads it again if it has changed since; none if it has not. What is wrong with it is told once.
    pub fn read_again(&mut self) -> Option<Result<HostConfig, FileError>> {
        let now = look(&self.path);
        if now == self.seen {
            return None;
        }
        self.seen = now;
        Some(HostConfig::read(&self.path))
    }
}

fn look(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = path.metadata().ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}
