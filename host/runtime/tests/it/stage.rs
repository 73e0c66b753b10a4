//! What the tests play on: one runtime, the built plugins, and a run that is easy to drive.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hangar_runtime::contract::actions::{Action, ActionBody, Emit};
use hangar_runtime::contract::events::{EventBody, Start};
use hangar_runtime::contract::session::RunInfo;
use hangar_runtime::contract::values::Part;
use hangar_runtime::{Behaviour, Fault, Granted, Level, Limits, LogSink, Run, RunSetup, Runtime, RuntimeConfig, Step};

/// When the first event of a run happens.
pub const NOON: u64 = 1_790_000_000_000;

/// The runtime that most tests share.
pub static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| runtime(64));

/// A runtime of one's own.
pub fn runtime(max_live_instances: u32) -> Runtime {
    let cache = Some(target().join("plugin-cache"));
    Runtime::new(&RuntimeConfig { max_live_instances: Some(max_live_instances), cache, ..RuntimeConfig::default() })
        .unwrap()
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}

/// The bytes of a built plugin, such as `tour-rust` or `hostile/panics`.
pub fn plugin(name: &str) -> Bytes {
    let file = target().join(format!("plugins/{name}.wasm"));
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}; run `make plugins` first", file.display())).into()
}

/// The limits of service, but for wall time: tests share the machine with each other.
pub fn limits() -> Limits {
    Limits { wall_per_step: Duration::from_secs(60), ..Limits::default() }
}

/// A behaviour with these limits.
pub async fn behaviour(name: &str) -> Behaviour {
    behaviour_with(name, limits()).await
}

/// A behaviour with limits of the test's own.
pub async fn behaviour_with(name: &str, limits: Limits) -> Behaviour {
    RUNTIME.behaviour(plugin(name), limits).await.unwrap()
}

/// Log lines, kept to look at.
#[derive(Default)]
pub struct KeptLog(Mutex<Vec<(Level, String)>>);

impl KeptLog {
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|(_, line)| line.clone()).collect()
    }
}

impl LogSink for KeptLog {
    fn line(&self, level: Level, line: &str) {
        self.0.lock().unwrap().push((level, line.to_owned()));
    }
}

/// One run, and how a test drives it.
pub struct Player {
    pub run: Run,
    pub log: Arc<KeptLog>,
    pub now: u64,
}

impl Player {
    /// A run that has not been told anything.
    pub fn new(behaviour: &Behaviour) -> Self {
        Self::with(
            behaviour,
            RunInfo { run_id: "run-1".into(), platform: "linux".into(), seed: "seed".into(), ..RunInfo::default() },
        )
    }

    /// A run of this description that has not been told anything.
    pub fn with(behaviour: &Behaviour, info: RunInfo) -> Self {
        let log = Arc::new(KeptLog::default());
        let run = behaviour
            .start(RunSetup { info, blobs: Arc::default(), log: log.clone(), granted: Granted::everything() })
            .unwrap();
        Self { run, log, now: NOON }
    }

    /// Begins it with a request.
    pub async fn start(&mut self, request: &str) -> Result<Step, Fault> {
        self.tell(0, EventBody::Start(Start { input: vec![Part::Text(request.into())], ..Start::default() })).await
    }

    /// Lets the timer of this token ring.
    pub async fn ring(&mut self, token: u32) -> Result<Step, Fault> {
        self.tell(token, EventBody::Timer).await
    }

    /// Wants it to end.
    pub async fn cancel(&mut self) -> Result<Step, Fault> {
        self.tell(0, EventBody::Cancel("user_requested".into())).await
    }

    /// Tells it anything, a second later.
    pub async fn tell(&mut self, token: u32, body: EventBody) -> Result<Step, Fault> {
        self.now += 1_000;
        let event = self.run.event(self.now, token, body);
        self.run.feed(event).await
    }
}

/// The statuses that a step shows, in order.
pub fn statuses(step: &Step) -> Vec<String> {
    step.actions()
        .filter_map(
            |action| if let ActionBody::Emit(Emit::Status(text)) = &action.body { Some(text.clone()) } else { None },
        )
        .collect()
}

/// What the run said when it ended.
pub fn last_text(step: &Step) -> String {
    match step.actions().last().map(|action: &Action| &action.body) {
        Some(ActionBody::Finish(finish)) => finish.text.clone(),
        Some(ActionBody::Fail(fail)) => format!("{}: {}", fail.code, fail.text),
        other => panic!("the run did not end: {other:?}"),
    }
}
