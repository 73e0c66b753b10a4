//! Sessions: from a task to its end. Each is one task of the process that owns its state; what others know of it is its
//! entry, and what they tell it goes through that. Behaviours know nothing of AIP, and AIP knows nothing of behaviours:
//! where they meet is here.

mod blob_references;
mod ending;
mod entry;
mod executor;
mod feed;
mod inventory;
mod journals;
mod judging;
mod life;
mod live;
mod reason;
mod refusing;
mod results;
mod run;
mod secrets;
mod shown;
mod taking_out;
mod task_name;
mod withdrawn;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hangar_aip::binary::Completed;
use hangar_aip::{ClientType, CommandResults, Id, Json, Outcome, Refusal, TaskReport, TaskRequest};
use hangar_runtime::library::{Generation, Library};
use tokio::sync::{Notify, oneshot};

use crate::clients::{Client, Clients};
use crate::config::{Injection, SessionLimits};
use crate::handlers::Handlers;
use crate::models::Models;
use crate::telemetry::Metrics;

use entry::{Entry, Order, ReceivedFile};
use inventory::Inventories;
use journals::Journals;
use life::Beginning;
use live::{Live, NotAdmitted, Room};
use results::Results;
use secrets::Secrets;
use withdrawn::Withdrawn;

pub use entry::{Held, Requester};
pub use feed::{PluginName, State};
pub use reason::Reason;
pub use results::Past;
pub use shown::SessionView;
pub use task_name::is_safe;

/// All sessions of this server; cheap to clone.
#[derive(Clone)]
pub struct Sessions(Arc<Shared>);

/// What sessions stand on.
pub struct Services {
    /// The plugins.
    pub library: Library,
    /// Who is there.
    pub clients: Arc<Clients>,
    /// Who is asked about messages.
    pub handlers: Handlers,
    /// Whom behaviours may ask.
    pub models: Models,
    /// Where figures go.
    pub metrics: Arc<Metrics>,
}

/// What all sessions share.
struct Shared {
    library: Library,
    clients: Arc<Clients>,
    handlers: Handlers,
    models: Models,
    metrics: Arc<Metrics>,
    secrets: Secrets,
    limits: SessionLimits,
    live: Live,
    inventories: Inventories,
    results: Results,
    journals: Journals,
    withdrawn: Withdrawn,
    /// Sessions whose tasks have not come to their end: the last word of each is yet to be said.
    lives: AtomicUsize,
    /// Rung whenever that changes.
    ended: Notify,
    is_draining: AtomicBool,
}

/// A task that came over the API.
#[derive(Debug)]
pub struct Dispatch {
    /// The device that is to do it.
    pub device: Arc<Client>,
    /// What is to be done.
    pub request: String,
    /// What it is called; a fresh name otherwise.
    pub task_name: Option<String>,
    /// The name of the key that it came with.
    pub key: Option<Arc<str>>,
}

/// A task that was taken.
#[derive(Debug, Clone)]
pub struct Dispatched {
    /// The session that it becomes.
    pub session_id: Id,
    /// What it is called.
    pub task_name: String,
}

impl Sessions {
    /// No sessions yet. Their journals are kept in this directory.
    pub fn new(
        services: Services,
        limits: SessionLimits,
        injections: &[Injection],
        journals: &Path,
    ) -> io::Result<Self> {
        let Services { library, clients, handlers, models, metrics } = services;
        Ok(Self(Arc::new(Shared {
            library,
            clients,
            handlers,
            models,
            metrics,
            secrets: Secrets::new(injections),
            live: Live::default(),
            inventories: Inventories::default(),
            results: Results::new(&limits),
            journals: Journals::open(journals, &limits)?,
            limits,
            withdrawn: Withdrawn::default(),
            lives: AtomicUsize::new(0),
            ended: Notify::new(),
            is_draining: AtomicBool::new(false),
        })))
    }

    /// A client wants something to be done. It hears of what becomes of that over its own connection.
    pub fn task(&self, from: &Arc<Client>, task: TaskRequest) {
        let session_id = task.session_id.clone();
        if let Err(refusal) = self.take(from, task) {
            self.0.metrics.refused();
            self.refuse(from, session_id.as_ref(), &refusal);
        }
    }

    fn take(&self, from: &Arc<Client>, task: TaskRequest) -> Result<(), Refusal> {
        let target = self.target(from, task.target_id)?;
        if from.kind == ClientType::Device && self.take_up(from, &task.session_id, &task.task_name, &task.request) {
            return Ok(());
        }
        if task.task_name.as_deref().is_some_and(|name| self.0.withdrawn.take(from.number, name)) {
            return Err(Refusal::Rejected("The task was given up before the device took it up".to_owned()));
        }
        if let Some(holder) = task.session_id.as_ref().and_then(|id| self.0.live.get(id))
            && holder.requester.owner() != &*from.id
        {
            return Err(Refusal::SessionOwned(holder.id.clone()));
        }
        let platform = target.platform.clone().unwrap_or_default();
        if self.0.library.catalog().behaviour_for(platform.as_str()).is_none() {
            return Err(Refusal::UnsupportedPlatform(platform));
        }
        if task.request.trim().is_empty() {
            return Err(Refusal::EmptyTask);
        }
        if self.0.is_draining.load(Ordering::Acquire) {
            return Err(Refusal::ShuttingDown);
        }
        let task_name = task.task_name.as_deref().map_or_else(task_name::fresh, task_name::made_safe);
        let order = Order { request: task.request, task_name, target };
        let id = task.session_id.unwrap_or_else(Id::fresh);
        let entry = Arc::new(Entry::new(id, Requester::Client(Arc::clone(from)), order));
        self.admit(&entry)?;
        life::begin(Arc::clone(&self.0), entry, Beginning::Asked);
        Ok(())
    }

