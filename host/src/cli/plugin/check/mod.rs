//! `hangar plugin check`: whether a server would take a plugin, stage by stage.

mod identity;
mod stages;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Result;
use bytes::Bytes;
use clap::Args;
use hangar_runtime::manifest::{FileError, Manifest, PluginFiles, Terms};
use hangar_runtime::{LoadError, Outline, Plugin, World};
use serde_json::{Map, json};

use super::files::{file_problem, load_problem, size, world_problem};
use super::grants::NotGranted;
use super::loading::{Which, plugin_config, runtime, wait_for};
use crate::cli::Verdict;
use crate::cli::problem::Problem;
use crate::cli::screen::{DOUBTFUL, Screen};
use stages::Stages;

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  hangar plugin check                          the plugin in this folder
  hangar plugin check greeter.wasm             a component
  hangar plugin check --config hangar.toml     with the grants, limits and settings of this host

It goes the way that a plugin goes on a server: manifest, files, outline (is it a plugin, of which world?), compile and \
link, probe (does it start?), describe (does the component say what plugin.toml says?), settings, self-test. Where one \
stage fails, those that do not need it are looked at nevertheless. What an operator has to grant is printed as the TOML \
for hangar.toml; it does not make the check fail.

--json prints {\"ok\":..,\"stages\":[{\"stage\":..,\"outcome\":\"ok|failed|skipped\",\"found\":..,\"problems\":[{\"what\":.., \
\"fix\":..}]}],\"not_granted\":{\"capabilities\":[{\"key\":..,\"value\":..}],\"limits\":[..],\"toml\":..}}.
Exit code 1: a stage failed.";

/// What to check, and for which host.
#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    which: Which,
    /// Print a line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Goes through all stages and says what was found.
pub fn work(check: &Check, screen: &mut Screen) -> Result<Verdict> {
    wait_for(async {
        let mut stages = Stages::default();
        let not_granted = examine(&check.which, &mut stages).await?;
        let ok = stages.are_ok();
        if check.json {
            screen.json(&json!({ "ok": ok, "stages": stages.all(), "not_granted": not_granted }))?;
        } else {
            stages.print(screen)?;
            print_grants(&not_granted, check.which.config.as_deref(), screen)?;
        }
        Ok(if ok { Verdict::Ok } else { Verdict::NotOk })
    })
}

/// Goes through the stages. An error is one that keeps the check itself from being done.
async fn examine(which: &Which, stages: &mut Stages) -> Result<NotGranted> {
    let path = &which.plugin;
    let (files, manifest) = find(path, stages);
    let id = match (&manifest, &files) {
        (Some(manifest), _) => manifest.id.clone(),
        (None, Some(files)) => files.id(),
        (None, None) => String::new(),
    };
    let given = which.config.as_deref().map(|config| plugin_config(config, &id)).transpose()?;
    let is_configured = given.is_some();
    let terms = Terms::of(&id, manifest.as_ref(), &given.unwrap_or_default());

    let found = files.as_ref().and_then(|files| outline(files, manifest.as_ref(), stages));
    let (bytes, outline) = found.unzip();
    let plugin = match bytes {
        Some(bytes) => load(bytes, &terms, stages).await?,
        None => {
            stages.skip(&["compile", "probe", "describe"]);
            None
        }
    };
    match (&plugin, &manifest) {
        (Some(plugin), Some(manifest)) => {
            stages.add("describe", identity::compare(manifest, plugin.description(), path));
        }
        (Some(_), None) => stages.add("describe", Ok("a JSON object".into())),
        (None, _) => {}
    }
    if let Some(manifest) = &manifest {
        stages.add("settings", settings(manifest, &terms, is_configured));
    }
    match &plugin {
        Some(plugin) => {
            let tested = plugin.self_test().await.map_err(|error| vec![load_problem(&error)]);
            stages.add("self-test", tested.map(|()| "passed".into()));
        }
        None => stages.skip(&["self-test"]),
    }
    let world = outline.map(|outline| outline.world).or(manifest.as_ref().map(|manifest| manifest.world));
    Ok(match &manifest {
        Some(manifest) => NotGranted::under(&terms, &manifest.limits, &id, world.unwrap_or(World::Behaviour)),
        None => NotGranted::default(),
    })
}

/// The stages `manifest` and `files`. When the manifest is wrong, a component beside it is looked at nevertheless.
fn find(path: &Path, stages: &mut Stages) -> (Option<PluginFiles>, Option<Manifest>) {
    match PluginFiles::find(path) {
        Ok(files) => {
            let manifest = files.manifest.clone();
            let none = "none: a component alone gets the safe set and no checked settings";
            stages.add("manifest", Ok(manifest.as_ref().map_or(none.into(), title)));
            (Some(files), manifest)
        }
        Err(error @ FileError::Toml(_)) => {
            let Problem { what, fix } = file_problem(&error);
            let each = what.lines().map(|what| Problem::new(what, fix.clone()));
            stages.add("manifest", Err(each.collect()));
            (component_beside(path), None)
        }
        Err(error) => {
            let manifest = Manifest::read(&path.join(Manifest::FILE_NAME)).ok();
            if let Some(manifest) = &manifest {
                stages.add("manifest", Ok(title(manifest)));
            }
            stages.add("files", Err(vec![file_problem(&error)]));
            stages.skip(&["outline"]);
            (None, manifest)
        }
    }
}

fn title(manifest: &Manifest) -> String {
    format!("{} {}, a {}", manifest.id, manifest.version, manifest.world.name())
}

/// The only component in a folder, or the component that was named.
fn component_beside(path: &Path) -> Option<PluginFiles> {
    let is_component = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "wasm");
    let named = [path.to_owned()];
    let found: Vec<PathBuf> = match std::fs::read_dir(path) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).filter(is_component).collect(),
        Err(_) => named.into_iter().filter(is_component).collect(),
    };
    match found.as_slice() {
        [component] => {
            let component = component.clone();
            Some(PluginFiles { manifest: None, manifest_text: None, manifest_path: None, component })
        }
        _ => None,
    }
}

