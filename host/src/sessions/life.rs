//! The life of a session, from the task to its end: one task of the process, which sends the end exactly once, whatever
//! happens.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hangar_aip::{Assignment, Id, Outcome, Platform, Refusal, ServerHeartbeat, ServerMessage, ServerTaskEnd, Stamp};
use hangar_runtime::contract::events::{EventBody, Start};
use hangar_runtime::contract::session::{Budgets, RunInfo};
use hangar_runtime::contract::values::Part;
use hangar_runtime::{Blobs, TracingSink};
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tracing::Instrument;

use super::ending::{Ending, outcome, with_content};
use super::entry::Entry;
use super::judging::{self, Settled, TaskVerdict};
use super::live::Place;
use super::reason::Reason;
use super::results::Past;
use super::run::Driver;
use super::{Shared, State};

/// How a session comes to run.
pub(super) enum Beginning {
    /// A client asked for it and waits for word.
    Asked,
    /// The API asked for it, waits for word, and the device is to take it up first.
    Dispatched(oneshot::Sender<Result<(), Refusal>>),
}

/// Lives the session. What it is told comes through the entry.
pub(super) fn begin(shared: Arc<Shared>, entry: Arc<Entry>, beginning: Beginning) {
    let span = tracing::info_span!("session", session = %entry.id, run = entry.run_id);
    // Whatever becomes of the task, the guard ends what it began.
    shared.lives.fetch_add(1, Ordering::AcqRel);
    let life = Life { shared, entry, is_over: false };
    tokio::spawn(life.live(beginning).instrument(span));
}

struct Life {
    shared: Arc<Shared>,
    entry: Arc<Entry>,
    is_over: bool,
}

/// How a session goes on.
enum Next<T> {
    With(T),
    End(Ending),
}

impl Life {
    async fn live(self, beginning: Beginning) {
        let judged = tokio::select! {
            biased;
            reason = self.entry.until_cancelled() => Err(Ending::Cancelled(reason, Vec::new())),
            verdict = judging::task(&self.shared, &self.entry) => Ok(verdict),
        };
        let settled = match judged {
            Ok(TaskVerdict::Go(settled)) => settled,
            Ok(TaskVerdict::Refuse(text)) => return self.refuse(beginning, Refusal::Rejected(text)),
            Ok(TaskVerdict::Reply(body)) => {
                self.acknowledge(&beginning);
                self.accept(beginning);
                return self.end(Ending::Answered(body)).await;
            }
            Err(ending) => {
                self.accept(beginning);
                return self.end(ending).await;
            }
        };
        self.entry.settle(Arc::clone(&settled.executor));
        let device = self.entry.executor();
        if !self.shared.clients.has(device) {
            let refusal = Refusal::TargetAbsent(device.id.clone());
            return self.refuse(beginning, refusal);
        }
        let limits = &self.shared.limits;
        let platform = device.platform.as_ref().map(Platform::as_str).unwrap_or_default();
        let width = limits.parallel.get(platform).copied().unwrap_or(1);
        let Some(place) = self.shared.live.line_up(&self.entry, width, limits.waiting_per_device) else {
            let refusal = Refusal::DeviceBusy(device.id.clone());
            return self.refuse(beginning, refusal);
        };
        let is_dispatched = matches!(beginning, Beginning::Dispatched(_));
        self.acknowledge(&beginning);
        self.accept(beginning);
        let ending = self.take_turn(place, is_dispatched, settled).await;
        self.end(ending).await;
    }

    /// Waits until it is its turn on the device, has the device take the task up, and runs.
    async fn take_turn(&self, place: Place, is_dispatched: bool, settled: Settled) -> Ending {
        let cancelled = |reason| match reason {
            Reason::DeviceDisconnected if is_dispatched => not_taken_up(),
            reason => Ending::Cancelled(reason, Vec::new()),
        };
        // It may have gone between two looks at it, before anybody could cancel what was not lined up.
        if !self.shared.clients.has(self.entry.executor()) {
            return cancelled(Reason::DeviceDisconnected);
        }
        if place == Place::Waiting {
            tokio::select! {
                biased;
                reason = self.entry.until_cancelled() => return cancelled(reason),
                () = self.entry.turn.notified() => {}
            }
        }
        if is_dispatched {
            let taken_up = tokio::select! {
                biased;
                reason = self.entry.until_cancelled() => Err(cancelled(reason)),
                taken_up = self.offer(&settled.request) => if taken_up { Ok(()) } else { Err(not_taken_up()) },
            };
            self.entry.withdraw();
            if let Err(ending) = taken_up {
                // The device may take it up after all, and must not begin it anew.
                let device = self.entry.executor();
                if self.shared.clients.has(device) {
                    self.shared.withdrawn.note(device.number, &self.entry.order.task_name);
                }
                return ending;
            }
            let heard = ServerHeartbeat { session_id: Some(self.entry.id.clone()) };
            let _ = self.entry.executor().answer(&ServerMessage::Heartbeat(heard));
        }
        if let Some(reason) = self.entry.cancelled() {
            return cancelled(reason);
        }
        match self.start(settled) {
            Next::With((driver, start)) => driver.drive(start).await,
            Next::End(ending) => ending,
        }
    }

