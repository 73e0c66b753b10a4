//! What became of sessions that are over, kept for a while for those who ask later.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hangar_aip::{Id, Outcome};
use jiff::Timestamp;

use super::feed::Shown;
use crate::config::SessionLimits;

/// Outcomes that are kept whatever their age and size allow.
const MOST: usize = 100_000;

/// A session that is over.
#[derive(Debug, Clone)]
pub struct Past {
    /// The session.
    pub id: Id,
    /// Its run, under whose name its journal lies.
    pub run_id: String,
    /// What it was called.
    pub task_name: String,
    /// What was asked for.
    pub request: String,
    /// The device that did it.
    pub executor: Id,
    /// What asked for it.
    pub requester_kind: &'static str,
    /// Who, if it was a client.
    pub requester: Option<Id>,
    /// When.
    pub created_at: Timestamp,
    /// When it was over.
    pub ended_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// How it stood then.
    pub shown: Shown,
}

impl Past {
    fn bytes(&self) -> usize {
        let result = self.outcome.result().map_or(0, |result| result.get().len());
        let feed: usize = self.shown.feed.iter().map(|item| item.text.len() + 64).sum();
        result + feed + self.request.len() + self.outcome.error().map_or(0, str::len) + 1_024
    }
}

/// The sessions that are over.
#[derive(Debug)]
pub(super) struct Results {
    kept: Mutex<Kept>,
    age: Duration,
    count: usize,
    bytes: usize,
}

#[derive(Debug, Default)]
struct Kept {
    by_id: HashMap<String, Arc<Past>>,
    by_name: HashMap<String, Arc<Past>>,
    /// The oldest first.
    in_order: VecDeque<Arc<Past>>,
    bytes: usize,
}

impl Results {
    pub fn new(limits: &SessionLimits) -> Self {
        let (age, count, bytes) = (limits.results_age, limits.results, limits.results_bytes);
        Self { kept: Mutex::default(), age, count, bytes }
    }

    /// Keeps one. Of several of the same name or id the newest is found.
    pub fn keep(&self, past: Past) {
        let past = Arc::new(past);
        let now = past.ended_at;
        let mut kept = self.kept();
        kept.bytes += past.bytes();
        kept.by_id.insert(past.id.to_string(), Arc::clone(&past));
        kept.by_name.insert(past.task_name.clone(), Arc::clone(&past));
        kept.in_order.push_back(past);
        while kept.in_order.front().is_some_and(|oldest| self.may_go(&kept, oldest, now)) {
            kept.drop_oldest();
        }
    }

    fn may_go(&self, kept: &Kept, oldest: &Past, now: Timestamp) -> bool {
        let age = Duration::try_from(now.duration_since(oldest.ended_at)).unwrap_or_default();
        let is_old = kept.in_order.len() > self.count && age > self.age;
        // The newest stays however large it is: somebody is about to ask for it.
        is_old || kept.in_order.len() > MOST || (kept.bytes > self.bytes && kept.in_order.len() > 1)
    }

    /// The newest session of this name, or else of this id.
    pub fn find(&self, name_or_id: &str) -> Option<Arc<Past>> {
        let kept = self.kept();
        kept.by_name.get(name_or_id).or_else(|| kept.by_id.get(name_or_id)).cloned()
    }

    /// The newest session of this id.
    pub fn get(&self, id: &str) -> Option<Arc<Past>> {
        self.kept().by_id.get(id).cloned()
    }

    /// The newest, so many of them at most.
    pub fn newest(&self, count: usize) -> Vec<Arc<Past>> {
        self.kept().in_order.iter().rev().take(count).cloned().collect()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn drop_oldest(&mut self) {
        let Some(oldest) = self.in_order.pop_front() else { return };
        self.bytes -= oldest.bytes();
        // A newer one may have taken its place.
        let is_it = |found: Option<&Arc<Past>>| found.is_some_and(|found| Arc::ptr_eq(found, &oldest));
        if is_it(self.by_id.get(&*oldest.id)) {
            self.by_id.remove(&*oldest.id);
        }
        if is_it(self.by_name.get(&oldest.task_name)) {
            self.by_name.remove(&oldest.task_name);
        }
    }
}

#[cfg(test)]
mod tests {
    use hangar_aip::Json;

    use super::*;

    fn past(id: &str, name: &str, second: i64, result: usize) -> Past {
        let at = Timestamp::from_second(second).unwrap();
        Past {
            id: Id::new(id).unwrap(),
            run_id: id.into(),
            task_name: name.into(),
            request: String::new(),
            executor: Id::new("d").unwrap(),
            requester_kind: "http",
            requester: None,
            created_at: at,
            ended_at: at,
            outcome: Outcome::Completed { result: Some(Json::text(&"x".repeat(result))) },
            shown: Shown::default(),
        }
    }

    fn results(count: usize, bytes: usize) -> Results {
        let limits = SessionLimits { results: count, results_bytes: bytes, ..SessionLimits::default() };
        Results::new(&limits)
    }

    #[test]
    fn the_newest_of_a_name_is_found_and_each_by_its_id() {
        let results = results(10, 1 << 20);
        results.keep(past("1", "n", 1, 0));
        results.keep(past("2", "n", 2, 0));
        assert_eq!(results.find("n").unwrap().id, "2");
        assert_eq!(results.find("1").unwrap().id, "1");
        assert!(results.find("3").is_none());
        assert_eq!(results.newest(1)[0].id, "2");
    }

    #[test]
    fn what_is_old_goes_but_not_the_last_so_many_nor_what_is_young() {
        let results = results(2, 1 << 20);
        for (id, second) in [("1", 0), ("2", 10), ("3", 20), ("4", 3_605)] {
            results.keep(past(id, id, second, 0));
        }
        assert!(results.get("1").is_none(), "it is older than an hour, and one too many");
        assert!(results.get("2").is_some(), "it is younger than an hour");
        results.keep(past("5", "5", 10_000, 0));
        results.keep(past("6", "6", 20_000, 0));
        assert!(results.get("4").is_none() && results.get("5").is_some(), "the last two stay however old");
    }

    #[test]
    fn what_takes_too_much_room_goes_but_not_the_newest() {
        let results = results(10, 4_000);
        results.keep(past("1", "n", 1, 1_000));
        results.keep(past("2", "n", 2, 10_000));
        assert!(results.get("1").is_none() && results.find("n").is_some());
        results.keep(past("3", "m", 3, 10));
        assert!(results.find("n").is_none());
        assert_eq!(results.kept().in_order.len(), 1);
    }
}
