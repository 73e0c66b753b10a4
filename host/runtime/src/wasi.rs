//! The WASI that plugins see: deterministic, and without a way out.
//!
//! Clocks show the time of the event, random numbers come from the session's seed, the environment is empty, standard
//! output and error are the plugin's log. There are no files and no sockets: the functions are there, because every
//! language's runtime imports them, and they refuse. Whatever would wait ends the call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder};

use crate::guest::Guest;
use crate::log::PluginLog;

/// The time that a plugin sees: that of the event it is given. Clones show the same time.
#[derive(Clone, Default)]
pub(crate) struct Clock(Arc<Times>);

#[derive(Default)]
struct Times {
    now_ms: AtomicU64,
    /// The latest time that there was: events may be out of order, the monotonic clock may not.
    latest_ms: AtomicU64,
}

impl Clock {
    pub(crate) fn set(&self, time_ms: u64) {
        self.0.now_ms.store(time_ms, Ordering::Relaxed);
        self.0.latest_ms.fetch_max(time_ms, Ordering::Relaxed);
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.now_ms.load(Ordering::Relaxed))
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        1_000_000
    }

    fn now(&self) -> u64 {
        self.0.latest_ms.load(Ordering::Relaxed).saturating_mul(1_000_000)
    }
}

/// Random bytes of one call; the host makes them all before the plugin gets the first.
const RANDOM_BYTES: u64 = 64 << 10;

/// The WASI of one instance.
pub(crate) fn context(seed: &str, clock: &Clock, log: &PluginLog) -> WasiCtx {
    let mut seeds = ChaCha12Rng::from_seed(Sha256::digest(seed).into());
    WasiCtxBuilder::new()
        .wall_clock(clock.clone())
        .monotonic_clock(clock.clone())
        .secure_random(ChaCha12Rng::from_rng(&mut seeds))
        .insecure_random(ChaCha12Rng::from_rng(&mut seeds))
        .insecure_random_seed(u128::from(seeds.next_u64()))
        .stdout(log.stdout())
        .stderr(log.stderr())
        .max_random_size(RANDOM_BYTES)
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .build()
}

/// The plugin called something that waits.
#[derive(Debug, thiserror::Error)]
#[error("the plugin tried to wait")]
pub(crate) struct Waited;

/// Everything of WASI 0.2, with waiting replaced by a trap.
pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_sync(linker)?;
    linker.allow_shadowing(true);
    let mut poll = linker.instance("wasi:io/poll@0.2.12")?;
    poll.func_wrap("[method]pollable.block", |_: StoreContextMut<'_, Guest>, (_,): (Resource<DynPollable>,)| {
        Err::<(), _>(wasmtime::Error::new(Waited))
    })?;
    // To look whether something is ready is to look at the real time.
    poll.func_wrap("[method]pollable.ready", |_: StoreContextMut<'_, Guest>, (_,): (Resource<DynPollable>,)| {
        Err::<(bool,), _>(wasmtime::Error::new(Waited))
    })?;
    poll.func_wrap("poll", |_: StoreContextMut<'_, Guest>, (_,): (Vec<Resource<DynPollable>>,)| {
        Err::<(Vec<u32>,), _>(wasmtime::Error::new(Waited))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}
