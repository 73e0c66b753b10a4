//! What the library decides: a machine without I/O, fed with what was seen, what came of work, and the time.
//!
//! It is level-triggered. Whatever it hears, it compares what is *wanted* of each plugin ([`Plugin::wanted`]) with what is
//! live, and asks for the next thing to be done about the difference. Nothing is withdrawn before its successor is
//! proven, and nothing is lost when a notice is: the next look at the directory shows the same.

mod debounce;
mod orders;
mod places;
mod plugin;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::library::change::{BreakerWord, Change, Phases};
use crate::library::clock::Moment;
use crate::library::examine::Rejection;
use crate::library::ledger::{Ledger, MarkKind};
use crate::library::service::Standing;
use crate::library::timing::Timing;
use crate::manifest::{HostConfig, PluginConfig};

use debounce::{Debounce, Due};
pub use orders::{Order, OrderError};
pub(crate) use places::{Offer, Place};
pub(crate) use plugin::{Blocked, Exam, Former, Plugin, Served};

/// What the machine moves about without looking inside.
pub(crate) trait World {
    /// What a place looks like from outside; equal if nothing has changed.
    type Fingerprint: Clone + PartialEq;
    /// The files of one version.
    type Package: Clone;
    /// A version that was examined and can serve.
    type Version: Clone;
}

/// What the machine is told.
pub(crate) enum Input<W: World> {
    /// Something may have changed in the directory.
    Stirred,
    /// A look is over.
    Looked(Result<BTreeMap<String, W::Fingerprint>, String>),
    /// The files of a place were read.
    Read {
        /// The place.
        place: String,
        /// The number of the effect that asked for it.
        number: u64,
        /// What came of it.
        reading: Reading<W>,
    },
    /// A version was examined.
    Examined {
        /// The number of the effect that asked for it.
        number: u64,
        /// What came of it.
        outcome: Result<Proven<W>, Rejection>,
    },
    /// How a version fares that is or was live.
    Surveyed {
        /// Its number.
        number: u64,
        /// How it fares.
        health: Health,
    },
    /// The host's configuration is another one.
    Configured(Box<HostConfig>),
}

/// What came of reading a place.
pub(crate) enum Reading<W: World> {
    /// It changed meanwhile.
    Unsteady,
    /// It stood still.
    Steady {
        /// What it looked like; none if a later change might not show in it.
        fingerprint: Option<W::Fingerprint>,
        /// What is in it, or what is wrong with it.
        content: Result<(Offer, W::Package), String>,
    },
}

/// A version that may be published.
pub(crate) struct Proven<W: World> {
    /// The version.
    pub(crate) version: W::Version,
    /// What it wants to serve.
    pub(crate) claims: Claims,
    /// What an operator should know.
    pub(crate) notes: Vec<String>,
    /// The hash of its component alone, by which journals name it.
    pub(crate) component: String,
    /// How long it took.
    pub(crate) took: Phases,
}

/// What a plugin wants to have for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The platforms whose runs it drives.
    pub(crate) platforms: Vec<String>,
    /// The kinds of messages that nobody else answers.
    pub(crate) kinds: Vec<String>,
}

/// How a version fares.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    /// Runs that are on it now.
    pub(crate) runs: usize,
    /// Runs that ever began on it.
    pub(crate) began: u64,
    /// What its breaker does.
    pub(crate) breaker: BreakerWord,
    /// Why it should not be the one in service.
    pub(crate) alarm: Option<String>,
}

/// What is to be done.
pub(crate) enum Effect<W: World> {
    /// Look at the directory; answered by [`Input::Looked`].
    Look,
    /// Read the files of this place; answered by [`Input::Read`].
    Read {
        /// The place.
        place: String,
        /// To be given back.
        number: u64,
    },
    /// Find out whether this version can serve; answered by [`Input::Examined`].
    Examine(Examine<W>),
    /// Nobody waits for this examination any more.
    Abandon(u64),
    /// What is live has changed: see [`Lifecycle::plugins`] and [`Lifecycle::served`].
    Publish,
    /// Tell this version how it stands.
    Stand(W::Version, Standing),
    /// Of the former versions of this plugin only these are needed.
    Forget {
        /// The plugin.
        id: String,
        /// Their hashes.
        keep: Vec<String>,
    },
    /// Write down what must outlast the process: see [`Lifecycle::ledger`].
    Remember,
    /// Something happened.
    Tell(Change),
}

