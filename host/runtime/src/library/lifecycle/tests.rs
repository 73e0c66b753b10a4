//! The machine against a made-up directory: file events, results and clock ticks in any order.

mod examples;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::library::change::{BreakerWord, Phases, Stage, VersionName};

/// A directory and work that exist only in numbers.
struct Numbers;

impl World for Numbers {
    type Fingerprint = u64;
    type Package = File;
    type Version = (String, u32);
}

/// What lies in a place.
#[derive(Debug, Clone, PartialEq)]
struct File {
    /// The plugin that it is; none if it cannot be read.
    id: Option<&'static str>,
    /// Which of its builds it is.
    build: u32,
    /// Whether the build is any good.
    good: bool,
    /// Changes with every write.
    fingerprint: u64,
}

impl File {
    fn hash(&self) -> String {
        format!("{}-{}-{}", self.id.unwrap_or_default(), self.build, self.good)
    }

    /// Some builds want a platform that others want too.
    fn claims(&self) -> Claims {
        let platforms = if self.build.is_multiple_of(4) { vec!["shared".to_owned()] } else { Vec::new() };
        Claims { platforms, kinds: Vec::new() }
    }
}

const PLACES: [&str; 4] = ["a", "b", "c", "d"];
const IDS: [&str; 3] = ["x", "y", "z"];

#[derive(Debug, Clone)]
enum Op {
    Write {
        place: usize,
        id: usize,
        build: u32,
        good: bool,
    },
    Garble(usize),
    Remove(usize),
    Rename(usize, usize),
    /// Brings one of the results that are under way, whichever.
    Deliver(usize),
    /// Somebody wrote while it was read.
    Disturb(usize),
    /// The host has no room.
    NoRoom(usize),
    Wait(u64),
    Alarm(usize),
    Rollback(usize),
    Drain(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let place = 0..PLACES.len();
    let id = 0..IDS.len();
    prop_oneof![
        6 => (place.clone(), id.clone(), 0..6_u32, proptest::bool::weighted(0.7))
            .prop_map(|(place, id, build, good)| Op::Write { place, id, build, good }),
        1 => place.clone().prop_map(Op::Garble),
        2 => place.clone().prop_map(Op::Remove),
        2 => (place.clone(), place.clone()).prop_map(|(from, to)| Op::Rename(from, to)),
        12 => any::<usize>().prop_map(Op::Deliver),
        1 => any::<usize>().prop_map(Op::Disturb),
        1 => any::<usize>().prop_map(Op::NoRoom),
        10 => (1..400_u64).prop_map(Op::Wait),
        1 => (2_000..70_000_u64).prop_map(Op::Wait),
        1 => id.clone().prop_map(Op::Alarm),
        1 => id.clone().prop_map(Op::Rollback),
        2 => id.prop_map(Op::Drain),
    ]
}

/// What is under way.
enum Work {
    Look,
    Read { place: String, number: u64 },
    Examine(Box<Examine<Numbers>>),
}

struct Sim {
    machine: Lifecycle<Numbers>,
    now: Moment,
    files: BTreeMap<&'static str, File>,
    work: Vec<Work>,
    archive: BTreeMap<String, File>,
    writes: u64,
    /// What the last two looks have shown.
    looks: [BTreeSet<String>; 2],
    /// The generations that were found good, with their hashes.
    proven: BTreeMap<u64, String>,
    /// The examinations that nobody waits for any more.
    abandoned: BTreeSet<u64>,
}

impl Sim {
    fn new() -> Self {
        let machine = Lifecycle::new(Timing::default(), HostConfig::default(), Ledger::default(), 0);
        let (files, work, archive, looks, proven, abandoned) = Default::default();
        let now = Moment::ZERO;
        let mut sim = Self { machine, now, files, work, archive, writes: 0, looks, proven, abandoned };
        let effects = sim.machine.tick(sim.now);
        sim.carry_out(effects);
        sim
    }

