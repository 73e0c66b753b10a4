//! Watches one instance while it runs: memory as it grows, processor and wall time at every tick.

use std::time::{Duration, Instant};

use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::limits::{CORE_INSTANCES, Limits, MEMORIES, TABLE_ELEMENTS, TABLES};

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
    /// The plugin was refused memory since the call began.
    pub(crate) memory_refused: bool,
    pub(crate) tripped: Option<Tripped>,
    /// The least time that the call has.
    patience: Duration,
    began: Instant,
    /// Processor time of the thread when the call began. Asking for it takes longer than most steps do, so it is worked
    /// out at the first tick: until then, as much processor time has passed as wall time, or less.
    cpu_when_begun: Option<Duration>,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            cpu_limit: limits.cpu_per_step,
            wall_limit: limits.wall_per_step,
            memory_limit: limits.memory_bytes,
            memory: 0,
            memory_refused: false,
            tripped: None,
            patience: Duration::ZERO,
            began: Instant::now(),
            cpu_when_begun: None,
        }
    }

    /// A new call begins, on this thread. It has at least so much time, even where its limits are less.
    pub(crate) fn begin(&mut self, patience: Duration) {
        self.patience = patience;
        self.memory_refused = false;
        self.tripped = None;
        self.began = Instant::now();
        self.cpu_when_begun = None;
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
        let (wall, cpu_now) = (self.began.elapsed(), thread_cpu_time());
        let cpu = cpu_now.saturating_sub(*self.cpu_when_begun.get_or_insert(cpu_now.saturating_sub(wall)));
        if cpu >= self.cpu_limit.max(self.patience) {
            self.tripped = Some(Tripped::Cpu);
        } else if wall >= self.wall_limit.max(self.patience) {
            self.tripped = Some(Tripped::Wall);
        }
        if self.tripped.is_some() { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) }
    }

    /// All memories and tables of an instance share one budget, so that many small ones are no way around it. What was
    /// allowed stays counted even if the system then has no memory: undoing it would be a way around the budget too.
    fn grow(&mut self, current: usize, desired: usize, size: usize) -> bool {
        let growth = desired.saturating_sub(current).saturating_mul(size);
        let after = self.memory.saturating_add(growth);
        let allowed = after <= self.memory_limit;
        if allowed {
            self.memory = after;
        } else {
            self.memory_refused = true;
        }
        allowed
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, most: Option<usize>) -> wasmtime::Result<bool> {
        Ok(most.is_none_or(|most| desired <= most) && self.grow(current, desired, 1))
    }

    fn table_growing(&mut self, current: usize, desired: usize, most: Option<usize>) -> wasmtime::Result<bool> {
        let most = most.unwrap_or(TABLE_ELEMENTS).min(TABLE_ELEMENTS);
        Ok(desired <= most && self.grow(current, desired, size_of::<usize>()))
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES
    }

    fn tables(&self) -> usize {
        TABLES
    }

    fn memories(&self) -> usize {
        MEMORIES as usize
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
    fn what_cannot_grow_costs_nothing() {
        let mut meter = Meter::new(&Limits::default());
        assert!(!meter.memory_growing(0, 131_072, Some(65_536)).unwrap());
        assert!(!meter.table_growing(0, TABLE_ELEMENTS + 1, None).unwrap());
        assert_eq!(meter.memory(), 0);
        assert!(!meter.memory_refused, "it was not for want of budget");
    }

    #[test]
    fn a_call_is_cut_off_at_its_limit_and_the_next_one_begins_anew() {
        let mut meter = Meter::new(&Limits { cpu_per_step: Duration::ZERO, ..Limits::default() });
        assert!(matches!(meter.tick(), UpdateDeadline::Interrupt));
        assert_eq!(meter.tripped, Some(Tripped::Cpu));
        meter.begin(Duration::from_secs(60));
        assert_eq!(meter.tripped, None);
        assert!(matches!(meter.tick(), UpdateDeadline::Continue(1)), "a replay has more time");
    }
}