/// An examination that is asked for.
pub(crate) struct Examine<W: World> {
    /// The number of the generation that it will be.
    pub(crate) number: u64,
    /// The plugin.
    pub(crate) id: String,
    /// The hash of the version.
    pub(crate) hash: String,
    /// Its files; none if they are to be taken from the archive.
    pub(crate) package: Option<W::Package>,
    /// What the host's configuration says of it.
    pub(crate) config: PluginConfig,
    /// The version that it is to follow.
    pub(crate) former: Option<W::Version>,
}

/// The machine.
pub(crate) struct Lifecycle<W: World> {
    timing: Timing,
    host: HostConfig,
    /// The time on the wall when the clock started, in ms.
    opened_ms: u64,
    debounce: Debounce,
    rescan_at: Moment,
    /// What the first of two looks has shown.
    first_look: Option<BTreeMap<String, W::Fingerprint>>,
    /// Why the directory cannot be read.
    unreadable: Option<String>,
    /// Whether the directory was ever seen whole.
    has_looked: bool,
    places: BTreeMap<String, Place<W>>,
    plugins: BTreeMap<String, Plugin<W>>,
    last_read: u64,
    last_generation: u64,
    effects: Vec<Effect<W>>,
}

impl<W: World> Lifecycle<W> {
    /// A machine that is about to look for the first time, with what was remembered.
    pub(crate) fn new(timing: Timing, host: HostConfig, ledger: Ledger, opened_ms: u64) -> Self {
        Self {
            debounce: Debounce::eager(Moment::ZERO),
            rescan_at: timing.rescan,
            plugins: ledger.plugins.into_iter().map(|(id, entry)| (id, Plugin::remembered(entry))).collect(),
            timing,
            host,
            opened_ms,
            first_look: None,
            unreadable: None,
            has_looked: false,
            places: BTreeMap::new(),
            last_read: 0,
            last_generation: 0,
            effects: Vec::new(),
        }
    }

    /// Takes in what was heard and says what is to be done.
    pub(crate) fn hear(&mut self, now: Moment, input: Input<W>) -> Vec<Effect<W>> {
        match input {
            Input::Stirred => self.debounce.stir(now, &self.timing),
            Input::Looked(seen) => self.looked(now, seen),
            Input::Read { place, number, reading } => self.read(now, &place, number, reading),
            Input::Examined { number, outcome } => self.examined(now, number, outcome),
            Input::Surveyed { number, health } => self.surveyed(now, number, health),
            Input::Configured(host) => self.configured(now, *host),
        }
        self.tick(now)
    }

    /// Does what is due, and says what is to be done.
    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Effect<W>> {
        if now >= self.rescan_at {
            self.rescan_at = now.saturating_add(self.timing.rescan);
            self.debounce.stir(now, &self.timing);
        }
        if self.debounce.begin(now).is_some() {
            self.effects.push(Effect::Look);
        }
        self.end_probations(now);
        self.end_drains(now);
        let due = |plugin: &Plugin<W>| plugin.retry_at.is_some_and(|at| at <= now);
        let due: Vec<String> =
            self.plugins.iter().filter(|(_, plugin)| due(plugin)).map(|(id, _)| id.clone()).collect();
        for id in due {
            if let Some(plugin) = self.plugins.get_mut(&id) {
                plugin.retry_at = None;
            }
            self.settle(&id, now);
        }
        self.settle_blocked(now);
        std::mem::take(&mut self.effects)
    }

