//! Strains the runtime: tours in three languages, plugins that misbehave, damaged components, damaged journals, damaged
//! frames, and a library whose plugin is replaced again and again, many at once.

mod frames;
mod reloads;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hangar_runtime::contract::events::{EventBody, Start};
use hangar_runtime::contract::session::RunInfo;
use hangar_runtime::contract::values::Part;
use hangar_runtime::journal::{Journal, JournalWriter};
use hangar_runtime::script::Script;
use hangar_runtime::{Behaviour, Blobs, Fault, Granted, Level, Limits, LogSink, RunSetup, Runtime, RuntimeConfig};

pub use self::frames::Frames;
use self::reloads::Reloads;

/// Scenarios that go on at the same time.
const AT_ONCE: u32 = 16;

/// Scenarios in one cycle; after each cycle memory is looked at. They are so many that after `WARM` cycles each thread
/// has done everything: the allocator keeps an arena for each, and each grows to the largest compilation it has seen.
const PER_CYCLE: usize = 1_600;

/// The cycle that later ones are compared with, when everything has been used once.
const WARM: usize = 10;

/// Plugins that misbehave, and the code of the fault that each must end with.
const HOSTILE: [(&str, &str, &str); 9] = [
    ("endless-loop", "now", "cpu-limit"),
    ("deep-recursion", "now", "stack-overflow"),
    ("memory-hog", "now", "memory-limit"),
    ("huge-result", "now 16", "hostcall-bytes"),
    ("action-flood", "now 1000", "action-flood"),
    ("panics", "now", "panic"),
    ("sleeps", "now", "waited"),
    ("guest-failure", "now", "guest"),
    ("bad-actions", "now twice", "malformed"),
];

