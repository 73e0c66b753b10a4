//! The connections: one for each device, as constellations have it, and on each at most one task.
//!
//! A constellation's connection stays when its device leaves. So when a task tells that the device has left, the connection
//! is closed and made anew: the server takes it once the device is there again.

use std::time::Duration;

use hangar_aip::client::{Backoff, Client, ClientError, Handle, Identity, Options, TaskOrder};
use hangar_aip::{ClientType, Id, Json, Outcome};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::schedule::End;

/// What a failed task says when the device has left.
const DEVICE_LEFT: &str = "Task was cancelled because target device disconnected";

/// A task for a device.
#[derive(Debug)]
pub struct Assignment {
    /// Its place in the graph.
    pub task: usize,
    /// What it is called.
    pub name: String,
    /// What is to be done.
    pub request: String,
    /// How long it may take.
    pub patience: Duration,
}

/// What happens to a device.
#[derive(Debug)]
pub enum News {
    /// It is there.
    Came {
        /// What it runs on.
        platform: Option<String>,
    },
    /// It is not.
    Away {
        /// Why.
        why: String,
    },
    /// It never will be.
    Refused {
        /// Why.
        why: String,
    },
    /// A task has ended.
    Ended {
        /// Its place in the graph.
        task: usize,
        /// How.
        end: End,
    },
}

/// What happens to whom.
pub type Told = (String, News);

/// One device, for the constellation.
#[derive(Debug, Clone)]
pub struct Link {
    /// The server's URL.
    pub url: String,
    /// The server's key.
    pub key: Option<String>,
    /// What the constellation is called.
    pub constellation: String,
    /// The device.
    pub device: String,
}

impl Link {
    /// Keeps a connection for the device and has it do what comes, until nobody listens any more.
    pub async fn keep(self, mut assignments: mpsc::Receiver<Assignment>, told: mpsc::Sender<Told>) {
        let backoff = Backoff { longest: Duration::from_secs(10), ..Backoff::default() };
        let mut attempt = 0;
        // What was told already.
        let mut known = String::new();
        loop {
            let why = match self.connect().await {
                Ok(client) => {
                    attempt = 0;
                    known.clear();
                    match self.serve(client, &mut assignments, &told).await {
                        Some(why) => why,
                        None => return,
                    }
                }
                Err(why @ (ClientError::Url { .. } | ClientError::Denied { .. })) => {
                    let why = why.to_string();
                    assignments.close();
                    self.give_back(&mut assignments, &told, &why).await;
                    self.tell(&told, News::Refused { why }).await;
                    return;
                }
                Err(why) => why.to_string(),
            };
            if why != known {
                known.clone_from(&why);
                if !self.tell(&told, News::Away { why: why.clone() }).await {
                    return;
                }
            }
            self.give_back(&mut assignments, &told, &why).await;
            // Devices do not come back all at once, and neither do their constellations.
            let pause = backoff.pause(attempt, 0.5).unwrap_or(backoff.longest);
            attempt = attempt.saturating_add(1);
            tokio::select! {
                () = sleep(pause) => {}
                () = told.closed() => return,
            }
        }
    }

    /// What was assigned while the device was going away is for another one.
    async fn give_back(&self, assignments: &mut mpsc::Receiver<Assignment>, told: &mpsc::Sender<Told>, why: &str) {
        while let Ok(Assignment { task, .. }) = assignments.try_recv() {
            self.tell(told, News::Ended { task, end: End::Left(why.to_owned()) }).await;
        }
    }

    async fn connect(&self) -> Result<Client, ClientError> {
        let device = Id::new(&self.device).map_err(|error| ClientError::Url { why: format!("a device {error}") })?;
        let identity = Identity::constellation(&self.constellation, device)?;
        let mut options = Options::of(ClientType::Constellation);
        options.key = self.key.clone();
        // A lost connection is made anew here, like one that was never made.
        options.backoff.attempts = Some(0);
        Client::connect_with(&self.url, identity, options).await
    }

    /// Serves one connection; why it is no more, or none when nobody listens.
    async fn serve(
        &self,
        mut client: Client,
        assignments: &mut mpsc::Receiver<Assignment>,
        told: &mpsc::Sender<Told>,
    ) -> Option<String> {
        let handle = client.handle().clone();
        let device = Id::new(&self.device).ok()?;
        // A server may know nothing of a device; it is one all the same.
        let platform = handle.device_info(&device).await.ok().and_then(|info| info.platform);
        if !self.tell(told, News::Came { platform }).await {
            return None;
        }
        loop {
            let assignment = tokio::select! {
                assignment = assignments.recv() => assignment,
                event = client.next() => match event {
                    Some(_) => continue,
                    None => return Some("the connection was lost".into()),
                },
            };
            let Some(assignment) = assignment else {
                drop(handle);
                client.close().await;
                return None;
            };
            let end = {
                let run = run(&handle, &assignment, &self.constellation);
                tokio::pin!(run);
                loop {
                    tokio::select! {
                        end = &mut run => break end,
                        // What else is heard must be taken; when nothing comes any more, the task will end, too.
                        Some(_) = client.next() => {}
                    }
                }
            };
            let left = if let End::Left(why) = &end { Some(why.clone()) } else { None };
            if !self.tell(told, News::Ended { task: assignment.task, end }).await {
                return None;
            }
            if let Some(why) = left {
                drop(handle);
                client.close().await;
                return Some(why);
            }
        }
    }

    async fn tell(&self, told: &mpsc::Sender<Told>, news: News) -> bool {
        told.send((self.device.clone(), news)).await.is_ok()
    }
}

/// Has one task done.
async fn run(handle: &Handle, assignment: &Assignment, constellation: &str) -> End {
    let order = TaskOrder {
        task_name: Some(format!("{constellation}/{}", assignment.name)),
        ..TaskOrder::new(&assignment.request)
    };
    let ended = match handle.task(order).await {
        Ok(task) => task.end(assignment.patience).await,
        Err(error) => Err(error),
    };
    match ended {
        Ok(Outcome::Completed { result }) => End::Completed(result.as_ref().map(in_words).unwrap_or_default()),
        Ok(Outcome::Failed { error, .. }) | Err(ClientError::Declined(error)) => {
            if error == DEVICE_LEFT || error.ends_with("is not connected") {
                End::Left(error)
            } else {
                End::Failed(error)
            }
        }
        Err(error @ ClientError::Timeout { .. }) => End::Failed(error.to_string()),
        Err(error) => End::Left(error.to_string()),
    }
}

/// The beginning of a result: a list of `{request, result}`.
fn in_words(result: &Json) -> String {
    let value: serde_json::Value = result.read().unwrap_or_default();
    let rounds = value.as_array().cloned().unwrap_or_else(|| vec![value]);
    let word = |round: &serde_json::Value| match round.get("result").unwrap_or(round) {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    rounds.iter().map(word).collect::<Vec<_>>().join("; ")
}
