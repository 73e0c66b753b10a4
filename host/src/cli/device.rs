//! `hangar device`: connects this machine to a server.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anstyle::Style;
use anyhow::{Context, Result};
use clap::Args;
use hangar_aip::client::{ClientError, Identity, Options};
use hangar_aip::{ClientType, Id, Platform};

use super::Verdict;
use super::ends::Ends;
use super::problem::Problem;
use super::screen::{BAD, DOUBTFUL, FAINT, GOOD, STRONG, Screen, plain};
use super::server_address::{KEY_VARIABLE, ServerAddress};
use crate::device::{Agent, Allowed, Commands, Ended, Files, News, Policy, Toolbox, device_info, host_name};

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  hangar device                                     this machine, to a server on this machine
  hangar device --root ~/work --allow git           programs that tell of the machine and git; files below ~/work
  hangar device --allow-shell                       anything that a shell can do: only where the server is trusted with it
  HANGAR_API_KEY=... hangar device --server wss://hangar.example.org/ws --id lab-7

What it can be told to do: run commands (execute_command), tell of the machine (get_system_info), list and read files below the \
root (list_files, read_file), write them if --root is given (write_file), take a screenshot where there is a display and a program \
that takes one (take_screenshot). Commands run without a shell, and only programs that tell of the machine are run, such as \
uname, ls, df, ps; --allow adds a program, --allow-shell allows everything and runs it by sh. What is not allowed is refused with \
the reason. A command that runs too long is killed with all that it has started; so is one whose connection is lost.

The key is better given in HANGAR_API_KEY than in --key: other users of this machine can see command lines. Ctrl-C says good-bye \
and ends it, with exit code 0. A connection that is lost is tried again for as long as it takes; a key that is refused is not.";

/// Which device, and what it may do.
#[derive(Args)]
pub struct Device {
    /// The server [default: HANGAR_SERVER, or ws://localhost:5000/ws]
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The name of this device [default: the name of this machine]
    #[arg(long)]
    id: Option<String>,
    /// The server's key [default: HANGAR_API_KEY]
    #[arg(long, hide_default_value = true)]
    key: Option<String>,
    /// The folder that commands run in and that files are read and written below [default: the working directory, to read
    /// only]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// What it is to the server: linux, macos, windows, ... [default: what it is]
    #[arg(long)]
    platform: Option<String>,
    /// Run this program, too, with any arguments; may be repeated
    #[arg(long, value_name = "PROGRAM")]
    allow: Vec<String>,
    /// Run anything, by a shell
    #[arg(long, conflicts_with = "allow")]
    allow_shell: bool,
    /// Bytes of the output of a command that are kept of either stream; the middle is left out
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 10, value_parser = clap::value_parser!(u64).range(1_024..=16 << 20))]
    max_output: u64,
    /// The longest that a command may take; those that do not say how long they take have 30 seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    command_timeout: u64,
}

/// Serves until it is interrupted.
pub fn work(device: &Device, screen: &mut Screen) -> Result<Verdict> {
    let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let threads = threads.context("no threads can be had")?;
    let served = threads.block_on(serve(device, screen));
    // A program that was killed and does not die is not waited for.
    threads.shutdown_timeout(Duration::from_secs(1));
    served
}

async fn serve(device: &Device, screen: &mut Screen) -> Result<Verdict> {
    hide_environment();
    let mut ends = Ends::new()?;
    let address = ServerAddress::of(device.server.as_deref())?;
    let agent = device.agent(&address)?;
    let mut teller = Teller { screen, server: address.shown(), id: agent.identity.client_id().to_string() };
    teller.begin(&agent.toolbox)?;
    let ended = agent.serve(&mut |news| teller.tell(&news), ends.any()).await?;
    match ended {
        Ended::Stopped => {
            teller.line(FAINT, "good-bye", "the server was told")?;
            Ok(Verdict::Ok)
        }
        Ended::GivenUp(why) => Err(given_up(&why).into()),
    }
}

/// What runs on this machine as the same user must not read the key out of this process.
fn hide_environment() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::debug!(%error, "the environment of this process can be read by others of this user");
    }
}

impl Device {
    fn agent(&self, address: &ServerAddress) -> Result<Agent, Problem> {
        let id = match self.id.clone().or_else(host_name) {
            Some(id) => {
                Id::new(&id).map_err(|error| Problem::new(format!("the id {error}"), "name another with --id"))?
            }
            None => return Err(Problem::new("this machine has no name", "name the device with --id")),
        };
        let platform = match &self.platform {
            Some(word) => Platform::new(word)
                .ok_or_else(|| Problem::new("the platform is empty", "name one, as in --platform linux"))?,
            None => Platform::new(std::env::consts::OS).unwrap_or_default(),
        };
        let toolbox = self.toolbox()?;
        let info = device_info(&id, address.peer(), toolbox.screen.is_some());
        let identity = Identity::device(id, platform, Some(&info))
            .map_err(|error| Problem::new(format!("this machine cannot be described: {error}"), ""))?;
        let mut options = Options::of(ClientType::Device);
        options.key = address.key(self.key.as_deref());
        options.close = Duration::from_secs(3);
        Ok(Agent { url: address.socket(), identity, options, toolbox })
    }

