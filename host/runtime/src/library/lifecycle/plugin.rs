//! What is known of one plugin: the version that serves, those that served, and which one is wanted.

use super::{Claims, Offer, World};
use crate::library::change::{BreakerWord, VersionName, Why};
use crate::library::clock::Moment;
use crate::library::ledger::{Entry, Mark, MarkKind};
use crate::library::timing::Timing;
use crate::manifest::PluginConfig;

/// One plugin, by its id.
pub(crate) struct Plugin<W: World> {
    /// Where its files lie; none once they are gone.
    pub(crate) place: Option<String>,
    /// The version that serves.
    pub(crate) live: Option<Served<W>>,
    /// Versions that served: runs are on them still, or they stand by to take over again.
    pub(crate) former: Vec<Former<W>>,
    /// The version that is being examined.
    pub(crate) exam: Option<Exam>,
    /// A version that is good and cannot serve because of another plugin.
    pub(crate) blocked: Option<Blocked>,
    /// Versions that served, versions that are not tried again, and what was ordered by hand.
    pub(crate) memory: Entry,
    /// When something is tried again for which the host had no room.
    pub(crate) retry_at: Option<Moment>,
}

/// A version that serves or served.
pub(crate) struct Served<W: World> {
    /// The version.
    pub(crate) version: W::Version,
    /// Its name.
    pub(crate) name: VersionName,
    /// What it wants to serve.
    pub(crate) claims: Claims,
    /// The configuration that it was examined under.
    pub(crate) config: PluginConfig,
    /// What an operator should know.
    pub(crate) notes: Vec<String>,
    /// When it began to serve.
    pub(crate) published: Moment,
    /// Its probation is over.
    pub(crate) proven: bool,
    /// It should not be the one in service, by what its runs have come to.
    pub(crate) alarmed: bool,
    /// Runs that are on it; as long as nobody has counted, one is assumed.
    pub(crate) runs: usize,
    /// Runs that ever began on it.
    pub(crate) began: u64,
    /// What its breaker does.
    pub(crate) breaker: BreakerWord,
}

/// A version that served.
pub(crate) struct Former<W: World> {
    /// The version.
    pub(crate) served: Served<W>,
    /// When it served no more.
    pub(crate) retired: Moment,
    /// Its successor is on probation.
    pub(crate) standby: bool,
    /// Its runs were told to end.
    pub(crate) ending: bool,
}

/// A version that is being examined.
pub(crate) struct Exam {
    /// The number of the effect that asked for it, and of the generation that it will be.
    pub(crate) number: u64,
    /// The name it will have.
    pub(crate) name: VersionName,
    /// The configuration that it is examined under.
    pub(crate) config: PluginConfig,
    /// Why it is to serve.
    pub(crate) why: Why,
    /// What it wants to serve, as far as that is known.
    pub(crate) claims: Claims,
}

/// A version that cannot serve because of another plugin.
pub(crate) struct Blocked {
    /// Its hash.
    pub(crate) hash: String,
    /// What it wants to serve.
    pub(crate) claims: Claims,
    /// Who is in its way.
    pub(crate) why: String,
}

/// What should be live of a plugin.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Nothing, and why.
    Nothing(&'static str),
    /// This version.
    Version(String, Why),
    /// What is: there is nothing better.
    AsIs,
}

/// The reason by which files that are gone are told from those that may not serve.
pub(super) const GONE: &str = "its files are gone";

impl<W: World> Plugin<W> {
    /// A plugin as it was when the process ended before this one.
    pub(super) fn remembered(entry: Entry) -> Self {
        let place = Some(entry.place.clone()).filter(|place| !place.is_empty());
        Self { place, memory: entry, ..Self::default() }
    }

    /// What must outlast the process. What was rejected is looked at again: the host may be another one then.
    pub(super) fn to_remember(&self) -> Option<Entry> {
        let mut entry = Entry { place: self.place.clone().unwrap_or_default(), ..self.memory.clone() };
        entry.marks.retain(|_, mark| mark.kind != MarkKind::Rejected);
        let is_empty = entry.history.is_empty() && entry.marks.is_empty() && entry.pin.is_none() && !entry.disabled;
        (!is_empty).then_some(entry)
    }

