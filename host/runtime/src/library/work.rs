//! What the library has done beside its task: looking, reading, examining, writing.

use std::collections::HashMap;
use std::future::pending;
use std::time::Duration;

use tokio::task::{AbortHandle, Id, JoinSet};

use super::change::Stage;
use super::examine::{Examined, Rejection};
use super::files::ReadPackage;
use super::look::Look;
use super::package::Reading;

/// Work that is under way.
pub(super) enum Job {
    Look,
    Read { place: String, number: u64 },
    Exam(u64),
    Write,
}

/// Work that is done.
pub(super) enum Done {
    Looked(Result<Look, String>),
    Read(u64, Reading, Duration),
    Unread { place: String, number: u64 },
    Examined(u64, Box<Result<(Examined, ReadPackage), Rejection>>),
    Written,
}

/// All work that is under way.
#[derive(Default)]
pub(super) struct Work {
    tasks: JoinSet<Done>,
    jobs: HashMap<Id, Job>,
}

impl Work {
    /// Begins work that waits for the disk.
    pub(super) fn begin(&mut self, job: Job, work: impl FnOnce() -> Done + Send + 'static) {
        let begun = self.tasks.spawn_blocking(work);
        self.jobs.insert(begun.id(), job);
    }

    /// Begins work that waits for others, and can be given up.
    pub(super) fn spawn(&mut self, job: Job, work: impl Future<Output = Done> + Send + 'static) -> AbortHandle {
        let begun = self.tasks.spawn(work);
        self.jobs.insert(begun.id(), job);
        begun
    }

    /// How many places are being read.
    pub(super) fn reads(&self) -> usize {
        self.jobs.values().filter(|job| matches!(job, Job::Read { .. })).count()
    }

    /// The next work that is done; waits for ever while there is none. What was given up does not count.
    pub(super) async fn next(&mut self) -> Option<Done> {
        loop {
            match self.tasks.join_next_with_id().await {
                Some(Ok((id, done))) => {
                    self.jobs.remove(&id);
                    return Some(done);
                }
                Some(Err(error)) => {
                    let job = self.jobs.remove(&error.id());
                    if !error.is_cancelled() {
                        tracing::error!(%error, "work of the library has failed");
                        return job.map(Job::failed);
                    }
                }
                None => return pending().await,
            }
        }
    }
}

impl Job {
    /// What is made of it when it fails in a way that nobody has thought of: nothing may wait for it for ever.
    fn failed(self) -> Done {
        match self {
            Self::Look => Done::Looked(Err("looking has failed inside the host".to_owned())),
            Self::Read { place, number } => Done::Unread { place, number },
            Self::Exam(number) => {
                let rejection = Rejection::new(Stage::Load, "examining it has failed inside the host");
                Done::Examined(number, Box::new(Err(rejection)))
            }
            Self::Write => Done::Written,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_is_done_too() {
        let mut work = Work::default();
        work.begin(Job::Look, || panic!("on purpose"));
        assert!(matches!(work.next().await, Some(Done::Looked(Err(_)))));
        let place = || "a".to_owned();
        work.begin(Job::Read { place: place(), number: 3 }, || panic!("on purpose"));
        assert_eq!(work.reads(), 1);
        let Some(Done::Unread { place: found, number: 3 }) = work.next().await else { panic!("it was read") };
        assert_eq!((found, work.reads()), (place(), 0));
        work.spawn(Job::Exam(7), async { panic!("on purpose") });
        let Some(Done::Examined(7, outcome)) = work.next().await else { panic!("it was not examined") };
        assert!(outcome.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_is_given_up_does_not_count() {
        let mut work = Work::default();
        work.spawn(Job::Exam(1), pending()).abort();
        work.begin(Job::Write, || Done::Written);
        assert!(matches!(work.next().await, Some(Done::Written)));
        assert!(tokio::time::timeout(Duration::from_millis(20), work.next()).await.is_err(), "nothing is left");
    }
}
