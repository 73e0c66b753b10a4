//! Where this user's folders have what must outlast a process, so that one command finds what another has left.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// As much of a hash as tells directories of the same name apart.
const DIGITS: usize = 12;

/// Why there is no folder for something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoFolder {
    /// There is no such plugin directory, nor one in which it could be.
    #[error("{} is no directory", .0.display())]
    NoDirectory(PathBuf),
    /// Nothing says where this user's folders are.
    #[error("this user has no home to keep the library's state in")]
    NoHome,
}

impl NoFolder {
    /// What to do about it.
    pub fn fix(&self) -> &'static str {
        match self {
            Self::NoDirectory(_) => "name the directory that the plugins lie in, or make it",
            Self::NoHome => "name a folder with --state",
        }
    }
}

/// Where compiled plugins are kept.
pub fn compiled() -> Option<PathBuf> {
    let folder = base("XDG_CACHE_HOME", ".cache")?;
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("compiled"))
}

/// The state of this plugin directory: what was named, or else a folder of this user's. It is found also while the
/// directory itself is away.
pub fn state_of(directory: &Path, named: Option<&Path>) -> Result<PathBuf, NoFolder> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let whole = whole(directory).ok_or_else(|| NoFolder::NoDirectory(directory.to_owned()))?;
    let base = base("XDG_STATE_HOME", ".local/state").ok_or(NoFolder::NoHome)?;
    let hash = Sha256::digest(whole.as_os_str().as_encoded_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    Ok(base.join(format!("{name}-{}", hash.get(..DIGITS).unwrap_or_default())))
}

/// Its path without links and dots.
fn whole(directory: &Path) -> Option<PathBuf> {
    let of_parent = || {
        let absolute = std::path::absolute(directory).ok()?;
        Some(absolute.parent()?.canonicalize().ok()?.join(absolute.file_name()?))
    };
    directory.canonicalize().ok().or_else(of_parent)
}

/// Our folder in what this variable names, or else in this folder of the user's home.
fn base(variable: &str, usual: &str) -> Option<PathBuf> {
    let named = env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = named.or_else(|| env::home_dir().map(|home| home.join(usual)))?;
    Some(base.join("hangar"))
}