    /// When to call [`Lifecycle::tick`] next.
    pub(crate) fn next(&self) -> Moment {
        let look = self.debounce.next();
        let plugins = self.plugins.values().filter_map(|plugin| plugin.next(&self.timing));
        look.into_iter().chain(plugins).fold(self.rescan_at, Ord::min)
    }

    /// Whether the directory was seen whole and nothing is under way.
    pub(crate) fn is_settled(&self) -> bool {
        self.has_looked && !self.is_reading() && self.plugins.values().all(|plugin| plugin.exam.is_none())
    }

    /// The plugins that are known.
    pub(crate) fn plugins(&self) -> &BTreeMap<String, Plugin<W>> {
        &self.plugins
    }

    /// The places in the directory.
    pub(crate) fn places(&self) -> &BTreeMap<String, Place<W>> {
        &self.places
    }

    /// The host's configuration.
    pub(crate) fn host(&self) -> &HostConfig {
        &self.host
    }

    /// Why the directory cannot be read.
    pub(crate) fn unreadable(&self) -> Option<&str> {
        self.unreadable.as_deref()
    }

    /// What must outlast the process.
    pub(crate) fn ledger(&self) -> Ledger {
        let entries = self.plugins.iter().filter_map(|(id, plugin)| Some((id.clone(), plugin.to_remember()?)));
        Ledger { plugins: entries.collect(), ..Ledger::default() }
    }

    /// What `wanted` looks at: the offer in the plugin's place.
    pub(crate) fn offer(&self, plugin: &Plugin<W>) -> Option<&Offer> {
        self.places.get(plugin.place.as_ref()?)?.offer()
    }

    fn looked(&mut self, now: Moment, seen: Result<BTreeMap<String, W::Fingerprint>, String>) {
        let which = self.debounce.end(now, &self.timing);
        let seen = match seen {
            Ok(seen) => seen,
            Err(why) => return self.cannot_look(why),
        };
        if self.unreadable.take().is_some() {
            self.tell(Change::Readable);
        }
        match which {
            None => {}
            Some(Due::First) => self.first_look = Some(seen),
            Some(Due::Second) => {
                let first = self.first_look.take().unwrap_or_default();
                self.compare(now, &first, &seen);
            }
        }
    }

    /// From a directory that cannot be read nothing is concluded, least of all that it is empty.
    fn cannot_look(&mut self, why: String) {
        self.first_look = None;
        if self.unreadable.as_ref() != Some(&why) {
            self.tell(Change::Unreadable { why: why.clone() });
        }
        self.unreadable = Some(why);
    }

    fn examined(&mut self, now: Moment, number: u64, outcome: Result<Proven<W>, Rejection>) {
        let waits = |plugin: &Plugin<W>| plugin.exam.as_ref().is_some_and(|exam| exam.number == number);
        // Otherwise newer files have come meanwhile, and nobody waits for this any more.
        let Some((id, exam)) = self
            .plugins
            .iter_mut()
            .find(|(_, plugin)| waits(plugin))
            .and_then(|(id, plugin)| Some((id.clone(), plugin.exam.take()?)))
        else {
            return;
        };
        match outcome {
            Ok(proven) => self.proven(now, &id, exam, proven),
            Err(rejected) => self.rejected(now, &id, &exam, rejected),
        }
    }

    fn surveyed(&mut self, now: Moment, number: u64, health: Health) {
        let found = self.plugins.iter_mut().find_map(|(id, plugin)| Some((id.clone(), plugin.served(number)?)));
        let Some((id, served)) = found else { return };
        served.runs = health.runs;
        served.began = health.began;
        if served.breaker != health.breaker {
            served.breaker = health.breaker;
            let why = health.alarm.clone().filter(|_| health.breaker == BreakerWord::Open).unwrap_or_default();
            let version = served.name.clone();
            self.tell(Change::Breaker { version, state: health.breaker, why });
        }
        if let Some(why) = health.alarm {
            self.alarmed(now, &id, number, why);
        }
        self.let_go(&id);
    }

