//! One live session as all others see it: who asked for it, who does it, and how to reach its task.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use hangar_aip::{CommandResults, Id, Outcome};
use hangar_runtime::Blobs;
use jiff::Timestamp;
use tokio::sync::{Notify, oneshot, watch};

use super::feed::Shown;
use super::reason::Reason;
use crate::clients::Client;

/// Who asked for a session.
#[derive(Debug, Clone)]
pub enum Requester {
    /// A registered client.
    Client(Arc<Client>),
    /// A caller of the HTTP API, with the name of its key.
    Http(Option<Arc<str>>),
}

impl Requester {
    /// Who owns what this one asks for: nobody else may touch it.
    pub fn owner(&self) -> &str {
        match self {
            Self::Client(client) => &client.id,
            Self::Http(_) => "",
        }
    }

    /// What plugins know this one by.
    pub fn name(&self) -> &str {
        match self {
            Self::Client(client) => &client.id,
            Self::Http(key) => key.as_deref().unwrap_or("http"),
        }
    }

    /// The word of the plugin contract.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Client(client) => client.kind.as_str(),
            Self::Http(_) => "http",
        }
    }

    /// The client, if it is one.
    pub const fn client(&self) -> Option<&Arc<Client>> {
        match self {
            Self::Client(client) => Some(client),
            Self::Http(_) => None,
        }
    }

    /// Whether it is this very connection.
    pub fn is(&self, client: &Client) -> bool {
        self.client().is_some_and(|own| own.number == client.number)
    }
}

/// What is to be done.
#[derive(Debug, Clone)]
pub struct Order {
    /// In words.
    pub request: String,
    /// What it is called; fit to be the name of a file.
    pub task_name: String,
    /// The device that is to do it.
    pub target: Arc<Client>,
}

/// One live session.
#[derive(Debug)]
pub struct Entry {
    /// The session.
    pub id: Id,
    /// Its one run.
    pub run_id: String,
    /// Who asked for it.
    pub requester: Requester,
    /// What was asked for.
    pub order: Order,
    /// When.
    pub created_at: Timestamp,
    /// How it stands, for those who look.
    pub shown: Mutex<Shown>,
    /// The device that does it, once that is settled.
    executor: OnceLock<Arc<Client>>,
    cancelled: watch::Sender<Option<Reason>>,
    /// Rung when its turn on the device has come.
    pub(super) turn: Notify,
    /// The COMMAND that it waits to be answered.
    awaited: Mutex<Option<Awaited>>,
    /// The TASK that it waits to be taken up.
    offered: Mutex<Option<Offered>>,
    /// How the device says that it ended.
    pub(super) reported: Mutex<Option<Outcome>>,
    is_reported: Notify,
    /// The blobs of its run, once it has begun.
    blobs: OnceLock<Arc<Blobs>>,
    /// Files that came while a command was under way.
    files: Mutex<Vec<ReceivedFile>>,
}

/// A file that a device sent, kept as a blob.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ReceivedFile {
    /// The blob.
    pub blob: String,
    /// What the device calls it.
    pub name: String,
    /// What the device says it is.
    pub mime: String,
}

/// What a message takes up outside of here, such as room in memory; it comes free when this is dropped.
pub type Held = Box<dyn std::fmt::Debug + Send + Sync>;

/// What came of a COMMAND, and what that takes up.
pub type Answer = (CommandResults, Option<Held>);

#[derive(Debug)]
struct Awaited {
    response_id: Id,
    answer: oneshot::Sender<Answer>,
}

#[derive(Debug)]
struct Offered {
    request: String,
    taken_up: oneshot::Sender<()>,
}

impl Entry {
    /// A session that begins now.
    pub fn new(id: Id, requester: Requester, order: Order) -> Self {
        Self {
            id,
            run_id: uuid::Uuid::new_v4().to_string(),
            requester,
            order,
            created_at: Timestamp::now(),
            shown: Mutex::default(),
            executor: OnceLock::new(),
            cancelled: watch::Sender::new(None),
            turn: Notify::new(),
            awaited: Mutex::default(),
            offered: Mutex::default(),
            reported: Mutex::default(),
            is_reported: Notify::new(),
            blobs: OnceLock::new(),
            files: Mutex::default(),
        }
    }

