//! Who is there: the clients that are registered, and what is waiting to be written to each. It knows nothing of
//! sessions; what it knows of sockets is that somebody empties the outbox.

mod client;
mod directory;
mod outbox;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hangar_aip::{ClientType, Id};

pub use client::{Client, Introduction};
pub use directory::View;
pub use outbox::{Outbox, Parcel, Parcels};

/// The clients that are registered now.
#[derive(Debug, Default)]
pub struct Clients {
    registry: Mutex<Registry>,
    /// Changes with every registration and every farewell.
    version: AtomicU64,
    next: AtomicU64,
    /// Whose turn it is where clients are picked in turns.
    turn: AtomicU64,
}

#[derive(Debug, Default)]
struct Registry {
    numbers: HashMap<Id, u64>,
    /// In the order of registration.
    by_number: BTreeMap<u64, Arc<Client>>,
    devices: usize,
}

impl Registry {
    fn get(&self, id: &str) -> Option<&Arc<Client>> {
        self.by_number.get(self.numbers.get(id)?)
    }
}

/// Why a client is not taken in.
#[derive(Debug)]
pub enum NotTaken {
    /// The device that it comes for is not there.
    TargetAbsent(Id),
    /// Its id is taken, by this client.
    Taken(Arc<Client>),
}

impl Clients {
    /// Takes a client in, unless the device that it comes for is away or its id is taken. All of that is one step: no two
    /// clients have one id, ever. The answer is the first thing that is written to it, whoever else is about to find it.
    pub fn register(&self, introduction: &Introduction, answer: &str) -> Result<Arc<Client>, NotTaken> {
        let mut registry = self.registry();
        if let Some(target) = &introduction.target
            && registry.get(target).is_none_or(|client| client.kind != ClientType::Device)
        {
            return Err(NotTaken::TargetAbsent(target.clone()));
        }
        if let Some(holder) = registry.get(&introduction.id) {
            return Err(NotTaken::Taken(Arc::clone(holder)));
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        let client = Arc::new(Client::new(number, introduction.clone()));
        let _ = client.outbox().answer(answer.to_owned());
        registry.devices += usize::from(client.kind == ClientType::Device);
        registry.numbers.insert(client.id.clone(), number);
        registry.by_number.insert(number, Arc::clone(&client));
        self.version.fetch_add(1, Ordering::Release);
        Ok(client)
    }

    /// Forgets a client. Says whether it was there; another client of the same id is not touched.
    pub fn remove(&self, client: &Client) -> bool {
        let mut registry = self.registry();
        if registry.by_number.remove(&client.number).is_none() {
            return false;
        }
        registry.devices -= usize::from(client.kind == ClientType::Device);
        registry.numbers.remove(&client.id);
        self.version.fetch_add(1, Ordering::Release);
        true
    }

    /// The client of this id.
    pub fn get(&self, id: &str) -> Option<Arc<Client>> {
        self.registry().get(id).cloned()
    }

    /// Whether this very client is still registered.
    pub fn has(&self, client: &Client) -> bool {
        self.registry().by_number.contains_key(&client.number)
    }

    /// All clients, in the order in which they registered.
    pub fn all(&self) -> Vec<Arc<Client>> {
        self.registry().by_number.values().cloned().collect()
    }

    /// How many devices and how many constellations there are.
    pub fn count(&self) -> (usize, usize) {
        let registry = self.registry();
        (registry.devices, registry.by_number.len() - registry.devices)
    }

    /// Changes with every registration and every farewell: what was computed from the clients holds until then.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients() -> Clients {
        Clients::default()
    }

    fn introduction(id: &str, kind: ClientType, target: Option<&str>) -> Introduction {
        let (outbox, _) = Outbox::new(8, 1_024);
        let target = target.map(|id| Id::new(id).unwrap());
        Introduction { target, ..Introduction::new(Id::new(id).unwrap(), kind, outbox) }
    }

    #[test]
    fn an_id_is_held_by_one_until_it_leaves() {
        let clients = clients();
        let first = clients.register(&introduction("a", ClientType::Device, None), "").unwrap();
        let refused = clients.register(&introduction("a", ClientType::Constellation, None), "").unwrap_err();
        assert!(matches!(refused, NotTaken::Taken(holder) if Arc::ptr_eq(&holder, &first)));
        assert!(clients.has(&first) && clients.remove(&first) && !clients.remove(&first));
        let second = clients.register(&introduction("a", ClientType::Constellation, None), "").unwrap();
        assert!(!clients.remove(&first), "the first is gone already");
        assert!(clients.has(&second) && !clients.has(&first));
        assert_eq!(clients.count(), (0, 1));
    }

    #[test]
    fn a_constellation_comes_for_a_device_that_is_there() {
        let clients = clients();
        let absent = clients.register(&introduction("c@d", ClientType::Constellation, Some("d")), "").unwrap_err();
        assert!(matches!(absent, NotTaken::TargetAbsent(id) if id == "d"));
        clients.register(&introduction("d", ClientType::Device, None), "").unwrap();
        clients.register(&introduction("c@d", ClientType::Constellation, Some("d")), "").unwrap();
        let nested = clients.register(&introduction("c@c", ClientType::Constellation, Some("c@d")), "").unwrap_err();
        assert!(matches!(nested, NotTaken::TargetAbsent(id) if id == "c@d"), "a constellation is no device");
        let ids: Vec<String> = clients.all().iter().map(|client| client.id.to_string()).collect();
        assert_eq!(ids, ["d", "c@d"]);
    }
}
