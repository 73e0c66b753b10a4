//! `hangar dispatch`: has a device do something, waits, and prints what came of it.

mod api;
mod progress;
mod shown;

use std::time::Duration;

use anstream::eprintln;
use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;
use tokio::time::{Instant, interval, sleep_until, timeout};

use super::Verdict;
use super::ends::Ends;
use super::problem::Problem;
use super::screen::{BAD, Screen, plain};
use super::server_address::ServerAddress;
use api::{Api, Dispatched, Failure, Online, Standing};
use progress::Progress;

/// Between two looks: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How long the server may be away while a task is waited for.
const AWAY: Duration = Duration::from_secs(30);

/// How long cancelling may take.
const CANCEL: Duration = Duration::from_secs(5);

/// Devices that are told of when it is not clear which is meant.
const DEVICES: usize = 20;

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  hangar dispatch '$ uname -a'                          on the only device that is online, one command
  hangar dispatch 'How full are the disks?' --device lab-7    planned by a model
  hangar dispatch '$ df -h' --json | jq .task_status
  HANGAR_API_KEY=... hangar dispatch '$ uptime' --server https://hangar.example.org --device lab-7

A request that begins with `$ ` is one command for a device with Linux; quote it with ' so that your shell leaves the $ alone. \
The result is printed to standard output, how long it takes to standard error where that is a terminal. Ctrl-C cancels the \
task. When --timeout is over, the task goes on without being waited for.

--json prints the server's last answer: {\"status\":\"done\",\"result\":[{\"request\":..,\"result\":..}],\"task_status\":\
\"completed|failed\",\"error\":..,\"session_id\":..}.
Exit code 0: it is completed. 1: it failed, was cancelled or refused, or took longer than --timeout.";

/// What is to be done, and by whom.
#[derive(Args)]
pub struct Dispatch {
    /// What is to be done
    request: String,
    /// The device that is to do it [default: the only one that is online]
    #[arg(long, value_name = "ID")]
    device: Option<String>,
    /// What to call the task: letters, digits, and . _ - but no . in front [default: a name that nobody has used]
    #[arg(long)]
    name: Option<String>,
    /// The server [default: HANGAR_SERVER, or http://localhost:5000]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The server's key [default: HANGAR_API_KEY]
    #[arg(long)]
    key: Option<String>,
    /// How long to wait for the end
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    timeout: u64,
    /// Print the server's answer as it is
    #[arg(long)]
    pub json: bool,
}

/// How the waiting ended.
enum End {
    Done(Value),
    Interrupted,
    TooLong,
}

/// Has it done and prints what came of it.
pub fn work(dispatch: &Dispatch, screen: &mut Screen) -> Result<Verdict> {
    let threads = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let threads = threads.context("no threads can be had")?;
    let done = threads.block_on(dispatch.run(screen));
    threads.shutdown_timeout(Duration::from_secs(1));
    done
}

impl Dispatch {
    async fn run(&self, screen: &mut Screen) -> Result<Verdict> {
        let mut ends = Ends::new()?;
        let address = ServerAddress::of(self.server.as_deref())?;
        let api = Api::new(&address, address.key(self.key.as_deref()))?;
        let device = match &self.device {
            Some(device) => device.clone(),
            None => the_only_one(&api.devices().await.map_err(Problem::from)?)?,
        };
        // It is named here, so that it can be cancelled whatever becomes of the answer.
        let name = self.name.clone().unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
        let progress = Progress::new();
        let end = tokio::select! {
            end = self.carry_out(&api, &device, &name, &progress) => end,
            () = ends.any() => Ok(End::Interrupted),
        };
        progress.clear();
        match end? {
            End::Done(answer) => self.print(&answer, screen),
            End::Interrupted => {
                let cancelled = tokio::select! {
                    cancelled = timeout(CANCEL, api.cancel(&name)) => cancelled,
                    () = ends.any() => return Ok(Verdict::NotOk),
                };
                match cancelled {
                    Ok(Ok(())) => eprintln!("{BAD}cancelled{BAD:#} task {}", plain(&name)),
                    Ok(Err(failure)) => return Err(Problem::from(failure).at("the task may go on").into()),
                    Err(_) => return Err(Problem::new("the task may go on: the server does not answer", "").into()),
                }
                Ok(Verdict::NotOk)
            }
            End::TooLong => {
                let what = format!("task {name} is not done after {} seconds; it goes on", self.timeout);
                let result = address.http(&["api", "task_result", &name]);
                let fix = format!(
                    "wait longer with --timeout; {result} has its result, {} stops it",
                    address.http(&["api", "cancel", &name])
                );
                Err(Problem::new(what, fix).into())
            }
        }
    }

