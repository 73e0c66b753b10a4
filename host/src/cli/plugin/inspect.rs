//! `hangar plugin inspect`: what a plugin is, wants and gets.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use hangar_runtime::manifest::{Capabilities, Declaration, Kind, LimitRequests, Manifest, Terms};
use hangar_runtime::{Limits, World};
use serde_json::{Map, Value, json};

use super::files::size;
use super::loading::{Loaded, Which, wait_for};
use crate::cli::Verdict;
use crate::cli::screen::{FAINT, STRONG, Screen, plain};

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  hangar plugin inspect                            the plugin in this folder
  hangar plugin inspect greeter.wasm               a component
  hangar plugin inspect --config hangar.toml       with the grants of this host
  hangar plugin inspect --json | jq .capabilities

Without --config, what the plugin gets is what a host grants whose configuration says nothing about it.

--json prints an object with ok, id, version, world, contract, summary, component {file,bytes,sha256}, describe (what the \
plugin says about itself), imports, exports, capabilities {requested,effective} and limits (texts of TOML by key), settings \
(a list of {name,type,required,default,description}).";

/// What to look at.
#[derive(Args)]
pub struct Inspect {
    #[command(flatten)]
    which: Which,
    /// Print a line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Loads the plugin and shows it.
pub fn work(inspect: &Inspect, screen: &mut Screen) -> Result<Verdict> {
    wait_for(async {
        let loaded = inspect.which.load().await?;
        let facts = Facts::of(&loaded);
        if inspect.json {
            screen.json(&facts.json())?;
        } else {
            facts.print(screen)?;
        }
        Ok(Verdict::Ok)
    })
}

/// All that is shown.
struct Facts<'a> {
    loaded: &'a Loaded,
    manifest: Option<&'a Manifest>,
    terms: &'a Terms,
    world: World,
    described: Map<String, Value>,
}

impl<'a> Facts<'a> {
    fn of(loaded: &'a Loaded) -> Self {
        let described = serde_json::from_str(loaded.plugin.description()).unwrap_or_default();
        let manifest = loaded.files.manifest.as_ref();
        Self { loaded, manifest, terms: &loaded.real_terms, world: loaded.plugin.outline().world, described }
    }

    /// What the manifest says, or else the plugin itself.
    fn said(&self, key: &str, manifest: impl Fn(&Manifest) -> String) -> String {
        let of_itself = || self.described.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        self.manifest.map_or_else(of_itself, manifest)
    }

    fn version(&self) -> String {
        self.said("version", |manifest| manifest.version.to_string())
    }

    fn summary(&self) -> String {
        self.said("summary", |manifest| manifest.summary.clone())
    }

    fn json(&self) -> Value {
        let (plugin, outline) = (&self.loaded.plugin, self.loaded.plugin.outline());
        let settings = self.manifest.into_iter().flat_map(|manifest| manifest.settings.iter());
        let capabilities = |capabilities: &Capabilities| texts(capabilities.entries(self.world));
        json!({
            "ok": true,
            "id": self.loaded.files.id(),
            "version": self.version(),
            "world": self.world.name(),
            "contract": outline.contract,
            "summary": self.summary(),
            "component": { "file": self.loaded.files.component, "bytes": plugin.size(), "sha256": plugin.hash() },
            "describe": self.described,
            "imports": outline.imports,
            "exports": outline.exports,
            "capabilities": {
                "requested": capabilities(self.terms.granted.requested()),
                "effective": capabilities(&self.terms.granted.effective()),
            },
            "limits": texts(limits(&self.terms.limits)),
            "settings": settings.map(|(name, declaration)| json!({
                "name": name,
                "type": kind(&declaration.kind),
                "required": declaration.required,
                "default": declaration.default,
                "description": declaration.description,
            })).collect::<Vec<_>>(),
        })
    }

    fn print(&self, screen: &mut Screen) -> std::io::Result<()> {
        let (plugin, outline) = (&self.loaded.plugin, self.loaded.plugin.outline());
        let (id, version, world) = (self.loaded.files.id(), plain(&self.version()), self.world.name());
        writeln!(screen, "{STRONG}{id} {version}{STRONG:#}, a {world} for hangar:plugin@{}", outline.contract)?;
        if !self.summary().is_empty() {
            writeln!(screen, "{}", plain(&self.summary()))?;
        }
        heading(screen, "component")?;
        writeln!(screen, "  {}, {}", self.loaded.files.component.display(), size(plugin.size()))?;
        writeln!(screen, "  sha256 {}", plugin.hash())?;
        heading(screen, "says of itself")?;
        for (key, value) in &self.described {
            writeln!(screen, "  {}", plain(&format!("{key} = {value}")))?;
        }
        heading(screen, "imports")?;
        list(screen, &outline.imports)?;
        heading(screen, "exports")?;
        list(screen, &outline.exports)?;
        self.print_capabilities(screen)?;
        heading(screen, "limits")?;
        for (key, value) in limits(&self.terms.limits) {
            writeln!(screen, "  {key} = {value}")?;
        }
        heading(screen, "settings")?;
        let settings: Vec<_> = self.manifest.into_iter().flat_map(|manifest| manifest.settings.iter()).collect();
        if settings.is_empty() {
            writeln!(screen, "  {FAINT}none{FAINT:#}")?;
        }
        for (name, declaration) in settings {
            writeln!(screen, "  {name}: {}", plain(&setting(declaration)))?;
        }
        Ok(())
    }

    fn print_capabilities(&self, screen: &mut Screen) -> std::io::Result<()> {
        heading(screen, "capabilities")?;
        let effective: Vec<(&str, String)> = self.terms.granted.effective().entries(self.world);
        let requested = self.terms.granted.requested().entries(self.world);
        if requested.is_empty() {
            writeln!(screen, "  {FAINT}none requested{FAINT:#}")?;
        }
        for (key, wanted) in requested {
            let given = effective.iter().find(|(given, _)| *given == key).map(|(_, value)| value.as_str());
            match given {
                Some(given) if given == wanted => writeln!(screen, "  {key} = {wanted}")?,
                Some(given) => writeln!(screen, "  {key} = {wanted}, of which it gets {given}")?,
                None => writeln!(screen, "  {key} = {wanted}, not granted")?,
            }
        }
        Ok(())
    }
}

fn heading(screen: &mut Screen, text: &str) -> std::io::Result<()> {
    writeln!(screen, "\n{STRONG}{text}{STRONG:#}")
}

fn list(screen: &mut Screen, lines: &[String]) -> std::io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(screen, "  {}", plain(line)))
}

/// Keys and values of TOML as an object.
fn texts(entries: Vec<(&'static str, String)>) -> Map<String, Value> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect()
}

/// The limits as plugin.toml would have them.
fn limits(limits: &Limits) -> Vec<(&'static str, String)> {
    LimitRequests::of(limits).entries()
}

/// A declared setting in words.
fn setting(declaration: &Declaration) -> String {
    let kind = kind(&declaration.kind);
    let value = match (&declaration.default, declaration.required) {
        (Some(default), _) => format!("{kind}, {default} unless given"),
        (None, true) => format!("{kind}, must be given"),
        (None, false) => kind.to_owned(),
    };
    if declaration.description.is_empty() { value } else { format!("{value}. {}", declaration.description) }
}

/// The word of the manifest for a type.
fn kind(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text { .. } => "text",
        Kind::Integer { .. } => "integer",
        Kind::Number { .. } => "number",
        Kind::Boolean => "boolean",
        Kind::List { .. } => "list",
        Kind::Table => "table",
        _ => "unknown",
    }
}
