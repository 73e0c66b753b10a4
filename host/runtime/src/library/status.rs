//! How the library stands, for people who ask and programs that show it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::change::BreakerWord;
use super::clock::Clock;
use super::files::Files;
use super::generation::{Generation, Survey};
use super::lifecycle::{Former, Lifecycle, Plugin, Served, Wanted};

/// How the library stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The process that it is the library of.
    pub process: u32,
    /// Whether the library is open; if not, this is how it was left.
    pub running: bool,
    /// The plugin directory.
    pub directory: String,
    /// Why the directory cannot be read, if so.
    pub unreadable: Option<String>,
    /// Why changes are noticed by looking again and again, if the file system should tell of them and does not.
    pub polling: Option<String>,
    /// Entries of the directory beyond those that are looked at.
    pub left_out: usize,
    /// The plugins, by id.
    pub plugins: Vec<PluginStatus>,
    /// Entries of the directory that belong to no plugin, and why.
    pub strays: Vec<Stray>,
}

/// An entry of the directory that belongs to no plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stray {
    /// The name of the entry.
    pub place: String,
    /// What is wrong with it.
    pub why: String,
}

/// How a plugin stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginStatus {
    /// Its id.
    pub id: String,
    /// The entry of the directory that it is in; none once its files are gone.
    pub place: Option<String>,
    /// Whether it may serve at all.
    pub enabled: bool,
    /// The version that serves.
    pub live: Option<GenerationStatus>,
    /// The files in the directory, if they are not what serves.
    pub candidate: Option<Candidate>,
    /// Versions that served: with runs on them, or standing by.
    pub former: Vec<GenerationStatus>,
    /// Versions that can be gone back to, newest first.
    pub history: Vec<PastVersion>,
    /// Why nothing serves, or why it is not what lies in the directory.
    pub reason: Option<String>,
    /// The version that must serve, by the beginning of its hash.
    pub pin: Option<String>,
}

/// How a version stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationStatus {
    /// The number of the generation.
    pub generation: u64,
    /// The version that its manifest names; may be empty.
    pub version: String,
    /// The hash of its files.
    pub hash: String,
    /// What it is doing.
    pub state: State,
    /// When it came into service, in ms since 1970.
    pub published_ms: u64,
    /// The platforms that it serves, or the kinds of messages that it is asked about.
    pub serves: Vec<String>,
    /// Runs that are on it.
    pub runs: usize,
    /// Runs that ever began on it.
    pub began: u64,
    /// Runs that ended in order.
    pub ended_well: u64,
    /// Strikes within the window of the breaker.
    pub strikes: usize,
    /// Strikes in all.
    pub strikes_in_all: u64,
    /// What its breaker does.
    pub breaker: BreakerWord,
    /// Clients that are refused for strikes of their own.
    pub refused_clients: Vec<String>,
    /// The last strike.
    pub last_strike: Option<String>,
    /// What an operator should know.
    pub notes: Vec<String>,
}

/// What a version is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It serves.
    Live,
    /// It serves, and its predecessor stands by.
    OnProbation,
    /// It stands by to serve again.
    StandingBy,
    /// Its last runs are on their way.
    Draining,
    /// Its last runs were told to end.
    Ending,
}

impl State {
    /// The word for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::OnProbation => "on probation",
            Self::StandingBy => "standing by",
            Self::Draining => "draining",
            Self::Ending => "ending",
        }
    }
}

/// The files in the directory, if they are not what serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// The version that the manifest names; may be empty.
    pub version: String,
    /// The hash of the files; empty if they cannot be read.
    pub hash: String,
    /// Whether they are being examined now; if not, the plugin's `reason` says what is wrong.
    pub checking: bool,
}

/// A version that can be gone back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastVersion {
    /// The version that its manifest names; may be empty.
    pub version: String,
    /// The hash of its files.
    pub hash: String,
    /// When it came into service, in ms since 1970.
    pub published_ms: u64,
    /// Why it is not gone back to by itself, if so.
    pub set_aside: Option<String>,
}

/// What the status tells beside what the machine knows.
pub(super) struct Around<'a> {
    pub(super) directory: &'a str,
    pub(super) polling: Option<&'a str>,
    pub(super) left_out: usize,
    pub(super) running: bool,
    pub(super) clock: Clock,
}

impl Status {
    pub(super) fn of(lifecycle: &Lifecycle<Files>, around: &Around<'_>) -> Self {
        let owned: BTreeSet<&str> = lifecycle.plugins().values().filter_map(|plugin| plugin.place.as_deref()).collect();
        let strays = lifecycle.places().iter().filter(|(name, _)| !owned.contains(name.as_str()));
        let served: BTreeMap<&str, &str> =
            lifecycle.served().map(|(platform, served)| (platform, served.name.id.as_str())).collect();
        let plugins = lifecycle.plugins().iter();
        Self {
            process: std::process::id(),
            running: around.running,
            directory: around.directory.to_owned(),
            unreadable: lifecycle.unreadable().map(str::to_owned),
            polling: around.polling.map(str::to_owned),
            left_out: around.left_out,
            plugins: plugins.map(|(id, plugin)| plugin_status(lifecycle, around.clock, &served, id, plugin)).collect(),
            strays: strays
                .filter_map(|(name, place)| Some(Stray { place: name.clone(), why: place.trouble()?.to_owned() }))
                .collect(),
        }
    }
}

