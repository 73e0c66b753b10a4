//! Threads for long work that nobody waits for: they get what others leave of the processor.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

/// How far below the others, of 19 steps. Far enough that a step of a plugin is hardly ever kept waiting, and not so far
/// that a machine with much to do never comes to it.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// There is no thread for it.
    NoThread(io::Error),
    /// The work has panicked.
    Panicked,
}

/// Does the work on a thread of its own, because a thread that was made to stand back can never be brought forward again.
/// If the returned future is dropped, the work is still done, and its result dropped.
pub(crate) async fn run<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failure> {
    let (answer, done) = oneshot::channel();
    // What a plugin is given of the world may need tokio.
    let tokio = tokio::runtime::Handle::current();
    let thread = std::thread::Builder::new().name(name.to_owned());
    let spawned = thread.spawn(move || {
        stand_back();
        let _inside = tokio.enter();
        // The panic hook has said what there is to say.
        let result = catch_unwind(AssertUnwindSafe(work)).map_err(|_: Box<dyn Any + Send>| Failure::Panicked);
        let _ = answer.send(result);
    });
    spawned.map_err(Failure::NoThread)?;
    done.await.unwrap_or(Err(Failure::Panicked))
}

/// On Linux a thread has a priority of its own, and for the calling thread one asks without an id.
#[cfg(target_os = "linux")]
fn stand_back() {
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "a thread in the background keeps its priority");
    }
}

/// Elsewhere a priority is that of the whole process.
#[cfg(not(target_os = "linux"))]
fn stand_back() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_the_thread_itself_stands_back() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        assert_eq!(run("test", nice).await.unwrap(), NICE.max(before));
        assert_eq!(nice(), before);
    }

    #[tokio::test]
    async fn a_panic_is_told() {
        let ended = run("test", || -> () { panic!("on purpose") }).await;
        assert!(matches!(ended, Err(Failure::Panicked)));
    }
}
