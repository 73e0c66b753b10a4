//! Bringing about what is wanted of a plugin: examine, publish, withdraw.

use super::plugin::{GONE, Wanted};
use super::{Blocked, Claims, Effect, Exam, Examine, Former, Lifecycle, Proven, Served, World, same_for_versions};
use crate::library::change::{BreakerWord, Change, Phases, Stage, VersionName, Why};
use crate::library::clock::Moment;
use crate::library::examine::Rejection;
use crate::library::ledger::{MarkKind, Past};
use crate::library::service::Standing;
use crate::manifest::PluginConfig;

impl<W: World> Lifecycle<W> {
    /// Compares for each plugin what is wanted with what is.
    pub(super) fn settle_all(&mut self, now: Moment) {
        self.assign();
        let ids: Vec<String> = self.plugins.keys().cloned().collect();
        for id in ids {
            self.settle(&id, now);
        }
    }

    /// Somebody may have gone who was in the way of others.
    pub(super) fn settle_blocked(&mut self, now: Moment) {
        let blocked = self.plugins.iter().filter(|(_, plugin)| plugin.blocked.is_some());
        let ids: Vec<String> = blocked.map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.settle(&id, now);
        }
    }

    /// Compares what is wanted of this plugin with what is, and asks for the next step.
    pub(super) fn settle(&mut self, id: &str, now: Moment) {
        let Some(plugin) = self.plugins.get(id) else { return };
        let config = self.host.plugin(id);
        match plugin.wanted(&config, self.offer(plugin)) {
            // They may have been moved to a place that was not read yet.
            Wanted::Nothing(GONE) if self.is_reading() || !self.has_looked => {}
            Wanted::Nothing(why) => self.withdraw(id, why, now),
            // Whether the files there can be used shows when they were read for the first time, which is soon.
            Wanted::Version(_, Why::LastGood | Why::RolledBack) if self.is_about_to_be_known(plugin) => {}
            Wanted::AsIs => self.abandon(id),
            Wanted::Version(hash, why) => self.bring(id, &hash, why, config, now),
        }
    }

    fn bring(&mut self, id: &str, hash: &str, why: Why, config: PluginConfig, now: Moment) {
        let Some(plugin) = self.plugins.get(id) else { return };
        let fits = |served: &Served<W>| served.name.hash == hash && same_for_versions(&served.config, &config);
        if plugin.live.as_ref().is_some_and(fits) {
            return self.abandon(id);
        }
        let under_way = |exam: &Exam| exam.name.hash == hash && same_for_versions(&exam.config, &config);
        if plugin.exam.as_ref().is_some_and(under_way) || plugin.retry_at.is_some_and(|at| at > now) {
            return;
        }
        if let Some(blocked) = plugin.blocked.as_ref().filter(|blocked| blocked.hash == hash)
            && self.in_the_way(id, &blocked.claims, u64::MAX).is_some()
        {
            return;
        }
        match plugin.former.iter().position(|former| fits(&former.served) && former.served.may_come_back()) {
            Some(at) => self.republish(id, hash, at, why, now),
            None => self.examine(id, hash, why, config),
        }
    }

    /// A version that was examined and served before serves again at once.
    fn republish(&mut self, id: &str, hash: &str, at: usize, why: Why, now: Moment) {
        self.abandon(id);
        let Some(plugin) = self.plugins.get_mut(id) else { return };
        let claims = plugin.former.get(at).map(|former| former.served.claims.clone()).unwrap_or_default();
        if let Some(why) = self.in_the_way(id, &claims, 0) {
            return self.block(id, Blocked { hash: hash.to_owned(), claims, why });
        }
        let Some(plugin) = self.plugins.get_mut(id) else { return };
        let Former { served, .. } = plugin.former.remove(at);
        let component =
            plugin.memory.history.iter().find(|past| past.hash == served.name.hash).map(|past| past.component.clone());
        // Whether it had lasted or not: if not, its probation begins anew.
        let served = Served { published: now, ..served };
        self.publish(id, served, component.unwrap_or_default(), why, Phases::default(), now);
    }

    fn examine(&mut self, id: &str, hash: &str, why: Why, config: PluginConfig) {
        self.abandon(id);
        let Some(plugin) = self.plugins.get(id) else { return };
        let offer = self.offer(plugin).filter(|offer| offer.hash == hash).cloned();
        let place = plugin.place.clone().unwrap_or_default();
        let package = offer.as_ref().and_then(|_| self.package(&place));
        if offer.is_some() && package.is_none() {
            // Files are not kept in memory. Whatever they are by now, it goes on from there.
            if !self.will_be_read(&place) {
                self.ask_to_read(place);
            }
            return;
        }
        self.last_generation += 1;
        let number = self.last_generation;
        let Some(plugin) = self.plugins.get_mut(id) else { return };
        let version = match &offer {
            Some(offer) => offer.version.as_ref().map(ToString::to_string).unwrap_or_default(),
            None => plugin
                .memory
                .history
                .iter()
                .find(|past| past.hash == hash)
                .and_then(|past| past.version.clone())
                .unwrap_or_default(),
        };
        let name = VersionName { id: id.to_owned(), version, hash: hash.to_owned(), generation: number };
        let claims = offer.map(|offer| offer.claims).unwrap_or_default();
        let former = plugin.live.as_ref().map(|live| live.version.clone());
        plugin.retry_at = None;
        plugin.exam = Some(Exam { number, name, config: config.clone(), why, claims });
        let (id, hash) = (id.to_owned(), hash.to_owned());
        self.effects.push(Effect::Examine(Examine { number, id, hash, package, config, former }));
    }

    /// Nobody waits for what is being examined any more.
    fn abandon(&mut self, id: &str) {
        let Some(plugin) = self.plugins.get_mut(id) else { return };
        plugin.blocked = None;
        plugin.retry_at = None;
        if let Some(exam) = plugin.exam.take() {
            self.effects.push(Effect::Abandon(exam.number));
        }
    }

    pub(super) fn proven(&mut self, now: Moment, id: &str, exam: Exam, proven: Proven<W>) {
        let Proven { version, claims, notes, component, took } = proven;
        let Exam { number, name, config, why, .. } = exam;
        if let Some(other) = self.in_the_way(id, &claims, number) {
            return self.block(id, Blocked { hash: name.hash, claims, why: other });
        }
        let served = Served {
            version,
            name,
            claims,
            config,
            notes,
            published: now,
            proven: false,
            alarmed: false,
            runs: 0,
            began: 0,
            breaker: BreakerWord::Closed,
        };
        self.publish(id, served, component, why, took, now);
    }

    pub(super) fn rejected(&mut self, now: Moment, id: &str, exam: &Exam, rejection: Rejection) {
        let at_ms = self.wall_ms(now);
        let retry_at = now.saturating_add(self.timing.retry);
        let Some(plugin) = self.plugins.get_mut(id) else { return };
        let Rejection { stage, why, of_host } = rejection;
        if of_host {
            plugin.retry_at = Some(retry_at);
        } else {
            plugin.mark(&exam.name.hash, MarkKind::Rejected, why.clone(), at_ms);
        }
        let serving = plugin.live.as_ref().map(|live| live.name.clone());
        let place = plugin.place.clone().unwrap_or_default();
        self.tell(Change::Rejected { place, id: Some(id.to_owned()), stage, why, serving });
        self.settle(id, now);
    }

    fn publish(&mut self, id: &str, served: Served<W>, component: String, why: Why, took: Phases, now: Moment) {
        let published_ms = self.wall_ms(now);
        let Some(plugin) = self.plugins.get_mut(id) else { return };
        plugin.blocked = None;
        let VersionName { hash, version, .. } = served.name.clone();
        let version = Some(version).filter(|version| !version.is_empty());
        plugin.memory.remember(Past { hash, component, version, published_ms });
        let keep = plugin.memory.history.iter().map(|past| past.hash.clone()).collect();
        let (version, name, notes) = (served.version.clone(), served.name.clone(), served.notes.clone());
        let former = plugin.live.replace(served);
        let former_name = former.as_ref().map(|former| former.name.clone());
        let retired = former.as_ref().map(|former| former.version.clone());
        let on_probation = plugin.live.as_ref().is_some_and(|live| !live.proven);
        // Beside a version that has not lasted, the last one that has goes on standing by.
        let keeps_proven = on_probation && former.as_ref().is_some_and(|former| !former.proven);
        plugin.former.iter_mut().for_each(|former| former.standby &= keeps_proven && former.served.proven);
        if let Some(served) = former {
            let standby = on_probation && !plugin.memory.marks.contains_key(&served.name.hash);
            // Until somebody has counted, it may have runs.
            let served = Served { runs: served.runs.max(1), ..served };
            plugin.former.push(Former { served, retired: now, standby, ending: false });
        }
        self.effects.push(Effect::Stand(version, Standing::Live));
        self.effects.push(Effect::Publish);
        self.effects.extend(retired.map(|retired| Effect::Stand(retired, Standing::Draining)));
        self.effects.push(Effect::Forget { id: id.to_owned(), keep });
        self.effects.push(Effect::Remember);
        self.tell(Change::Published { version: name, former: former_name, why, notes, took });
        self.let_go(id);
    }

    fn withdraw(&mut self, id: &str, why: &'static str, now: Moment) {
        self.abandon(id);
        let Some(plugin) = self.plugins.get_mut(id) else { return };
        let live = plugin.live.take();
        if why == GONE && !(plugin.memory.history.is_empty() && plugin.memory.marks.is_empty()) {
            // Whoever puts it there again means it, and nothing that was learned holds any more.
            plugin.memory.history.clear();
            plugin.memory.marks.clear();
            self.effects.push(Effect::Forget { id: id.to_owned(), keep: Vec::new() });
            self.effects.push(Effect::Remember);
        }
        let Some(plugin) = self.plugins.get_mut(id) else { return };
        plugin.former.iter_mut().for_each(|former| former.standby = false);
        if let Some(served) = live {
            let (version, name) = (served.version.clone(), served.name.clone());
            let served = Served { runs: served.runs.max(1), ..served };
            plugin.former.push(Former { served, retired: now, standby: false, ending: false });
            self.effects.push(Effect::Publish);
            self.effects.push(Effect::Stand(version, Standing::Draining));
            self.tell(Change::Withdrawn { version: name, why: why.to_owned() });
        }
        self.let_go(id);
    }

    fn block(&mut self, id: &str, blocked: Blocked) {
        let Some(plugin) = self.plugins.get_mut(id) else { return };
        let why = blocked.why.clone();
        let known = plugin.blocked.replace(blocked);
        let serving = plugin.live.as_ref().map(|live| live.name.clone());
        let place = plugin.place.clone().unwrap_or_default();
        if known.is_none_or(|known| known.why != why) {
            self.tell(Change::Rejected { place, id: Some(id.to_owned()), stage: Stage::Conflict, why, serving });
        }
    }

    /// What keeps a plugin from having what it claims: another one that has it, or that asked for it earlier.
    fn in_the_way(&self, id: &str, claims: &Claims, number: u64) -> Option<String> {
        for (other, plugin) in self.plugins.iter().filter(|(other, _)| *other != id) {
            let earlier = plugin.exam.as_ref().filter(|exam| exam.number < number).map(|exam| &exam.claims);
            for theirs in plugin.live.as_ref().map(|live| &live.claims).into_iter().chain(earlier) {
                if let Some(what) = self.overlap(claims, theirs) {
                    return Some(conflict(&what, other));
                }
            }
        }
        None
    }

    /// What both want to have for themselves and the host's configuration does not decide.
    fn overlap(&self, ours: &Claims, theirs: &Claims) -> Option<Contested> {
        let undecided = |platform: &&String| !self.host.platforms.contains_key(*platform);
        let platform = ours.platforms.iter().filter(undecided).find(|platform| theirs.platforms.contains(platform));
        let kind = ours.kinds.iter().find(|kind| theirs.kinds.contains(kind));
        platform.cloned().map(Contested::Platform).or(kind.cloned().map(Contested::Kind))
    }

    /// The plugin that serves each platform.
    pub(crate) fn served(&self) -> impl Iterator<Item = (&str, &Served<W>)> {
        let mut live: Vec<&Served<W>> = self.plugins.values().filter_map(|plugin| plugin.live.as_ref()).collect();
        // Should two of them claim one after all, because the configuration has changed, it stays with the one that was first.
        live.sort_by_key(|served| std::cmp::Reverse((served.published, served.name.generation)));
        let claims = live
            .into_iter()
            .flat_map(|served| served.claims.platforms.iter().map(move |claim| (claim.as_str(), served)));
        claims.filter(|(platform, served)| self.host.platforms.get(*platform).is_none_or(|id| *id == served.name.id))
    }
}

enum Contested {
    Platform(String),
    Kind(String),
}

fn conflict(what: &Contested, other: &str) -> String {
    match what {
        Contested::Platform(platform) => format!(
            "the platform `{platform}` is claimed by the plugin `{other}`. Say in the host's configuration which of the two \
             serves it, with `{platform} = \"{other}\"` under [platforms], or take it out of one of the manifests"
        ),
        Contested::Kind(kind) => format!(
            "messages of the kind `{kind}` are answered by the plugin `{other}` alone. Give one of the two another `mode`, \
             or disable it in the host's configuration"
        ),
    }
}
