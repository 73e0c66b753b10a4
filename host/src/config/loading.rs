//! A configuration while it is being loaded: each source takes its turn, and the later one wins.

use std::collections::BTreeMap;
use std::path::Path;

use super::checks::{Mistake, mistakes};
use super::groups::{Cache, Draft, NoAuth};
use super::injections::INJECTION_SETTINGS;
use super::models::{self, MODEL_SETTINGS, ModelDraft};
use super::{
    Config, Entry, Environment, GROUPS, Given, HangarToml, ModelConfig, Origin, Said, Secret, SecretSource, Setting,
    TlsFiles, kind, readable_by_others, setting_of, user_folders, variable,
};

/// A configuration that is being loaded.
pub struct Loading<'l> {
    draft: Draft,
    /// Where values came from, by section and key.
    origins: BTreeMap<(&'static str, &'static str), Origin>,
    /// Models and injections.
    entries: Vec<Entry>,
    mistakes: Vec<Mistake>,
    file: Option<&'l Path>,
    environment: &'l Environment,
}

impl<'l> Loading<'l> {
    /// Nothing was said yet.
    pub fn of(file: Option<&'l Path>, environment: &'l Environment) -> Self {
        let (entries, mistakes) = (Vec::new(), Vec::new());
        Self { draft: Draft::default(), origins: BTreeMap::new(), entries, mistakes, file, environment }
    }

    /// What the file says.
    pub fn take_file(&mut self, file: &HangarToml) {
        self.draft.config.plugins.host = file.host.clone();
        for (section, Said { setting, given, line }) in &file.said {
            self.take(section, setting, given, Origin::File(*line));
        }
    }

    /// What the environment says.
    pub fn take_environment(&mut self) {
        for group in GROUPS {
            for setting in group.settings {
                let Some(name) = variable(group.name, setting) else { continue };
                let Some(text) = self.environment.get(&name) else { continue };
                match setting.kind.of_text(&text) {
                    Ok(given) => self.take(group.name, setting, &given, Origin::Environment(name)),
                    Err(why) => self.mistakes.push(Mistake::of(&format!("`{name}` in the environment {why}"))),
                }
            }
        }
    }

