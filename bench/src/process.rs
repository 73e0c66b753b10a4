//! What the machine says of a process: processor time and memory.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

/// A process, by what `/proc` shows of it.
#[derive(Debug, Clone)]
pub struct Process {
    folder: PathBuf,
}

impl Process {
    /// The one with this number.
    pub fn numbered(pid: u32) -> Self {
        Self { folder: format!("/proc/{pid}").into() }
    }

    /// The one that asks.
    pub fn this() -> Self {
        Self { folder: "/proc/self".into() }
    }

    /// The processor time that it has used, in user mode and in the kernel.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = self.read("stat")?;
        // The name of the program stands in parentheses and may hold anything.
        let (_, fields) = stat.rsplit_once(')').context("a process without a name")?;
        let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<u64>);
        let (user, kernel) = (ticks.next().context("no user time")??, ticks.next().context("no kernel time")??);
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_secs_f64((user + kernel) as f64 / per_second as f64))
    }

    /// The memory of it that is really there, in bytes.
    pub fn resident(&self) -> Result<u64> {
        let status = self.read("status")?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? << 10)
    }

    fn read(&self, file: &str) -> Result<String> {
        let path = self.folder.join(file);
        fs::read_to_string(&path).with_context(|| format!("{} is not there: figures need Linux", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::time::Instant;

    use super::*;

    #[test]
    fn work_costs_processor_time() {
        let this = Process::this();
        let before = this.cpu().unwrap();
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(20) && this.cpu().unwrap() < before + Duration::from_millis(50) {
            black_box((0..100_000u64).sum::<u64>());
        }
        assert!(this.cpu().unwrap() >= before + Duration::from_millis(50));
    }

    #[test]
    fn what_is_written_to_is_resident() {
        let this = Process::numbered(std::process::id());
        let before = this.resident().unwrap();
        let block = black_box(vec![1u8; 64 << 20]);
        let after = this.resident().unwrap();
        drop(block);
        assert!(after > before + (48 << 20), "{before} and then {after}");
    }
}
