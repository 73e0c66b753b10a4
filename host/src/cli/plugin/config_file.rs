//! The host's configuration as a file that may change while it is in use.

use std::path::Path;

use hangar_runtime::manifest::{FileError, HostConfig};

use crate::config::{FileInUse, HangarToml};

/// What a configuration says of plugins, read again when its file changes.
pub struct ConfigFile(FileInUse<HostConfig, FileError>);

impl ConfigFile {
    /// Reads the file for the first time.
    pub fn read(path: &Path) -> Result<(Self, HostConfig), FileError> {
        let (file, host) = FileInUse::open(path, read)?;
        Ok((Self(file), host))
    }

    /// Reads it again if it has changed since and lies still; none if not.
    pub fn read_again(&mut self) -> Option<Result<HostConfig, FileError>> {
        self.0.read_again()
    }
}

/// What the file says of plugins. Its other sections have to be right, too: a server would not take it otherwise.
pub fn read(path: &Path) -> Result<HostConfig, FileError> {
    Ok(HangarToml::read(path)?.host)
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
