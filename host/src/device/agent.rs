//! The agent itself: it connects, carries out one COMMAND after another, and comes back when the connection is lost.
//!
//! Nothing is done for a server that would not hear of it: when the connection is lost, or the session is over, the command
//! that runs for it is killed, and those that wait are forgotten.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::Result;
use hangar_aip::client::{Client, ClientError, Event, Identity, Options, ReceivedCommands};
use hangar_aip::{Assignment, Command, CommandResult, Id, Outcome, ResultStatus};
use serde_json::Value;

use super::batch::carry_out;
use super::toolbox::Toolbox;

/// COMMANDs that may wait for their turn. Beyond it no more events are taken; a server that sends on all the same is hung up
/// on by the client.
const QUEUE: usize = 64;

/// Characters of a command that are told.
const TOLD: usize = 300;

/// A device agent.
#[derive(Debug)]
pub struct Agent {
    /// The server's URL.
    pub url: String,
    /// Who the device is.
    pub identity: Identity,
    /// How its connection behaves.
    pub options: Options,
    /// What it can do.
    pub toolbox: Toolbox,
}

/// What happens to a device, for whoever looks on.
#[derive(Debug)]
pub enum News {
    /// It is registered.
    Connected,
    /// It is not, or no longer.
    Lost {
        /// Why.
        why: ClientError,
        /// When it tries again.
        again_in: Duration,
    },
    /// It was assigned a task.
    Task(Assignment),
    /// It begins to do something.
    Began {
        /// The session that wants it.
        session: Id,
        /// The calls, in words.
        calls: Vec<String>,
    },
    /// It has done it, and said so to the server.
    Done {
        /// How long it took.
        took: Duration,
        /// Calls that were carried out, of how many.
        carried_out: (usize, usize),
        /// What went wrong.
        error: Option<String>,
    },
    /// What it was doing was stopped.
    Stopped(&'static str),
    /// A session is over.
    Over(Outcome),
    /// The server complains.
    Complaint(String),
}

/// Why an agent ended.
#[derive(Debug)]
pub enum Ended {
    /// It was told to.
    Stopped,
    /// It is of no use to try on.
    GivenUp(ClientError),
}

/// Something that is being done.
struct Work<'a> {
    session: Id,
    done: Pin<Box<dyn Future<Output = News> + Send + 'a>>,
}

impl Agent {
    /// Serves until it is told to stop or it is of no use to go on.
    pub async fn serve(
        &self,
        tell: &mut dyn FnMut(News) -> Result<()>,
        stop: impl Future<Output = ()>,
    ) -> Result<Ended> {
        tokio::pin!(stop);
        let connected = tokio::select! {
            connected = self.connect(tell) => connected?,
            () = &mut stop => return Ok(Ended::Stopped),
        };
        let mut client = match connected {
            Ok(client) => client,
            Err(why) => return Ok(Ended::GivenUp(why)),
        };
        let ended = tokio::select! {
            ended = self.work(&mut client, tell) => ended,
            () = &mut stop => Ok(Ended::Stopped),
        };
        client.close().await;
        ended
    }

    /// Connects, as often as it takes.
    async fn connect(&self, tell: &mut dyn FnMut(News) -> Result<()>) -> Result<Result<Client, ClientError>> {
        for attempt in 0.. {
            let why = match Client::connect_with(&self.url, self.identity.clone(), self.options.clone()).await {
                Ok(client) => {
                    tell(News::Connected)?;
                    return Ok(Ok(client));
                }
                Err(why @ (ClientError::Url { .. } | ClientError::Denied { .. })) => return Ok(Err(why)),
                Err(why) => why,
            };
            let Some(again_in) = self.options.backoff.pause(attempt, chance()) else { return Ok(Err(why)) };
            tell(News::Lost { why, again_in })?;
            tokio::time::sleep(again_in).await;
        }
        Ok(Err(ClientError::Closed))
    }

