//! The folders of `fixtures/frozen`.

use std::path::{Path, PathBuf};

use semver::Version;

use super::{Error, version};

/// What was kept of one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The version of its plugin contract.
    pub version: Version,
    /// Its WIT directory.
    pub wit: PathBuf,
}

/// The releases kept in `folder`, oldest first: one folder for each, named `v` and the version, with the contract in
/// `wit`.
///
/// # Errors
///
/// When something cannot be read, or when a folder's name and its content do not go together: a release that is
/// overlooked would not be guarded.
pub fn releases(folder: &Path) -> Result<Vec<Release>, Error> {
    let unreadable = |source| Error::Unreadable { path: folder.to_owned(), source };
    let mut releases = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.file_name() != "README.md" {
            releases.push(release(&entry.path())?);
        }
    }
    releases.sort_by(|one, other| one.version.cmp(&other.version));
    Ok(releases)
}

fn release(path: &Path) -> Result<Release, Error> {
    let misfiled = |reason| Error::Misfiled { path: path.to_owned(), reason };
    let name = path.file_name().and_then(|name| name.to_str());
    let named = name
        .and_then(|name| name.strip_prefix('v'))
        .and_then(|digits| Version::parse(digits).ok())
        .ok_or_else(|| misfiled("its name is not `v` and a version, such as v1.0.0".to_owned()))?;
    let wit = path.join("wit");
    let contained = version(&wit)?;
    if contained != named {
        return Err(misfiled(format!("its contract has version {contained}")));
    }
    Ok(Release { version: named, wit })
}
