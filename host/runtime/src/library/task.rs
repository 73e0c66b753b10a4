//! The one task that owns the machine: it hears what happens and carries out what the machine decides.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, broadcast, mpsc, oneshot};
use tokio::task::{AbortHandle, spawn_blocking};

use super::LibraryConfig;
use super::breaker::{BreakerPhase, BreakerRules};
use super::catalog::Catalog;
use super::change::{Change, Phases};
use super::clock::Clock;
use super::examine::{Exam, Examined, examine};
use super::files::{Files, ReadPackage, claims_of, not_in_archive, offer};
use super::generation::Generation;
use super::lifecycle::{Effect, Examine, Health, Input, Lifecycle, Order, OrderError, Proven, Reading};
use super::look::look;
use super::package::{self, read_steadily};
use super::scribe::Scribe;
use super::status::{Around, Status};
use super::store::Store;
use super::watcher::Watcher;
use super::work::{Done, Job, Work};
use crate::manifest::HostConfig;
use crate::runtime::Runtime;

/// How often versions on probation are looked after, whose clients ring no bell while all goes well.
const ROUND: Duration = Duration::from_secs(5);

/// How long after something has happened of which nobody is told word is left of it, for all that happens meanwhile: to say
/// how everything stands costs more than most of what happens, such as a wake for a file that is none of ours.
const NOTE: Duration = Duration::from_millis(50);

/// The least time between two wakes. Somebody who writes without pause, such as to a log beside a plugin, wakes often.
const BREATH: Duration = Duration::from_millis(1);

/// Versions whose files are in memory at once, read and not yet examined. It bounds what a full directory takes at the start.
const AT_HAND: usize = 32;

/// What the library is asked for.
pub(super) enum Call {
    Order(String, Order, oneshot::Sender<Result<(), OrderError>>),
    Configure(Box<HostConfig>),
    LookNow,
    Status(oneshot::Sender<Status>),
    Settled(oneshot::Sender<()>),
    Close,
}

/// The task and what it works with.
pub(super) struct Task {
    lifecycle: Lifecycle<Files>,
    runtime: Runtime,
    directory: PathBuf,
    journals: Option<PathBuf>,
    breaker: BreakerRules,
    store: Arc<Store>,
    scribe: Scribe,
    watcher: Watcher,
    clock: Clock,
    /// Rung by the file system.
    wake: Arc<Notify>,
    /// Before that it is not listened to.
    wake_from: tokio::time::Instant,
    /// Rung by generations.
    bell: Arc<Notify>,
    catalog: Arc<ArcSwap<Catalog>>,
    changes: broadcast::Sender<Arc<Change>>,
    calls: mpsc::Receiver<Call>,
    work: Work,
    exams: HashMap<u64, AbortHandle>,
    /// Places whose turn to be read has not come.
    to_read: VecDeque<(String, u64)>,
    left_out: usize,
    /// Whether somebody was told of something, and may want to read how it stands at once.
    has_told: bool,
    /// When word is to be left of what has happened since it was left last.
    note_at: Option<tokio::time::Instant>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl Task {
    pub(super) fn new(
        runtime: Runtime,
        config: LibraryConfig,
        store: Arc<Store>,
        catalog: Arc<ArcSwap<Catalog>>,
        changes: broadcast::Sender<Arc<Change>>,
        calls: mpsc::Receiver<Call>,
    ) -> Self {
        let LibraryConfig { directory, host, watching, journals, timing, breaker, .. } = config;
        let clock = Clock::start();
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let opened_ms = u64::try_from(since_1970.as_millis()).unwrap_or_default();
        let wake = Arc::<Notify>::default();
        Self {
            lifecycle: Lifecycle::new(timing, host, store.ledger(), opened_ms),
            runtime,
            directory,
            journals,
            breaker,
            scribe: Scribe::new(Arc::clone(&store)),
            store,
            watcher: Watcher::start(watching, Arc::clone(&wake)),
            clock,
            wake,
            wake_from: tokio::time::Instant::now(),
            bell: Arc::default(),
            catalog,
            changes,
            calls,
            work: Work::default(),
            exams: HashMap::new(),
            to_read: VecDeque::new(),
            left_out: 0,
            has_told: false,
            note_at: None,
            waiting: Vec::new(),
        }
    }

    /// Works until the library is closed or nobody holds it any more, and brings to its end what was to be written down.
    pub(super) async fn run(mut self) {
        let effects = self.lifecycle.tick(self.clock.now());
        self.carry_out(effects);
        loop {
            let (alarm, note_at) = (self.alarm(), self.note_at);
            tokio::select! {
                () = woken(&self.wake, self.wake_from) => {
                    self.wake_from = tokio::time::Instant::now() + BREATH;
                    self.hear(Input::Stirred);
                }
                () = self.bell.notified() => self.survey(),
                Some(done) = self.work.next() => self.done(done),
                call = self.calls.recv() => match call {
                    Some(Call::Close) | None => break,
                    Some(call) => self.called(call),
                },
                () = tokio::time::sleep_until(alarm) => self.survey(),
                () = tokio::time::sleep_until(note_at.unwrap_or(alarm)), if note_at.is_some() => {
                    self.note(true);
                    self.write();
                    continue;
                }
            }
            self.after();
        }
        self.exams.values().for_each(AbortHandle::abort);
        self.note(false);
        while !self.scribe.is_idle() {
            self.write();
            match self.work.next().await {
                Some(Done::Written) => self.scribe.done(),
                Some(_) => {}
                None => break,
            }
        }
    }

    /// When something is due even if nobody rings.
    fn alarm(&self) -> tokio::time::Instant {
        let now = self.clock.now();
        let mut next = self.lifecycle.next();
        for live in self.live() {
            if let BreakerPhase::Open { until } = live.breaker(now)
                && until > now
            {
                next = next.min(until);
            }
        }
        if self.lifecycle.plugins().values().any(|plugin| plugin.live.as_ref().is_some_and(|live| !live.proven)) {
            next = next.min(now + ROUND);
        }
        self.clock.at(next)
    }

    fn live(&self) -> impl Iterator<Item = &Arc<Generation>> {
        self.lifecycle.plugins().values().filter_map(|plugin| Some(&plugin.live.as_ref()?.version))
    }

    fn hear(&mut self, input: Input<Files>) {
        let effects = self.lifecycle.hear(self.clock.now(), input);
        self.carry_out(effects);
    }

    /// Sees how all versions fare, and what is due.
    fn survey(&mut self) {
        let now = self.clock.now();
        let plugins = self.lifecycle.plugins().values();
        let generations = plugins.flat_map(|plugin| {
            let former = plugin.former.iter().map(|former| &former.served.version);
            plugin.live.iter().map(|live| &live.version).chain(former)
        });
        let surveys: Vec<_> = generations.map(|generation| generation.survey(now)).collect();
        for survey in surveys {
            let record = survey.record;
            let breaker = record.breaker.into();
            let health = Health { runs: survey.runs, began: record.began, breaker, alarm: record.alarm };
            self.hear(Input::Surveyed { number: survey.number, health });
        }
        let effects = self.lifecycle.tick(self.clock.now());
        self.carry_out(effects);
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Looked(Ok(look)) => {
                self.watcher.follow(&look.folders);
                self.left_out = look.left_out;
                self.hear(Input::Looked(Ok(look.places)));
            }
            Done::Looked(Err(why)) => self.hear(Input::Looked(Err(why))),
            Done::Read(number, reading, took) => self.read(number, reading, took),
            Done::Unread { place, number } => self.hear(Input::Read { place, number, reading: Reading::Unsteady }),
            Done::Examined(number, outcome) => {
                self.exams.remove(&number);
                let (outcome, package) = match *outcome {
                    Ok((examined, read)) => (Ok(proven(examined, &read)), Some(read.package)),
                    Err(rejection) => (Err(rejection), None),
                };
                self.hear(Input::Examined { number, outcome });
                // Only what has served is gone back to. What came too late or is in another one's way is not kept.
                if let Some(package) = package.filter(|_| self.live().any(|live| live.number == number)) {
                    self.scribe.keep(package);
                }
            }
            Done::Written => self.scribe.done(),
        }
    }

