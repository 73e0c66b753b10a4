//! A server as a process of its own.

use std::collections::VecDeque;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::plugin_file::PluginFile;
use crate::process::Process;

/// How long it may take to start, with plugins to compile.
const START: Duration = Duration::from_secs(120);

/// How long it may take to stop.
const STOP: Duration = Duration::from_secs(30);

/// Lines of its output that are kept for the case that it dies.
const LAST_LINES: usize = 100;

/// A server that runs; it is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    lines: Lines,
    directory: TempDir,
}

type Lines = Arc<Mutex<VecDeque<String>>>;

impl Server {
    /// Starts `hangar serve` with everything that it keeps in a directory of its own: no plugin was compiled before, nothing is
    /// left behind. `configuration` is its hangar.toml.
    pub async fn hangar(program: &Path, plugins: &[&str], configuration: &str) -> Result<(Self, Vec<PluginFile>)> {
        let directory = tempfile::tempdir()?;
        let at = |name: &str| directory.path().join(name);
        let files = plugins.iter().map(|id| PluginFile::put(&at("plugins"), id)).collect::<Result<_>>()?;
        fs::write(at("hangar.toml"), configuration)?;
        let mut command = Command::new(program);
        command.args(["serve", "--host", "127.0.0.1", "--port", "0", "--log-level", "ERROR"]);
        command.arg("--plugins").arg(at("plugins")).arg("--state").arg(at("state"));
        command.arg("--config").arg(at("hangar.toml")).env("XDG_CACHE_HOME", at("cache"));
        Ok((Self::start(command, directory).await?, files))
    }

    /// Starts what the server is compared with.
    pub async fn echo(program: &Path) -> Result<Self> {
        Self::start(Command::new(program), tempfile::tempdir()?).await
    }

    async fn start(mut command: Command, directory: TempDir) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{command:?} does not start"))?;
        let lines = Lines::default();
        let (found, mut addresses) = mpsc::channel(1);
        if let Some(errors) = child.stderr.take() {
            tokio::spawn(keep(errors, Arc::clone(&lines), None));
        }
        if let Some(output) = child.stdout.take() {
            tokio::spawn(keep(output, Arc::clone(&lines), Some(found)));
        }
        let address = timeout(START, addresses.recv()).await;
        let mut server = Self { child, address: (Ipv4Addr::LOCALHOST, 0).into(), lines, directory };
        match address {
            Ok(Some(address)) => server.address = address,
            _ => bail!("the server does not say where it listens:\n{}", server.last_lines()),
        }
        Ok(server)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its figures.
    pub fn process(&self) -> Result<Process> {
        Ok(Process::numbered(self.child.id().context("the server has ended")?))
    }

    /// A place beside what it keeps.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Fails if it does not run any more.
    pub fn lives(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("the server has died ({status}); its last words:\n{}", self.last_lines()),
        }
    }

    /// Tells it to stop, and it must do so in good order.
    pub async fn stop(mut self) -> Result<()> {
        self.lives()?;
        let pid = self.child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
        kill_process(pid.context("the server has ended")?, Signal::TERM)?;
        match timeout(STOP, self.child.wait()).await {
            Ok(status) if status.as_ref().is_ok_and(std::process::ExitStatus::success) => Ok(()),
            Ok(status) => bail!("the server did not stop in good order ({:?}):\n{}", status?, self.last_lines()),
            Err(_) => bail!("the server does not stop:\n{}", self.last_lines()),
        }
    }

    /// Stops it without asking.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// What it said last.
    pub fn last_lines(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// Reads to the end, so that the server never waits for a reader.
async fn keep(output: impl AsyncRead + Unpin, lines: Lines, found: Option<mpsc::Sender<SocketAddr>>) {
    let mut output = BufReader::new(output).lines();
    while let Ok(Some(line)) = output.next_line().await {
        if let Some(found) = &found
            && let Some(address) = address_in(&line)
        {
            // Only the first one is waited for.
            let _ = found.try_send(address);
        }
        let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

/// The address in a line of the banner.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("http://")?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ':')).unwrap_or(rest.len());
    rest.get(..end)?.trim_end_matches(['.', ':']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_banners() {
        let address = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 5000)));
        for line in ["http://127.0.0.1:5000", "  Listening  http://127.0.0.1:5000/", "at http://127.0.0.1:5000."] {
            assert_eq!(address_in(line), address, "{line}");
        }
        for line in ["https://127.0.0.1:5000", "http://", "http://localhost:5000"] {
            assert_eq!(address_in(line), None, "{line}");
        }
    }
}
