//! The tools folder: what building Python and JavaScript takes, in pinned versions, installed when it is first needed.

use std::env;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf, absolute};

use anstream::eprintln;
use anyhow::{Context, Result};

use crate::cli::problem::Problem;

/// The file that says that a tool was installed to its end.
const WHOLE: &str = ".whole";

/// The folder in which tools are installed.
pub struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// `$HANGAR_TOOLS`, or the user's cache.
    pub fn locate() -> Result<Self> {
        let of = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let folder = of("HANGAR_TOOLS")
            .or_else(|| of("XDG_CACHE_HOME").map(|cache| cache.join("hangar/tools")))
            .or_else(|| env::home_dir().map(|home| home.join(".cache/hangar/tools")))
            .ok_or_else(|| {
                Problem::new("there is no home folder to install tools in", "set HANGAR_TOOLS to a folder")
            })?;
        Ok(Self { folder: absolute(folder)? })
    }

    /// The folder of one tool, which is installed if it is not there. Its name has its version in it: what is whole is
    /// never changed.
    ///
    /// One build at a time installs. It does so in the final place, because an environment of Python cannot be moved;
    /// what is there without its mark was left by a build that was ended from outside.
    pub fn folder(&self, name: &str, what: &str, install: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let place = self.folder.join(name);
        let mark = place.join(WHOLE);
        if mark.is_file() {
            return Ok(place);
        }
        let cannot = || format!("{} cannot be written; HANGAR_TOOLS can name another folder", self.folder.display());
        fs::create_dir_all(&self.folder).with_context(cannot)?;
        let lock = File::create(self.folder.join(".lock")).with_context(cannot)?;
        if let Err(TryLockError::WouldBlock) = lock.try_lock() {
            eprintln!("waiting for another build, which installs tools in {}", self.folder.display());
            lock.lock().with_context(cannot)?;
        }
        if mark.is_file() {
            return Ok(place);
        }
        eprintln!("installing {what} in {} (once)", place.display());
        if place.exists() {
            fs::remove_dir_all(&place).with_context(cannot)?;
        }
        fs::create_dir(&place).with_context(cannot)?;
        install(&place)?;
        fs::write(mark, "").with_context(cannot)?;
        Ok(place)
    }
}