    fn read(&mut self, number: u64, reading: package::Reading, took: Duration) {
        let package::Reading { place, fingerprint, steady, racy, package } = reading;
        let reading = if steady {
            let content = package.map(|package| (offer(&package), ReadPackage { package, took }));
            Reading::Steady {
                fingerprint: (!racy).then_some(fingerprint),
                content: content.map_err(|error| error.to_string()),
            }
        } else {
            Reading::Unsteady
        };
        self.hear(Input::Read { place, number, reading });
    }

    fn called(&mut self, call: Call) {
        let now = self.clock.now();
        match call {
            Call::Order(id, order, answer) => {
                let effects = self.lifecycle.order(now, &id, order);
                let _ = answer.send(effects.map(|effects| self.carry_out(effects)));
            }
            Call::Configure(host) => self.hear(Input::Configured(host)),
            Call::LookNow => {
                let effects = self.lifecycle.look_now(now);
                self.carry_out(effects);
            }
            Call::Status(answer) => {
                let _ = answer.send(self.status(true));
            }
            Call::Settled(answer) => self.waiting.push(answer),
            Call::Close => {}
        }
    }

    fn carry_out(&mut self, effects: Vec<Effect<Files>>) {
        for effect in effects {
            match effect {
                Effect::Look => {
                    let (directory, known) = (self.directory.clone(), self.lifecycle.known_places());
                    self.work.begin(Job::Look, move || {
                        Done::Looked(look(&directory, &known).map_err(|error| error.to_string()))
                    });
                }
                Effect::Read { place, number } => self.to_read.push_back((place, number)),
                Effect::Examine(examine) => self.examine(examine),
                Effect::Abandon(number) => {
                    if let Some(exam) = self.exams.remove(&number) {
                        exam.abort();
                    }
                }
                Effect::Publish => self.publish(),
                Effect::Stand(generation, standing) => {
                    generation.set_standing(standing);
                    // Its last run may have ended already.
                    self.bell.notify_one();
                }
                Effect::Forget { id, keep } => self.scribe.forget(id, keep),
                Effect::Remember => self.scribe.remember(self.lifecycle.ledger()),
                Effect::Tell(change) => self.tell(change),
            }
        }
    }

