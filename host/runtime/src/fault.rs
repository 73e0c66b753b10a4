//! What ends a run or a call that the plugin did not end itself: every trap, classified.

use std::time::Duration;

use wasmtime::Trap;

use crate::contract::values::Failure;
use crate::guest::Guest;
use crate::limits::Limits;
use crate::log::clean;
use crate::meter::Tripped;
use crate::wasi;

/// Why a plugin's instance is gone. Each text is fit for a requester: bounded, and without paths or stack traces.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It computed for too long.
    #[error("the plugin used more than {limit:?} of processor time in one step")]
    CpuLimit {
        /// What was allowed.
        limit: Duration,
    },
    /// It took too long on a busy machine.
    #[error("the plugin took more than {limit:?} for one step")]
    WallLimit {
        /// What was allowed.
        limit: Duration,
    },
    /// It gave up after it was refused memory.
    #[error("the plugin needs more than the {limit} bytes of memory that it may have")]
    MemoryLimit {
        /// What was allowed.
        limit: usize,
    },
    /// It called itself too deeply.
    #[error("the plugin ran out of stack: it calls itself too deeply")]
    StackOverflow,
    /// It handed over too much at once.
    #[error("the plugin handed over more than {limit} bytes in one call")]
    HostcallBytes {
        /// What was allowed.
        limit: usize,
    },
    /// It asked for too much at once.
    #[error("the plugin answered one event with {count} actions; {limit} are allowed")]
    ActionFlood {
        /// What it asked for.
        count: usize,
        /// What is allowed.
        limit: usize,
    },
    /// It asked on and on for what it cannot have, before it could be told.
    #[error("the plugin goes on asking while its actions are refused: more than {limit} of them wait for an answer")]
    RefusalFlood {
        /// How many may wait, refused ones among them.
        limit: usize,
    },
    /// It panicked, aborted or threw; what it said is here.
    #[error("the plugin panicked{}", said(message))]
    Panic {
        /// What it wrote to standard error on the way; may be empty.
        message: String,
    },
    /// It called `exit`.
    #[error("the plugin called exit; end a run with `finish` or `fail`")]
    Exit {
        /// 0 for success and, as WASI 0.2 tells no more, 1 for everything else.
        code: i32,
    },
    /// It tried to wait.
    #[error("the plugin tried to wait inside a step; the host waits: use `set-timer` and the other actions")]
    Waited,
    /// Its actions break the rules of the contract.
    #[error("the plugin broke the contract: {what}")]
    Malformed {
        /// Which rule.
        what: String,
    },
    /// It gave a verdict that it may not give.
    #[error("{what}")]
    Denied {
        /// What, and how to allow it.
        what: String,
    },
    /// It ended the run with an error of its own.
    #[error("{}: {}", clean(&.0.code, 64), clean(&.0.text, 4096))]
    Guest(Failure),
    /// Any other trap of WebAssembly.
    #[error("the plugin crashed: {what}")]
    Trapped {
        /// The trap, in wasmtime's words.
        what: String,
    },
    /// There is no room for another instance.
    #[error("all {live} places for plugin instances are taken; try again later")]
    Overloaded {
        /// How many places there are.
        live: u32,
    },
    /// No thread was free for it. The run is unharmed, and the event can be fed again.
    #[error("the machine is too busy: no turn for the plugin within {waited:?}; try again later")]
    Busy {
        /// How long it waited.
        waited: Duration,
    },
    /// The run is over and takes no more events.
    #[error("the run is over: {why}")]
    Over {
        /// How it ended.
        why: String,
    },
    /// Something went wrong in the host.
    #[error("the host could not run the plugin: {what}")]
    Host {
        /// What.
        what: String,
    },
}

impl Fault {
    /// A stable word for logs, metrics and replies.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::CpuLimit { .. } => "cpu-limit",
            Self::WallLimit { .. } => "wall-limit",
            Self::MemoryLimit { .. } => "memory-limit",
            Self::StackOverflow => "stack-overflow",
            Self::HostcallBytes { .. } => "hostcall-bytes",
            Self::ActionFlood { .. } | Self::RefusalFlood { .. } => "action-flood",
            Self::Panic { .. } => "panic",
            Self::Exit { .. } => "exit",
            Self::Waited => "waited",
            Self::Malformed { .. } => "malformed",
            Self::Denied { .. } => "denied",
            Self::Guest(_) => "guest",
            Self::Trapped { .. } => "trap",
            Self::Overloaded { .. } => "overloaded",
            Self::Busy { .. } => "busy",
            Self::Over { .. } => "over",
            Self::Host { .. } => "host",
        }
    }

    /// Whether the host could not do its part, so that nothing is said about the plugin.
    #[must_use]
    pub fn is_of_host(&self) -> bool {
        matches!(self, Self::Overloaded { .. } | Self::Busy { .. } | Self::Over { .. } | Self::Host { .. })
    }

    /// Whether this speaks against the plugin, so that a version that does it again and again is taken out of service.
    /// An error of the plugin's own does not, and neither does what it was not granted, nor what the host is to blame for:
    /// a step cannot wait, so one that runs into the wall limit before the processor limit was kept waiting by the machine.
    #[must_use]
    pub fn is_strike(&self) -> bool {
        match self {
            Self::Guest(_)
            | Self::Denied { .. }
            | Self::WallLimit { .. }
            | Self::Overloaded { .. }
            | Self::Busy { .. }
            | Self::Over { .. }
            | Self::Host { .. } => false,
            Self::CpuLimit { .. }
            | Self::MemoryLimit { .. }
            | Self::StackOverflow
            | Self::HostcallBytes { .. }
            | Self::ActionFlood { .. }
            | Self::RefusalFlood { .. }
            | Self::Panic { .. }
            | Self::Exit { .. }
            | Self::Waited
            | Self::Malformed { .. }
            | Self::Trapped { .. } => true,
        }
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}

/// Says what a failed call into the plugin means. The store must not be used again.
pub(crate) fn classify(error: &wasmtime::Error, guest: &Guest, limits: &Limits) -> Fault {
    tracing::debug!(error = format!("{error:#}"), "a call into a plugin failed");
    match guest.meter.tripped {
        Some(Tripped::Cpu) => return Fault::CpuLimit { limit: limits.cpu_per_step },
        Some(Tripped::Wall) => return Fault::WallLimit { limit: limits.wall_per_step },
        None => {}
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return Fault::Exit { code: exit.0 };
    }
    if error.is::<wasi::Waited>() {
        return Fault::Waited;
    }
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return Fault::Overloaded { live: guest.max_live };
    }
    let cause = error.root_cause().to_string();
    if cause == HOSTCALL_FUEL {
        return Fault::HostcallBytes { limit: limits.hostcall_bytes };
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => Fault::StackOverflow,
        // How a language dies of it differs: most abort, some run into a null pointer.
        _ if guest.meter.memory_refused => Fault::MemoryLimit { limit: limits.memory_bytes },
        Some(Trap::UnreachableCodeReached) => Fault::Panic { message: guest.log.last_words() },
        Some(trap) => Fault::Trapped { what: trap.to_string() },
        // wasmtime itself, while it takes over what the plugin handed it.
        None => Fault::Malformed { what: clean(&cause, 512) },
    }
}

/// How wasmtime says that a call handed over too much; the type of this error is its own.
const HOSTCALL_FUEL: &str =
    "too much data is being copied between the host and the guest: fuel allocated for hostcalls has been exhausted";
