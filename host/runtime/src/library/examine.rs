//! The way from files to a proven version: load, compare, probe, shadow.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use semver::Version;
use serde_json::Map;
use tokio::sync::Notify;

use super::breaker::BreakerRules;
use super::change::{Phases, Stage};
use super::clock::Clock;
use super::generation::Generation;
use super::package::Package;
use super::service::Service;
use super::shadow::{Shadow, Told, shadow};
use crate::described::Description;
use crate::fault::Fault;
use crate::handler::{Handler, HandlerSetup};
use crate::load_error::LoadError;
use crate::log::{TracingSink, clean};
use crate::manifest::{PluginConfig, ShadowPolicy, Terms};
use crate::plugin::Plugin;
use crate::runtime::Runtime;

/// As many journals as a note or a rejection names.
const NAMED: usize = 4;

/// As long as a rejection may be.
const WHY_BYTES: usize = 4_096;

/// What is to be examined, and what for.
pub(crate) struct Exam {
    /// The number that the generation gets.
    pub(crate) number: u64,
    /// Its files.
    pub(crate) package: Arc<Package>,
    /// What the operator says of it.
    pub(crate) config: PluginConfig,
    /// The version of the plugin that is in service now.
    pub(crate) former: Option<Arc<Generation>>,
    /// When it is taken out of service.
    pub(crate) breaker: BreakerRules,
    /// Where the journals of former runs lie, in a folder for each plugin.
    pub(crate) journals: Option<PathBuf>,
    /// To be rung when something happens to it.
    pub(crate) bell: Arc<Notify>,
    /// The library's time.
    pub(crate) clock: Clock,
}

/// A version that has proven itself.
pub(crate) struct Examined {
    /// The version, not yet in service.
    pub(crate) generation: Arc<Generation>,
    /// What the operator might like to know, a sentence each.
    pub(crate) notes: Vec<String>,
    /// How long it took.
    pub(crate) phases: Phases,
}

/// Why a version is not put in service.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", stage.name())]
pub struct Rejection {
    /// Where it failed.
    pub stage: Stage,
    /// What is wrong and what to do about it; a line for each problem.
    pub why: String,
    /// Whether the host could not do its part, so that nothing is said about the version and it is to be tried again.
    pub of_host: bool,
}

impl Rejection {
    /// The version is to blame.
    pub(crate) fn new(stage: Stage, why: &str) -> Self {
        let lines: Vec<String> = why.lines().map(|line| clean(line, WHY_BYTES)).collect();
        let mut why = lines.join("\n");
        if why.len() > WHY_BYTES {
            why.truncate(why.floor_char_boundary(WHY_BYTES));
            why.push('…');
        }
        Self { stage, why, of_host: false }
    }

    fn of_fault(stage: Stage, before: &str, fault: &Fault) -> Self {
        Self { of_host: is_of_host(fault), ..Self::new(stage, &format!("{before}{fault}")) }
    }

    fn of_load(stage: Stage, error: &LoadError) -> Self {
        let of_host = match error {
            LoadError::ShuttingDown => true,
            LoadError::Probe(fault) => is_of_host(fault),
            _ => false,
        };
        Self { of_host, ..Self::new(stage, &error.to_string()) }
    }
}

/// A call cannot wait, so one that runs out of wall time was kept waiting by the machine.
fn is_of_host(fault: &Fault) -> bool {
    fault.is_of_host() || matches!(fault, Fault::WallLimit { .. })
}

