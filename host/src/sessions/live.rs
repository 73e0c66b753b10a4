//! The sessions that live, and whose turn it is on each device. Bookkeeping only, each call one step under one lock.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::entry::Entry;

/// The sessions that live.
#[derive(Debug, Default)]
pub(super) struct Live {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_id: HashMap<String, Arc<Entry>>,
    /// How many each owner has.
    owned: HashMap<String, usize>,
    /// By the number of the device's registration.
    lines: HashMap<u64, Line>,
}

/// The sessions of one device.
#[derive(Debug, Default)]
struct Line {
    running: Vec<Arc<Entry>>,
    waiting: VecDeque<Arc<Entry>>,
}

/// Why a session is not taken in.
#[derive(Debug)]
pub(super) enum NotAdmitted {
    /// Its id is taken by this one.
    Taken(Arc<Entry>),
    /// There are too many.
    Full,
}

/// How many sessions there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub all: usize,
    pub of_owner: usize,
}

/// Where a session is in the line of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is its turn.
    Running,
    /// It waits for its turn, which is told by its bell.
    Waiting,
}

impl Live {
    /// Takes a session in.
    pub fn admit(&self, entry: &Arc<Entry>, room: Room) -> Result<(), NotAdmitted> {
        let mut state = self.state();
        if let Some(holder) = state.by_id.get(&*entry.id) {
            return Err(NotAdmitted::Taken(Arc::clone(holder)));
        }
        let owner = entry.requester.owner();
        let owned = state.owned.get(owner).copied().unwrap_or_default();
        // The API has one owner for all its callers; what bounds them is the room for all.
        if state.by_id.len() >= room.all || (!owner.is_empty() && owned >= room.of_owner) {
            return Err(NotAdmitted::Full);
        }
        state.owned.insert(owner.to_owned(), owned + 1);
        state.by_id.insert(entry.id.to_string(), Arc::clone(entry));
        Ok(())
    }

    /// Forgets a session; its id is free then. Its place in the line is not touched.
    pub fn remove(&self, entry: &Entry) {
        let mut state = self.state();
        if state.by_id.get(&*entry.id).is_none_or(|held| held.run_id != entry.run_id) {
            return;
        }
        state.by_id.remove(&*entry.id);
        let owner = entry.requester.owner();
        if let Some(owned) = state.owned.get_mut(owner) {
            *owned -= 1;
            if *owned == 0 {
                state.owned.remove(owner);
            }
        }
    }

    /// Lines a session up for its executor, where so many may run at once; none if too many wait already.
    pub fn line_up(&self, entry: &Arc<Entry>, width: usize, longest: usize) -> Option<Place> {
        let executor = entry.executor();
        let mut state = self.state();
        let line = state.lines.entry(executor.number).or_default();
        if line.running.len() < width.max(1) {
            line.running.push(Arc::clone(entry));
            executor.work.running.fetch_add(1, Ordering::Relaxed);
            return Some(Place::Running);
        }
        if line.waiting.len() >= longest {
            return None;
        }
        line.waiting.push_back(Arc::clone(entry));
        executor.work.waiting.fetch_add(1, Ordering::Relaxed);
        Some(Place::Waiting)
    }