    fn toolbox(&self) -> Result<Toolbox, Problem> {
        let root = self.root.clone().unwrap_or_else(|| PathBuf::from("."));
        let files = Files::below(&root, self.root.is_some()).map_err(|error| {
            let what = format!("the root {} cannot be opened: {error}", root.display());
            Problem::new(what, "name a folder that is there with --root")
        })?;
        let policy = if self.allow_shell { Policy::Shell } else { Policy::Programs(Allowed::with(self.allow.clone())) };
        let commands = Commands {
            policy,
            longest: Duration::from_secs(self.command_timeout),
            keep: usize::try_from(self.max_output).unwrap_or(usize::MAX),
            hidden: vec![KEY_VARIABLE.into(), super::server_address::VARIABLE.into()],
        };
        Ok(Toolbox { commands, files, screen: crate::device::Screen::of_this_machine() })
    }
}

fn given_up(why: &ClientError) -> Problem {
    match why {
        ClientError::Denied { host, status } => Problem::new(
            format!("{host} refuses the key (HTTP {status})"),
            "give the server's key in HANGAR_API_KEY or with --key; the server prints it when it starts",
        ),
        other => Problem::new(other.to_string(), "look at --server, and see `hangar device --help`"),
    }
}

/// What to do about a loss that does not pass by itself.
fn advice(why: &ClientError) -> Option<&'static str> {
    match why {
        ClientError::Connect { .. } => Some("is the server running, and is --server right?"),
        ClientError::Refused { text } if text.contains("already registered") => {
            Some("another device has this id: stop it, or name this one with --id")
        }
        _ => None,
    }
}

/// Prints what happens.
struct Teller<'s> {
    screen: &'s mut Screen,
    server: String,
    id: String,
}

impl Teller<'_> {
    fn begin(&mut self, toolbox: &Toolbox) -> Result<()> {
        let commands = match &toolbox.commands.policy {
            Policy::Shell => format!("{BAD}anything, by a shell{BAD:#}"),
            Policy::Programs(allowed) => plain(&allowed.names()),
        };
        let may = if toolbox.files.are_writable() { "read and written" } else { "read" };
        writeln!(self.screen, "device   {STRONG}{}{STRONG:#} for {}", plain(&self.id), plain(&self.server))?;
        writeln!(self.screen, "commands {commands}")?;
        writeln!(self.screen, "files    below {} are {may}", plain(&toolbox.files.root().display().to_string()))?;
        writeln!(self.screen, "{FAINT}stop with Ctrl-C{FAINT:#}")?;
        Ok(self.screen.flush()?)
    }

    fn tell(&mut self, news: &News) -> Result<()> {
        match news {
            News::Connected => self.line(GOOD, "connected", &format!("as {} to {}", self.id, self.server))?,
            News::Lost { why, again_in } => {
                self.line(BAD, "lost", &format!("{why}; trying again in {:.1} s", again_in.as_secs_f64()))?;
                if let Some(advice) = advice(why) {
                    self.line(FAINT, "", advice)?;
                }
            }
            News::Task(task) => {
                let name = task.task_name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
                self.line(STRONG, "task", &format!("{}{name}", task.request))?;
            }
            News::Began { session, calls } => {
                for call in calls {
                    self.line(STRONG, "command", call)?;
                }
                if calls.is_empty() {
                    self.line(FAINT, "command", &format!("none, for session {session}"))?;
                }
            }
            News::Done { took, carried_out: (done, all), error } => {
                let took = took.as_secs_f64();
                match error {
                    None => self.line(GOOD, "done", &format!("in {took:.2} s"))?,
                    Some(error) => self.line(DOUBTFUL, "done", &format!("{done} of {all} in {took:.2} s: {error}"))?,
                }
            }
            News::Stopped(why) => self.line(DOUBTFUL, "stopped", &format!("what it was doing, because {why}"))?,
            News::Over(outcome) => match outcome.error() {
                None => self.line(GOOD, "completed", "the task")?,
                Some(error) => self.line(BAD, "failed", error)?,
            },
            News::Complaint(text) => self.line(BAD, "error", &format!("the server says: {text}"))?,
        }
        Ok(())
    }

    fn line(&mut self, style: Style, word: &str, text: &str) -> io::Result<()> {
        let time = jiff::Zoned::now().strftime("%H:%M:%S").to_string();
        let text = text.lines().next().unwrap_or_default();
        writeln!(self.screen, "{FAINT}{time}{FAINT:#}  {style}{word:<10}{style:#} {}", plain(text))?;
        self.screen.flush()
    }
}
