//! The file `hangar.toml` as a whole: what it says of the server, of models and secrets, and of plugins.

use std::collections::BTreeMap;
use std::path::Path;

use hangar_runtime::manifest::{Document, FileError, HostConfig, Section, TomlError, read_text};

use super::Said;
use super::groups::{Draft, GROUPS};
use super::injections::{self, InjectionDraft};
use super::models::{self, ModelDraft};

/// Models that a file may have.
const MODELS: usize = 100;

/// Injections that a file may have.
const INJECTIONS: usize = 1_000;

/// What a file says, checked value by value; secrets are not fetched yet.
pub struct HangarToml {
    /// What it says of plugins.
    pub host: HostConfig,
    /// The lines where what it says of each plugin begins.
    pub plugin_lines: BTreeMap<String, usize>,
    /// The lines of the platforms.
    pub platform_lines: BTreeMap<String, usize>,
    /// What it says of the server, by section.
    pub said: Vec<(&'static str, Said<Draft>)>,
    /// The models, in their order: the line where each begins, what it is, and what was said of it.
    pub models: Vec<(usize, ModelDraft, Vec<Said<ModelDraft>>)>,
    /// The injections, likewise.
    pub injections: Vec<(usize, InjectionDraft, Vec<Said<InjectionDraft>>)>,
}

impl HangarToml {
    /// Reads it from its file.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = read_text(path, HostConfig::BYTES)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self::parse(&text, folder).map_err(|error| error.in_file(path))?)
    }

    /// Reads it, or says everything that is wrong with it. Paths in it begin at this folder.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, TomlError> {
        Document::read(text, |mut top| {
            let file = Self::of(&mut top, folder);
            top.end();
            file
        })
    }

    fn of(top: &mut Section<'_>, folder: &Path) -> Self {
        let host = HostConfig::take(top);
        let [plugin_lines, platform_lines] = ["plugins", "platforms"].map(|name| lines(top, name));
        let mut said = Vec::new();
        for group in GROUPS {
            let section = top.section(group.name);
            let found = section.map(|section| Said::read_all(section, group.settings, folder)).unwrap_or_default();
            said.extend(found.into_iter().map(|said| (group.name, said)));
        }
        let models = top.section("models").map(|section| {
            let models = models::read(&section, folder);
            if models.len() > MODELS {
                section.complain(format!("[models] has {} models; {MODELS} are allowed", models.len()));
            }
            models
        });
        let injections = top.value("inject").and_then(|value| {
            let sections = value.sections()?;
            if sections.len() > INJECTIONS {
                value.complain(&format!("has {} entries; {INJECTIONS} are allowed", sections.len()));
            }
            let read = |section: Section<'_>| {
                let line = section.line_number();
                let (draft, said) = injections::read(section, folder);
                (line, draft, said)
            };
            Some(sections.into_iter().map(read).collect())
        });
        let (models, injections) = (models.unwrap_or_default(), injections.unwrap_or_default());
        Self { host, plugin_lines, platform_lines, said, models, injections }
    }
}

/// Where the entries of a table begin whose keys are free. What is wrong with it was told by whoever read it.
fn lines(top: &Section<'_>, name: &str) -> BTreeMap<String, usize> {
    let table = top.all().find(|(key, _)| *key == name).and_then(|(_, value)| value.table());
    let lines = |table: Section<'_>| table.all().map(|(key, value)| (key.to_owned(), value.line_number())).collect();
    table.map(lines).unwrap_or_default()
}
