//! A plugin project: the folder with `plugin.toml` and the sources.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anstream::eprintln;
use anyhow::Result;
use hangar_runtime::manifest::Manifest;

use super::files::file_problem;
use super::language::Language;
use crate::cli::problem::Problem;
use crate::cli::screen::DOUBTFUL;

/// Folders of a project in which no sources are.
const NO_SOURCES: [&str; 4] = ["tests", "target", "node_modules", "__pycache__"];

/// A folder that a component can be built from.
pub struct Project {
    /// The folder.
    pub folder: PathBuf,
    /// Its `plugin.toml`.
    pub manifest: Manifest,
    /// What its sources are written in.
    pub language: Language,
}

impl Project {
    /// Reads the manifest and looks which language it is.
    pub fn open(folder: &Path) -> Result<Self> {
        let place = folder.display();
        let make_one = "go to the folder of a project, or make one with `hangar plugin new NAME`";
        if !folder.is_dir() {
            return Err(Problem::new(format!("{place} is no folder"), make_one).into());
        }
        let manifest_path = folder.join(Manifest::FILE_NAME);
        if !manifest_path.is_file() {
            return Err(Problem::new(format!("{place} is no plugin project: it has no plugin.toml"), make_one).into());
        }
        let manifest = Manifest::read(&manifest_path).map_err(|error| file_problem(&error))?;
        let Some(language) = Language::of(folder) else {
            let what = format!("{place} has a plugin.toml, but nothing to build");
            let fix = "add a Cargo.toml (Rust), a plugin.py (Python) or a plugin.js (JavaScript); \
                `hangar plugin new NAME --lang LANG` writes a whole project to begin with";
            return Err(Problem::new(what, fix).into());
        };
        Ok(Self { folder: folder.to_owned(), manifest, language })
    }

    /// Where its component belongs.
    pub fn component(&self) -> PathBuf {
        let name = self.manifest.component.clone().unwrap_or_else(|| format!("{}.wasm", self.manifest.id));
        self.folder.join(name)
    }
}

/// Warns when a source of the project in this folder was changed after the component was built.
pub fn warn_if_outdated(component: &Path, folder: &Path) {
    let built = component.metadata().and_then(|metadata| metadata.modified());
    if built.is_ok_and(|built| Language::of(folder).is_some() && has_newer(folder, built)) {
        let component = component.file_name().unwrap_or_default().to_string_lossy();
        eprintln!("{DOUBTFUL}warning:{DOUBTFUL:#} {component} is older than the sources; `hangar plugin build` first");
    }
}

fn has_newer(folder: &Path, built: SystemTime) -> bool {
    any_newer(folder, built, |name| {
        // What lies about in the project's folder is no source: a README, a hangar.toml.
        let extension = Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        matches!(name, "plugin.toml" | "Cargo.toml" | "Cargo.lock") || matches!(extension, "rs" | "py" | "js")
    })
}

fn any_newer(folder: &Path, built: SystemTime, is_source: fn(&str) -> bool) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let Ok(metadata) = entry.metadata() else { return false };
        if metadata.is_dir() {
            let has_sources = !name.starts_with('.') && !NO_SOURCES.contains(&&*name);
            return has_sources && any_newer(&entry.path(), built, |name| !name.starts_with('.'));
        }
        is_source(&name) && metadata.modified().is_ok_and(|changed| changed > built)
    })
}