    /// A session leaves the line, wherever in it it is; the next one gets its turn.
    pub fn leave(&self, entry: &Entry) {
        let executor = entry.executor();
        let mut state = self.state();
        let Some(line) = state.lines.get_mut(&executor.number) else { return };
        let waited = line.waiting.len();
        line.waiting.retain(|waiting| waiting.run_id != entry.run_id);
        if line.waiting.len() < waited {
            executor.work.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        if let Some(at) = line.running.iter().position(|running| running.run_id == entry.run_id) {
            line.running.swap_remove(at);
            match line.waiting.pop_front() {
                Some(next) => {
                    executor.work.waiting.fetch_sub(1, Ordering::Relaxed);
                    next.turn.notify_one();
                    line.running.push(next);
                }
                None => {
                    executor.work.running.fetch_sub(1, Ordering::Relaxed);
                }
            }
        }
        if line.running.is_empty() && line.waiting.is_empty() {
            state.lines.remove(&executor.number);
        }
    }

    /// The session of this id.
    pub fn get(&self, id: &str) -> Option<Arc<Entry>> {
        self.state().by_id.get(id).cloned()
    }

    /// Those whose turn it is on this device.
    pub fn running_on(&self, device: u64) -> Vec<Arc<Entry>> {
        self.state().lines.get(&device).map(|line| line.running.clone()).unwrap_or_default()
    }

    /// All of them that fit.
    pub fn all(&self, fits: impl Fn(&Entry) -> bool) -> Vec<Arc<Entry>> {
        self.state().by_id.values().filter(|entry| fits(entry)).cloned().collect()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.state().by_id.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use hangar_aip::{ClientType, Id};

    use super::*;
    use crate::clients::{Client, Clients, Introduction, Outbox};
    use crate::sessions::entry::{Order, Requester};

    fn device() -> Arc<Client> {
        let (outbox, _) = Outbox::new(8, 1_024);
        Clients::default().register(&Introduction::new(Id::new("d").unwrap(), ClientType::Device, outbox), "").unwrap()
    }

    fn entry(id: &str, device: &Arc<Client>, requester: Requester) -> Arc<Entry> {
        let order = Order { request: "do".into(), task_name: id.into(), target: Arc::clone(device) };
        Arc::new(Entry::new(Id::new(id).unwrap(), requester, order))
    }

    const ROOM: Room = Room { all: 3, of_owner: 2 };

    #[test]
    fn an_id_is_taken_until_its_own_session_goes() {
        let (live, device) = (Live::default(), device());
        let first = entry("s", &device, Requester::Client(Arc::clone(&device)));
        live.admit(&first, ROOM).unwrap();
        let second = entry("s", &device, Requester::Http(None));
        assert!(matches!(live.admit(&second, ROOM), Err(NotAdmitted::Taken(holder)) if Arc::ptr_eq(&holder, &first)));
        live.remove(&second);
        assert_eq!(live.count(), 1, "it was not its own");
        live.remove(&first);
        live.admit(&second, ROOM).unwrap();
        assert!(Arc::ptr_eq(&live.get("s").unwrap(), &second));
    }

    #[test]
    fn there_is_room_for_so_many() {
        let (live, device) = (Live::default(), device());
        let own = |id| entry(id, &device, Requester::Client(Arc::clone(&device)));
        live.admit(&own("1"), ROOM).unwrap();
        live.admit(&own("2"), ROOM).unwrap();
        assert!(matches!(live.admit(&own("3"), ROOM), Err(NotAdmitted::Full)), "of one owner");
        live.admit(&entry("4", &device, Requester::Http(None)), ROOM).unwrap();
        assert!(matches!(live.admit(&entry("5", &device, Requester::Http(None)), ROOM), Err(NotAdmitted::Full)));
    }

    #[test]
    fn turns_come_in_order_and_to_those_only_who_still_wait() {
        let (live, device) = (Live::default(), device());
        let [one, two, three, four] = ["1", "2", "3", "4"].map(|id| entry(id, &device, Requester::Http(None)));
        assert_eq!(live.line_up(&one, 1, 2), Some(Place::Running));
        assert_eq!(live.line_up(&two, 1, 2), Some(Place::Waiting));
        assert_eq!(live.line_up(&three, 1, 2), Some(Place::Waiting));
        assert_eq!(live.line_up(&four, 1, 2), None);
        live.leave(&two);
        live.leave(&two);
        live.leave(&one);
        let running: Vec<_> = live.running_on(device.number).iter().map(|entry| entry.id.to_string()).collect();
        assert_eq!(running, ["3"]);
        assert_eq!((device.work.running.load(Ordering::Relaxed), device.work.waiting.load(Ordering::Relaxed)), (1, 0));
        live.leave(&three);
        assert_eq!(device.work.running.load(Ordering::Relaxed), 0);
        assert!(live.state().lines.is_empty());
    }
}
