//! What the library's tests play on: a directory of its own, a library that is open on it, and everything that it tells.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hangar_runtime::Fault;
use hangar_runtime::Runtime;
use hangar_runtime::contract::events::{EventBody, Start};
use hangar_runtime::contract::session::RunInfo;
use hangar_runtime::contract::values::Part;
use hangar_runtime::library::{
    Change, GenerationStatus, Library, LibraryConfig, Order, PlacedRun, PluginStatus, StartError, Status, Timing,
    VersionName, Watching, Why,
};
use hangar_runtime::manifest::HostConfig;
use hangar_runtime::{Step, TracingSink};
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;

use crate::stage::{NOON, RUNTIME, last_text, plugin, statuses};

/// How long a test waits for what must come. Nothing waits for so long unless something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Short where real time matters, and long where nothing is to happen by itself.
pub fn timing() -> Timing {
    Timing {
        quiet: Duration::from_millis(20),
        longest_unrest: Duration::from_secs(1),
        rescan: Duration::from_secs(600),
        probation: Duration::from_secs(600),
        probation_runs: 0,
        drain: Duration::from_secs(600),
        retry: Duration::from_millis(200),
    }
}

/// The manifest of the plugin that has versions. The note makes it another version of the same component.
pub fn greeter(version: &str, note: &str) -> String {
    format!("# {note}\nid = \"greeter\"\nversion = \"{version}\"\nworld = \"behaviour\"\n")
}

/// A directory that is live.
pub struct Stage {
    folder: Arc<TempDir>,
    pub library: Library,
    changes: Receiver<Arc<Change>>,
    /// All that was told so far.
    pub told: Vec<Arc<Change>>,
}

/// A version that went into service.
#[derive(Debug, Clone)]
pub struct Published {
    pub version: VersionName,
    pub former: Option<VersionName>,
    pub why: Why,
    pub notes: Vec<String>,
}

/// A version, or a place, that is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    pub place: String,
    pub id: Option<String>,
    pub stage: &'static str,
    pub why: String,
    pub serving: Option<VersionName>,
}

impl Stage {
    /// On an empty directory, with nothing kept over a restart.
    pub fn open() -> Self {
        Self::with(|_| {})
    }

