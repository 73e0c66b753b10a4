//! Whether what has to be kept can be kept.

use std::io;
use std::path::Path;

use hangar_runtime::check_private_directory;

use super::findings::Findings;
use crate::config::PluginsConfig;

/// Looks at the folders for state and cache.
pub fn check(plugins: &PluginsConfig, findings: &mut Findings) {
    let fix = "give it to this user alone (chmod 700), or name another folder with --state";
    report("state", folder(&plugins.state, "versions of plugins"), fix, findings);
    match &plugins.cache {
        Some(cache) => {
            let fix = "give it to this user alone (chmod 700), or name another folder with `cache` in [server]";
            report("cache", folder(cache, "compiled code"), fix, findings);
        }
        None => findings.warn(
            "cache",
            "compiled plugins are not kept, so that each start takes longer",
            "name a folder with `cache` in [server], or let this user have a home",
        ),
    }
}

fn report(check: &'static str, found: io::Result<String>, fix: &str, findings: &mut Findings) {
    match found {
        Ok(found) => findings.ok(check, found),
        Err(error) => findings.bad(check, error.to_string(), fix),
    }
}

/// Whether the folder is private and can be written to; if it is not there yet, whether it could be made.
fn folder(path: &Path, what: &str) -> io::Result<String> {
    let path = std::path::absolute(path)?;
    if path.symlink_metadata().is_ok() {
        check_private_directory(&path, what)?;
        can_write(&path)?;
        return Ok(format!("{} can be written to", path.display()));
    }
    let above = path.ancestors().find(|above| above.symlink_metadata().is_ok()).unwrap_or(Path::new("/"));
    can_write(above)?;
    Ok(format!("{} is made when it is needed", path.display()))
}

/// Tries it with a file that has no name.
fn can_write(folder: &Path) -> io::Result<()> {
    let unwritable =
        |error: io::Error| io::Error::new(error.kind(), format!("{} cannot be written to: {error}", folder.display()));
    tempfile::tempfile_in(folder).map(drop).map_err(unwritable)
}