/// Takes a version through all stages. Nothing that is in service is touched, and dropping the returned future is
/// harmless.
pub(crate) async fn examine(runtime: &Runtime, exam: Exam) -> Result<Examined, Rejection> {
    let Exam { number, package, config, former, breaker, journals, bell, clock } = exam;
    let (id, manifest) = (package.id.as_str(), package.manifest.as_ref());
    let terms = Terms::of(id, manifest, &config);
    let settings = settings(id, &terms)?;

    let (mut phases, began) = (Phases::default(), Instant::now());
    let plugin = runtime.plugin(package.component.clone(), terms.limits.clone()).await;
    let plugin = plugin.map_err(|error| Rejection::of_load(Stage::Load, &error))?;
    phases.load = began.elapsed();
    let description = Description::of(plugin.description());
    check_world(&package, &plugin)?;
    check_identity(&package, &description, former.as_deref())?;

    let began = Instant::now();
    plugin.self_test().await.map_err(|error| Rejection::of_load(Stage::SelfTest, &error))?;
    let handler = start_handler(&plugin, id, settings, &terms).await?;
    phases.probe = began.elapsed();

    let began = Instant::now();
    let version = manifest.map(|manifest| manifest.version.clone()).or_else(|| description.version.parse().ok());
    let mut notes = downgrade(version.as_ref(), former.as_deref());
    notes.extend(not_granted(&package, &plugin, &terms));
    if let Some(journals) = &journals {
        notes.extend(play_journals(&plugin, &terms, &journals.join(id), config.shadow).await?);
    }
    phases.shadow = began.elapsed();

    let declared = |said: &[String], found: Vec<String>| if said.is_empty() { found } else { said.to_vec() };
    let struck_before = former.map(|former| former.struck_clients()).unwrap_or_default();
    let generation = Generation {
        number,
        id: id.to_owned(),
        version,
        hash: package.hash.clone(),
        platforms: declared(manifest.map_or(&[], |manifest| &manifest.platforms), description.platforms),
        kinds: declared(manifest.map_or(&[], |manifest| &manifest.kinds), description.kinds),
        mode: manifest.map(|manifest| manifest.mode).unwrap_or_default(),
        manifest: package.manifest.clone(),
        snapshot: description.snapshot,
        on_reload: config.on_reload,
        plugin,
        terms,
        handler,
        service: Service::new(id, number, breaker, struck_before, bell, clock),
    };
    Ok(Examined { generation: Arc::new(generation), notes, phases })
}

/// The settings as far as the host knows them; what a run is given beside them is checked when it begins.
fn settings(id: &str, terms: &Terms) -> Result<String, Rejection> {
    terms.settings(&Map::new()).map_err(|error| {
        let remedy = match terms.missing_settings() {
            missing if missing.is_empty() => {
                format!("mend it under [plugins.{id}.settings] in the host's configuration")
            }
            missing => format!("write into the host's configuration:\n[plugins.{id}.settings]\n{missing}"),
        };
        Rejection::new(Stage::Settings, &format!("{error}\n{remedy}"))
    })
}

fn check_world(package: &Package, plugin: &Plugin) -> Result<(), Rejection> {
    let is = plugin.outline().world;
    let Some(said) = package.manifest.as_ref().map(|manifest| manifest.world).filter(|said| *said != is) else {
        return Ok(());
    };
    let (said, is) = (said.name(), is.name());
    let why = format!(
        "plugin.toml says `world = \"{said}\"`, but the component is a {is}: \
        put the plugin.toml and the component of one build together"
    );
    Err(Rejection::new(Stage::Manifest, &why))
}

/// A component says what its manifest says. One without a manifest has its name from its file, so it is to be the plugin
/// that it was before by its own account.
fn check_identity(package: &Package, description: &Description, former: Option<&Generation>) -> Result<(), Rejection> {
    if let Some(manifest) = &package.manifest {
        let differences = description.differences(manifest);
        if differences.is_empty() {
            return Ok(());
        }
        let mut lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
        lines.push("put the plugin.toml and the component of one build together".into());
        return Err(Rejection::new(Stage::Describe, &lines.join("\n")));
    }
    let former = former.map(|former| Description::of(former.plugin.description()).id);
    match former {
        Some(former) if former != description.id => {
            let why = format!(
                "it says that it is `{}`, and the version in service is `{former}`: \
                give another plugin a file of its own",
                description.id
            );
            Err(Rejection::new(Stage::Describe, &why))
        }
        _ => Ok(()),
    }
}