    /// The same, with this done to what the library is opened with.
    pub fn with(change: impl FnOnce(&mut LibraryConfig)) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path().join("plugins")).unwrap();
        Self::on(&folder, &RUNTIME, change)
    }

    /// On a folder that was a stage before, or is to be one again: `plugins` in it is the directory.
    pub fn on(folder: &Arc<TempDir>, runtime: &Runtime, change: impl FnOnce(&mut LibraryConfig)) -> Self {
        let mut config = LibraryConfig {
            timing: timing(),
            watching: Watching::Native,
            ..LibraryConfig::of(&folder.path().join("plugins"))
        };
        change(&mut config);
        let library = Library::open(runtime.clone(), config).unwrap();
        let changes = library.changes();
        Self { folder: Arc::clone(folder), library, changes, told: Vec::new() }
    }

    /// With the first version of the greeter in its folder and in service.
    pub async fn with_greeter() -> (Self, Published) {
        let mut stage = Self::open();
        let published = stage.begin_with_greeter().await;
        (stage, published)
    }

    pub async fn begin_with_greeter(&mut self) -> Published {
        self.put("greeter", &greeter("1.0.0", "first"), "hostile/greeter");
        self.published("greeter").await
    }

    /// What it all lies in, for another library after this one.
    pub fn folder(&self) -> Arc<TempDir> {
        Arc::clone(&self.folder)
    }

    /// A file beside the directory, or in it.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(path)
    }

    /// An entry of the directory.
    pub fn place(&self, place: impl AsRef<Path>) -> PathBuf {
        self.path("plugins").join(place)
    }

    /// Puts a folder with a manifest and the component of a built plugin in the place of another one, or of none.
    pub fn put(&self, place: &str, manifest: &str, component: &str) {
        self.put_bytes(place, manifest, &plugin(component));
    }

    /// The same with any bytes.
    pub fn put_bytes(&self, place: &str, manifest: &str, component: &[u8]) {
        self.write(".next", Some(manifest), Some(component));
        let place = self.place(place);
        if place.exists() {
            fs::rename(&place, self.place(".former")).unwrap();
        }
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::rename(self.place(".next"), place).unwrap();
        if self.place(".former").exists() {
            fs::remove_dir_all(self.place(".former")).unwrap();
        }
    }

    /// Writes the files of a folder that are given, each in one move.
    pub fn write(&self, place: &str, manifest: Option<&str>, component: Option<&[u8]>) {
        let folder = self.place(place);
        fs::create_dir_all(&folder).unwrap();
        for (name, content) in [("plugin.wasm", component), ("plugin.toml", manifest.map(str::as_bytes))] {
            if let Some(content) = content {
                replace(&folder.join(name), content);
            }
        }
    }

    /// Writes an entry that is a file, in one move.
    pub fn put_file(&self, name: &str, bytes: &[u8]) {
        replace(&self.place(name), bytes);
    }

    /// The next change, whatever it is.
    pub async fn next(&mut self) -> Arc<Change> {
        let told = || self.told.iter().map(|change| format!("\n  {change}")).collect::<String>();
        let change = match tokio::time::timeout(PATIENCE, self.changes.recv()).await {
            Ok(change) => change.unwrap(),
            Err(_) => panic!("nothing more happens; so far:{}\n{:#?}", told(), self.status().await),
        };
        self.told.push(Arc::clone(&change));
        change
    }

    /// The first change of which this makes something.
    pub async fn until<T>(&mut self, mut wanted: impl FnMut(&Change) -> Option<T>) -> T {
        loop {
            if let Some(found) = wanted(&*self.next().await) {
                return found;
            }
        }
    }

    /// The next version of this plugin that goes into service. Nothing may be rejected before it.
    pub async fn published(&mut self, plugin: &str) -> Published {
        self.published_or_rejected(plugin).await.unwrap_or_else(|rejected| panic!("{rejected:?}"))
    }

    /// The next entry that is not taken. Nothing may be published before it.
    pub async fn rejected(&mut self) -> Rejected {
        match self.published_or_rejected("").await {
            Err(rejected) => rejected,
            Ok(published) => panic!("{published:?}"),
        }
    }

    /// The next version of this plugin, or of any if it is not named, that goes into service, or whatever is rejected
    /// before it.
    pub async fn published_or_rejected(&mut self, plugin: &str) -> Result<Published, Rejected> {
        let directory = format!("{}/", self.path("plugins").display());
        self.until(|change| match change {
            Change::Published { version, former, why, notes, .. } if plugin.is_empty() || version.id == plugin => {
                let (version, former) = (version.clone(), former.clone());
                Some(Ok(Published { version, former, why: *why, notes: notes.clone() }))
            }
            Change::Rejected { place, id, stage, why, serving } => Some(Err(Rejected {
                place: place.clone(),
                id: id.clone(),
                stage: stage.name(),
                why: why.replace(&directory, ""),
                serving: serving.clone(),
            })),
            _ => None,
        })
        .await
    }

    /// Which plugin is withdrawn next, and why.
    pub async fn withdrawn(&mut self) -> (String, String) {
        self.until(|change| match change {
            Change::Withdrawn { version, why } => Some((version.id.clone(), why.clone())),
            _ => None,
        })
        .await
    }

    /// The number of the generation that is drained next.
    pub async fn drained(&mut self) -> u64 {
        self.until(|change| match change {
            Change::Drained { version } => Some(version.generation),
            _ => None,
        })
        .await
    }

    /// Brings everything to its end that the directory gives cause for, and asserts that nothing was told meanwhile, but
    /// that former versions are gone.
    pub async fn nothing_comes_of_it(&mut self) {
        // Twice: a file younger than two seconds is read again at the first look.
        for _ in 0..2 {
            self.look().await;
        }
        while let Ok(change) = self.changes.try_recv() {
            assert!(matches!(*change, Change::Drained { .. }), "{change}");
        }
    }

    /// Has the directory looked at, and waits until all is done about it.
    pub async fn look(&self) {
        self.library.look_now().await;
        tokio::time::timeout(PATIENCE, self.library.settled()).await.expect("it comes to rest");
    }

    pub async fn order(&self, plugin: &str, order: Order) {
        self.library.order(plugin, order).await.unwrap();
    }

    pub async fn configure(&self, toml: &str) {
        self.library.configure(HostConfig::parse(toml).unwrap()).await;
    }

    pub async fn status(&self) -> Status {
        self.library.status().await.unwrap()
    }

    /// How this plugin stands.
    pub async fn plugin(&self, id: &str) -> PluginStatus {
        let status = self.status().await;
        let plugin = status.plugins.iter().find(|plugin| plugin.id == id).cloned();
        plugin.unwrap_or_else(|| panic!("there is no `{id}`: {status:#?}"))
    }

    /// How the version of this plugin stands that serves.
    pub async fn live(&self, id: &str) -> GenerationStatus {
        self.plugin(id).await.live.unwrap()
    }

    /// Why a plugin does not serve what lies there, without the name of the directory.
    pub async fn reason(&self, id: &str) -> Option<String> {
        let directory = format!("{}/", self.path("plugins").display());
        Some(self.plugin(id).await.reason?.replace(&directory, ""))
    }

    /// Begins a run, as the server does: on what the catalog shows now.
    pub fn start(&self, id: &str, client: &str) -> Result<Visit, StartError> {
        let catalog = self.library.catalog();
        let generation = catalog.plugin(id).unwrap_or_else(|| panic!("`{id}` does not serve"));
        Visit::begin(&self.library, generation, client)
    }

    /// A run of this plugin that has said hello.
    pub async fn run(&self, id: &str) -> Visit {
        let mut run = self.start(id, "desk").unwrap();
        let step = run.request("hello").await.unwrap();
        assert_eq!(statuses(&step), ["hello"]);
        run
    }

    pub async fn close(self) {
        tokio::time::timeout(PATIENCE, self.library.close()).await.expect("it closes");
    }
}

