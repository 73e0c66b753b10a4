//! Where plugins run: off the I/O threads, in short turns, first come first served.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::fault::Fault;

/// Turns of a machine with few cores.
const FEWEST_TURNS: usize = 16;

/// Bounds how many calls into plugins run at once.
///
/// More turns than cores, so that the system shares the processor between a step that spins and those that do not;
/// not so many that the threads that serve sockets would drown among them. Small machines get as many as a few spinning
/// plugins cannot occupy, or everybody would wait for these to be cut off.
pub(crate) struct Workers {
    turns: Arc<Semaphore>,
}

impl Workers {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { turns: Arc::new(Semaphore::new(cores.saturating_mul(4).max(FEWEST_TURNS))) }
    }

    /// Runs the job on a thread that may be kept busy.
    pub(crate) async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
        let stopped = |_| Fault::Host { what: "it is shutting down".into() };
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(stopped)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            job()
        });
        done.await.map_err(|error| Fault::Host {
            what: if error.is_panic() { "a step failed inside the host".into() } else { "it is shutting down".into() },
        })
    }
}
