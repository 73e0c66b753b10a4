//! Where plugins run: off the I/O threads, in short turns, first come first served.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::fault::Fault;

/// Turns of a machine with few cores.
const FEWEST_TURNS: usize = 16;

/// How long a call waits for a turn.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Bounds how many calls into plugins run at once.
///
/// More turns than cores, so that the system shares the processor between a step that spins and those that do not;
/// not so many that the threads that serve sockets would drown among them. No plugin gets more than half of them: one
/// that spins in all its runs leaves the other half to the others.
pub(crate) struct Workers {
    turns: Arc<Semaphore>,
    most_of_one_plugin: usize,
}

/// The part of the workers that one plugin may use.
#[derive(Clone)]
pub(crate) struct Share {
    turns: Arc<Semaphore>,
}

/// The right to one call; ends with it.
pub(crate) struct Turn {
    _of_all: OwnedSemaphorePermit,
    _of_one: OwnedSemaphorePermit,
}

impl Workers {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = cores.saturating_mul(4).max(FEWEST_TURNS);
        Self { turns: Arc::new(Semaphore::new(turns)), most_of_one_plugin: turns / 2 }
    }

    /// What a plugin gets when it is loaded.
    pub(crate) fn share(&self) -> Share {
        Share { turns: Arc::new(Semaphore::new(self.most_of_one_plugin)) }
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self, share: &Share) -> Result<Turn, Fault> {
        let both = async {
            let of_one = Arc::clone(&share.turns).acquire_owned().await;
            let of_all = Arc::clone(&self.turns).acquire_owned().await;
            (of_one, of_all)
        };
        match tokio::time::timeout(LONGEST_WAIT, both).await {
            Ok((Ok(of_one), Ok(of_all))) => Ok(Turn { _of_all: of_all, _of_one: of_one }),
            Ok(_) => Err(Fault::Host { what: "it is shutting down".into() }),
            Err(_) => Err(Fault::Busy { waited: LONGEST_WAIT }),
        }
    }
}

impl Turn {
    /// Runs the job on a thread that may be kept busy.
    pub(crate) async fn run<T: Send + 'static>(self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
        let done = tokio::task::spawn_blocking(move || {
            let _turn = self;
            job()
        });
        done.await.map_err(|error| Fault::Host {
            what: if error.is_panic() { "a step failed inside the host".into() } else { "it is shutting down".into() },
        })
    }
}
