//! Who is there, as far as one sender may reach: what handlers are shown.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hangar_aip::{ClientType, DeviceInfo, Id};
use hangar_runtime::Directory;
use hangar_runtime::contract::directory::{Entry, Filter, PageResult};

use super::{Client, Clients};

/// The most entries of one page.
const PAGE: usize = 1_000;

/// The clients that one sender may reach: a device itself, a constellation and a caller of the API every device.
#[derive(Debug, Clone)]
pub struct View {
    clients: Arc<Clients>,
    /// The one client that is seen; all devices otherwise.
    only: Option<Id>,
}

impl View {
    /// For messages of somebody who may give tasks to every device.
    pub fn of_devices(clients: &Arc<Clients>) -> Self {
        Self { clients: Arc::clone(clients), only: None }
    }

    /// For messages of a device, which sees itself only.
    pub fn of_itself(clients: &Arc<Clients>, id: &Id) -> Self {
        Self { clients: Arc::clone(clients), only: Some(id.clone()) }
    }

    fn shows(&self, client: &Client) -> bool {
        match &self.only {
            Some(id) => client.id == *id,
            None => client.kind == ClientType::Device,
        }
    }

    /// Those that fit, by id.
    fn fitting(&self, filter: &Filter) -> Vec<Entry> {
        let shown = self.clients.all().into_iter().filter(|client| self.shows(client));
        let mut entries: Vec<Entry> = shown.map(|client| entry(&client)).filter(|entry| fits(entry, filter)).collect();
        entries.sort_by(|one, other| one.id.cmp(&other.id));
        entries
    }
}

impl Directory for View {
    fn version(&self) -> u64 {
        self.clients.version()
    }

    fn get(&self, id: &str) -> Option<Entry> {
        self.clients.get(id).filter(|client| self.shows(client)).map(|client| entry(&client))
    }

    fn page(&self, filter: &Filter, cursor: Option<&str>, limit: u32) -> PageResult {
        let limit = (limit as usize).clamp(1, PAGE);
        let after = |entry: &Entry| cursor.is_none_or(|cursor| entry.id.as_str() > cursor);
        let mut entries: Vec<Entry> = self.fitting(filter).into_iter().filter(after).collect();
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| more).map(|entry| entry.id.clone());
        PageResult { entries, next, extra: String::new() }
    }

    fn pick(&self, policy: &str, filter: &Filter, exclude: &[String]) -> Option<Entry> {
        let mut entries = self.fitting(filter);
        entries.retain(|entry| !exclude.contains(&entry.id));
        if policy == "least_outstanding" {
            return entries.into_iter().min_by_key(|entry| entry.outstanding);
        }
        let count = entries.len() as u64;
        let turn = match policy.split_once(':').unwrap_or((policy, "")) {
            ("sticky", key) => key.bytes().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into())),
            ("round_robin", _) => self.clients.turn.fetch_add(1, Ordering::Relaxed),
            _ => uuid::Uuid::new_v4().as_u64_pair().0,
        };
        let at = usize::try_from(turn.checked_rem(count)?).ok()?;
        entries.into_iter().nth(at)
    }
}

fn entry(client: &Client) -> Entry {
    let info = client.info().map(|info| DeviceInfo::read(&info)).unwrap_or_default();
    let (running, waiting) = (client.work.running.load(Ordering::Relaxed), client.work.waiting.load(Ordering::Relaxed));
    Entry {
        id: client.id.to_string(),
        name: info.hostname.unwrap_or_default(),
        kind: client.kind.to_string(),
        platform: client.platform.as_ref().map(|platform| platform.as_str().to_owned()).unwrap_or_default(),
        online: true,
        paused: false,
        load: if running > 0 { 1.0 } else { 0.0 },
        outstanding: u32::try_from(running + waiting).unwrap_or(u32::MAX),
        capabilities: info.supported_features,
        labels: info.tags,
        extra: String::new(),
    }
}

fn fits(entry: &Entry, filter: &Filter) -> bool {
    (filter.kind.is_empty() || filter.kind == entry.kind)
        && (filter.platform.is_empty() || filter.platform == entry.platform)
        && filter.capabilities.iter().all(|wanted| entry.capabilities.contains(wanted))
        && filter.labels.iter().all(|wanted| entry.labels.contains(wanted))
}

#[cfg(test)]
mod tests {
    use super::super::{Introduction, Outbox};
    use super::*;

    fn filter() -> Filter {
        Filter {
            kind: String::new(),
            platform: String::new(),
            capabilities: Vec::new(),
            labels: Vec::new(),
            extra: String::new(),
        }
    }

    fn register(clients: &Clients, id: &str, kind: ClientType) -> Arc<Client> {
        let (outbox, _) = Outbox::new(8, 1_024);
        let platform = hangar_aip::Platform::new("linux");
        let introduction = Introduction { platform, ..Introduction::new(Id::new(id).unwrap(), kind, outbox) };
        clients.register(&introduction, "").unwrap()
    }

    #[test]
    fn a_sender_sees_no_further_than_it_may_reach() {
        let clients = Arc::new(Clients::default());
        let device = register(&clients, "b", ClientType::Device);
        register(&clients, "a", ClientType::Device);
        register(&clients, "c", ClientType::Constellation);
        let ids = |view: &View| view.fitting(&filter()).into_iter().map(|entry| entry.id).collect::<Vec<_>>();
        assert_eq!(ids(&View::of_devices(&clients)), ["a", "b"]);
        let own = View::of_itself(&clients, &device.id);
        assert_eq!(ids(&own), ["b"]);
        assert!(own.get("a").is_none() && own.get("b").is_some());
    }

    #[test]
    fn pages_follow_each_other_and_end() {
        let clients = Arc::new(Clients::default());
        for id in ["c", "a", "b"] {
            register(&clients, id, ClientType::Device);
        }
        let view = View::of_devices(&clients);
        let first = view.page(&filter(), None, 2);
        assert_eq!((first.entries.len(), first.next.as_deref()), (2, Some("b")));
        let last = view.page(&filter(), first.next.as_deref(), 2);
        assert_eq!((last.entries.len(), last.entries[0].id.as_str(), last.next), (1, "c", None));
    }

    #[test]
    fn who_is_picked_fits_and_is_not_excluded() {
        let clients = Arc::new(Clients::default());
        let busy = register(&clients, "a", ClientType::Device);
        register(&clients, "b", ClientType::Device);
        busy.work.running.store(3, Ordering::Relaxed);
        let view = View::of_devices(&clients);
        assert_eq!(view.pick("least_outstanding", &filter(), &[]).unwrap().id, "b");
        assert_eq!(view.pick("random", &filter(), &["b".into()]).unwrap().id, "a");
        let sticky = |key: &str| view.pick(key, &filter(), &[]).unwrap().id;
        assert_eq!(sticky("sticky:user-7"), sticky("sticky:user-7"));
        assert!(view.pick("random", &Filter { platform: "windows".into(), ..filter() }, &[]).is_none());
    }
}
