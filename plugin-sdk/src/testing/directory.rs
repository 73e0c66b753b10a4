//! The directory of a test: whoever was set for this thread.

use std::cell::RefCell;

use hangar_plugin_handler::directory::{Entry, Filter, PageResult};

thread_local! {
    static CLIENTS: RefCell<(u64, Vec<Entry>)> = RefCell::default();
}

/// Who is there from now on.
pub(super) fn set(mut clients: Vec<Entry>) {
    clients.sort_by(|one, other| one.id.cmp(&other.id));
    CLIENTS.with_borrow_mut(|(version, there)| {
        *version += 1;
        *there = clients;
    });
}

/// Changes whenever the directory does.
#[must_use]
pub fn version() -> u64 {
    CLIENTS.with_borrow(|(version, _)| *version)
}

/// One client.
#[must_use]
pub fn get(id: &str) -> Option<Entry> {
    CLIENTS.with_borrow(|(_, there)| there.iter().find(|entry| entry.id == id).cloned())
}

/// The clients that fit.
#[must_use]
pub fn page(filter: &Filter, cursor: Option<&str>, limit: u32) -> PageResult {
    let mut rest = fitting(filter).into_iter().filter(|entry| cursor.is_none_or(|from| entry.id.as_str() >= from));
    // A page of nothing would never come to an end.
    let entries = rest.by_ref().take(limit.max(1) as usize).collect();
    PageResult { entries, next: rest.next().map(|entry| entry.id), extra: String::new() }
}

/// One client that is online, not paused and fits. A test must always go the same way, so what is chosen at random or
/// in turn is the first; it is the same where a script plays the plugin.
#[must_use]
pub fn pick(policy: &str, filter: &Filter, exclude: &[String]) -> Option<Entry> {
    let able = |entry: &Entry| entry.online && !entry.paused && !exclude.contains(&entry.id);
    let mut able = fitting(filter).into_iter().filter(able);
    match policy {
        "least_outstanding" => able.min_by_key(|entry| entry.outstanding),
        _ => able.next(),
    }
}

fn fitting(filter: &Filter) -> Vec<Entry> {
    let has_all = |has: &[String], wanted: &[String]| wanted.iter().all(|wanted| has.contains(wanted));
    let fits = |entry: &&Entry| {
        (filter.kind.is_empty() || entry.kind == filter.kind)
            && (filter.platform.is_empty() || entry.platform == filter.platform)
            && has_all(&entry.capabilities, &filter.capabilities)
            && has_all(&entry.labels, &filter.labels)
    };
    CLIENTS.with_borrow(|(_, there)| there.iter().filter(fits).cloned().collect())
}