/// The stages `files` and `outline`: the component's bytes and what they are; none if it cannot be a plugin.
fn outline(files: &PluginFiles, manifest: Option<&Manifest>, stages: &mut Stages) -> Option<(Bytes, Outline)> {
    let name = files.component.file_name().unwrap_or_default().to_string_lossy();
    let bytes = match files.read_component() {
        Ok(bytes) => bytes,
        Err(error) => {
            stages.add("files", Err(vec![file_problem(&error)]));
            stages.skip(&["outline"]);
            return None;
        }
    };
    stages.add("files", Ok(format!("{name}, {}", size(bytes.len()))));
    let outline = match Outline::of(&bytes) {
        Ok(outline) => outline,
        Err(error) => {
            stages.add("outline", Err(vec![load_problem(&error).at(&name)]));
            return None;
        }
    };
    let found = format!("a {} for hangar:plugin@{}", outline.world.name(), outline.contract);
    let problem = manifest.and_then(|manifest| world_problem(manifest, outline.world));
    stages.add("outline", problem.map_or(Ok(found), |problem| Err(vec![problem])));
    Some((bytes, outline))
}

/// The stages `compile` and `probe`, and `describe` when that fails.
async fn load(bytes: Bytes, terms: &Terms, stages: &mut Stages) -> Result<Option<Plugin>> {
    let start = Instant::now();
    let loaded = runtime()?.plugin(bytes, terms.limits.clone()).await;
    let compiled = format!("compiled and linked, {} ms", start.elapsed().as_millis());
    let (failed, rest): (&str, &[&str]) = match &loaded {
        Ok(_) => ("", &[]),
        Err(LoadError::Probe(_)) => ("probe", &["describe"]),
        Err(LoadError::Description(_)) => ("describe", &[]),
        Err(_) => ("compile", &["probe", "describe"]),
    };
    if failed != "compile" {
        stages.add("compile", Ok(compiled));
    }
    if failed != "compile" && failed != "probe" {
        stages.add("probe", Ok("it starts".into()));
    }
    match loaded {
        Ok(plugin) => Ok(Some(plugin)),
        Err(error) => {
            stages.add(failed, Err(vec![load_problem(&error)]));
            stages.skip(rest);
            Ok(None)
        }
    }
}

/// Whether the settings come together: declared defaults, and values where a host gives them.
fn settings(manifest: &Manifest, terms: &Terms, is_configured: bool) -> Result<String, Vec<Problem>> {
    let declared = manifest.settings.iter().count();
    let required: Vec<&str> =
        manifest.settings.iter().filter(|(_, declaration)| declaration.required).map(|(name, _)| name).collect();
    if !is_configured && !required.is_empty() {
        return Ok(format!("{declared} declared; the host's configuration must give {}", required.join(", ")));
    }
    let resolved = terms.settings(&Map::new()).map_err(|error| {
        let fix = format!("mend it under [plugins.{}.settings] in the host's configuration", manifest.id);
        error.problems.into_iter().map(|problem| Problem::new(problem, fix.clone())).collect::<Vec<_>>()
    })?;
    Ok(if declared == 0 { "none declared".into() } else { resolved })
}

fn print_grants(not_granted: &NotGranted, config: Option<&Path>, screen: &mut Screen) -> std::io::Result<()> {
    if not_granted.is_empty() {
        return Ok(());
    }
    let host = match config {
        Some(config) => format!("{} does not grant it", config.display()),
        None => "a host does not grant it by itself".to_owned(),
    };
    writeln!(screen, "\n{DOUBTFUL}to be granted{DOUBTFUL:#}: the plugin asks for more than it gets; {host}.")?;
    writeln!(screen, "An operator who agrees writes into hangar.toml:\n")?;
    for line in not_granted.toml.lines() {
        writeln!(screen, "    {line}")?;
    }
    Ok(())
}