    async fn work(&self, client: &mut Client, tell: &mut dyn FnMut(News) -> Result<()>) -> Result<Ended> {
        let mut waiting: VecDeque<Box<ReceivedCommands>> = VecDeque::new();
        let mut work: Option<Work<'_>> = None;
        loop {
            if work.is_none()
                && let Some(next) = waiting.pop_front()
            {
                let session = next.commands().session_id.clone();
                let calls = next.commands().actions.iter().map(in_words).collect();
                tell(News::Began { session: session.clone(), calls })?;
                work = Some(Work { session, done: Box::pin(self.carry_out(next)) });
            }
            let event = tokio::select! {
                biased;
                done = done(&mut work) => {
                    work = None;
                    tell(done)?;
                    continue;
                }
                event = client.next(), if waiting.len() < QUEUE => event,
            };
            match event {
                Some(Event::Commands(received)) => waiting.push_back(received),
                Some(Event::Assigned(task)) => tell(News::Task(task))?,
                Some(Event::Ended(end)) => {
                    waiting.retain(|each| each.commands().session_id != end.session_id);
                    if work.take_if(|work| work.session == end.session_id).is_some() {
                        tell(News::Stopped("its session is over"))?;
                    }
                    tell(News::Over(end.outcome))?;
                }
                Some(Event::Error(text)) => tell(News::Complaint(text))?,
                Some(Event::Lost { why, again_in }) => {
                    waiting.clear();
                    if work.take().is_some() {
                        tell(News::Stopped("the connection is lost"))?;
                    }
                    match again_in {
                        Some(again_in) => tell(News::Lost { why, again_in })?,
                        None => return Ok(Ended::GivenUp(why)),
                    }
                }
                Some(Event::Back) => tell(News::Connected)?,
                Some(_) => {}
                None => return Ok(Ended::GivenUp(ClientError::Closed)),
            }
        }
    }

    async fn carry_out(&self, received: Box<ReceivedCommands>) -> News {
        let began = Instant::now();
        let results = carry_out(&self.toolbox, received.commands()).await;
        let took = began.elapsed();
        let carried_out = results.iter().filter(|result| result.status == ResultStatus::Success).count();
        let carried_out = (carried_out, results.len());
        let failure = results.iter().find_map(what_went_wrong);
        let error = received.answer(results).await.err().map(|error| format!("the results were not sent: {error}"));
        News::Done { took, carried_out, error: error.or(failure) }
    }
}

/// Waits for what is being done; for ever, if nothing is.
async fn done(work: &mut Option<Work<'_>>) -> News {
    match work {
        Some(work) => work.done.as_mut().await,
        None => std::future::pending().await,
    }
}

/// What went wrong with a call: with the tool, or with what it ran.
fn what_went_wrong(result: &CommandResult) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Ran {
        success: bool,
        exit_code: Option<i32>,
        error: Option<String>,
    }

    if result.error.is_some() {
        return result.error.clone();
    }
    // Other results are not looked into: they may be pictures.
    let json = result.result.as_ref().filter(|_| result.namespace.as_deref() == Some("commands"))?;
    let Ran { success, exit_code, error } = json.read().ok()?;
    if success { None } else { error.or_else(|| exit_code.map(|code| format!("exit code {code}"))) }
}

/// A call for people. Of its parameters only those are told that say what is touched: others may be secrets.
fn in_words(call: &Command) -> String {
    let parameters: Value = call.parameters.as_ref().and_then(|parameters| parameters.read().ok()).unwrap_or_default();
    let object = ["command", "path"].into_iter().find_map(|name| parameters.get(name)?.as_str());
    let words = object.map_or_else(|| call.tool_name.clone(), |object| format!("{} {object}", call.tool_name));
    if words.chars().count() > TOLD { words.chars().take(TOLD).chain(['…']).collect() } else { words }
}

/// A number between 0 and 1, so that devices do not all come back at once.
fn chance() -> f64 {
    let (random, _) = uuid::Uuid::new_v4().as_u64_pair();
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(all(test, unix))]
mod tests;
