//! What the library decides: a machine without I/O, fed with what was seen, what came of work, and the time.
//!
//! It is level-triggered. Whatever it hears, it compares what is *wanted* of each plugin ([`Plugin::wanted`]) with what is
//! live, and asks for the next thing to be done about the difference. Nothing is withdrawn before its successor is
//! proven, and nothing is lost when a notice is: the next look at the directory shows the same.

mod debounce;
mod fortunes;
mod messages;
mod orders;
mod places;
mod plugin;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::library::change::Change;
use crate::library::clock::Moment;
use crate::library::examine::Rejection;
use crate::library::ledger::{Ledger, MarkKind};
use crate::library::timing::Timing;
use crate::manifest::{HostConfig, PluginConfig};

use debounce::{Debounce, Due};
pub(crate) use messages::{Claims, Effect, Examine, Health, Input, Proven, Reading, World};
pub use orders::{Order, OrderError};
pub(crate) use places::{Offer, Place};
pub(crate) use plugin::{Blocked, Exam, Former, Plugin, Served, Wanted};

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
            // Who is about to look anyway is not to wait for quiet anew.
            if !self.debounce.is_at_work() {
                self.debounce.stir(now, &self.timing);
            }
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
        let is_looking = self.debounce.is_at_work();
        self.has_looked
            && !is_looking
            && !self.is_reading()
            && self.plugins.values().all(|plugin| plugin.exam.is_none())
    }

    /// The plugins that are known.
    pub(crate) fn plugins(&self) -> &BTreeMap<String, Plugin<W>> {
        &self.plugins
    }

    /// The places in the directory.
    pub(crate) fn places(&self) -> &BTreeMap<String, Place<W>> {
        &self.places
    }

    /// The names of the places that are known, from before this process, too.
    pub(crate) fn known_places(&self) -> BTreeSet<String> {
        let of_plugins = self.plugins.values().filter_map(|plugin| plugin.place.as_ref());
        self.places.keys().chain(of_plugins).cloned().collect()
    }

    /// The host's configuration.
    pub(crate) fn host(&self) -> &HostConfig {
        &self.host
    }

    /// Why the directory cannot be read.
    pub(crate) fn unreadable(&self) -> Option<&str> {
        self.unreadable.as_deref()
    }

    /// The time on the wall at this moment, in ms since 1970.
    pub(crate) fn wall_ms(&self, moment: Moment) -> u64 {
        self.opened_ms.saturating_add(u64::try_from(moment.as_millis()).unwrap_or(u64::MAX))
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
            Err(why) => return self.cannot_look(now, why),
        };
        if self.unreadable.take().is_some() {
            self.tell(Change::Readable);
        }
        match which {
            None => {}
            Some(Due::First) => self.first_look = Some(seen),
            Some(Due::Second) => match self.first_look.take() {
                Some(first) => self.compare(now, &first, &seen),
                // The first look has failed, and one alone says nothing.
                None => self.debounce.stir(now, &self.timing),
            },
        }
    }

    /// From a directory that cannot be read nothing is concluded, least of all that it is empty. Nobody tells when it
    /// comes back, so it is looked for before long.
    fn cannot_look(&mut self, now: Moment, why: String) {
        self.first_look = None;
        self.rescan_at = self.rescan_at.min(now.saturating_add(self.timing.retry));
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

    fn tell(&mut self, change: Change) {
        self.effects.push(Effect::Tell(change));
    }
}

/// Whether a version that was examined under one configuration is the same under the other.
fn same_for_versions(one: &PluginConfig, other: &PluginConfig) -> bool {
    let part = |config: &PluginConfig| PluginConfig { enabled: true, pin: None, ..config.clone() };
    part(one) == part(other)
}