/// Goes on until the time has come, and through at least some cycles more than are compared.
pub async fn soak(root: &Path, until: Instant) -> Result<()> {
    let stage = Arc::new(Stage::set(root).await?);
    let mut memory = Vec::new();
    while Instant::now() < until || memory.len() <= WARM {
        cycle(&stage).await?;
        stage.reloads.rest().await?;
        ensure!(stage.runtime.live_instances() == 0, "instances are left over after a cycle");
        memory.push(resident_kib()?);
        println!("cycle {}: {} MiB resident", memory.len(), memory.last().copied().unwrap_or_default() >> 10);
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    stage.report(&memory, resident_kib()?)
}

/// Everything that the scenarios need, loaded once.
struct Stage {
    runtime: Runtime,
    /// Without a cache, which is not to be filled with rubbish.
    uncached: Runtime,
    tours: Vec<Behaviour>,
    hostile: Vec<(Behaviour, &'static str, &'static str)>,
    script: Script,
    /// Of a tour that was moved while it rested.
    journal: Vec<u8>,
    component: Vec<u8>,
    reloads: Reloads,
    frames: Frames,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    tours: AtomicU64,
    faults: AtomicU64,
    components: AtomicU64,
    journals: AtomicU64,
}

impl Stage {
    async fn set(root: &Path) -> Result<Self> {
        let config = RuntimeConfig { cache: Some(root.join("target/plugin-cache")), ..RuntimeConfig::default() };
        let runtime = Runtime::new(&config)?;
        let uncached = Runtime::new(&RuntimeConfig { cache: None, pooling: false, max_live_instances: Some(AT_ONCE) })?;
        let mut tours = Vec::new();
        for language in ["rust", "python", "js"] {
            tours.push(load(&runtime, root, &format!("tour-{language}")).await?);
        }
        let mut hostile = Vec::new();
        for (name, request, code) in HOSTILE {
            hostile.push((load(&runtime, root, &format!("hostile/{name}")).await?, request, code));
        }
        let script = Script::read(&root.join("examples/tour/script.jsonl"))?;
        let journal = journal_of(chosen(&tours)?, &script).await?;
        let component = fs::read(plugin(root, "hostile/well-behaved"))?;
        let reloads = Reloads::begin(&runtime, root).await?;
        let frames = Frames::load(root)?;
        let counts = Counts::default();
        Ok(Self { runtime, uncached, tours, hostile, script, journal, component, reloads, frames, counts })
    }

    fn report(&self, memory: &[u64], at_the_end: u64) -> Result<()> {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &self.counts;
        let warm = memory.get(WARM - 1).copied().unwrap_or_default();
        println!(
            "tours {}, misbehaving runs {}, damaged components {}, damaged journals {}",
            count(&counts.tours),
            count(&counts.faults),
            count(&counts.components),
            count(&counts.journals)
        );
        println!("{}", self.reloads.report());
        println!("{}", self.frames.report());
        println!("resident: {} MiB at cycle {WARM}, {} MiB 5 s after the last", warm >> 10, at_the_end >> 10);
        ensure!(at_the_end * 10 <= warm * 11, "memory grew by more than a tenth since cycle {WARM}");
        println!("nothing was lost, memory is flat");
        Ok(())
    }
}

fn plugin(root: &Path, name: &str) -> PathBuf {
    root.join(format!("target/plugins/{name}.wasm"))
}

async fn load(runtime: &Runtime, root: &Path, name: &str) -> Result<Behaviour> {
    let bytes = fs::read(plugin(root, name)).with_context(|| format!("{name} is missing: run `make plugins`"))?;
    runtime.behaviour(bytes.into(), Limits::default()).await.context(name.to_owned())
}

async fn cycle(stage: &Arc<Stage>) -> Result<()> {
    let mut scenarios = tokio::task::JoinSet::new();
    for _ in 0..PER_CYCLE {
        if scenarios.len() >= AT_ONCE as usize
            && let Some(done) = scenarios.join_next().await
        {
            done??;
        }
        scenarios.spawn(scenario(Arc::clone(stage)));
    }
    while let Some(done) = scenarios.join_next().await {
        done??;
    }
    Ok(())
}

async fn scenario(stage: Arc<Stage>) -> Result<()> {
    match fastrand::u32(..100) {
        0..40 => tour(&stage).await,
        40..48 => stage.reloads.tour(&stage.script).await,
        48..50 => stage.reloads.reload().await,
        50..60 => misbehave(&stage).await,
        60..70 => damaged_component(&stage).await,
        70..80 => stage.frames.scenario(),
        _ => damaged_journal(&stage),
    }
}

/// A whole session must end well, whatever goes on beside it.
async fn tour(stage: &Stage) -> Result<()> {
    let behaviour = chosen(&stage.tours)?;
    let mut run = behaviour.start(setup(&stage.script))?;
    let mut actions = 0;
    for event in stage.script.events() {
        actions += run.feed(event.clone()).await?.count();
    }
    ensure!(run.is_over() && actions == 33, "a tour ended with {actions} actions");
    stage.counts.tours.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// What a run is given that plays the tour.
fn setup(script: &Script) -> RunSetup {
    RunSetup {
        info: script.info().clone(),
        blobs: script.blobs(),
        log: Arc::new(Silence),
        granted: Granted::everything(),
    }
}

/// The journal of a tour, as a host writes it. It is moved wherever it can be.
async fn journal_of(behaviour: &Behaviour, script: &Script) -> Result<Vec<u8>> {
    let mut run = behaviour.start(setup(script))?;
    let mut journal = JournalWriter::begin(Vec::new(), &run, Default::default())?;
    for (_, blob) in script.blobs().all() {
        journal.blob(&blob)?;
    }
    for event in script.events() {
        if let Ok(handover) = run.move_to(behaviour, Granted::everything(), event.time_ms).await {
            journal.moved(&run, &handover, Default::default())?;
        }
        journal.event(event)?;
        journal.outcome(&run.feed(event.clone()).await)?;
    }
    Ok(journal.finish()?)
}

/// A plugin that misbehaves must end with the right fault.
async fn misbehave(stage: &Stage) -> Result<()> {
    let (behaviour, request, code) = chosen(&stage.hostile)?;
    let info = RunInfo { seed: fastrand::u64(..).to_string(), ..RunInfo::default() };
    let mut run = behaviour.start(RunSetup {
        info,
        blobs: Arc::new(Blobs::default()),
        log: Arc::new(Silence),
        granted: Granted::everything(),
    })?;
    let start = EventBody::Start(Start { input: vec![Part::Text((*request).to_owned())], ..Start::default() });
    match run.feed(run.event(1, 0, start)).await {
        Err(fault) if fault.code() == *code => {}
        Err(fault) => bail!("`{request}` ended with {}: {fault}, not with {code}", fault.code()),
        Ok(_) => bail!("`{request}` did not end with {code}"),
    }
    ensure!(matches!(run.feed(run.event(2, 1, EventBody::Timer)).await, Err(Fault::Over { .. })), "a run went on");
    stage.counts.faults.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Whatever the bytes, loading them ends with a plugin or with a reason, and with nothing else.
async fn damaged_component(stage: &Stage) -> Result<()> {
    let mut bytes = stage.component.clone();
    damage(&mut bytes);
    if let Err(error) = stage.uncached.behaviour(bytes.into(), Limits::default()).await {
        ensure!(error.to_string().len() < 4096, "an error text is too long");
    }
    stage.counts.components.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// The same for journals.
fn damaged_journal(stage: &Stage) -> Result<()> {
    let mut bytes = stage.journal.clone();
    damage(&mut bytes);
    if let Err(error) = Journal::read(bytes.as_slice()) {
        ensure!(error.to_string().len() < 4096, "an error text is too long");
    }
    stage.counts.journals.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Some bytes changed, and sometimes the end cut off.
fn damage(bytes: &mut Vec<u8>) {
    for _ in 0..fastrand::usize(1..8) {
        let at = fastrand::usize(..bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte = fastrand::u8(..);
        }
    }
    if fastrand::u8(..4) == 0 {
        bytes.truncate(fastrand::usize(1..=bytes.len()));
    }
}

fn chosen<T>(among: &[T]) -> Result<&T> {
    fastrand::choice(among).context("nothing to choose from")
}

struct Silence;

impl LogSink for Silence {
    fn line(&self, _: Level, _: &str) {}
}

/// Memory of this process that is really there.
fn resident_kib() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status").context("figures of memory need Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