    async fn carry_out(&self, api: &Api<'_>, device: &str, name: &str, progress: &Progress) -> Result<End, Problem> {
        let at_work = async {
            progress.show(&format!("asking {device}"));
            let task = api.dispatch(device, &self.request, name).await?;
            wait(api, &task, device, progress).await
        };
        timeout(Duration::from_secs(self.timeout), at_work).await.unwrap_or(Ok(End::TooLong))
    }

    fn print(&self, answer: &Value, screen: &mut Screen) -> Result<Verdict> {
        let error = answer.get("error").and_then(Value::as_str).filter(|error| !error.is_empty());
        let is_completed = match answer.get("task_status").and_then(Value::as_str) {
            Some(status) => status == "completed",
            None => error.is_none(),
        };
        if self.json {
            screen.json(answer)?;
        } else {
            shown::print(answer.get("result").unwrap_or(&Value::Null), screen)?;
            if !is_completed {
                let lines = error.unwrap_or("without saying why").lines().map(plain).collect::<Vec<_>>().join("\n");
                eprintln!("{BAD}failed{BAD:#} {lines}");
            }
        }
        Ok(if is_completed { Verdict::Ok } else { Verdict::NotOk })
    }
}

/// Looks again and again, ever less often.
async fn wait(api: &Api<'_>, task: &Dispatched, device: &str, progress: &Progress) -> Result<End, Problem> {
    let mut pause = FIRST_PAUSE;
    let mut away_since: Option<Instant> = None;
    let mut seconds = interval(Duration::from_secs(1));
    let mut standing = format!("{device} is at work");
    loop {
        let next = Instant::now() + pause;
        loop {
            tokio::select! {
                () = sleep_until(next) => break,
                _ = seconds.tick() => progress.show(&standing),
            }
        }
        match api.standing(task).await {
            Ok(Standing::Done(answer)) => return Ok(End::Done(answer)),
            Ok(Standing::Pending) => {
                away_since = None;
                standing = format!("{device} is at work");
            }
            Err(Failure::Passing(problem)) => {
                if away_since.get_or_insert_with(Instant::now).elapsed() > AWAY {
                    return Err(problem);
                }
                standing = problem.what;
            }
            Err(Failure::Refused(problem)) => return Err(problem),
        }
        pause = pause.mul_f64(1.3).min(LONGEST_PAUSE);
    }
}

fn the_only_one(devices: &[Online]) -> Result<String, Problem> {
    match devices {
        [] => Err(Problem::new("no device is online", "connect one with `hangar device`, in another terminal")),
        [device] => Ok(device.client_id.clone()),
        devices => {
            let line = |device: &Online| match &device.platform {
                Some(platform) => format!("\n  {} ({platform})", device.client_id),
                None => format!("\n  {}", device.client_id),
            };
            let mut lines: String = devices.iter().take(DEVICES).map(line).collect();
            if let Some(more @ 1..) = devices.len().checked_sub(DEVICES) {
                lines += &format!("\n  and {more} more");
            }
            let what = format!("{} devices are online:{lines}", devices.len());
            Err(Problem::new(what, "say which is meant with --device ID"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn online(client_id: &str, platform: Option<&str>) -> Online {
        Online { client_id: client_id.into(), r#type: None, platform: platform.map(Into::into) }
    }

    #[test]
    fn the_device_is_clear_or_asked_for() {
        assert_eq!(the_only_one(&[online("a", None)]).unwrap(), "a");
        assert!(the_only_one(&[]).unwrap_err().fix.contains("hangar device"));
        let two = the_only_one(&[online("a", Some("linux")), online("b", None)]).unwrap_err();
        assert_eq!(two.what, "2 devices are online:\n  a (linux)\n  b");
        let many: Vec<_> = (0..30).map(|number| online(&number.to_string(), None)).collect();
        assert!(the_only_one(&many).unwrap_err().what.ends_with("\n  19\n  and 10 more"));
    }
}
