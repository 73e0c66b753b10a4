//! The plugins that a server is started with, and putting other versions of them there while it runs.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::chosen::root;

/// The file of one plugin in the directory of a server.
#[derive(Debug)]
pub struct PluginFile {
    folder: PathBuf,
    name: String,
    component: Vec<u8>,
}

impl PluginFile {
    /// Puts a plugin that ships with the server into a plugin directory.
    pub fn put(directory: &Path, id: &str) -> Result<Self> {
        let built = root().join("target/dist/plugins").join(id);
        let (folder, name) = (directory.join(id), format!("{id}.wasm"));
        fs::create_dir_all(&folder)?;
        let missing = || format!("{} is not built: run `make plugins`", built.display());
        fs::copy(built.join("plugin.toml"), folder.join("plugin.toml")).with_context(missing)?;
        let component = fs::read(built.join(&name)).with_context(missing)?;
        let file = Self { folder, name, component };
        file.replace(&file.component)?;
        Ok(file)
    }

    /// Where it lies.
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }

    /// Another version, which differs in its bytes and in nothing else: no cache has it.
    pub fn version(&self, number: u32) -> Vec<u8> {
        // A custom section of 5 bytes whose name has one: what follows is free.
        let [a, b, c, d] = number.to_le_bytes();
        [self.component.as_slice(), &[0, 6, 1, b'n', a, b, c, d]].concat()
    }

    /// Puts other bytes in its place, in one move.
    pub fn replace(&self, bytes: &[u8]) -> Result<()> {
        let new = self.folder.join(".new");
        fs::write(&new, bytes)?;
        Ok(fs::rename(new, self.path())?)
    }

    /// Takes the whole folder away; [`Self::bring_back`] undoes it.
    pub fn take_away(&self) -> Result<()> {
        Ok(fs::rename(&self.folder, self.aside())?)
    }

    /// Puts the folder back.
    pub fn bring_back(&self) -> Result<()> {
        Ok(fs::rename(self.aside(), &self.folder)?)
    }

    /// Beside the plugin directory, so that it is no plugin there.
    fn aside(&self) -> PathBuf {
        let directory = self.folder.parent().unwrap_or(&self.folder);
        directory.with_file_name(format!("{}-aside", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_differ_and_are_components() {
        let directory = tempfile::tempdir().unwrap();
        let file = PluginFile::put(&directory.path().join("plugins"), "linux").unwrap();
        let (one, other) = (file.version(1), file.version(70_000));
        assert_ne!(one, other);
        assert!(other.starts_with(&file.component));
        file.replace(&other).unwrap();
        assert_eq!(fs::read(file.path()).unwrap(), other);
        file.take_away().unwrap();
        assert!(!file.folder.exists());
        file.bring_back().unwrap();
        assert_eq!(fs::read(file.path()).unwrap(), other);
    }
}
