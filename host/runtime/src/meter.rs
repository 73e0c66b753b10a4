//! Watches one instance while it runs: memory as it grows, processor and wall time at every tick.

use std::time::{Duration, Instant};

use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::engine::TICK;
use crate::limits::Limits;

/// Which limit cut a call off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tripped {
    Cpu,
    Wall,
}

/// What one instance uses.
pub(crate) struct Meter {
    cpu_limit: Duration,
    wall_limit: Duration,
    memory_limit: usize,
    memory: usize,
    /// What was last allowed, in case it then fails for another reason.
    last_growth: usize,
    /// The plugin was refused memory since the call began.
    pub(crate) memory_refused: bool,
    pub(crate) tripped: Option<Tripped>,
    /// Whether time counts; in a replay it does not.
    timed: bool,
    /// From the first tick of this call on; most calls never see one, and pay nothing.
    first_tick: Option<(Duration, Instant)>,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            cpu_limit: limits.cpu_per_step,
            wall_limit: limits.wall_per_step,
            memory_limit: limits.memory_bytes,
            memory: 0,
            last_growth: 0,
            memory_refused: false,
            tripped: None,
            timed: true,
            first_tick: None,
        }
    }

    /// A new call begins.
    pub(crate) fn begin(&mut self, timed: bool) {
        self.timed = timed;
        self.memory_refused = false;
        self.tripped = None;
        self.first_tick = None;
    }

    /// Bytes that it may have.
    pub(crate) fn memory_limit(&self) -> usize {
        self.memory_limit
    }

    /// Bytes of memories and tables.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// A tick passed while the plugin was running.
    pub(crate) fn tick(&mut self) -> UpdateDeadline {
        if !self.timed {
            return UpdateDeadline::Continue(1);
        }
        let (cpu, wall) = match self.first_tick {
            None => {
                self.first_tick = Some((thread_cpu_time(), Instant::now()));
                (TICK, TICK)
            }
            Some((cpu, wall)) => (TICK + thread_cpu_time().saturating_sub(cpu), TICK + wall.elapsed()),
        };
        if cpu >= self.cpu_limit {
            self.tripped = Some(Tripped::Cpu);
        } else if wall >= self.wall_limit {
            self.tripped = Some(Tripped::Wall);
        }
        if self.tripped.is_some() { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) }
    }

    /// All memories and tables of an instance share one budget, so that many small ones are no way around it.
    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let growth = desired.saturating_sub(current);
        let after = self.memory.saturating_add(growth);
        let allowed = after <= self.memory_limit;
        if allowed {
            self.memory = after;
            self.last_growth = growth;
        } else {
            self.memory_refused = true;
        }
        allowed
    }

    /// What was allowed did not come about.
    fn not_grown(&mut self) {
        self.memory = self.memory.saturating_sub(std::mem::take(&mut self.last_growth));
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired))
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.not_grown();
        Ok(())
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.not_grown();
        Ok(())
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        const ELEMENT: usize = size_of::<usize>();
        Ok(self.grow(current.saturating_mul(ELEMENT), desired.saturating_mul(ELEMENT)))
    }
}

/// Processor time that this thread has used: a machine with too much to do must not cost a plugin its budget.
#[cfg(unix)]
fn thread_cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Where there is no such clock, wall time stands in for it.
#[cfg(not(unix))]
fn thread_cpu_time() -> Duration {
    static BEGIN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    BEGIN.get_or_init(Instant::now).elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_and_tables_share_one_budget() {
        let mut meter = Meter::new(&Limits { memory_bytes: 100_000, ..Limits::default() });
        assert!(meter.memory_growing(0, 65_536, None).unwrap());
        assert!(!meter.memory_growing(0, 65_536, None).unwrap(), "a second memory counts too");
        assert!(meter.memory_refused);
        assert!(meter.table_growing(0, 1_000, None).unwrap());
        assert!(!meter.table_growing(1_000, 100_000, None).unwrap());
        assert_eq!(meter.memory(), 65_536 + 8_000);
    }

    #[test]
    fn a_call_is_cut_off_at_its_limit_and_the_next_one_begins_anew() {
        let mut meter = Meter::new(&Limits { cpu_per_step: TICK, ..Limits::default() });
        assert!(matches!(meter.tick(), UpdateDeadline::Interrupt));
        assert_eq!(meter.tripped, Some(Tripped::Cpu));
        meter.begin(false);
        assert_eq!(meter.tripped, None);
        assert!(matches!(meter.tick(), UpdateDeadline::Continue(1)), "a replay has all the time");
    }
}
