//! Bringing it all together: flags over environment over file over defaults.

use std::path::{Path, PathBuf};

use hangar_runtime::manifest::{FileError, HostConfig, did_you_mean};

use super::checks::Mistake;
use super::loading::Loading;
use super::{Config, Entry, Environment, GROUPS, HangarToml, Watched, kind, models, plugin_entries, variable};

/// Variables that begin like ours and are for other commands.
const OTHERS: [&str; 4] = [CONFIG, models::MODEL, "HANGAR_SERVER", "HANGAR_TOOLS"];

/// The variable that names the file.
const CONFIG: &str = "HANGAR_CONFIG";

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read, or something in it is wrong.
    #[error(transparent)]
    File(#[from] FileError),
    /// What flags, variables and files say is wrong, or does not go together.
    #[error("{}", in_lines(.0))]
    Mistakes(Vec<Mistake>),
}

fn in_lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(|Mistake { what, fix }| format!("{what}; {fix}")).collect::<Vec<_>>().join("\n")
}

/// A configuration, and how it came about.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What holds.
    pub config: Config,
    /// The same value by value, with where each came from.
    pub entries: Vec<Entry>,
    /// The file that was read, if there is one.
    pub file: Option<PathBuf>,
    /// What may be a mistake.
    pub warnings: Vec<String>,
}

/// Loads the configuration, at the start and whenever the file has changed.
pub struct Loader {
    /// What the command line says: flag and value.
    flags: Vec<(&'static str, String)>,
    environment: Environment,
    /// The file, and whether somebody named it.
    file: (PathBuf, bool),
    watched: Watched,
}

impl Loader {
    /// With these flags and values, which are those of [`Setting::flag`], and `--config` if a file was named.
    pub fn new(flags: Vec<(&'static str, String)>, config: Option<&Path>, environment: Environment) -> Self {
        let named = config.map(Path::to_owned).or_else(|| environment.get(CONFIG).map(PathBuf::from));
        let is_named = named.is_some();
        let path = named.unwrap_or_else(|| PathBuf::from(HostConfig::FILE_NAME));
        let watched = Watched::new(&path);
        Self { flags, environment, file: (path, is_named), watched }
    }

    /// Loads it as things are now.
    pub fn load(&self) -> Result<Loaded, ConfigError> {
        let (path, is_named) = &self.file;
        let is_there = *is_named || path.symlink_metadata().is_ok();
        let file = is_there.then(|| HangarToml::read(path)).transpose()?;
        let mut loading = Loading::of(file.is_some().then_some(path.as_path()), &self.environment);
        if let Some(file) = &file {
            loading.take_file(file);
        }
        loading.take_environment();
        loading.take_flags(&self.flags);
        loading.take_models(file.as_ref());
        loading.take_injections(file.as_ref());
        let (config, mut entries, mut warnings) = loading.finish().map_err(ConfigError::Mistakes)?;
        warnings.extend(self.strange_variables());
        entries.extend(file.as_ref().map(plugin_entries::of).unwrap_or_default());
        Ok(Loaded { config, entries, file: file.map(|_| path.clone()), warnings })
    }

    /// Loads it again if the file has changed since and lies still; none if not. What is wrong with it is told once, and
    /// the configuration before goes on to hold.
    pub fn load_again(&mut self) -> Option<Result<Loaded, ConfigError>> {
        self.watched.has_changed().then(|| self.load())
    }

    /// Variables that look like ours and mean nothing.
    fn strange_variables(&self) -> Vec<String> {
        let known: Vec<String> = known_variables().collect();
        let known: Vec<&str> = known.iter().map(String::as_str).chain(OTHERS).collect();
        let names = self.environment.names_with("HANGAR_").into_iter();
        let strange = names.filter(|name| !known.contains(&name.as_str()));
        let told = strange.map(|name| {
            let hint = did_you_mean(&name, known.iter().copied());
            format!("`{}` in the environment means nothing to the server{hint}", kind::cut(&name))
        });
        told.collect()
    }
}

fn known_variables() -> impl Iterator<Item = String> {
    GROUPS.iter().flat_map(|group| group.settings.iter().filter_map(|setting| variable(group.name, setting)))
}

impl Loaded {
    /// The values that differ in a newer configuration, as `KEY in [SECTION]`.
    pub fn changed(&self, newer: &Self) -> Vec<String> {
        let differs = |one: &&Entry, others: &[Entry]| !others.iter().any(|other| one.is_same(other));
        let mut changed: Vec<&Entry> = newer.entries.iter().filter(|entry| differs(entry, &self.entries)).collect();
        let gone = self.entries.iter().filter(|entry| !newer.entries.iter().any(|newer| newer.is_of(entry)));
        changed.extend(gone);
        changed.into_iter().map(|entry| format!("{} in {}", entry.key, entry.section)).collect()
    }
}
