//! How versions fare once they serve: probation, rollback, drain.

use super::{Effect, Health, Lifecycle, Plugin, World};
use crate::library::change::{BreakerWord, Change};
use crate::library::clock::Moment;
use crate::library::ledger::MarkKind;
use crate::library::service::Standing;

impl<W: World> Lifecycle<W> {
    pub(super) fn surveyed(&mut self, now: Moment, number: u64, health: Health) {
        let found = self.plugins.iter_mut().find_map(|(id, plugin)| Some((id.clone(), plugin.served(number)?)));
        let Some((id, served)) = found else { return };
        served.runs = health.runs;
        served.began = health.began;
        served.alarmed |= health.alarm.is_some();
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
        let at_ms = self.wall_ms(now);
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
        plugin.mark(&hash, MarkKind::Struck, why.clone(), at_ms);
        self.tell(Change::SetAside { version: name, why });
        self.effects.push(Effect::Remember);
        self.settle(id, now);
    }

    pub(super) fn end_probations(&mut self, now: Moment) {
        let timing = &self.timing;
        let over = |plugin: &Plugin<W>| {
            plugin.live.as_ref().is_some_and(|live| !live.proven && live.probation_is_over(now, timing))
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

    pub(super) fn end_drains(&mut self, now: Moment) {
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
    pub(super) fn let_go(&mut self, id: &str) {
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
}
