//! One program run to its end, or to the end of its time, with everything that it starts.
//!
//! A program is the leader of a process group of its own. When it ends, when its time is over, or when nobody waits for it
//! any more, the whole group is killed: nothing that a command starts outlives it. (What makes itself a session of its own
//! does; a device that must not be left so runs in a container.)

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::{Instant, sleep_until, timeout};

use super::capture::Capture;

/// How long is read on when the group is gone: somebody who left it may hold the other end of a pipe.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// How it ended by itself; none if its time was over.
    pub status: Option<ExitStatus>,
    /// What it printed.
    pub stdout: Capture,
    /// What it complained of.
    pub stderr: Capture,
}

/// Runs a program. When this is dropped, the program and all that it started are killed.
pub async fn run(mut command: Command, patience: Duration, keep: usize) -> io::Result<Ended> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let ends = Ends::new()?;
    let mut child = command.spawn()?;
    let mut group = Group::of(&child, ends);
    let deadline = Instant::now() + patience;
    let (mut stdout, mut stderr) = (Capture::of(keep), Capture::of(keep));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let in_time = {
        let reading = async { tokio::join!(stdout.fill(out), stderr.fill(err)) };
        tokio::pin!(reading);
        let mut read = false;
        let in_time = loop {
            tokio::select! {
                ended = group.leader_ends(&mut child) => break ended?,
                _ = &mut reading, if !read => read = true,
                () = sleep_until(deadline) => break false,
            }
        };
        group.kill(&mut child);
        if !read {
            let _ = timeout(LAST_WORDS, reading).await;
        }
        in_time
    };
    let status = child.wait().await?;
    Ok(Ended { status: in_time.then_some(status), stdout, stderr })
}

#[cfg(not(unix))]
use other::{Ends, Group};
#[cfg(unix)]
use unix::{Ends, Group};

#[cfg(unix)]
mod unix {
    use std::io;

    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
    use tokio::process::Child;
    use tokio::signal::unix::{Signal as Signals, SignalKind, signal};

    /// Tells that some child has ended.
    pub struct Ends(Signals);

    impl Ends {
        pub fn new() -> io::Result<Self> {
            Ok(Self(signal(SignalKind::child())?))
        }
    }

    /// The process group of a child that was not waited for yet. So long nobody else can have its number.
    pub struct Group {
        leader: Option<Pid>,
        ends: Ends,
    }

    impl Group {
        pub fn of(child: &Child, ends: Ends) -> Self {
            let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
            Self { leader, ends }
        }

        /// Waits until the leader has ended, and leaves it to be waited for.
        pub async fn leader_ends(&mut self, _child: &mut Child) -> io::Result<bool> {
            let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
            while let Some(leader) = self.leader {
                if waitid(WaitId::Pid(leader), look)?.is_some() {
                    break;
                }
                self.ends.0.recv().await;
            }
            Ok(true)
        }

        /// Kills whoever is in it. The number is not used again.
        pub fn kill(&mut self, _child: &mut Child) {
            if let Some(leader) = self.leader.take() {
                // There may be nobody but the leader, who has ended.
                let _ = kill_process_group(leader, Signal::KILL);
            }
        }
    }

    impl Drop for Group {
        fn drop(&mut self) {
            if let Some(leader) = self.leader.take() {
                let _ = kill_process_group(leader, Signal::KILL);
            }
        }
    }
}

#[cfg(not(unix))]
mod other {
    use std::io;

    use tokio::process::Child;

    /// Nothing is needed.
    pub struct Ends;

    impl Ends {
        pub fn new() -> io::Result<Self> {
            Ok(Self)
        }
    }

    /// Where there are no process groups, the child alone is ended.
    pub struct Group;

    impl Group {
        pub fn of(_child: &Child, _ends: Ends) -> Self {
            Self
        }

        pub async fn leader_ends(&mut self, child: &mut Child) -> io::Result<bool> {
            child.wait().await.map(|_| true)
        }

        pub fn kill(&mut self, child: &mut Child) {
            let _ = child.start_kill();
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;

    use rustix::process::{Pid, test_kill_process};
    use tempfile::TempDir;

    use super::*;

    const KEEP: usize = 1 << 16;
    const LONG: Duration = Duration::from_secs(60);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    /// Waits until a script has written the number of a process that it has started.
    async fn pid_in(file: &Path) -> Pid {
        loop {
            if let Ok(pid) = fs::read_to_string(file).unwrap_or_default().trim().parse::<i32>() {
                return Pid::from_raw(pid).unwrap();
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until a process is no more; a zombie that waits for its new parent is no more.
    async fn is_gone(pid: Pid) {
        let is_zombie = || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
            stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
        };
        while test_kill_process(pid).is_ok() && !is_zombie() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn the_end_and_both_streams_are_told() {
        let ended = run(shell("echo out; echo err >&2; exit 3"), LONG, KEEP).await.unwrap();
        assert_eq!(ended.status.and_then(|status| status.code()), Some(3));
        assert_eq!((ended.stdout.text().as_str(), ended.stderr.text().as_str()), ("out\n", "err\n"));
        let ended = run(shell("kill -9 $$"), LONG, KEEP).await.unwrap();
        assert_eq!(ended.status.and_then(|status| status.signal()), Some(9));
        assert!(run(Command::new("/no/such/program"), LONG, KEEP).await.is_err());
    }

    #[tokio::test]
    async fn what_prints_without_end_is_stopped_in_its_time_and_takes_no_memory() {
        let ended = run(shell("echo first; exec yes"), Duration::from_millis(300), 1_000).await.unwrap();
        assert!(ended.status.is_none() && ended.stdout.is_cut());
        let text = ended.stdout.text();
        assert!(text.starts_with("first\ny\n") && text.len() < 1_100, "{text}");
    }

    #[tokio::test]
    async fn when_its_time_is_over_all_that_it_started_is_killed() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("pid");
        let script = format!("echo before; sleep 1000 & echo $! >{}; wait", file.display());
        let running = run(shell(&script), Duration::from_millis(500), KEEP);
        let (ended, pid) = tokio::join!(running, pid_in(&file));
        let ended = ended.unwrap();
        assert!(ended.status.is_none());
        assert_eq!(ended.stdout.text(), "before\n");
        timeout(LONG, is_gone(pid)).await.unwrap();
    }

    #[tokio::test]
    async fn what_it_leaves_behind_is_killed_and_holds_nothing_up() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! >{}; echo done", file.display());
        let ended = timeout(LONG, run(shell(&script), LONG * 2, KEEP)).await.unwrap().unwrap();
        assert_eq!(ended.stdout.text(), "done\n");
        timeout(LONG, is_gone(pid_in(&file).await)).await.unwrap();
    }

    #[tokio::test]
    async fn when_nobody_waits_any_more_all_is_killed() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! >{}; wait", file.display());
        let pid = tokio::select! {
            _ = run(shell(&script), LONG, KEEP) => panic!("it ended"),
            pid = pid_in(&file) => pid,
        };
        timeout(LONG, is_gone(pid)).await.unwrap();
    }
}