fn plugin_status(
    lifecycle: &Lifecycle<Files>,
    clock: Clock,
    served: &BTreeMap<&str, &str>,
    id: &str,
    plugin: &Plugin<Files>,
) -> PluginStatus {
    let live = plugin.live.as_ref().map(|live| live_status(lifecycle, clock, served, plugin, live));
    let former = plugin.former.iter();
    let former = former.map(|former| generation_status(lifecycle, clock, &former.served, state_of(former)));
    let history = plugin.memory.history.iter().map(|past| PastVersion {
        version: past.version.clone().unwrap_or_default(),
        hash: past.hash.clone(),
        published_ms: past.published_ms,
        set_aside: plugin.memory.marks.get(&past.hash).map(|mark| mark.why.clone()),
    });
    PluginStatus {
        id: id.to_owned(),
        place: plugin.place.clone(),
        enabled: lifecycle.host().plugin(id).enabled && !plugin.memory.disabled,
        former: former.collect(),
        history: history.collect(),
        candidate: candidate(lifecycle, plugin),
        reason: reason(lifecycle, id, plugin),
        pin: lifecycle.host().plugin(id).pin.or_else(|| plugin.memory.pin.clone()),
        live,
    }
}

fn candidate(lifecycle: &Lifecycle<Files>, plugin: &Plugin<Files>) -> Option<Candidate> {
    let serving = plugin.live.as_ref().map(|live| live.name.hash.as_str());
    let checking = plugin.exam.is_some();
    match lifecycle.offer(plugin) {
        Some(offer) if Some(offer.hash.as_str()) == serving && !checking => None,
        Some(offer) => {
            let version = offer.version.as_ref().map(ToString::to_string).unwrap_or_default();
            Some(Candidate { version, hash: offer.hash.clone(), checking })
        }
        None => {
            plugin.place.as_ref()?;
            Some(Candidate { version: String::new(), hash: String::new(), checking })
        }
    }
}

fn reason(lifecycle: &Lifecycle<Files>, id: &str, plugin: &Plugin<Files>) -> Option<String> {
    let config = lifecycle.host().plugin(id);
    if let Wanted::Nothing(why) = plugin.wanted(&config, lifecycle.offer(plugin)) {
        return Some(why.to_owned());
    }
    let place = plugin.place.as_ref()?;
    if let Some(trouble) = lifecycle.places().get(place).and_then(|place| place.trouble()) {
        return Some(trouble.to_owned());
    }
    let offer = lifecycle.offer(plugin)?;
    let pin = config.pin.as_ref().or(plugin.memory.pin.as_ref());
    if let Some(pin) = pin.filter(|pin| !offer.hash.starts_with(*pin)) {
        return Some(match plugin.live.as_ref().is_some_and(|live| live.name.hash.starts_with(pin)) {
            true => "another version is pinned".to_owned(),
            false => format!("it is pinned to {pin}, and no version that is known has this hash"),
        });
    }
    plugin.obstacle(&offer.hash).map(str::to_owned)
}

/// A version may claim a platform and not serve it: the host's configuration gives it to another plugin, or another was
/// first.
fn live_status(
    lifecycle: &Lifecycle<Files>,
    clock: Clock,
    served: &BTreeMap<&str, &str>,
    plugin: &Plugin<Files>,
    live: &Served<Files>,
) -> GenerationStatus {
    let stands_by = plugin.former.iter().any(|former| former.standby);
    let state = if !live.proven && stands_by { State::OnProbation } else { State::Live };
    let mut status = generation_status(lifecycle, clock, live, state);
    for platform in &live.claims.platforms {
        let server = served.get(platform.as_str());
        if server != Some(&live.name.id.as_str()) {
            status.serves.retain(|claim| claim != platform);
        }
        if server.is_none()
            && let Some(other) = lifecycle.host().platforms.get(platform)
        {
            status.notes.push(format!(
                "nobody serves the platform `{platform}`: the host's configuration gives it to `{other}` under \
                 [platforms], which does not serve it"
            ));
        }
    }
    status
}

fn state_of(former: &Former<Files>) -> State {
    match former {
        Former { ending: true, .. } => State::Ending,
        Former { standby: true, .. } => State::StandingBy,
        Former { .. } => State::Draining,
    }
}

fn generation_status(
    lifecycle: &Lifecycle<Files>,
    clock: Clock,
    served: &Served<Files>,
    state: State,
) -> GenerationStatus {
    let generation: &Generation = &served.version;
    let Survey { runs, record, .. } = generation.survey(clock.now());
    let serves = if generation.platforms.is_empty() { &generation.kinds } else { &generation.platforms };
    GenerationStatus {
        generation: served.name.generation,
        version: served.name.version.clone(),
        hash: served.name.hash.clone(),
        state,
        published_ms: lifecycle.wall_ms(served.published),
        serves: serves.clone(),
        runs,
        began: record.began,
        ended_well: record.ended_well,
        strikes: record.strikes,
        strikes_in_all: record.strikes_in_all,
        breaker: record.breaker.into(),
        refused_clients: record.refused_clients,
        last_strike: record.last_strike,
        notes: served.notes.clone(),
    }
}