    /// Sends the device the task and waits until it takes it up.
    async fn offer(&self, request: &str) -> bool {
        self.entry.shown().state = State::Offered;
        let taken_up = self.entry.offer(request.to_owned());
        let device = self.entry.executor();
        // It is about to connect its tools anew.
        self.shared.inventories.forget(device.number);
        let assignment = Assignment {
            request: request.to_owned(),
            task_name: Some(self.entry.order.task_name.clone()),
            session_id: Some(self.entry.id.clone()),
        };
        if device.send(&ServerMessage::Task(assignment)).is_err() {
            return false;
        }
        timeout(self.shared.limits.take_up, taken_up).await.is_ok_and(|taken_up| taken_up.is_ok())
    }

    /// Begins the run.
    fn start(&self, settled: Settled) -> Next<(Driver, EventBody)> {
        let entry = &self.entry;
        let device = entry.executor();
        let platform = device.platform.clone().unwrap_or_default();
        let catalog = self.shared.library.catalog();
        let generation = match &settled.behaviour {
            Some(id) => catalog.plugin(id),
            None => catalog.behaviour_for(platform.as_str()),
        };
        let Some(generation) = generation else {
            let why = match settled.behaviour {
                Some(id) => format!("The plugin `{id:.64}` is not in service"),
                None => Refusal::UnsupportedPlatform(platform).to_string(),
            };
            return Next::End(Ending::NotBegun(why));
        };
        let settings = match generation.terms.settings(&serde_json::Map::new()) {
            Ok(settings) => settings,
            Err(error) => return Next::End(Ending::NotBegun(format!("The plugin's settings do not fit: {error}"))),
        };
        let info = self.run_info(platform.as_str(), settings);
        let blobs = Arc::new(Blobs::default());
        let log = TracingSink { plugin: generation.id.clone(), run: entry.run_id.clone() };
        let client = entry.requester.name();
        let run = self.shared.library.start(generation, client, info, Arc::clone(&blobs), Arc::new(log));
        let run = match run {
            Ok(run) => run,
            Err(error) => return Next::End(Ending::NotBegun(format!("The session could not begin: {error}"))),
        };
        let plugin = super::plugin_name(run.generation());
        let journal = self.shared.journals.begin(&plugin.id, &entry.run_id, &run);
        tracing::info!(plugin = plugin.id, hash = plugin.hash, device = %device.id, "a session runs");
        {
            let mut shown = entry.shown();
            (shown.state, shown.plugin, shown.started_at) = (State::Running, Some(plugin), Some(Timestamp::now()));
        }
        entry.begin(&blobs);
        let input = vec![Part::Text(settled.request)];
        let start = EventBody::Start(Start { input, ..Start::default() });
        let driver = Driver::new(Arc::clone(&self.shared), Arc::clone(entry), run, journal, blobs);
        Next::With((driver, start))
    }

    fn run_info(&self, platform: &str, settings: String) -> RunInfo {
        let (entry, limits) = (&self.entry, &self.shared.limits);
        let ms = |time: std::time::Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        RunInfo {
            run_id: entry.run_id.clone(),
            session_id: entry.id.to_string(),
            task_name: entry.order.task_name.clone(),
            executor: entry.executor().id.to_string(),
            platform: platform.to_owned(),
            system_info: entry.executor().info().map(|info| info.get().to_owned()).unwrap_or_default(),
            requester_kind: entry.requester.kind().to_owned(),
            settings,
            seed: Id::fresh().to_string(),
            models: self.shared.models.infos(),
            budgets: Budgets {
                agent_steps: Some(limits.agent_steps),
                machine_steps: Some(limits.machine_steps),
                commands: Some(limits.commands),
                model_calls: Some(limits.model_calls),
                tokens: limits.tokens,
                time_ms: Some(ms(limits.time)),
                extra: String::new(),
            },
            ..RunInfo::default()
        }
    }