    /// What the command line says: flags with their values.
    pub fn take_flags(&mut self, flags: &[(&'static str, String)]) {
        for (flag, text) in flags {
            let Some((section, setting)) = setting_of(flag) else { continue };
            match setting.kind.of_text(text) {
                Ok(given) => self.take(section, setting, &given, Origin::Flag(setting.flag)),
                Err(why) => self.mistakes.push(Mistake::of(&format!("`{flag}` {why}"))),
            }
        }
    }

    fn take(&mut self, section: &'static str, setting: &'static Setting<Draft>, given: &Given, origin: Origin) {
        (setting.set)(&mut self.draft, given);
        self.origins.insert((section, setting.key), origin);
    }

    /// The models of the file, or the one of the environment if it has none.
    pub fn take_models(&mut self, file: Option<&HangarToml>) {
        let Some(file) = file.filter(|file| !file.models.is_empty()) else { return self.take_model_of_environment() };
        let mut roles: BTreeMap<&str, &str> = BTreeMap::new();
        for (line, draft, said) in &file.models {
            let ModelConfig { name, role, .. } = &draft.config;
            if let Some(other) = roles.insert(role, name).filter(|_| !role.is_empty()) {
                let what = format!("{}: [models.{}] has the role `{role}`", self.at(*line), kind::key(name));
                let fix = format!("[models.{}] has it as well; give it to one of them", kind::key(other));
                self.mistakes.push(Mistake::new(what, fix));
            }
            let section = format!("[models.{}]", kind::key(name));
            let api_key = self.fetch(draft.api_key.as_ref(), said, &section);
            self.draft.config.models.push(ModelConfig { api_key, ..draft.config.clone() });
            self.entries.extend(entries(&section, 0, MODEL_SETTINGS, draft, said));
        }
        // The first one is asked when none is named.
        self.draft.config.models.sort_by_key(|model| model.role != models::DEFAULT);
    }

    fn take_model_of_environment(&mut self) {
        let model = match ModelConfig::of_environment(self.environment) {
            None => return,
            Some(Err(why)) => return self.mistakes.push(Mistake::of(&why)),
            Some(Ok(model)) => model,
        };
        let api_key = model.api_key.clone().map(SecretSource::Value);
        let draft = ModelDraft { config: model.clone(), api_key };
        let section = format!("[models.{}]", kind::key(&model.name));
        let mut entries = entries(&section, 0, MODEL_SETTINGS, &draft, &[]);
        for entry in &mut entries {
            let variable = match entry.key.as_str() {
                "role" | "model" => models::MODEL,
                "base-url" => models::BASE_URL,
                "api-key" => models::API_KEY,
                _ => continue,
            };
            if self.environment.get(variable).is_some() {
                entry.origin = Origin::Environment(variable.to_owned());
            }
        }
        self.entries.extend(entries);
        self.draft.config.models.push(model);
    }

    /// The injections of the file.
    pub fn take_injections(&mut self, file: Option<&HangarToml>) {
        for (at, (line, draft, said)) in file.iter().flat_map(|file| file.injections.iter().enumerate()) {
            match draft.finish(self.environment) {
                Ok(injection) => self.draft.config.inject.push(injection),
                Err(why) => {
                    let (key, line) = secret_of(said).unwrap_or(("value", *line));
                    self.mistakes.push(Mistake::of(&format!("{}: `{key}` in [[inject]] {why}", self.at(line))));
                }
            }
            self.entries.extend(entries("[[inject]]", at, INJECTION_SETTINGS, draft, said));
        }
    }

    /// Fetches a secret that a section of the file speaks of.
    fn fetch<T>(&mut self, source: Option<&SecretSource>, said: &[Said<T>], section: &str) -> Option<Secret> {
        let fetched = source?.fetch(self.environment);
        let why = match fetched {
            Ok(secret) => return Some(secret),
            Err(why) => why,
        };
        let (key, line) = secret_of(said).unwrap_or_default();
        self.mistakes.push(Mistake::of(&format!("{}: `{key}` in {section} {why}", self.at(line))));
        None
    }

    /// Settles what depends on the whole: the configuration, its values one by one, and what may be a mistake; or
    /// everything that is wrong.
    pub fn finish(mut self) -> Result<(Config, Vec<Entry>, Vec<String>), Vec<Mistake>> {
        let fetched = self.draft.api_key.as_ref().map(|source| source.fetch(self.environment));
        match fetched.transpose() {
            Ok(api_key) => self.draft.config.keys.api_key = api_key,
            Err(why) => self.mistakes.push(Mistake::of(&format!("{} {why}", self.place("keys", "api-key")))),
        }
        self.draft.config.keys.no_auth = self.draft.no_auth != NoAuth::Off;
        if let (Some(cert), Some(key)) = (&self.draft.tls_cert, &self.draft.tls_key) {
            self.draft.config.server.tls = Some(TlsFiles { cert: cert.clone(), key: key.clone() });
        }
        match user_folders::state_of(&self.draft.config.plugins.directory, self.draft.state.as_deref()) {
            Ok(state) => {
                self.draft.config.plugins.state.clone_from(&state);
                self.draft.state = Some(state);
            }
            Err(why) => self.mistakes.push(Mistake::new(why.to_string(), why.fix())),
        }
        if self.draft.cache == Cache::Usual {
            self.draft.cache = user_folders::compiled().map_or(Cache::None, Cache::In);
        }
        if let Cache::In(cache) = &self.draft.cache {
            self.draft.config.plugins.cache = Some(cache.clone());
        }
        let more = mistakes(&self.draft, |section, key| self.place(section, key));
        self.mistakes.extend(more);
        if !self.mistakes.is_empty() {
            return Err(self.mistakes);
        }
        let mut warnings = Vec::new();
        let keys = &self.draft.config.keys;
        if keys.no_auth && (keys.api_key.is_some() || keys.file.is_some()) {
            let no_auth = self.place("keys", "no-auth");
            warnings.push(format!("{no_auth} lets everybody in, though keys are given: leave one of them out"));
        }
        warnings.extend(keys.file.as_deref().and_then(readable_by_others));
        let mut all = self.settings();
        all.append(&mut self.entries);
        Ok((self.draft.config, all, warnings))
    }

    /// The values of the server itself.
    fn settings(&self) -> Vec<Entry> {
        let all = GROUPS.iter().flat_map(|group| {
            group.settings.iter().map(|setting| {
                let origin = self.origins.get(&(group.name, setting.key)).cloned().unwrap_or(Origin::Default);
                entry(&format!("[{}]", group.name), 0, setting, &self.draft, origin)
            })
        });
        all.collect()
    }

    /// Where a value was given, as the beginning of a sentence.
    fn place(&self, section: &str, key: &str) -> String {
        let origin =
            self.origins.iter().find(|((of, name), _)| *of == section && *name == key).map(|(_, origin)| origin);
        match origin {
            Some(Origin::Flag(flag)) => format!("`{flag}`"),
            Some(Origin::Environment(name)) => format!("`{name}` in the environment"),
            Some(Origin::File(line)) => format!("{}: `{key}` in [{section}]", self.at(*line)),
            None | Some(Origin::Default) => format!("`{key}` in [{section}]"),
        }
    }

    fn at(&self, line: usize) -> String {
        let file = self.file.map(|file| file.display().to_string()).unwrap_or_default();
        format!("{file}:{line}")
    }
}

impl Mistake {
    /// The mistake in a text that says what is wrong, and after the last `; ` what to do.
    fn of(text: &str) -> Self {
        match text.rsplit_once("; ") {
            Some((what, fix)) => Self::new(what, fix),
            None => Self::new(text, "mend it there"),
        }
    }
}

/// Under which key, and in which line, a secret or the way to it was given.
fn secret_of<T>(said: &[Said<T>]) -> Option<(&'static str, usize)> {
    said.iter().find_map(|said| match (&said.given, said.setting.kind) {
        (Given::Secret(SecretSource::Environment(_)), kind::Kind::Secret { environment, .. }) => {
            Some((environment, said.line))
        }
        (Given::Secret(SecretSource::File(_)), kind::Kind::Secret { file, .. }) => Some((file, said.line)),
        (Given::Secret(_), _) => Some((said.setting.key, said.line)),
        _ => None,
    })
}

fn entries<T>(section: &str, number: usize, settings: &'static [Setting<T>], of: &T, said: &[Said<T>]) -> Vec<Entry> {
    let entry = |setting: &'static Setting<T>| {
        let said = said.iter().find(|said| said.setting.key == setting.key);
        entry(section, number, setting, of, said.map_or(Origin::Default, |said| Origin::File(said.line)))
    };
    settings.iter().map(entry).collect()
}

fn entry<T>(section: &str, number: usize, setting: &'static Setting<T>, of: &T, origin: Origin) -> Entry {
    Entry {
        section: section.to_owned(),
        number,
        key: setting.key.to_owned(),
        doc: setting.doc,
        origin,
        kind: setting.kind,
        given: (setting.get)(of),
    }
}
