//! The clients that a script puts into the directory.

use std::sync::Arc;

use crate::contract::directory::{Entry, Filter, PageResult};
use crate::directory::Directory;

/// Who is there, as a script says. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clients {
    version: u64,
    /// By id.
    entries: Arc<Vec<Entry>>,
}

impl Clients {
    /// These instead of those before.
    pub(super) fn replaced_by(&self, mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|one, other| one.id.cmp(&other.id));
        Self { version: self.version + 1, entries: Arc::new(entries) }
    }

    fn fitting<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| fits(entry, filter))
    }
}

fn fits(entry: &Entry, filter: &Filter) -> bool {
    let same = |wanted: &str, found: &str| wanted.is_empty() || wanted == found;
    let all = |wanted: &[String], found: &[String]| wanted.iter().all(|one| found.contains(one));
    same(&filter.kind, &entry.kind)
        && same(&filter.platform, &entry.platform)
        && all(&filter.capabilities, &entry.capabilities)
        && all(&filter.labels, &entry.labels)
}

impl Directory for Clients {
    fn version(&self) -> u64 {
        self.version
    }

    fn get(&self, id: &str) -> Option<Entry> {
        self.entries.iter().find(|entry| entry.id == id).cloned()
    }

    fn page(&self, filter: &Filter, cursor: Option<&str>, limit: u32) -> PageResult {
        let mut rest = self.fitting(filter).filter(|entry| cursor.is_none_or(|from| entry.id.as_str() >= from));
        // A page of nothing would never come to an end.
        let entries = rest.by_ref().take(limit.max(1) as usize).cloned().collect();
        PageResult { entries, next: rest.next().map(|entry| entry.id.clone()), extra: String::new() }
    }

    /// A script must always play the same, so what is chosen at random or in turn is the first.
    fn pick(&self, policy: &str, filter: &Filter, exclude: &[String]) -> Option<Entry> {
        let mut able =
            self.fitting(filter).filter(|entry| entry.online && !entry.paused && !exclude.contains(&entry.id));
        match policy {
            "least_outstanding" => able.min_by_key(|entry| entry.outstanding),
            _ => able.next(),
        }
        .cloned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn clients() -> Clients {
        let entry = |id: &str, more: Value| -> Entry {
            let mut entry = json!({"id": id, "kind": "device", "online": true, "load": 0.0});
            entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value(entry).unwrap()
        };
        Clients::default().replaced_by(vec![
            entry("c", json!({"outstanding": 1, "labels": ["room=1"], "platform": "linux"})),
            entry("b", json!({"outstanding": 2, "labels": ["room=1", "floor=2"]})),
            entry("a", json!({"outstanding": 0, "online": false})),
            entry("d", json!({"kind": "agent"})),
        ])
    }

    fn filter(filter: Value) -> Filter {
        serde_json::from_value(filter).unwrap()
    }

    #[test]
    fn pages_are_by_id_and_come_to_an_end() {
        let (clients, devices) = (clients(), filter(json!({"kind": "device"})));
        let ids = |page: &PageResult| page.entries.iter().map(|entry| entry.id.clone()).collect::<Vec<_>>();
        let first = clients.page(&devices, None, 2);
        assert_eq!((ids(&first), first.next.as_deref()), (vec!["a".into(), "b".into()], Some("c")));
        let second = clients.page(&devices, first.next.as_deref(), 2);
        assert_eq!((ids(&second), second.next.as_deref()), (vec!["c".into()], None));
        assert_eq!(ids(&clients.page(&filter(json!({})), None, 0)), ["a"]);
    }

    #[test]
    fn what_is_picked_is_able_and_fits() {
        let (clients, devices) = (clients(), filter(json!({"kind": "device"})));
        let pick = |policy: &str, filter: &Filter, exclude: &[String]| {
            clients.pick(policy, filter, exclude).map(|entry| entry.id).unwrap_or_default()
        };
        assert_eq!(pick("least_outstanding", &devices, &[]), "c");
        assert_eq!(pick("random", &devices, &[]), "b");
        assert_eq!(pick("random", &devices, &["b".into()]), "c");
        assert_eq!(pick("random", &filter(json!({"platform": "linux"})), &[]), "c");
        assert_eq!(pick("random", &filter(json!({"labels": ["floor=2", "room=1"]})), &[]), "b");
        assert_eq!(pick("random", &filter(json!({"capabilities": ["fly"]})), &[]), "");
        assert_eq!(clients.get("a").unwrap().id, "a");
        assert_eq!((clients.version(), clients.replaced_by(Vec::new()).version()), (1, 2));
    }
}
