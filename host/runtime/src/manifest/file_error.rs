//! Why the files of a plugin, or about plugins, cannot be used; and reading them with a bound.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::problems::TomlError;

/// Why a file cannot be used, with what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system does not give it.
    #[error("{}: {why}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        why: io::Error,
    },
    /// It is a device, a pipe or a folder.
    #[error("{} is no regular file", path.display())]
    NoFile {
        /// Which file.
        path: PathBuf,
    },
    /// It is larger than any such file should be.
    #[error("{} has more than the {limit} bytes that such a file may have", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// What is allowed.
        limit: u64,
    },
    /// It is something else.
    #[error("{} is no text in UTF-8", path.display())]
    NoText {
        /// Which file.
        path: PathBuf,
    },
    /// What stands in it is wrong.
    #[error(transparent)]
    Toml(#[from] TomlError),
    /// There is neither a manifest nor a component.
    #[error("{} is neither a folder with a plugin.toml nor a .wasm file; `hangar plugin new` begins a plugin", path.display())]
    NoPlugin {
        /// What was looked at.
        path: PathBuf,
    },
    /// There is a manifest, and nothing to run.
    #[error("{} has no .wasm file yet: run `hangar plugin build`", folder.display())]
    NotBuilt {
        /// The folder of the plugin.
        folder: PathBuf,
    },
    /// The manifest names a file that is not there.
    #[error("{} is not there: run `hangar plugin build`, or mend `component` in plugin.toml", path.display())]
    NoComponent {
        /// What it names.
        path: PathBuf,
    },
    /// Nothing gives it an id by which the host's configuration could speak of it.
    #[error("{} has no plugin.toml, so its name is its id, which {why}: rename it, or put a plugin.toml beside it", path.display())]
    NoId {
        /// The component.
        path: PathBuf,
        /// What an id has to be.
        why: String,
    },
    /// Nobody can tell which file is meant.
    #[error("{} has several .wasm files, {}: name one in plugin.toml with `component`", folder.display(), names.join(", "))]
    Several {
        /// The folder of the plugin.
        folder: PathBuf,
        /// The files.
        names: Vec<String>,
    },
    /// There are more files than anybody looks at.
    #[error("{} has more than {limit} .wasm files: leave there only what belongs to this plugin", folder.display())]
    TooMany {
        /// The folder of the plugin.
        folder: PathBuf,
        /// How many there may be.
        limit: usize,
    },
    /// It is machine code, and nobody can tell what that would do.
    #[error("{} is compiled code, which is not taken from files: put the .wasm file there that it was made from", path.display())]
    Precompiled {
        /// The file.
        path: PathBuf,
    },
    /// It is a link to somewhere else.
    #[error("{} leads out of its folder, to {}: put the file itself there", path.display(), target.display())]
    LeadsOut {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
}

/// A text of at most so many bytes.
pub fn read_text(path: &Path, limit: u64) -> Result<String, FileError> {
    let bytes = read_bytes(path, limit)?;
    String::from_utf8(bytes).map_err(|_| FileError::NoText { path: path.to_owned() })
}

/// A file of at most so many bytes.
pub(crate) fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let unreadable = |why| FileError::Read { path: path.to_owned(), why };
    // Before it is opened, because opening a pipe waits for its other end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(FileError::NoFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes));
    if read.map_err(unreadable)? as u64 > limit {
        return Err(FileError::TooLarge { path: path.to_owned(), limit });
    }
    Ok(bytes)
}