    fn examine(&mut self, examination: Examine<Files>) {
        let Examine { number, id, hash, package, config, former } = examination;
        let package = package.or_else(|| {
            let package = self.scribe.unwritten(&hash)?;
            Some(ReadPackage { package, took: Duration::ZERO })
        });
        let (runtime, store, journals) = (self.runtime.clone(), Arc::clone(&self.store), self.journals.clone());
        let (breaker, bell, clock) = (self.breaker.clone(), Arc::clone(&self.bell), self.clock);
        let exam = self.work.spawn(Job::Exam(number), async move {
            let package = match package {
                Some(package) => Some(package),
                None => from_archive(store, id, hash).await,
            };
            let Some(package) = package else { return Done::Examined(number, Box::new(Err(not_in_archive()))) };
            let files = Arc::clone(&package.package);
            let exam = Exam { number, package: files, config, former, breaker, journals, bell, clock };
            let examined = examine(&runtime, exam).await;
            Done::Examined(number, Box::new(examined.map(|examined| (examined, package))))
        });
        self.exams.insert(number, exam);
    }

    fn publish(&self) {
        let served = self.lifecycle.served();
        let served: BTreeMap<String, String> =
            served.map(|(platform, served)| (platform.to_owned(), served.name.id.clone())).collect();
        self.catalog.store(Arc::new(Catalog::of(self.live().cloned().collect(), &served)));
    }

    fn tell(&mut self, change: Change) {
        self.has_told = true;
        match &change {
            Change::Rejected { .. } | Change::SetAside { .. } | Change::Overdue { .. } | Change::Unreadable { .. } => {
                tracing::warn!(target: "library", "{change}");
            }
            _ => tracing::info!(target: "library", "{change}"),
        }
        // Nobody may be listening.
        let _ = self.changes.send(Arc::new(change));
    }

    fn status(&self, running: bool) -> Status {
        let directory = self.directory.display().to_string();
        let around = Around {
            directory: &directory,
            polling: self.watcher.why_polling(),
            left_out: self.left_out,
            running,
            clock: self.clock,
        };
        Status::of(&self.lifecycle, &around)
    }

    /// Reads what is to be read, as long as there is not too much at hand.
    fn read_in_turn(&mut self) {
        let at_hand = self.exams.len() + self.work.reads();
        for _ in at_hand..AT_HAND {
            let Some((place, number)) = self.to_read.pop_front() else { return };
            let directory = self.directory.clone();
            let job = Job::Read { place: place.clone(), number };
            self.work.begin(job, move || {
                let began = Instant::now();
                let reading = read_steadily(&directory, &place);
                Done::Read(number, reading, began.elapsed())
            });
        }
    }

    /// What is done after everything that happens.
    fn after(&mut self) {
        self.read_in_turn();
        if self.lifecycle.is_settled() {
            for waiting in self.waiting.drain(..) {
                let _ = waiting.send(());
            }
        }
        if std::mem::take(&mut self.has_told) {
            self.note(true);
        } else if self.store.is_kept() {
            self.note_at.get_or_insert_with(|| tokio::time::Instant::now() + NOTE);
        }
        self.write();
    }

    /// Leaves word of how things are, where others can read it.
    fn note(&mut self, running: bool) {
        self.note_at = None;
        if self.store.is_kept()
            && let Ok(status) = serde_json::to_value(self.status(running))
        {
            self.scribe.note(status);
        }
    }

    fn write(&mut self) {
        if let Some(write) = self.scribe.next() {
            self.work.begin(Job::Write, move || {
                write();
                Done::Written
            });
        }
    }
}

fn proven(examined: Examined, read: &ReadPackage) -> Proven<Files> {
    let Examined { generation, notes, phases } = examined;
    let component = read.package.component_hash.clone();
    let took = Phases { read: read.took, ..phases };
    Proven { claims: claims_of(&generation), version: generation, notes, component, took }
}

async fn from_archive(store: Arc<Store>, id: String, hash: String) -> Option<ReadPackage> {
    let began = Instant::now();
    let package = spawn_blocking(move || store.package(&id, &hash)).await.ok().flatten()?;
    Some(ReadPackage { package: Arc::new(package), took: began.elapsed() })
}

/// Waits until somebody rings, and at least until this time.
async fn woken(wake: &Notify, from: tokio::time::Instant) {
    tokio::time::sleep_until(from).await;
    wake.notified().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_rings_without_pause_is_heard_now_and_then() {
        let (wake, began) = (Arc::new(Notify::new()), tokio::time::Instant::now());
        let mut from = began;
        for _ in 0..100 {
            wake.notify_one();
            woken(&wake, from).await;
            from = tokio::time::Instant::now() + BREATH;
        }
        assert!(began.elapsed() >= BREATH * 99);
        wake.notify_one();
        tokio::select! { biased; () = woken(&wake, from) => panic!("it is too early"), () = std::future::ready(()) => {} }
        woken(&wake, from).await;
    }
}