    /// Tells a client that its task was taken; a device that is to take it up first is told later.
    fn acknowledge(&self, beginning: &Beginning) {
        if let (Beginning::Asked, Some(client)) = (beginning, self.entry.requester.client()) {
            let heard = ServerHeartbeat { session_id: Some(self.entry.id.clone()) };
            let _ = client.answer(&ServerMessage::Heartbeat(heard));
        }
    }

    /// Tells the API that the task was taken.
    #[allow(clippy::needless_pass_by_value, reason = "the word is given once")]
    fn accept(&self, beginning: Beginning) {
        if let Beginning::Dispatched(accepted) = beginning {
            let _ = accepted.send(Ok(()));
        }
    }

    /// Tells the requester that its task was not taken. No session has come of it, so there is no end of one.
    fn refuse(mut self, beginning: Beginning, refusal: Refusal) {
        self.is_over = true;
        self.shared.live.remove(&self.entry);
        self.shared.metrics.refused();
        match (beginning, self.entry.requester.client()) {
            (Beginning::Dispatched(accepted), _) => drop(accepted.send(Err(refusal))),
            (Beginning::Asked, Some(client)) => super::refusing::tell(client, Some(&self.entry.id), &refusal, true),
            (Beginning::Asked, None) => {}
        }
    }

    async fn end(mut self, ending: Ending) {
        self.entry.shown().state = State::Ending;
        let entry = &self.entry;
        let outcome = outcome(ending, &entry.order.request, self.shared.limits.fail_as_completed);
        let outcome = judging::end(&self.shared, entry, outcome).await;
        let outcome = filled_in(outcome, entry.blobs().cloned()).await;
        self.is_over = true;
        conclude(&self.shared, &self.entry, outcome);
    }
}

/// A session whose task was given up, or has hit a mistake of our own, ends here.
impl Drop for Life {
    fn drop(&mut self) {
        if !self.is_over {
            let outcome = Outcome::failed("The session was given up because of a mistake in the server", None);
            conclude(&self.shared, &self.entry, outcome);
        }
        // Only now everybody has been told.
        self.shared.lives.fetch_sub(1, Ordering::AcqRel);
        self.shared.ended.notify_waiters();
    }
}

/// Those who wait for the end know no blobs. Encoding many pictures takes its time.
async fn filled_in(outcome: Outcome, blobs: Option<Arc<Blobs>>) -> Outcome {
    if !outcome.result().is_some_and(|result| result.get().contains("$blob")) {
        return outcome;
    }
    let filled = tokio::task::spawn_blocking(move || with_content(outcome, blobs.as_deref())).await;
    filled.unwrap_or_else(|_| Outcome::failed("The result was given up by the server", None))
}

fn not_taken_up() -> Ending {
    Ending::NotBegun("Device did not accept the task".to_owned())
}

/// The end: kept for those who ask later, then told to those who wait. The id is free before anybody hears of the end, and
/// the device after it was told.
fn conclude(shared: &Shared, entry: &Arc<Entry>, outcome: Outcome) {
    let status = outcome.status();
    let shown = {
        let mut shown = entry.shown();
        shown.state = if outcome.error().is_none() { State::Completed } else { State::Failed };
        shown.clone()
    };
    shared.metrics.ended(&outcome, entry.created_at);
    tracing::info!(%status, error = outcome.error(), "a session is over");
    shared.results.keep(Past {
        id: entry.id.clone(),
        run_id: entry.run_id.clone(),
        task_name: entry.order.task_name.clone(),
        request: entry.order.request.clone(),
        executor: entry.executor().id.clone(),
        requester_kind: entry.requester.kind(),
        requester: entry.requester.client().map(|client| client.id.clone()),
        created_at: entry.created_at,
        ended_at: Timestamp::now(),
        outcome: outcome.clone(),
        shown,
    });
    shared.live.remove(entry);
    let end = ServerMessage::TaskEnd(ServerTaskEnd { session_id: entry.id.clone(), outcome });
    let stamp = Stamp::now();
    let executor = entry.executor();
    if let Some(requester) = entry.requester.client().filter(|requester| requester.number != executor.number) {
        let _ = requester.send_stamped(&end, &stamp);
    }
    let _ = executor.send_stamped(&end, &stamp);
    shared.live.leave(entry);
}
