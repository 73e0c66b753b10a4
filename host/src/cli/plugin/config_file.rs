//! The host's configuration as a file that may change while it is in use.

use std::path::{Path, PathBuf};

use hangar_runtime::Stamp;
use hangar_runtime::manifest::{FileError, HostConfig};

/// A configuration that is read again when its file changes.
pub struct ConfigFile {
    path: PathBuf,
    /// What the file looked like when it was read last.
    read: Option<Stamp>,
    /// What it looked like the last time.
    seen: Option<Stamp>,
}

impl ConfigFile {
    /// Reads the file for the first time.
    pub fn read(path: &Path) -> Result<(Self, HostConfig), FileError> {
        let seen = Stamp::at(path);
        Ok((Self { path: path.to_owned(), read: seen, seen }, HostConfig::read(path)?))
    }

    /// Reads it again if it has changed since; none if it has not. What is wrong with it is told once. A file that is
    /// just being written is left alone until two looks after each other show the same: half a configuration can be a
    /// whole one that grants less.
    pub fn read_again(&mut self) -> Option<Result<HostConfig, FileError>> {
        let now = Stamp::at(&self.path);
        let is_still = std::mem::replace(&mut self.seen, now) == now;
        if now == self.read || !is_still {
            return None;
        }
        self.read = now;
        Some(HostConfig::read(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn it_is_read_once_it_lies_still() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hangar.toml");
        fs::write(&path, "[plugins.a]\nenabled = false\n").unwrap();
        let (mut file, host) = ConfigFile::read(&path).unwrap();
        assert!(!host.plugin("a").enabled);
        assert!(file.read_again().is_none(), "nothing has changed");

        fs::write(&path, "").unwrap();
        assert!(file.read_again().is_none(), "it may be half a file");
        fs::write(&path, "[plugins.b]\nenabled = false\n").unwrap();
        assert!(file.read_again().is_none(), "it has changed again");
        let host = file.read_again().unwrap().unwrap();
        assert!(host.plugin("a").enabled && !host.plugin("b").enabled);
        assert!(file.read_again().is_none());
    }

    #[test]
    fn what_is_wrong_with_it_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hangar.toml");
        fs::write(&path, "").unwrap();
        let (mut file, _) = ConfigFile::read(&path).unwrap();
        let mut told = || (file.read_again().is_none(), file.read_again().map(|read| read.is_ok()), file.read_again());
        fs::write(&path, "nonsense = 1").unwrap();
        assert!(matches!(told(), (true, Some(false), None)));
        fs::remove_file(&path).unwrap();
        assert!(matches!(told(), (true, Some(false), None)));
        fs::write(&path, "[plugins.a]").unwrap();
        assert!(matches!(told(), (true, Some(true), None)));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_elsewhere_is_another_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hangar.toml");
        for (name, text) in [("one", "[plugins.a]\n"), ("two", "[plugins.b]\n")] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        std::os::unix::fs::symlink("one", &path).unwrap();
        let (mut file, _) = ConfigFile::read(&path).unwrap();
        std::os::unix::fs::symlink("two", folder.path().join("new")).unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert!(file.read_again().is_none());
        assert!(file.read_again().unwrap().unwrap().plugins.contains_key("b"));
    }
}
