//! The freeze check: what is published of the plugin contract stays as it is.
//!
//! A compiled plugin goes on working only while every type and function that it knows keeps its exact shape: one more
//! record field or one more enum case, and it no longer loads. [`compare`] holds the WIT directory of a release against
//! the current one and lists what would break such a plugin, or the next release's promise to it.
//!
//! What may change freely: comments, `@deprecated`, `@external-id`, and everything behind `@unstable`, which is not
//! published. What may be added, each with an `@since` later than the release:
//!
//! - functions and types of interfaces that plugins only import;
//! - interfaces and worlds;
//! - imports of a world.

mod compare;
mod package;
mod releases;
mod shape;
mod types;

use std::fmt;
use std::path::{Path, PathBuf};

use semver::Version;

use package::Package;
pub use releases::{Release, releases};

/// One way in which the current contract breaks the frozen one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// Which part of the contract, such as `record events.start`.
    pub item: String,
    /// What changed about it.
    pub change: String,
    /// What to do instead.
    pub remedy: String,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.item, self.change, self.remedy)
    }
}

/// Why directories could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory could not be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What is in the directory is not valid WIT.
    #[error("{path} is not valid WIT: {reason}")]
    Invalid {
        /// The directory.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// The WIT uses something that this check does not look into, and must not wave through.
    #[error("{path}: {what}, which the freeze check does not cover: {remedy}")]
    NotCovered {
        /// The directory.
        path: PathBuf,
        /// What it uses.
        what: String,
        /// What to do instead.
        remedy: &'static str,
    },
    /// Among the kept releases is something that is none.
    #[error("{path} is not a release: {reason}")]
    Misfiled {
        /// What it is.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// Lists what breaks when the WIT in `current` takes the place of the published WIT in `frozen`.
///
/// # Errors
///
/// When one of the two cannot be read, is not valid, or uses what this check does not cover.
pub fn compare(frozen: &Path, current: &Path) -> Result<Vec<Break>, Error> {
    let (frozen, current) = (Package::read(frozen)?, Package::read(current)?);
    Ok(compare::packages(&frozen, &current))
}

/// The version of the WIT package in this directory.
///
/// # Errors
///
/// As for [`compare`].
pub fn version(wit: &Path) -> Result<Version, Error> {
    Package::read(wit).map(|package| package.version)
}
