//! Where commands keep what must outlast them in this user's folders, so that one finds what another has left.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use sha2::{Digest, Sha256};

use crate::cli::problem::Problem;

/// As much of a hash as tells directories of the same name apart.
const DIGITS: usize = 12;

/// Where compiled plugins are kept.
pub fn compiled() -> Option<PathBuf> {
    let folder = base("XDG_CACHE_HOME", ".cache")?;
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("compiled"))
}

/// The state of this plugin directory: what was named, or else a folder of this user's. It is found also while the
/// directory itself is away.
pub fn state_of(directory: &Path, named: Option<&Path>) -> Result<PathBuf> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let whole = whole(directory).ok_or_else(|| no_directory(directory))?;
    let base = base("XDG_STATE_HOME", ".local/state").ok_or_else(|| {
        Problem::new("this user has no home to keep the library's state in", "name a folder with --state")
    })?;
    let hash = Sha256::digest(whole.as_os_str().as_encoded_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    Ok(base.join(format!("{name}-{}", hash.get(..DIGITS).unwrap_or_default())))
}

/// There is no such directory.
pub fn no_directory(directory: &Path) -> Problem {
    let what = format!("{} is no directory", directory.display());
    Problem::new(what, "name the directory that the plugins lie in, or make it")
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
