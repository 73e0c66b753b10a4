//! Reloads while many runs are on their way: none is lost or torn, nobody is turned away, and nothing piles up.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hangar_runtime::library::{Generation, Library, Timing};
use tokio::task::JoinSet;

use super::stage::{PATIENCE, Stage, Visit, greeter, timing};
use crate::stage::{last_text, plugin, runtime, statuses};

/// Runs that are on their way at any time.
const RUNS: usize = 200;

/// Reloads, every other one of which is of no use.
const RELOADS: usize = 50;

/// What the allocator, the threads and the pool may come to have beyond what they had.
const A_LITTLE: u64 = 16 << 20;

#[test]
fn runs_that_stay_where_they_began() {
    alone("library::under_load::runs_that_stay_where_they_began", || play("drain"));
}

#[test]
fn runs_that_move() {
    alone("library::under_load::runs_that_move", || play("move"));
}

/// Plays a test in a process of its own, where the memory is nobody else's.
fn alone<T: Future<Output = ()>>(name: &str, test: impl FnOnce() -> T) {
    const ALONE: &str = "HANGAR_TEST_ALONE";
    if std::env::var_os(ALONE).is_some_and(|test| test == name) {
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        return threads.unwrap().block_on(test());
    }
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).args(["--exact", name, "--nocapture"]).env(ALONE, name).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    println!("{said}");
}

async fn play(on_reload: &str) {
    let runtime = runtime(RUNS as u32 + 56);
    let folder = Arc::new(tempfile::tempdir().unwrap());
    fs::create_dir(folder.path().join("plugins")).unwrap();
    let config = format!("[plugins.greeter]\non-reload = \"{on_reload}\"\n");
    let mut stage = Stage::on(&folder, &runtime, |library| {
        library.host = hangar_runtime::manifest::HostConfig::parse(&config).unwrap();
        library.timing = Timing { probation: Duration::from_millis(300), ..timing() };
    });
    let first = stage.begin_with_greeter().await;
    let mut live = BTreeMap::from([(first.version.generation, first.version.version)]);

    let load = Arc::new(Load { may_move: on_reload == "move", ..Load::default() });
    let mut clients = JoinSet::new();
    for client in 0..RUNS {
        clients.spawn(Arc::clone(&load).ask(stage.library.clone(), format!("client-{client}")));
    }
    load.wait_for(RUNS).await;

    let mut memory = Vec::new();
    for reload in 0..RELOADS {
        if reload % 2 == 0 {
            let (version, component) =
                [("1.1.0", "hostile/greeter-later"), ("1.0.0", "hostile/greeter")][reload / 2 % 2];
            stage.put("greeter", &greeter(version, &format!("reload {reload}")), component);
            let published = stage.published("greeter").await.version;
            assert_eq!(published.version, version);
            live.insert(published.generation, published.version);
        } else {
            let at = break_it(&stage, reload);
            let rejected = stage.rejected().await;
            assert_eq!(rejected.stage, at, "{rejected:?}");
            assert_eq!(rejected.serving.map(|version| version.generation), live.keys().last().copied());
        }
        // So much happens between two reloads that runs of every version are on their way.
        load.wait_for(RUNS / 2).await;
        memory.push(resident());
    }
    load.is_over.store(true, Ordering::SeqCst);
    let mut visited: BTreeMap<u64, usize> = BTreeMap::new();
    let mut moved = 0;
    while let Some(seen) = clients.join_next().await {
        for ended in seen.unwrap() {
            let version = live.get(&ended.on).unwrap_or_else(|| panic!("{ended:?} ended on what never was live"));
            assert_eq!(ended.said, if version == "1.0.0" { "goodbye" } else { "farewell" }, "{ended:?}");
            *visited.entry(ended.on).or_default() += 1;
            moved += ended.moves;
        }
    }
    assert_eq!(visited.len(), live.len(), "runs have ended on every version: {visited:?}");
    assert_eq!(visited.values().sum::<usize>(), load.ended.load(Ordering::SeqCst), "each has ended once");
    assert_eq!(moved > 0, load.may_move);

    while !stage.plugin("greeter").await.former.is_empty() {
        stage.next().await;
    }
    let status = stage.plugin("greeter").await;
    let last = status.live.unwrap();
    assert_eq!((last.generation, last.runs, last.strikes_in_all), (*live.keys().last().unwrap(), 0, 0));
    assert_eq!(runtime.live_instances(), 0);

    let (before, after) = memory.split_at(memory.len() / 2);
    let [before, after] = [before, after].map(|part| *part.iter().max().unwrap());
    let mib = |bytes: u64| bytes >> 20;
    println!(
        "{} runs, {moved} moves; at most {} MiB resident in the first half, {} MiB in the second",
        load.ended.load(Ordering::SeqCst),
        mib(before),
        mib(after)
    );
    assert!(after <= before + before / 10 + A_LITTLE, "from {} to {} MiB: {memory:?}", mib(before), mib(after));
}

