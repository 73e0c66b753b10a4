//! Where plugins are loaded and compiled: on threads of their own that stand back, so that those who are served do not
//! notice.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{Semaphore, oneshot};

use crate::fault::Fault;
use crate::load_error::LoadError;

/// How far such a thread stands back: beside a thread that serves, it gets about a tenth of a processor.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Turns to load or compile: half of the cores, and never all of them.
pub(crate) struct Compilers {
    turns: Arc<Semaphore>,
}

impl Compilers {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { turns: Arc::new(Semaphore::new((cores / 2).max(1))) }
    }

    /// Does this when it is its turn. If the returned future is dropped meanwhile, it is done to its end nevertheless.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, LoadError> + Send + 'static,
    ) -> Result<T, LoadError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| LoadError::ShuttingDown)?;
        let (sender, done) = oneshot::channel();
        // What a plugin is given of the world may need it.
        let tokio = Handle::current();
        let thread = std::thread::Builder::new().name("hangar-load".into()).spawn(move || {
            stand_back();
            let _inside = tokio.enter();
            let loaded = job();
            drop(turn);
            // Nobody may be interested any more.
            let _ = sender.send(loaded);
        });
        thread.map_err(|error| LoadError::Probe(Fault::Host { what: format!("no thread can be had: {error}") }))?;
        // Only a panic ends the thread before that.
        done.await.unwrap_or_else(|_| Err(LoadError::Link("the compiler cannot take it".into())))
    }
}

/// On Linux priorities are those of threads. Elsewhere it would be the whole process that stands back.
fn stand_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "compiling does not stand back");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_compiler_that_panics_is_no_end_of_compiling() {
        let compilers = Compilers::new();
        for _ in 0..std::thread::available_parallelism().unwrap().get() {
            let error = compilers.run::<()>(|| panic!("the compiler has a flaw")).await.unwrap_err();
            assert!(error.to_string().contains("the compiler cannot take it"));
        }
        assert_eq!(compilers.run(|| Ok(7)).await.unwrap(), 7);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_the_thread_that_compiles_stands_back() {
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        let there = Compilers::new().run(move || Ok(priority())).await.unwrap();
        assert_eq!((there, priority()), ((before + NICE).min(19), before));
    }
}
