//! From a path on the command line to a plugin that is ready to run.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use hangar_runtime::manifest::{Manifest, PluginConfig, PluginFiles, Terms};
use hangar_runtime::{Plugin, Runtime, RuntimeConfig};

use super::config_file;
use super::files::{config_problem, file_problem, load_problem, world_problem};
use super::grants::NotGranted;
use super::user_folders::compiled;

/// After so long people want to know what is going on.
const SILENCE: Duration = Duration::from_secs(2);

/// A plugin on the command line, and the host that it is looked at for.
#[derive(Args)]
pub struct Which {
    /// The plugin: a .wasm, or a folder with one and a plugin.toml
    #[arg(default_value = ".")]
    pub plugin: PathBuf,
    /// The host's configuration, for its grants, limits and settings
    #[arg(long)]
    pub config: Option<PathBuf>,
}

impl Which {
    /// Finds, reads and loads it.
    pub async fn load(&self) -> Result<Loaded> {
        Loaded::from(&self.plugin, self.config.as_deref()).await
    }
}

/// A plugin that is ready to run.
pub struct Loaded {
    /// Where it lies, with its manifest.
    pub files: PluginFiles,
    /// The plugin.
    pub plugin: Plugin,
    /// What it may do here: without a configuration, all that it asks for.
    pub terms: Terms,
    /// What it may do on a host that is configured as was said, or not at all.
    pub real_terms: Terms,
    /// What it asks for that a host would not grant which is configured so, or not at all.
    pub not_granted: NotGranted,
}

impl Loaded {
    /// Finds, reads and loads a plugin. Without a configuration it is granted what it asks for.
    pub async fn from(path: &Path, config: Option<&Path>) -> Result<Self> {
        let files = PluginFiles::find(path).map_err(|error| file_problem(&error))?;
        let (id, manifest) = (files.id(), files.manifest.as_ref());
        let given = config.map(|config| plugin_config(config, &id)).transpose()?;
        let all_granted = manifest.map(as_requested).unwrap_or_default();
        let terms = Terms::of(&id, manifest, given.as_ref().unwrap_or(&all_granted));
        let real_terms = Terms::of(&id, manifest, &given.unwrap_or_default());
        let bytes = files.read_component().map_err(|error| file_problem(&error))?;
        let plugin = patiently(runtime()?.plugin(bytes, terms.limits.clone()), &files).await;
        let plugin = plugin.map_err(|error| load_problem(&error).at(files.component.display()))?;
        if let Some(problem) = manifest.and_then(|manifest| world_problem(manifest, plugin.outline().world)) {
            return Err(problem.into());
        }
        let world = plugin.outline().world;
        let not_granted = manifest.map(|manifest| NotGranted::under(&real_terms, &manifest.limits, &id, world));
        let not_granted = not_granted.unwrap_or_default();
        Ok(Self { files, plugin, terms, real_terms, not_granted })
    }
}

/// Waits for a compilation, and says so to a person when it takes long.
async fn patiently<T>(loading: impl Future<Output = T>, files: &PluginFiles) -> T {
    let mut loading = std::pin::pin!(loading);
    if let Ok(loaded) = tokio::time::timeout(SILENCE, loading.as_mut()).await {
        return loaded;
    }
    if std::io::stderr().is_terminal() {
        let name = files.component.file_name().unwrap_or_default().to_string_lossy();
        anstream::eprintln!("compiling {name}, which is kept for the next time");
    }
    loading.await
}

/// A configuration that grants all that a plugin asks for.
fn as_requested(manifest: &Manifest) -> PluginConfig {
    PluginConfig { grants: manifest.capabilities.clone(), limits: manifest.limits.clone(), ..PluginConfig::default() }
}

/// What a host's configuration says about one plugin.
pub fn plugin_config(file: &Path, id: &str) -> Result<PluginConfig> {
    let config = config_file::read(file).map_err(|error| config_problem(&error))?;
    if !config.plugins.contains_key(id) {
        anstream::eprintln!("note: {} has no [plugins.{id}]: the plugin gets the safe set", file.display());
    }
    let config = config.plugin(id);
    if !config.enabled {
        anstream::eprintln!("note: {} says `enabled = false`: that host does not load the plugin", file.display());
    }
    Ok(config)
}

/// A runtime for one plugin and a few instances.
pub fn runtime() -> Result<Runtime> {
    let small = RuntimeConfig { max_live_instances: Some(16), cache: None, pooling: false };
    let cached = RuntimeConfig { cache: compiled(), ..small.clone() };
    // Without a cache it merely takes longer.
    Runtime::new(&cached).or_else(|_| Runtime::new(&small)).context("plugins cannot be run here")
}

/// Does what takes its time.
pub fn wait_for<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().build().context("no thread can be had")?;
    runtime.block_on(work)
}