    /// The device that does it; before that is settled, the one that was asked for.
    pub fn executor(&self) -> &Arc<Client> {
        self.executor.get().unwrap_or(&self.order.target)
    }

    /// Settles who does it, once and for all.
    pub(super) fn settle(&self, executor: Arc<Client>) {
        let _ = self.executor.set(executor);
    }

    /// How it stands.
    pub fn shown(&self) -> MutexGuard<'_, Shown> {
        lock(&self.shown)
    }

    /// Cancels it. The first reason counts.
    pub fn cancel(&self, reason: Reason) {
        self.cancelled.send_if_modified(|cancelled| {
            let first = cancelled.is_none();
            if first {
                *cancelled = Some(reason);
            }
            first
        });
    }

    /// Why it was cancelled.
    pub fn cancelled(&self) -> Option<Reason> {
        *self.cancelled.borrow()
    }

    /// Resolves when it is cancelled.
    pub(super) async fn until_cancelled(&self) -> Reason {
        let mut cancelled = self.cancelled.subscribe();
        match cancelled.wait_for(Option::is_some).await.map(|reason| *reason) {
            Ok(Some(reason)) => reason,
            // The sender is part of what is borrowed here.
            _ => std::future::pending().await,
        }
    }

    /// From now on the answer to this COMMAND is waited for, and no other.
    pub(super) fn await_answer(&self, response_id: Id) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        *lock(&self.awaited) = Some(Awaited { response_id, answer });
        answered
    }

    /// Nothing is waited for any more.
    pub(super) fn await_nothing(&self) {
        *lock(&self.awaited) = None;
    }

    /// A device says what came of a COMMAND. Says whether that was waited for; it is taken only once.
    pub(super) fn answered(&self, results: CommandResults, held: Option<Held>) -> bool {
        let mut awaited = lock(&self.awaited);
        match awaited.take_if(|awaited| awaited.response_id == results.prev_response_id) {
            Some(awaited) => awaited.answer.send((results, held)).is_ok(),
            None => false,
        }
    }

    /// From now on the device may take this request up.
    pub(super) fn offer(&self, request: String) -> oneshot::Receiver<()> {
        let (taken_up, up) = oneshot::channel();
        *lock(&self.offered) = Some(Offered { request, taken_up });
        up
    }

    /// The device may not take it up any more.
    pub(super) fn withdraw(&self) {
        *lock(&self.offered) = None;
    }

    /// The device asks for what it was offered. Says whether it was that.
    pub(super) fn taken_up(&self, task_name: Option<&str>, request: &str) -> bool {
        let mut offered = lock(&self.offered);
        let is_it = |offered: &mut Offered| {
            offered.request == request && task_name.is_none_or(|name| name == self.order.task_name)
        };
        offered.take_if(is_it).is_some_and(|offered| offered.taken_up.send(()).is_ok())
    }

    /// The device says that it is over.
    pub(super) fn report(&self, outcome: Outcome) {
        lock(&self.reported).get_or_insert(outcome);
        self.is_reported.notify_one();
    }

    /// Resolves when the device has said that it is over.
    pub(super) async fn until_reported(&self) -> Outcome {
        loop {
            let rung = self.is_reported.notified();
            if let Some(outcome) = lock(&self.reported).clone() {
                return outcome;
            }
            rung.await;
        }
    }

    /// Its run begins, with these blobs.
    pub(super) fn begin(&self, blobs: &Arc<Blobs>) {
        let _ = self.blobs.set(Arc::clone(blobs));
    }

    /// Whether its run has begun.
    pub fn has_begun(&self) -> bool {
        self.blobs.get().is_some()
    }

    /// The blobs of its run.
    pub fn blobs(&self) -> Option<&Arc<Blobs>> {
        self.blobs.get()
    }

    /// A file came; the next answer of the device names it. None may pile up.
    pub(super) fn received(&self, file: ReceivedFile) -> bool {
        let mut files = lock(&self.files);
        let room = files.len() < FILES;
        if room {
            files.push(file);
        }
        room
    }

    /// The files that came since this was asked last.
    pub(super) fn take_files(&self) -> Vec<ReceivedFile> {
        std::mem::take(&mut *lock(&self.files))
    }
}

/// Files that may come with one command.
const FILES: usize = 100;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