    /// A version on probation that goes wrong makes room for one that did not.
    fn alarmed(&mut self, now: Moment, id: &str, number: u64, why: String) {
        let Some(plugin) = self.plugins.get_mut(id) else { return };
        let Some(live) = plugin.live.as_ref().filter(|live| live.name.generation == number && !live.proven) else {
            return;
        };
        let is_pinned = self.host.plugin(id).pin.is_some() || plugin.memory.pin.is_some();
        let (name, hash) = (live.name.clone(), live.name.hash.clone());
        let has_other = plugin.memory.history.iter().any(|past| past.hash != hash && !plugin.is_marked(&past.hash));
        if is_pinned || !has_other || plugin.is_marked(&hash) {
            return;
        }
        plugin.mark(&hash, MarkKind::Struck, why.clone(), self.opened_ms + ms(now));
        self.tell(Change::SetAside { version: name, why });
        self.effects.push(Effect::Remember);
        self.settle(id, now);
    }

    fn configured(&mut self, now: Moment, host: HostConfig) {
        let before = std::mem::replace(&mut self.host, host);
        for (id, plugin) in &mut self.plugins {
            if !same_for_versions(&before.plugin(id), &self.host.plugin(id)) {
                // What was wrong may have been the configuration.
                plugin.memory.marks.retain(|_, mark| mark.kind != MarkKind::Rejected);
                plugin.blocked = None;
            }
        }
        self.settle_all(now);
        if before.platforms != self.host.platforms {
            self.effects.push(Effect::Publish);
        }
    }

    fn end_probations(&mut self, now: Moment) {
        let timing = self.timing.clone();
        let over = |plugin: &Plugin<W>| {
            plugin.live.as_ref().is_some_and(|live| !live.proven && live.probation_is_over(now, &timing))
        };
        let ids: Vec<String> =
            self.plugins.iter().filter(|(_, plugin)| over(plugin)).map(|(id, _)| id.clone()).collect();
        for id in ids {
            let Some(plugin) = self.plugins.get_mut(&id) else { continue };
            let stood_by = plugin.former.iter().any(|former| former.standby);
            plugin.former.iter_mut().for_each(|former| former.standby = false);
            let Some(live) = &mut plugin.live else { continue };
            live.proven = true;
            let version = live.name.clone();
            if stood_by {
                self.tell(Change::Proven { version });
            }
            self.let_go(&id);
        }
    }

    fn end_drains(&mut self, now: Moment) {
        let drain = self.timing.drain;
        let mut overdue = Vec::new();
        for former in self.plugins.values_mut().flat_map(|plugin| &mut plugin.former) {
            if former.served.runs > 0 && !former.ending && now >= former.retired.saturating_add(drain) {
                former.ending = true;
                overdue.push((former.served.version.clone(), former.served.name.clone(), former.served.runs));
            }
        }
        for (version, name, runs) in overdue {
            self.effects.push(Effect::Stand(version, Standing::Ending));
            self.tell(Change::Overdue { version: name, runs });
        }
    }

    /// Drops the former versions that nobody needs.
    fn let_go(&mut self, id: &str) {
        let Some(plugin) = self.plugins.get_mut(id) else { return };
        let (kept, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut plugin.former).into_iter().partition(|former| former.standby || former.served.runs > 0);
        plugin.former = kept;
        if plugin.is_nothing() {
            self.plugins.remove(id);
        }
        for former in gone {
            self.tell(Change::Drained { version: former.served.name });
        }
    }

    fn tell(&mut self, change: Change) {
        self.effects.push(Effect::Tell(change));
    }
}

/// Whether a version that was examined under one configuration is the same under the other.
fn same_for_versions(one: &PluginConfig, other: &PluginConfig) -> bool {
    let part = |config: &PluginConfig| PluginConfig { enabled: true, pin: None, ..config.clone() };
    part(one) == part(other)
}

fn ms(moment: Moment) -> u64 {
    u64::try_from(moment.as_millis()).unwrap_or(u64::MAX)
}
