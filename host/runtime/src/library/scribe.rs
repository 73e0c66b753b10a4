//! Writes down what must outlast the process, off the library's task: one write at a time, and of what came to pass
//! meanwhile only the latest.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use serde_json::Value as Json;

use super::ledger::Ledger;
use super::package::Package;
use super::store::Store;

/// What is to be written, and what is being written.
pub(super) struct Scribe {
    store: Arc<Store>,
    due: Pages,
    /// Packages that are being written, to be found meanwhile.
    under_way: BTreeMap<String, Arc<Package>>,
    is_writing: bool,
    last_status: Json,
}

/// What is written at once.
#[derive(Default)]
struct Pages {
    packages: BTreeMap<String, Arc<Package>>,
    forget: BTreeMap<String, Vec<String>>,
    ledger: Option<Ledger>,
    status: Option<Json>,
}

impl Scribe {
    pub(super) fn new(store: Arc<Store>) -> Self {
        let (due, under_way) = Default::default();
        Self { store, due, under_way, is_writing: false, last_status: Json::Null }
    }

    /// A package that is to be kept.
    pub(super) fn keep(&mut self, package: Arc<Package>) {
        self.due.packages.insert(package.hash.clone(), package);
    }

    /// Only these versions of a plugin are needed.
    pub(super) fn forget(&mut self, id: String, keep: Vec<String>) {
        let unneeded = |hash: &String, package: &Arc<Package>| package.id == id && !keep.contains(hash);
        self.due.packages.retain(|hash, package| !unneeded(hash, package));
        self.due.forget.insert(id, keep);
    }

    /// What is to be remembered.
    pub(super) fn remember(&mut self, ledger: Ledger) {
        self.due.ledger = Some(ledger);
    }

    /// How things are.
    pub(super) fn note(&mut self, status: Json) {
        if status != self.last_status {
            self.last_status = status.clone();
            self.due.status = Some(status);
        }
    }

    /// A package that was not written yet.
    pub(super) fn unwritten(&self, hash: &str) -> Option<Arc<Package>> {
        self.due.packages.get(hash).or_else(|| self.under_way.get(hash)).cloned()
    }

    /// The next write, to be done where waiting does no harm; none if there is nothing to write, or one is under way.
    pub(super) fn next(&mut self) -> Option<impl FnOnce() + Send + 'static> {
        if self.is_writing || self.due.is_empty() {
            return None;
        }
        self.is_writing = true;
        let pages = std::mem::take(&mut self.due);
        self.under_way.clone_from(&pages.packages);
        let store = Arc::clone(&self.store);
        Some(move || pages.write(&store))
    }

    /// The write is done.
    pub(super) fn done(&mut self) {
        self.is_writing = false;
        self.under_way.clear();
    }

    /// Whether nothing is left to be written.
    pub(super) fn is_idle(&self) -> bool {
        !self.is_writing && self.due.is_empty()
    }
}

impl Pages {
    fn is_empty(&self) -> bool {
        self.packages.is_empty() && self.forget.is_empty() && self.ledger.is_none() && self.status.is_none()
    }

    /// Packages first: the ledger names none that is not there.
    fn write(&self, store: &Store) {
        for package in self.packages.values() {
            tell(&format!("version {} of {}", package.hash, package.id), store.archive(package));
        }
        if let Some(ledger) = &self.ledger {
            tell("the ledger", store.write_ledger(ledger));
        }
        for (id, keep) in &self.forget {
            store.forget(id, keep);
        }
        if let Some(status) = &self.status {
            tell("the status", store.write_status(status));
        }
    }
}

/// What cannot be written will be missing after a restart, and nothing else comes of it.
fn tell(what: &str, written: io::Result<()>) {
    if let Err(error) = written {
        tracing::warn!(%error, "{what} cannot be written down and will be missing after a restart");
    }
}