    /// What should be live.
    pub(crate) fn wanted(&self, config: &PluginConfig, offer: Option<&Offer>) -> Wanted {
        if self.place.is_none() {
            return Wanted::Nothing(GONE);
        }
        if !config.enabled {
            return Wanted::Nothing("the host's configuration says `enabled = false`");
        }
        if self.memory.disabled {
            return Wanted::Nothing("somebody has disabled it");
        }
        if let Some(pin) = config.pin.as_ref().or(self.memory.pin.as_ref()) {
            return match self.resolve(pin, offer) {
                Some(hash) if !self.is_rejected(&hash) => Wanted::Version(hash, Why::Pinned),
                _ => Wanted::AsIs,
            };
        }
        if let Some(offer) = offer.filter(|offer| !self.is_marked(&offer.hash)) {
            return Wanted::Version(offer.hash.clone(), Why::Files);
        }
        // What lies there cannot be used. Then what serves is best, unless it was set aside itself.
        if let Some(live) = self.live.as_ref().filter(|live| !self.is_set_aside(&live.name.hash)) {
            let hash = live.name.hash.clone();
            return if self.is_rejected(&hash) { Wanted::AsIs } else { Wanted::Version(hash, Why::Configured) };
        }
        let was_set_aside = self.memory.marks.values().any(|mark| mark.kind != MarkKind::Rejected);
        let why = if was_set_aside { Why::RolledBack } else { Why::LastGood };
        let last_good = self.memory.history.iter().find(|past| !self.is_marked(&past.hash));
        last_good.map_or(Wanted::AsIs, |past| Wanted::Version(past.hash.clone(), why))
    }

    /// The version that a pin means.
    pub(super) fn resolve(&self, pin: &str, offer: Option<&Offer>) -> Option<String> {
        let offered = offer.map(|offer| &offer.hash);
        let live = self.live.as_ref().map(|live| &live.name.hash);
        let known = offered.into_iter().chain(live).chain(self.memory.history.iter().map(|past| &past.hash));
        known.into_iter().find(|hash| hash.starts_with(pin)).cloned()
    }

    /// Whether this version is not tried again.
    pub(crate) fn is_marked(&self, hash: &str) -> bool {
        self.memory.marks.contains_key(hash)
    }

    fn is_rejected(&self, hash: &str) -> bool {
        self.memory.marks.get(hash).is_some_and(|mark| mark.kind == MarkKind::Rejected)
    }

    fn is_set_aside(&self, hash: &str) -> bool {
        self.is_marked(hash) && !self.is_rejected(hash)
    }

    /// Sees to it that a version is not tried again.
    pub(super) fn mark(&mut self, hash: &str, kind: MarkKind, why: String, at_ms: u64) {
        self.memory.mark(hash.to_owned(), Mark { kind, why, at_ms });
    }

    /// The version of this number, if it serves or served.
    pub(super) fn served(&mut self, number: u64) -> Option<&mut Served<W>> {
        let former = self.former.iter_mut().map(|former| &mut former.served);
        self.live.iter_mut().chain(former).find(|served| served.name.generation == number)
    }

    /// Nothing is known of it that anybody needs.
    pub(super) fn is_nothing(&self) -> bool {
        let is_idle = self.live.is_none() && self.former.is_empty() && self.exam.is_none() && self.place.is_none();
        is_idle && self.to_remember().is_none()
    }

    /// Why the version of this hash does not serve.
    pub(crate) fn obstacle(&self, hash: &str) -> Option<&str> {
        let blocked = self.blocked.as_ref().filter(|blocked| blocked.hash == hash).map(|blocked| blocked.why.as_str());
        blocked.or_else(|| Some(self.memory.marks.get(hash)?.why.as_str()))
    }

    /// When something becomes due.
    pub(super) fn next(&self, timing: &Timing) -> Option<Moment> {
        let probation = self.live.as_ref().filter(|live| !live.proven).map(|live| live.probation_ends(timing));
        let waits = |former: &&Former<W>| former.served.runs > 0 && !former.ending;
        let drains = self.former.iter().filter(waits).map(|former| former.retired.saturating_add(timing.drain));
        probation.into_iter().chain(drains).chain(self.retry_at).min()
    }
}

impl<W: World> Served<W> {
    /// Whether it can serve again as it is. Of one that failed before it had lasted, nothing is to be taken over.
    pub(super) fn may_come_back(&self) -> bool {
        self.proven || !self.alarmed
    }

    /// When to see whether its probation is over.
    fn probation_ends(&self, timing: &Timing) -> Moment {
        let has_run = self.began >= timing.probation_runs;
        let lasts = if has_run { timing.probation } else { timing.probation.max(timing.drain) };
        self.published.saturating_add(lasts)
    }

    /// Whether it has lasted.
    pub(super) fn probation_is_over(&self, now: Moment, timing: &Timing) -> bool {
        now >= self.probation_ends(timing)
    }
}

impl<W: World> Default for Plugin<W> {
    fn default() -> Self {
        Self {
            place: None,
            live: None,
            former: Vec::new(),
            exam: None,
            blocked: None,
            memory: Entry::default(),
            retry_at: None,
        }
    }
}
