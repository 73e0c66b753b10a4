//! This user's folders, and what to do where there are none.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::cli::problem::Problem;
pub use crate::config::user_folders::compiled;
use crate::config::user_folders::{self, NoFolder};

/// The state of this plugin directory: what was named, or else a folder of this user's.
pub fn state_of(directory: &Path, named: Option<&Path>) -> Result<PathBuf> {
    Ok(user_folders::state_of(directory, named).map_err(|why| Problem::new(why.to_string(), why.fix()))?)
}

/// There is no such directory.
pub fn no_directory(directory: &Path) -> Problem {
    let why = NoFolder::NoDirectory(directory.to_owned());
    Problem::new(why.to_string(), why.fix())
}