    /// The device that a client means.
    fn target(&self, from: &Arc<Client>, target: Option<Id>) -> Result<Arc<Client>, Refusal> {
        match (from.kind, target) {
            (ClientType::Device, Some(target)) if target != from.id => Err(Refusal::DeviceTargetsOther),
            (ClientType::Device, _) => Ok(Arc::clone(from)),
            (ClientType::Constellation, None) => Err(Refusal::NoTarget),
            (ClientType::Constellation, Some(target)) => match self.0.clients.get(&target) {
                None => Err(Refusal::TargetAbsent(target)),
                Some(client) if client.kind != ClientType::Device => Err(Refusal::TargetNotADevice),
                Some(device) => Ok(device),
            },
        }
    }

    /// Whether a device asks for what it was sent, with the session's id or, as most do, without.
    fn take_up(&self, device: &Client, id: &Option<Id>, name: &Option<String>, request: &str) -> bool {
        let offered = self.0.live.running_on(device.number);
        let mut fitting = offered.iter().filter(|entry| id.as_ref().is_none_or(|id| *id == entry.id));
        fitting.any(|entry| entry.taken_up(name.as_deref(), request))
    }

    fn admit(&self, entry: &Arc<Entry>) -> Result<(), Refusal> {
        let room = Room { all: self.0.limits.live, of_owner: self.0.limits.live_per_client };
        match self.0.live.admit(entry, room) {
            Ok(()) => Ok(()),
            Err(NotAdmitted::Taken(holder)) if holder.requester.owner() == entry.requester.owner() => {
                Err(Refusal::SessionRunning(entry.id.clone()))
            }
            Err(NotAdmitted::Taken(_)) => Err(Refusal::SessionOwned(entry.id.clone())),
            Err(NotAdmitted::Full) => Err(Refusal::TooManyTasks),
        }
    }

    /// The API wants something to be done. The answer comes once handlers had their say; what becomes of the task then is
    /// kept under its name.
    pub async fn dispatch(&self, dispatch: Dispatch) -> Result<Dispatched, Refusal> {
        let Dispatch { device, request, task_name, key } = dispatch;
        if self.0.is_draining.load(Ordering::Acquire) {
            return Err(Refusal::ShuttingDown);
        }
        let platform = device.platform.clone().unwrap_or_default();
        if self.0.library.catalog().behaviour_for(platform.as_str()).is_none() {
            return Err(Refusal::UnsupportedPlatform(platform));
        }
        let task_name = task_name.unwrap_or_else(task_name::fresh);
        let order = Order { request, task_name: task_name.clone(), target: device };
        let entry = Arc::new(Entry::new(Id::fresh(), Requester::Http(key), order));
        self.admit(&entry)?;
        let (accepted, answer) = oneshot::channel();
        let session_id = entry.id.clone();
        life::begin(Arc::clone(&self.0), entry, Beginning::Dispatched(accepted));
        match answer.await {
            Ok(Ok(())) => Ok(Dispatched { session_id, task_name }),
            Ok(Err(why)) => Err(why),
            Err(_) => Err(Refusal::Rejected("The task was given up because of a mistake in the server".to_owned())),
        }
    }

    /// A device says what came of a COMMAND. What nobody waits for from this device leaves no trace. What is held comes
    /// free once the results were worked on.
    pub fn results(&self, from: &Client, results: CommandResults, held: Option<Held>) {
        let entry = self.of_executor(from, &results.session_id);
        let (session, response) = (results.session_id.clone(), results.prev_response_id.clone());
        if !entry.is_some_and(|entry| entry.answered(results, held)) {
            tracing::debug!(client = %from.id, %session, %response, "results that nobody waits for were dropped");
            self.0.metrics.dropped_results();
        }
    }

    /// A device says that a session is over.
    pub fn reported(&self, from: &Client, report: TaskReport) -> Result<(), Refusal> {
        match self.of_executor(from, &report.session_id).filter(|entry| entry.has_begun()) {
            Some(entry) => {
                entry.report(self.without_secrets(from, report.outcome));
                Ok(())
            }
            None => Err(Refusal::UnknownTaskEnd(report.session_id)),
        }
    }