/// A run, and how a test drives it.
pub struct Visit {
    pub run: PlacedRun,
    now: u64,
}

impl Visit {
    /// On this generation, or on what took its place.
    pub fn begin(
        library: &Library,
        generation: &Arc<hangar_runtime::library::Generation>,
        client: &str,
    ) -> Result<Self, StartError> {
        let info = RunInfo { run_id: "run".into(), platform: "linux".into(), ..RunInfo::default() };
        let log = Arc::new(TracingSink { plugin: generation.id.clone(), run: "run".into() });
        let run = library.start(generation, client, info, Arc::default(), log)?;
        Ok(Self { run, now: NOON })
    }

    /// The number of the generation that it is on.
    pub fn generation(&self) -> u64 {
        self.run.generation().number
    }

    pub async fn request(&mut self, text: &str) -> Result<Step, Fault> {
        let start = Start { input: vec![Part::Text(text.into())], ..Start::default() };
        self.tell(0, EventBody::Start(start)).await
    }

    pub async fn ring(&mut self, token: u32) -> Result<Step, Fault> {
        self.tell(token, EventBody::Timer).await
    }

    /// Wants it to end.
    pub async fn cancel(mut self) -> String {
        last_text(&self.tell(0, EventBody::Cancel("enough".into())).await.unwrap())
    }

    async fn tell(&mut self, token: u32, body: EventBody) -> Result<Step, Fault> {
        self.now += 1_000;
        let event = self.run.event(self.now, token, body);
        self.run.feed(event).await
    }

    /// Plays a run of the greeter to its end, and gives its last words: nothing was torn on the way.
    pub async fn finish(mut self) -> String {
        for timer in 1..=3 {
            let step = self.ring(timer).await.unwrap();
            assert_eq!(statuses(&step), [format!("timer {timer}")]);
            if timer == 3 {
                assert!(self.run.is_over());
                return last_text(&step);
            }
        }
        unreachable!()
    }

    /// The time of the last event.
    pub fn now(&self) -> u64 {
        self.now
    }
}

/// Puts this in the place of what the file had, in one move.
pub fn replace(file: &Path, content: &[u8]) {
    let new = file.with_added_extension("new");
    fs::write(&new, content).unwrap();
    fs::rename(new, file).unwrap();
}
