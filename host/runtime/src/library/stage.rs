//! What the library's tests play on: real components as generations of plugins, and a catalog that the test fills.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::sync::Notify;

use super::breaker::BreakerRules;
use super::catalog::Catalog;
use super::clock::Clock;
use super::generation::{Generation, StartError, Survey};
use super::placed_run::PlacedRun;
use super::service::Service;
use crate::contract::events::{EventBody, Start};
use crate::contract::session::RunInfo;
use crate::contract::values::Part;
use crate::handler::HandlerSetup;
use crate::limits::Limits;
use crate::log::TracingSink;
use crate::manifest::{Mode, OnReload, Terms};
use crate::plugin::Plugin;
use crate::runtime::{Runtime, RuntimeConfig};

/// The runtime that most tests share.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| runtime(64));

/// A runtime of one's own.
pub(crate) fn runtime(max_live_instances: u32) -> Runtime {
    let cache = Some(target().join("plugin-cache"));
    Runtime::new(&RuntimeConfig { max_live_instances: Some(max_live_instances), cache, ..RuntimeConfig::default() })
        .unwrap()
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}

/// The bytes of a built fixture, such as `panics`.
pub(crate) fn fixture(name: &str) -> Bytes {
    let file = target().join(format!("plugins/hostile/{name}.wasm"));
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}; run `make plugins` first", file.display())).into()
}

/// A request for a run: its first event.
pub(crate) fn request(text: &str) -> EventBody {
    EventBody::Start(Start { input: vec![Part::Text(text.into())], ..Start::default() })
}

/// A library without its lifecycle: the test publishes.
pub(crate) struct Library {
    runtime: Runtime,
    pub(crate) catalog: Arc<ArcSwap<Catalog>>,
    bell: Arc<Notify>,
    clock: Clock,
    numbers: AtomicU64,
}

impl Library {
    pub(crate) fn new() -> Self {
        Self::with_runtime(RUNTIME.clone())
    }

    pub(crate) fn with_runtime(runtime: Runtime) -> Self {
        Self {
            runtime,
            catalog: Arc::default(),
            bell: Arc::default(),
            clock: Clock::start(),
            numbers: AtomicU64::new(1),
        }
    }

    /// A fixture under its own name.
    pub(crate) async fn behaviour(&self, name: &str) -> Arc<Generation> {
        Arc::new(self.generation(name, name, Limits::default()).await)
    }

    /// A fixture that is asked about messages of the kind `chat`.
    pub(crate) async fn handler(&self, name: &str) -> Arc<Generation> {
        let generation = self.generation(name, name, Limits::default()).await;
        Arc::new(Generation { kinds: vec!["chat".into()], ..generation })
    }

    /// Two fixtures as versions of one plugin whose runs may move.
    pub(crate) async fn versions(&self, names: [&str; 2]) -> [Arc<Generation>; 2] {
        let [first, second] = names;
        [
            Arc::new(self.generation("plugin", first, Limits::default()).await),
            Arc::new(self.generation("plugin", second, Limits::default()).await),
        ]
    }

    /// A fixture as a version of this plugin, with snapshots and moving runs.
    pub(crate) async fn generation(&self, id: &str, fixture_name: &str, limits: Limits) -> Generation {
        let plugin = self.runtime.plugin(fixture(fixture_name), limits).await.unwrap();
        let (number, terms) = (self.numbers.fetch_add(1, Ordering::SeqCst), Terms::everything());
        let handler = match &plugin {
            Plugin::Behaviour(_) => None,
            Plugin::Handler(handler) => Some(handler.start(HandlerSetup {
                settings: "{}".into(),
                log: self.log(),
                seed: "seed".into(),
                granted: Arc::clone(&terms.granted),
            })),
        };
        let (bell, rules) = (Arc::clone(&self.bell), BreakerRules::default());
        Generation {
            number,
            id: id.into(),
            version: None,
            hash: plugin.hash().into(),
            plugin,
            manifest: None,
            terms,
            platforms: Vec::new(),
            kinds: Vec::new(),
            mode: Mode::default(),
            snapshot: Some(1),
            on_reload: OnReload::Move,
            handler,
            service: Service::new(id, number, rules, Default::default(), bell, self.clock),
        }
    }

    /// Makes these the ones that are published.
    pub(crate) fn publish(&self, live: &[&Arc<Generation>]) {
        let live = live.iter().map(|generation| Arc::clone(generation)).collect();
        self.catalog.store(Arc::new(Catalog::of(live, &BTreeMap::new())));
    }

    /// Publishes one in place of another.
    pub(crate) fn replace(&self, former: &Generation, next: &Arc<Generation>) {
        next.set_standing(super::Standing::Live);
        self.publish(&[next]);
        former.set_standing(super::Standing::Draining);
    }

    /// Begins a run for this client.
    pub(crate) fn start(&self, generation: &Arc<Generation>, client: &str) -> Result<PlacedRun, StartError> {
        generation.start(client, RunInfo::default(), Arc::default(), self.log(), &self.catalog)
    }

    pub(crate) fn survey(&self, generation: &Generation) -> Survey {
        generation.survey(self.clock.now())
    }

    /// Resolves when the bell has rung.
    pub(crate) async fn rang(&self) {
        self.bell.notified().await;
    }

    fn log(&self) -> Arc<TracingSink> {
        Arc::new(TracingSink { plugin: "plugin".into(), run: "run".into() })
    }
}
