//! `hangar plugin build`: from a project to a component.

mod javascript;
mod python;
mod rust;
mod sdk;
mod tools;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use hangar_runtime::{Outline, blob_id};
use serde_json::json;

use super::files::{load_problem, size, world_problem};
use super::language::Language;
use super::project::Project;
use crate::cli::Verdict;
use crate::cli::problem::Problem;
use crate::cli::screen::{GOOD, Screen};
use tools::Tools;

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  hangar plugin build                     the project in this folder, to ID.wasm in it
  hangar plugin build plugins/greeter     another project
  hangar plugin build --out /tmp/x.wasm   to another file

A Cargo.toml makes it Rust, a plugin.py Python, a plugin.js JavaScript. What Python and JavaScript need besides python3 \
and node is installed once, in pinned versions, in $HANGAR_TOOLS (or ~/.cache/hangar/tools). When a build fails, the \
component of the last one stays.

--json prints {\"ok\":true,\"id\":..,\"version\":..,\"world\":..,\"language\":..,\"file\":..,\"bytes\":..,\"sha256\":..}, or \
{\"ok\":false,\"error\":{\"what\":..,\"fix\":..}}.";

/// What to build, and where to.
#[derive(Args)]
pub struct Build {
    /// The project
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The file to write [default: ID.wasm in the project]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print a line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Builds, checks quickly and puts the component in its place.
pub fn work(build: &Build, screen: &mut Screen) -> Result<Verdict> {
    let project = Project::open(&build.dir)?;
    let file = build.out.clone().unwrap_or_else(|| project.component());
    spare(&file)?;
    let bytes = match project.language {
        Language::Rust => rust::component(&project.folder)?,
        Language::Python => python::component(&project, &Tools::locate()?)?,
        Language::JavaScript => javascript::component(&project, &Tools::locate()?)?,
    };
    check(&project, &bytes, &file)?;
    replace(&file, &bytes).with_context(|| format!("{} cannot be written", file.display()))?;

    let (manifest, language) = (&project.manifest, project.language);
    if build.json {
        screen.json(&json!({
            "ok": true,
            "id": manifest.id,
            "version": manifest.version.to_string(),
            "world": manifest.world.name(),
            "language": language.word(),
            "file": file,
            "bytes": bytes.len(),
            "sha256": blob_id(&bytes),
        }))?;
    } else {
        let (world, name) = (manifest.world.name(), language.name());
        let file = file.strip_prefix(".").unwrap_or(&file).display();
        writeln!(screen, "{GOOD}built{GOOD:#} {file}, a {world} in {name}, {}", size(bytes.len()))?;
    }
    Ok(Verdict::Ok)
}

/// Refuses to write over what is no component: somebody's source, mistyped.
fn spare(file: &Path) -> Result<()> {
    let mut beginning = [0; 4];
    let is_there = std::fs::File::open(file).map(|mut there| there.read(&mut beginning));
    match is_there {
        Ok(Ok(read)) if read > 0 && beginning != *b"\0asm" => {
            let what = format!("{} exists and is no component; it was left alone", file.display());
            Err(Problem::new(what, "name another file with --out").into())
        }
        _ => Ok(()),
    }
}

/// What can be said of it without compiling it: `hangar plugin check` says the rest.
fn check(project: &Project, component: &[u8], file: &Path) -> Result<()> {
    let outline = Outline::of(component).map_err(|error| load_problem(&error).at(file.display()))?;
    match world_problem(&project.manifest, outline.world) {
        Some(problem) => Err(problem.into()),
        None => Ok(()),
    }
}

/// Whoever watches the file sees the old or the new component, never half of one.
fn replace(file: &Path, component: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix(".building-").tempfile_in(folder)?;
    new.write_all(component)?;
    make_readable(new.as_file())?;
    new.persist(file)?;
    Ok(())
}

/// Temporary files are private; a component is not.
#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
