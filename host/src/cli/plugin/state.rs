//! Where a plugin directory's library keeps what must outlast it, so that one command finds what another has left.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::cli::problem::Problem;

/// As much of a hash as tells directories of the same name apart.
const DIGITS: usize = 12;

/// The state of this plugin directory: what was named, or else a folder of this user's.
pub fn state_of(directory: &Path, named: Option<&Path>) -> Result<PathBuf> {
    if let Some(named) = named {
        return Ok(named.to_owned());
    }
    let whole = directory.canonicalize().with_context(|| format!("{} cannot be found", directory.display()))?;
    let base = of("XDG_STATE_HOME").or_else(|| env::home_dir().map(|home| home.join(".local/state")));
    let base = base.ok_or_else(|| {
        Problem::new("this user has no home to keep the library's state in", "name a folder with --state")
    })?;
    let hash = Sha256::digest(whole.as_os_str().as_encoded_bytes());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    Ok(base.join("hangar").join(format!("{name}-{}", hash.get(..DIGITS).unwrap_or_default())))
}

fn of(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
