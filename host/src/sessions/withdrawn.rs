//! Tasks that devices were sent and that were given up before they were taken up: what takes them up late is refused.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Names that are remembered of one connection, the newest of them.
const KEPT: usize = 64;

/// By connection, the names of tasks.
#[derive(Debug, Default)]
pub(super) struct Withdrawn(Mutex<HashMap<u64, VecDeque<String>>>);

impl Withdrawn {
    /// This connection was sent this task, which nobody waits for any more.
    pub fn note(&self, connection: u64, task_name: &str) {
        let mut noted = self.noted();
        let names = noted.entry(connection).or_default();
        if names.len() >= KEPT {
            names.pop_front();
        }
        names.push_back(task_name.to_owned());
    }

    /// Whether this connection takes up what was given up. That is answered once.
    pub fn take(&self, connection: u64, task_name: &str) -> bool {
        let mut noted = self.noted();
        let Some(names) = noted.get_mut(&connection) else { return false };
        let Some(at) = names.iter().position(|name| name == task_name) else { return false };
        names.remove(at);
        if names.is_empty() {
            noted.remove(&connection);
        }
        true
    }

    /// The connection is gone.
    pub fn forget(&self, connection: u64) {
        self.noted().remove(&connection);
    }

    fn noted(&self) -> MutexGuard<'_, HashMap<u64, VecDeque<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_up_is_known_once_and_to_its_connection_only() {
        let withdrawn = Withdrawn::default();
        withdrawn.note(1, "n");
        assert!(!withdrawn.take(2, "n") && !withdrawn.take(1, "m"));
        assert!(withdrawn.take(1, "n") && !withdrawn.take(1, "n"));
        (0..=KEPT).for_each(|at| withdrawn.note(1, &at.to_string()));
        assert!(!withdrawn.take(1, "0") && withdrawn.take(1, "1"), "the oldest is forgotten");
        withdrawn.forget(1);
        assert!(!withdrawn.take(1, "2"));
    }
}