/// A handler is made here; whether it takes its settings shows when its first instance is constructed.
async fn start_handler(
    plugin: &Plugin,
    id: &str,
    settings: String,
    terms: &Terms,
) -> Result<Option<Handler>, Rejection> {
    let Plugin::Handler(handler) = plugin else { return Ok(None) };
    let log = Arc::new(TracingSink { plugin: id.to_owned(), run: "handler".into() });
    let seed = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    let handler = handler.start(HandlerSetup { settings, log, seed, granted: Arc::clone(&terms.granted) });
    let proven = handler.prove().await;
    proven.map_err(|fault| Rejection::of_fault(Stage::Settings, "it does not start with its settings: ", &fault))?;
    Ok(Some(handler))
}

fn downgrade(version: Option<&Version>, former: Option<&Generation>) -> Vec<String> {
    let former = former.and_then(|former| former.version.as_ref());
    match (version, former) {
        (Some(version), Some(former)) if version < former => {
            vec![format!("this is a downgrade: {version} follows {former}")]
        }
        _ => Vec::new(),
    }
}

fn not_granted(package: &Package, plugin: &Plugin, terms: &Terms) -> Option<String> {
    let manifest = package.manifest.as_ref()?;
    let capabilities = terms.granted.missing(plugin.outline().world).into_iter();
    let limits = manifest.limits.beyond(&terms.limits).into_iter().map(|short| (short.key, short.wanted));
    let missing: Vec<String> = capabilities.chain(limits).map(|(key, value)| format!("{key} = {value}")).collect();
    let id = &package.id;
    let text = format!(
        "it asks for more than it is granted under [plugins.{id}] in the host's configuration: {}",
        missing.join(", ")
    );
    (!missing.is_empty()).then(|| clean(&text, WHY_BYTES))
}

/// Plays journals as the policy has it. Gives notes, or the reason why the version is not put in service.
async fn play_journals(
    plugin: &Plugin,
    terms: &Terms,
    journals: &Path,
    policy: ShadowPolicy,
) -> Result<Vec<String>, Rejection> {
    let (Plugin::Behaviour(behaviour), ShadowPolicy::Warn | ShadowPolicy::Require) = (plugin, policy) else {
        return Ok(Vec::new());
    };
    let played = shadow(behaviour, terms, journals).await;
    let shadow = played.map_err(|fault| Rejection::of_fault(Stage::Shadow, "", &fault))?;
    let nothing_played = shadow.played == 0 && !(shadow.unplayable.is_empty() && shadow.left_out == 0);
    let notes = said_of(&shadow);
    if policy == ShadowPolicy::Require && (nothing_played || !shadow.divergences.is_empty()) {
        let remedy = "mend it, or take out the journals that do not count any more, or set `shadow = \"warn\"`";
        return Err(Rejection::new(Stage::Shadow, &format!("{}\n{remedy}", notes.join("\n"))));
    }
    Ok(notes)
}

/// First the sum, then what is to be said of single journals.
fn said_of(shadow: &Shadow) -> Vec<String> {
    let Shadow { played, unplayable, left_out, divergences } = shadow;
    if played + unplayable.len() + left_out == 0 {
        return vec!["there are no journals of former runs to play".into()];
    }
    let sum = format!(
        "of {} journals of former runs it answers {} as before and {} otherwise; {} cannot be played, {left_out} were left out",
        played + unplayable.len() + left_out,
        played - divergences.len(),
        divergences.len(),
        unplayable.len(),
    );
    let mut notes = vec![sum];
    notes.extend(some_of(divergences));
    notes.extend(some_of(unplayable));
    notes
}

fn some_of(told: &[Told]) -> Vec<String> {
    let mut lines: Vec<String> = told.iter().take(NAMED).map(ToString::to_string).collect();
    if let Some(more) = told.len().checked_sub(NAMED).filter(|more| *more > 0) {
        lines.push(format!("and {more} more like it"));
    }
    lines
}

#[cfg(test)]
pub(super) mod tests;
