//! The plugins on both sides, and what they are told.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use hangar_runtime::contract::events::{CallResult, Event, EventBody};
use hangar_runtime::contract::session::RunInfo;
use hangar_runtime::contract::values::Named;
use hangar_runtime::script::Script;
use hangar_runtime::{Behaviour, Blobs, Granted, Level, Limits, LogSink, Run, RunSetup, Runtime, RuntimeConfig};
use serde_json::json;
use tempfile::TempDir;
use tokio::runtime::Runtime as Tokio;
use wasmtime::component::Component;

use crate::bare::{Bare, BareRun};
use crate::compile;

/// A guest's language, its plugin, and how many samples it is worth: slow ones get fewer.
pub const LANGUAGES: [(&str, &str, usize); 3] =
    [("Rust", "tour-rust", 10_000), ("JavaScript", "tour-js", 2_000), ("Python", "tour-python", 500)];

/// The plugin that reads and writes JSON.
pub const ECHO: &str = "hostile/echoes-json";

/// Everything that is measured with.
pub struct Stage {
    pub tokio: Tokio,
    pub runtime: Runtime,
    pub languages: Vec<Guest>,
    pub echo: Guest,
    pub told: Told,
    pub cache: TempDir,
}

/// One plugin on both sides.
pub struct Guest {
    pub language: &'static str,
    pub plugin: &'static str,
    pub rounds: usize,
    pub ours: Behaviour,
    pub bare: Bare,
}

/// What runs are told.
pub struct Told {
    pub info: RunInfo,
    events: Vec<Event>,
}

impl Stage {
    pub fn new() -> Result<Self> {
        let tokio = Tokio::new()?;
        let cache = TempDir::new()?;
        let runtime = runtime(cache.path(), None)?;
        let load = |language, plugin, rounds| {
            let (ours, bare) = (ours(&tokio, &runtime, plugin)?, bare(&runtime, cache.path(), plugin)?);
            anyhow::Ok(Guest { language, plugin, rounds, ours, bare })
        };
        let languages: Result<_> =
            LANGUAGES.into_iter().map(|(language, plugin, rounds)| load(language, plugin, rounds)).collect();
        let (languages, echo) = (languages?, load("Rust", ECHO, 50_000)?);
        Ok(Self { tokio, runtime, languages, echo, told: Told::new()?, cache })
    }
}

/// A runtime as a server has it.
pub fn runtime(cache: &Path, max_live_instances: Option<u32>) -> Result<Runtime> {
    Ok(Runtime::new(&RuntimeConfig { cache: Some(cache.to_owned()), max_live_instances, pooling: true })?)
}

/// A plugin loaded by the runtime.
pub fn ours(tokio: &Tokio, runtime: &Runtime, plugin: &str) -> Result<Behaviour> {
    tokio.block_on(runtime.behaviour(bytes(plugin)?, Limits::default())).with_context(|| plugin.to_owned())
}

/// A plugin loaded by wasmtime, from a file as the runtime loads it, but one of its own: the sides must not warm memory
/// for each other, and what compiling leaves behind in the heap must not flatter one of them.
pub fn bare(runtime: &Runtime, cache: &Path, plugin: &str) -> Result<Bare> {
    let file = cache.join(format!("bare-{}.cwasm", plugin.replace('/', "-")));
    if !file.exists() {
        std::fs::write(&file, Component::new(runtime.engine(), bytes(plugin)?)?.serialize()?)?;
    }
    Bare::new(&compile::load(runtime.engine(), &file)?)
}

/// A built plugin.
pub fn bytes(plugin: &str) -> Result<Bytes> {
    let file = root().join(format!("target/plugins/{plugin}.wasm"));
    Ok(std::fs::read(&file).with_context(|| format!("{}: run `make plugins`", file.display()))?.into())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Takes the plugin's log and forgets it.
pub struct Silence;

impl LogSink for Silence {
    fn line(&self, _: Level, _: &str) {}
}

impl Told {
    pub fn new() -> Result<Self> {
        let script = Script::read(&root().join("examples/tour/script.jsonl"))?;
        Ok(Self { info: script.info().clone(), events: script.events().cloned().collect() })
    }

    /// The first event of the tour.
    pub fn start(&self) -> Result<Event> {
        self.events.first().cloned().ok_or_else(|| anyhow!("the tour has no start"))
    }

    /// The events of the tour before it hears from its commands.
    fn before_results(&self) -> impl Iterator<Item = Event> {
        self.events.iter().take_while(|event| !matches!(event.body, EventBody::Results(_))).cloned()
    }

    /// What its commands gave: 1 KiB of JSON.
    pub fn results(&self) -> Result<Event> {
        let results = self.events.iter().find(|event| matches!(event.body, EventBody::Results(_)));
        let mut event = results.cloned().ok_or_else(|| anyhow!("the tour has no results"))?;
        event.body = EventBody::Results(vec![CallResult {
            call_id: "c1".into(),
            status: "success".into(),
            payload: a_kibibyte_of_json(),
            error: String::new(),
            blobs: Vec::new(),
            extra: String::new(),
        }]);
        Ok(event)
    }

    /// A run of the runtime that has been told nothing.
    pub fn run(&self, behaviour: &Behaviour) -> Result<Run> {
        Ok(behaviour.start(self.setup())?)
    }

    /// What a run is born with.
    pub fn setup(&self) -> RunSetup {
        RunSetup {
            info: self.info.clone(),
            blobs: Arc::new(Blobs::default()),
            log: Arc::new(Silence),
            granted: Granted::everything(),
        }
    }

    /// A bare run that waits for its results.
    pub fn bare_before_results(&self, bare: &Bare) -> Result<BareRun> {
        let mut run = bare.start(&self.info)?;
        for event in self.before_results() {
            run.step(event)?;
        }
        Ok(run)
    }

    /// A run of the runtime that waits for its results.
    pub fn ours_before_results(&self, behaviour: &Behaviour) -> Result<Run> {
        let mut run = self.run(behaviour)?;
        for event in self.before_results() {
            run.feed_blocking(event)?;
        }
        Ok(run)
    }

    /// An event with 1 KiB of JSON, for the plugin that echoes it.
    pub fn news(seq: u32) -> Event {
        let body = EventBody::Extension(Named { kind: "hangar.greeting".into(), body: a_kibibyte_of_json() });
        Event { seq, time_ms: 1_790_000_000_000, token: 0, body, extra: String::new() }
    }
}

/// What a command may well give: some facts, some rows, some text.
fn a_kibibyte_of_json() -> String {
    let file = |number: u32| json!({"name": format!("file-{number}.txt"), "size": 1000 + number, "is_dir": false});
    let of = |lines: usize| {
        let stdout = "drwxr-xr-x 2 lab lab 4096 \"notes\"\n".repeat(lines);
        let files: Vec<_> = (0..6).map(file).collect();
        json!({"success": true, "exit_code": 0, "stdout": stdout, "stderr": "", "files": files}).to_string()
    };
    (1..).map(of).find(|text| text.len() >= 1024).unwrap_or_default()
}