    fn live(&self) -> BTreeMap<String, VersionName> {
        let live = self.machine.plugins().iter();
        live.filter_map(|(id, plugin)| Some((id.clone(), plugin.live.as_ref()?.name.clone()))).collect()
    }

    fn hear(&mut self, input: Input<Numbers>) {
        let before: BTreeMap<String, Option<String>> =
            self.machine.plugins().iter().map(|(id, plugin)| (id.clone(), plugin.place.clone())).collect();
        let live = self.live();
        let effects = self.machine.hear(self.now, input);
        self.check_withdrawals(&before, &live);
        self.carry_out(effects);
    }

    fn tick(&mut self) {
        let live = self.live();
        let effects = self.machine.tick(self.now);
        self.check_withdrawals(&BTreeMap::new(), &live);
        self.carry_out(effects);
    }

    /// Whatever is withdrawn was twice seen to be gone, and whatever serves was found good while it was waited for.
    fn check_withdrawals(&self, places: &BTreeMap<String, Option<String>>, before: &BTreeMap<String, VersionName>) {
        let after = self.live();
        for id in before.keys().filter(|id| !after.contains_key(*id)) {
            let place = places.get(id).cloned().flatten();
            let was_there = |place: &String| self.looks.iter().any(|look| look.contains(place));
            assert!(!place.as_ref().is_some_and(was_there), "{id} was withdrawn and was there");
        }
        for (id, live) in after.iter().filter(|(id, live)| before.get(*id) != Some(live)) {
            let number = live.generation;
            assert_eq!(self.proven.get(&number), Some(&live.hash), "{id} serves and was never found good");
            assert!(!self.abandoned.contains(&number), "{id} serves as nobody wants it any more");
            let plugin = self.machine.plugins().get(id);
            assert!(plugin.is_some_and(|plugin| !plugin.is_marked(&live.hash)), "{id} serves and was set aside");
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect<Numbers>>) {
        for effect in effects {
            match effect {
                Effect::Look => self.work.push(Work::Look),
                Effect::Read { place, number } => self.work.push(Work::Read { place, number }),
                Effect::Examine(examine) => self.work.push(Work::Examine(Box::new(examine))),
                Effect::Abandon(number) => drop(self.abandoned.insert(number)),
                Effect::Publish => {
                    let claimers = self.machine.plugins().values().filter_map(|plugin| plugin.live.as_ref());
                    let claimers = claimers.filter(|live| !live.claims.platforms.is_empty()).count();
                    assert!(claimers <= 1, "two serve one platform");
                }
                Effect::Forget { id, keep } => {
                    let is_other = |hash: &String| !hash.starts_with(&format!("{id}-")) || keep.contains(hash);
                    self.archive.retain(|hash, _| is_other(hash));
                }
                Effect::Stand(..) | Effect::Remember | Effect::Tell(_) => {}
            }
        }
    }

    fn deliver(&mut self, which: usize, disturbed: bool, no_room: bool) {
        if self.work.is_empty() {
            return;
        }
        let work = self.work.remove(which % self.work.len());
        match work {
            Work::Look => {
                if !no_room {
                    self.looks.swap(0, 1);
                    self.looks[1] = self.files.keys().map(|place| (*place).to_owned()).collect();
                }
                let seen = self.files.iter().map(|(place, file)| ((*place).to_owned(), file.fingerprint)).collect();
                self.hear(Input::Looked(if no_room { Err("no room".into()) } else { Ok(seen) }));
            }
            Work::Read { place, number } => {
                let reading = match self.files.get(place.as_str()) {
                    Some(file) if !disturbed => Reading::Steady {
                        fingerprint: Some(file.fingerprint).filter(|_| !no_room),
                        content: match file.id {
                            Some(id) => {
                                let claims = file.claims();
                                let offer = Offer { id: id.to_owned(), version: None, hash: file.hash(), claims };
                                Ok((offer, file.clone()))
                            }
                            None => Err("it cannot be read".to_owned()),
                        },
                    },
                    _ => Reading::Unsteady,
                };
                self.hear(Input::Read { place, number, reading });
            }
            Work::Examine(examine) => {
                let file = examine.package.or_else(|| self.archive.get(&examine.hash).cloned());
                let id = file.as_ref().map(|file| file.id.unwrap_or_default());
                assert!(id.is_none_or(|id| id == examine.id), "{id:?} is examined to be {}", examine.id);
                let rejected = |of_host| Rejection { stage: Stage::Load, why: "bad".into(), of_host };
                let outcome = match file {
                    _ if no_room => Err(rejected(true)),
                    Some(file) if file.good => {
                        assert_eq!(file.hash(), examine.hash);
                        self.archive.insert(examine.hash.clone(), file.clone());
                        self.proven.insert(examine.number, examine.hash.clone());
                        Ok(Proven {
                            version: (examine.id.clone(), file.build),
                            claims: file.claims(),
                            notes: Vec::new(),
                            component: examine.hash.clone(),
                            took: Phases::default(),
                        })
                    }
                    _ => Err(rejected(false)),
                };
                self.hear(Input::Examined { number: examine.number, outcome });
            }
        }
    }

    fn write(&mut self, place: usize, id: Option<&'static str>, build: u32, good: bool) {
        self.writes += 1;
        self.files.insert(PLACES[place], File { id, build, good, fingerprint: self.writes });
        self.hear(Input::Stirred);
    }

    fn play(&mut self, op: &Op) {
        match *op {
            Op::Write { place, id, build, good } => self.write(place, Some(IDS[id]), build, good),
            Op::Garble(place) => self.write(place, None, 0, false),
            Op::Remove(place) => {
                self.files.remove(PLACES[place]);
                self.hear(Input::Stirred);
            }
            Op::Rename(from, to) => {
                if let Some(file) = self.files.remove(PLACES[from]) {
                    self.files.insert(PLACES[to], file);
                    self.hear(Input::Stirred);
                }
            }
            Op::Deliver(which) => self.deliver(which, false, false),
            Op::Disturb(which) => self.deliver(which, true, false),
            Op::NoRoom(which) => self.deliver(which, false, true),
            Op::Wait(ms) => {
                self.now += Duration::from_millis(ms);
                self.tick();
            }
            Op::Alarm(id) => self.survey(IDS[id], Some("it crashes"), 1),
            Op::Drain(id) => self.survey(IDS[id], None, 0),
            Op::Rollback(id) => {
                if let Ok(effects) = self.machine.order(self.now, IDS[id], Order::Rollback) {
                    self.carry_out(effects);
                }
            }
        }
    }

    /// How the versions of a plugin fare: the live one as said, the former ones without runs.
    fn survey(&mut self, id: &str, alarm: Option<&str>, runs: usize) {
        let Some(plugin) = self.machine.plugins().get(id) else { return };
        let live = plugin.live.as_ref().map(|live| live.name.generation);
        let former = plugin.former.iter().map(|former| former.served.name.generation);
        let numbers: Vec<u64> = live.into_iter().chain(former).collect();
        for number in numbers {
            let is_live = Some(number) == live;
            let health = Health {
                runs: if is_live { runs } else { 0 },
                began: 30,
                breaker: BreakerWord::Closed,
                alarm: alarm.filter(|_| is_live).map(str::to_owned),
            };
            self.hear(Input::Surveyed { number, health });
        }
    }

    /// Lets all come to rest.
    fn rest(&mut self) {
        for _ in 0..2_000 {
            if !self.work.is_empty() {
                self.deliver(0, false, false);
                continue;
            }
            let calm = self.machine.is_settled();
            let retries = self.machine.plugins().values().any(|plugin| plugin.retry_at.is_some());
            if calm && !retries && self.machine.unreadable().is_none() {
                break;
            }
            self.now = self.machine.next().max(self.now);
            self.tick();
        }
        let exams: Vec<_> = self
            .machine
            .plugins()
            .iter()
            .map(|(id, plugin)| (id, plugin.exam.is_some(), plugin.retry_at, &plugin.place))
            .collect();
        assert!(
            self.machine.is_settled(),
            "it does not come to rest: looked {}, reading {}, {:?}, {:?} work {} now {:?} next {:?}",
            self.machine.has_looked,
            self.machine.is_reading(),
            exams,
            self.machine.debounce,
            self.work.len(),
            self.now,
            self.machine.next()
        );
    }

    /// Whether the files in a plugin's place are its own, or nobody's.
    fn is_home(&self, id: &str) -> bool {
        let place = self.machine.plugins().get(id).and_then(|plugin| plugin.place.as_deref());
        place.and_then(|place| self.files.get(place)).is_some_and(|file| file.id.is_none_or(|there| there == id))
    }

    /// What is live is what lies there, as far as that is any good.
    fn check_convergence(&self) {
        let live = self.live();
        for (id, plugin) in self.machine.plugins() {
            let Some(place) = plugin.place.as_deref() else {
                assert!(!live.contains_key(id), "{id} has no files and serves");
                continue;
            };
            let file = self.files.get(place).unwrap_or_else(|| panic!("{id} is in {place}, which is not there"));
            let (hash, live) = (file.hash(), live.get(id));
            if file.id == Some(id) && file.good && !plugin.is_marked(&hash) {
                let is_blocked = plugin.blocked.as_ref().is_some_and(|blocked| blocked.hash == hash);
                assert!(is_blocked || live.is_some_and(|live| live.hash == hash), "{id} in {place} does not serve");
            } else if let Some(live) = live {
                assert!(live.hash.ends_with("true"), "a bad version of {id} serves");
                let other = plugin.memory.history.iter().any(|past| !plugin.is_marked(&past.hash));
                let is_stuck = !other || plugin.blocked.is_some();
                assert!(is_stuck || !plugin.is_marked(&live.hash), "{id} was set aside and serves");
            }
            if plugin.blocked.is_some() {
                let others = self.machine.plugins().iter().filter(|(other, _)| *other != id);
                let mut live = others.filter_map(|(_, plugin)| plugin.live.as_ref());
                assert!(live.any(|live| !live.claims.platforms.is_empty()), "nobody is in the way of {id}");
            }
            assert!(plugin.exam.is_none());
        }
        for (place, file) in &self.files {
            let is_owned = self.machine.plugins().values().any(|plugin| plugin.place.as_deref() == Some(place));
            let trouble = self.machine.places().get(*place).and_then(Place::trouble);
            assert!(is_owned || trouble.is_some(), "nothing is said of {place}, which has {file:?}");
        }
        for (place, file) in &self.files {
            let Some(id) = file.id else { continue };
            let owner = self.machine.plugins().iter().find(|(_, plugin)| plugin.place.as_deref() == Some(place));
            let is_taken = owner.is_some_and(|(id, plugin)| plugin.live.is_some() && !self.is_home(id));
            assert!(is_taken || self.is_home(id), "{id} lies in {place}, and waits in a place where it is not");
        }
        for place in self.machine.places().keys() {
            assert!(self.files.contains_key(place.as_str()), "{place} is remembered and gone");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_events_ends_with_what_lies_in_the_directory(ops in proptest::collection::vec(op(), 1..80)) {
        let mut sim = Sim::new();
        for op in ops {
            sim.play(&op);
        }
        sim.rest();
        sim.check_convergence();
        // Once more, with another look at everything: nothing is left to be done.
        let before = sim.live();
        sim.now += Duration::from_secs(31);
        sim.tick();
        sim.rest();
        sim.check_convergence();
        prop_assert_eq!(sim.live(), before);
    }

    #[test]
    fn drained_and_proven_versions_are_let_go(ops in proptest::collection::vec(op(), 1..60)) {
        let mut sim = Sim::new();
        for op in ops {
            sim.play(&op);
        }
        sim.rest();
        for id in IDS {
            sim.survey(id, None, 0);
        }
        sim.now += Duration::from_secs(61);
        sim.tick();
        sim.rest();
        for (id, plugin) in sim.machine.plugins() {
            prop_assert!(plugin.former.is_empty(), "{} has {} former versions", id, plugin.former.len());
        }
    }
}