    /// A device has sent a file, for the session that it names or for the only one that runs on it. An error is a text for
    /// the device.
    pub fn file(&self, from: &Client, file: &Completed, content: Bytes) -> Result<(), String> {
        let nowhere = || "No session of this device runs that the file could belong to; name its session_id".to_owned();
        let entry = match &file.session_id {
            Some(id) => self.of_executor(from, id),
            None => match &self.0.live.running_on(from.number)[..] {
                [only] => Some(Arc::clone(only)),
                _ => None,
            },
        };
        let entry = entry.ok_or_else(nowhere)?;
        if self.0.secrets.of_device(&from.id).are_in(&content) {
            return Err("The file cannot be kept: it holds a secret of the server".to_owned());
        }
        let blobs = entry.blobs().ok_or_else(nowhere)?;
        let mime = file.mime_type.as_deref().unwrap_or("application/octet-stream");
        let blob = blobs.put(mime, content).map_err(|error| format!("The file cannot be kept: {error}"))?;
        let name = file.filename.clone().unwrap_or_default();
        match entry.received(ReceivedFile { blob, name, mime: mime.to_owned() }) {
            true => Ok(()),
            false => Err("The file cannot be kept: the session has too many that nobody has asked for".to_owned()),
        }
    }

    /// An end as a device reports it, without what it may know and others must not.
    fn without_secrets(&self, device: &Client, outcome: Outcome) -> Outcome {
        let secrets = self.0.secrets.of_device(&device.id);
        let clean = |result: Option<Json>| result.map(|result| secrets.take_out_of(result));
        match outcome {
            Outcome::Completed { result } => Outcome::Completed { result: clean(result) },
            Outcome::Failed { error, result } => Outcome::failed(secrets.take_out_of_text(error), clean(result)),
        }
    }

    /// What a device says of itself, the same way.
    pub fn clean(&self, device: &str, said: Json) -> Json {
        self.0.secrets.of_device(device).take_out_of(said)
    }

    /// A text of a device, the same way.
    pub fn clean_text(&self, device: &str, said: String) -> String {
        self.0.secrets.of_device(device).take_out_of_text(said)
    }

    /// The live session of this id, if this very connection is its executor.
    fn of_executor(&self, from: &Client, session_id: &str) -> Option<Arc<Entry>> {
        self.0.live.get(session_id).filter(|entry| entry.executor().number == from.number)
    }

    /// A client is gone: what it asked for and what it was to do ends.
    pub fn gone(&self, client: &Client) {
        self.0.inventories.forget(client.number);
        self.0.withdrawn.forget(client.number);
        for entry in self.0.live.all(|entry| entry.executor().number == client.number) {
            entry.cancel(Reason::DeviceDisconnected);
        }
        for entry in self.0.live.all(|entry| entry.requester.is(client)) {
            entry.cancel(Reason::ConstellationDisconnected);
        }
    }

    /// Cancels a live session by the name of its task, or by its id; those that the API asked for first. Says whether there
    /// was one.
    pub fn cancel(&self, name_or_id: &str, reason: Reason) -> bool {
        let Some(entry) = self.named(name_or_id) else { return false };
        entry.cancel(reason);
        true
    }

    /// The live session that is meant by this.
    fn named(&self, name_or_id: &str) -> Option<Arc<Entry>> {
        let has_name = |entry: &Entry| entry.order.task_name == name_or_id;
        let candidates = self.0.live.all(|entry| has_name(entry) || *entry.id == *name_or_id);
        let rank = |entry: &Arc<Entry>| (entry.requester.client().is_none(), !has_name(entry), entry.created_at);
        candidates.into_iter().max_by_key(rank)
    }

    /// From now on these secrets are put into commands.
    pub fn replace_secrets(&self, injections: &[Injection]) {
        self.0.secrets.replace(injections);
    }

    /// How many sessions live.
    pub fn count(&self) -> usize {
        self.0.live.count()
    }

    /// Takes no more tasks, gives the sessions that live so long to end by themselves, then cancels them and waits until
    /// all those are told who wait for them.
    pub async fn drain(&self, patience: Duration) {
        self.0.is_draining.store(true, Ordering::Release);
        let _ = tokio::time::timeout(patience, self.none_lives()).await;
        for entry in self.0.live.all(|_| true) {
            entry.cancel(Reason::Shutdown);
        }
        let grace = self.0.limits.grace + Duration::from_secs(1);
        let _ = tokio::time::timeout(grace, self.none_lives()).await;
        self.0.journals.flush().await;
    }

    async fn none_lives(&self) {
        loop {
            let ended = self.0.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            if self.0.lives.load(Ordering::Acquire) == 0 {
                return;
            }
            ended.await;
        }
    }
}

/// What is known of a version of a plugin, for people.
fn plugin_name(generation: &Generation) -> PluginName {
    const SHOWN: usize = 12;
    PluginName {
        id: generation.id.clone(),
        version: generation.version.as_ref().map(ToString::to_string),
        hash: generation.hash.get(..SHOWN).unwrap_or(&generation.hash).to_owned(),
    }
}

/// Now, as plugins are told it.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