/// Puts something there that cannot be used, another thing each time, and says at which stage that shows.
fn break_it(stage: &Stage, reload: usize) -> &'static str {
    let note = format!("broken {reload}");
    let put = |manifest: &str, component: &[u8]| stage.put_bytes("greeter", manifest, component);
    let good = plugin("hostile/greeter");
    match reload / 2 % 6 {
        0 => put(&greeter("1.0.0", &note), &good[..good.len() / 2]),
        1 => put(&greeter("1.0.0", &note), b"#!/bin/sh\n"),
        2 => put(&greeter("1.0.0", &note), &plugin("hostile-wrong-major")),
        3 => {
            put(&greeter("1.3.0", &note), &plugin("hostile/greeter-unfit"));
            return "self-test";
        }
        4 => {
            put(&greeter("1.0.0", &note), &plugin("hostile/works-hard"));
            return "describe";
        }
        _ => {
            put("id = ", &good);
            return "files";
        }
    }
    "load"
}

/// What clients do, and when they stop.
#[derive(Default)]
struct Load {
    may_move: bool,
    is_over: AtomicBool,
    ended: AtomicUsize,
}

/// How a run went.
#[derive(Debug)]
struct Ended {
    on: u64,
    said: String,
    moves: usize,
}

impl Load {
    /// Begins one run after the other and plays each to its end.
    async fn ask(self: Arc<Self>, library: Library, client: String) -> Vec<Ended> {
        let mut ended = Vec::new();
        while !self.is_over.load(Ordering::SeqCst) {
            ended.push(self.run(&library, &client).await);
            self.ended.fetch_add(1, Ordering::SeqCst);
        }
        ended
    }

    async fn run(&self, library: &Library, client: &str) -> Ended {
        let seen = live(library);
        let mut run = Visit::begin(library, &seen, client).unwrap_or_else(|error| panic!("{client}: {error}"));
        let began_on = run.generation();
        assert!((seen.number..=live(library).number).contains(&began_on), "it begins on what is live");
        let mut moves = 0;
        let step = run.request("hello").await.unwrap();
        assert_eq!(statuses(&step), ["hello"]);
        for timer in 1..=3 {
            tokio::time::sleep(Duration::from_millis(fastrand::u64(50..250))).await;
            let time = run.now();
            if let Some(moved) = run.run.move_along(time).await.unwrap() {
                assert!(self.may_move && moved.from < moved.to && run.generation() == moved.to, "{moved:?}");
                moves += 1;
            }
            let step = run.ring(timer).await.unwrap();
            assert_eq!(statuses(&step), [format!("timer {timer}")]);
            if timer == 3 {
                assert!(run.run.is_over() && (moves > 0 || run.generation() == began_on));
                assert_eq!(run.ring(4).await.unwrap_err().code(), "over");
                return Ended { on: run.generation(), said: last_text(&step), moves };
            }
            assert!(!run.run.is_over());
        }
        unreachable!()
    }

    /// Waits until so many more runs have ended.
    async fn wait_for(&self, more: usize) {
        let goal = self.ended.load(Ordering::SeqCst) + more;
        let reached = async {
            while self.ended.load(Ordering::SeqCst) < goal {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("runs end");
    }
}

fn live(library: &Library) -> Arc<Generation> {
    library.catalog().plugin("greeter").expect("there is no gap in service").clone()
}

/// Memory of this process that is really there.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}
