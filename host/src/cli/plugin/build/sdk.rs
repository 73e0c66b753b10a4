//! Builds a project in Python or JavaScript with the build program of its SDK.

use std::path::{Path, PathBuf, absolute};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use hangar_runtime::{World, blob_id};
use serde_json::{Map, Value};

use super::tools::Tools;
use crate::cli::embedded;
use crate::cli::plugin::language::Language;
use crate::cli::plugin::project::Project;
use crate::cli::problem::Problem;

/// The SDK of a project: its own or, where it has none, the one of this binary.
pub fn folder(project: &Project, tools: &Tools) -> Result<PathBuf> {
    let own = project.folder.join("sdk");
    if own.is_dir() {
        return Ok(absolute(own)?);
    }
    let language = project.language;
    let name = format!("sdk-{}-{}", language.word(), embedded::fingerprint());
    tools
        .folder(&name, &format!("the SDK for {}", language.name()), |folder| Ok(embedded::write_sdk(language, folder)?))
}

/// A name for something that depends on these texts, which changes whenever one of them does.
pub fn name(prefix: &str, texts: &[&str]) -> String {
    let hash = blob_id(texts.join("\n").as_bytes());
    format!("{prefix}-{}", hash.get(..12).unwrap_or(&hash))
}

/// Lets the SDK's build program, started by `command`, make the component.
pub fn component(mut command: Command, project: &Project, sdk: &Path) -> Result<Vec<u8>> {
    let out = tempfile::Builder::new().prefix("hangar-build-").tempdir()?;
    let file = out.path().join("plugin.wasm");
    command
        .args([Path::new("--project"), &absolute(&project.folder)?, Path::new("--world")])
        .arg(project.manifest.world.name())
        .args([Path::new("--wit"), &sdk.join("wit/v1"), Path::new("--out"), &file])
        .env("HANGAR_IDENTITY", identity(project))
        .current_dir(&project.folder)
        .stdin(Stdio::null());
    let done = command.output().context("the build does not start")?;
    if !done.status.success() {
        return Err(complaint(&String::from_utf8_lossy(&done.stderr)).into());
    }
    anstream::eprint!("{}", String::from_utf8_lossy(&done.stderr));
    std::fs::read(&file).context("the build wrote no component")
}

/// The build program's own words are for the author.
fn complaint(said: &str) -> Problem {
    let (what, fix) = said.trim().split_once("\nfix: ").unwrap_or((said.trim(), "mend that and build again"));
    if what.is_empty() { Problem::new("the build failed and does not say why", fix) } else { Problem::new(what, fix) }
}

/// What `plugin.toml` says, for `describe`.
fn identity(project: &Project) -> String {
    let manifest = &project.manifest;
    let mut identity = Map::new();
    identity.insert("id".into(), manifest.id.clone().into());
    identity.insert("version".into(), manifest.version.to_string().into());
    if !manifest.summary.is_empty() {
        identity.insert("summary".into(), manifest.summary.clone().into());
    }
    let (name, words) = match manifest.world {
        World::Behaviour => ("platforms", &manifest.platforms),
        World::Handler => ("kinds", &manifest.kinds),
    };
    if !words.is_empty() {
        identity.insert(name.into(), words.clone().into());
    }
    Value::Object(identity).to_string()
}

/// What a program says of itself when it is asked for its version; none when there is no such program.
pub fn asked(program: &mut Command) -> Option<std::process::Output> {
    program.stdin(Stdio::null()).output().ok()
}

/// What a program is missing that Debian calls so.
pub fn missing(what: &str, language: Language, packages: &str) -> Problem {
    let what = format!("{what}, which building {} takes", language.name());
    Problem::new(what, format!("install it; on Debian and Ubuntu: apt-get install {packages}"))
}

/// Runs one step of an installation, quietly unless it fails.
pub fn install_step(command: &mut Command, what: &str) -> Result<()> {
    let done = command.stdin(Stdio::null()).output().with_context(|| format!("{what} does not start"))?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let fix = "see what it says; mostly there is no network, or a proxy is in the way. Then build again";
    Err(Problem::new(format!("{what} failed:\n{}", said.trim()), fix).into())
}
