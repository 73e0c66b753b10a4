//! The programs that are started.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The server: the one that is named, or that `HANGAR` names, or else as a release is built from here.
pub fn hangar(named: Option<PathBuf>) -> Result<PathBuf> {
    match named.or_else(|| std::env::var_os("HANGAR").map(PathBuf::from)) {
        Some(path) => {
            ensure!(path.is_file(), "there is no program {}", path.display());
            Ok(path)
        }
        None => built("hangar", "hangar"),
    }
}

/// The echo that it is compared with.
pub fn echo() -> Result<PathBuf> {
    built("hangar-bench", "echo")
}

/// Lies beside this program, which `--release` has built, too.
fn built(package: &str, program: &str) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["build", "--quiet", "--release", "--package", package, "--bin", program];
    let built = Command::new(cargo).args(arguments).current_dir(root()).status().context("cargo does not start")?;
    ensure!(built.success(), "`cargo {}` has failed", arguments.join(" "));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join("release").join(program))
}
