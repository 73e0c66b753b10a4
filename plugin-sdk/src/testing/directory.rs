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
    let mut entries = fitting(filter, cursor);
    let more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let next = entries.last().filter(|_| more).map(|last| last.id.clone());
    PageResult { entries, next, extra: String::new() }
}

/// The first client that is online, not paused and fits.
#[must_use]
pub fn pick(_policy: &str, filter: &Filter, exclude: &[String]) -> Option<Entry> {
    fitting(filter, None).into_iter().find(|entry| entry.online && !entry.paused && !exclude.contains(&entry.id))
}

fn fitting(filter: &Filter, after: Option<&str>) -> Vec<Entry> {
    let has_all = |has: &[String], wanted: &[String]| wanted.iter().all(|wanted| has.contains(wanted));
    let fits = |entry: &&Entry| {
        (filter.kind.is_empty() || entry.kind == filter.kind)
            && (filter.platform.is_empty() || entry.platform == filter.platform)
            && has_all(&entry.capabilities, &filter.capabilities)
            && has_all(&entry.labels, &filter.labels)
            && after.is_none_or(|after| entry.id.as_str() > after)
    };
    CLIENTS.with_borrow(|(_, there)| there.iter().filter(fits).cloned().collect())
}
