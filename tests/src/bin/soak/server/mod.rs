//! Strains the server: a release of it as a process of its own, with 500 devices that work and break, 50 constellations,
//! callers over HTTP, vandals, a plugin that is replaced, broken and taken away, and 10,000 idle devices that must not
//! notice. Storms alternate with rests, in which everything must have come to its end.

mod book;
mod callers;
mod constellations;
mod devices;
mod idle;
mod plugin_files;
mod rest;
mod scene;
mod tally;
mod vandals;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hangar_bench::server::Server;
use hangar_bench::{chosen, open_files};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep};

use self::plugin_files::PluginFiles;
use self::rest::Rest;
use self::scene::{CONSTELLATIONS, DEVICES, Scene, Weather};
use crate::runtime::Frames;

/// How long a storm is.
const STORM: Duration = Duration::from_secs(12);

/// The cycle that later ones are compared with.
const WARM: usize = 10;

/// Callers over HTTP, those who send rubbish, and those who do not read.
const CALLERS: usize = 40;
const VANDALS: usize = 8;
const SLOW: usize = 2;

/// Sockets of all who take part, and some.
const OPEN_FILES: u64 = 12_000;

/// Waits are short, so that what is only told at their end is told in a storm.
const CONFIGURATION: &str = r#"
[connections]
# Those who never read are to fill what the system keeps for them, which takes long where they are read slowly.
messages-per-second = 50000
ping = "5 s"
silence = "40 s"
write-stall = "5 s"

[sessions]
take-up = "8 s"
inventory = "8 s"
command = "8 s"
results-age = "10 s"
"#;

/// Goes on until the time has come, and through at least some cycles more than are compared.
pub async fn soak(root: &Path, until: Instant) -> Result<()> {
    open_files::allow(OPEN_FILES)?;
    let program = chosen::hangar(None)?;
    let (mut server, mut files) = Server::hangar(&program, &["linux", "guard"], CONFIGURATION).await?;
    let scene = Arc::new(Scene::set(server.address()));
    let mut everybody = JoinSet::new();
    let begun = Instant::now();
    let soaked = async {
        idle::settle(&scene, server.address(), &mut everybody).await?;
        take_part(&scene, root, &mut everybody)?;
        let file = files.swap_remove(0);
        let mut plugins = PluginFiles::begin(file, Arc::clone(&scene));
        let rest = Rest::new(&scene, server.process()?);
        rest.all_are_there().await?;
        let mut memory = Vec::new();
        while Instant::now() < until || memory.len() <= WARM {
            storm(&scene, &mut server, &mut plugins).await?;
            plugins.serves().await?;
            rest.everything_has_ended().await?;
            server.lives()?;
            memory.push(rest.resident().await?);
            println!("cycle {}: {}", memory.len(), rest.line(&memory));
            ensure!(scene.book().wrongs().is_empty(), "something was wrong in cycle {}", memory.len());
        }
        flat(&memory)
    }
    .await;
    report(&scene, &server, begun)?;
    // They would take the end of the server for something wrong.
    everybody.shutdown().await;
    soaked.with_context(|| format!("the server's last words:\n{}", server.last_lines()))?;
    server.stop().await
}

fn take_part(scene: &Arc<Scene>, root: &Path, everybody: &mut JoinSet<()>) -> Result<()> {
    for number in 0..DEVICES {
        everybody.spawn(devices::live(Arc::clone(scene), number));
    }
    for number in 0..CONSTELLATIONS {
        everybody.spawn(constellations::live(Arc::clone(scene), number));
    }
    for number in 0..CALLERS {
        everybody.spawn(callers::live(Arc::clone(scene), number));
    }
    everybody.spawn(callers::meddle(Arc::clone(scene)));
    let frames = Arc::new(Frames::load(root)?);
    for number in 0..VANDALS {
        everybody.spawn(vandals::rubbish(Arc::clone(scene), Arc::clone(&frames), number));
    }
    for number in 0..SLOW {
        everybody.spawn(vandals::slow(Arc::clone(scene), number));
    }
    Ok(())
}

async fn storm(scene: &Arc<Scene>, server: &mut Server, plugins: &mut PluginFiles) -> Result<()> {
    scene.turn(Weather::Storm);
    let watched = async {
        let mut looks = interval(Duration::from_secs(1));
        loop {
            looks.tick().await;
            server.lives()?;
            scene.book().look_over(Instant::now());
        }
    };
    let end = tokio::time::Instant::now() + STORM;
    let stormed = async {
        plugins.storm(end).await?;
        sleep(end.saturating_duration_since(tokio::time::Instant::now())).await;
        anyhow::Ok(())
    };
    let over: Result<()> = tokio::select! {
        over = stormed => over,
        died = watched => died,
    };
    scene.turn(Weather::Calm);
    over
}

/// What remains once everything has ended must not grow.
fn flat(memory: &[u64]) -> Result<()> {
    let (warm, last) = (memory.get(WARM - 1).copied(), memory.last().copied());
    let (Some(warm), Some(last)) = (warm, last) else { bail!("there were too few cycles") };
    println!("resident: {} MiB at cycle {WARM}, {} MiB at the last", warm >> 20, last >> 20);
    ensure!(last * 10 <= warm * 11, "the server's memory grew by more than a tenth since cycle {WARM}");
    Ok(())
}

fn report(scene: &Scene, server: &Server, begun: Instant) -> Result<()> {
    let book = scene.book();
    println!("\n{}", book.tally);
    if let Ok(process) = server.process() {
        let share = process.cpu()?.as_secs_f64() * 100.0 / begun.elapsed().as_secs_f64();
        println!("the server's processor time: {share:.0} % of one core");
    }
    match book.wrongs() {
        [] => println!("nothing was wrong"),
        wrongs => println!("WRONG, {} times:\n  {}", book.tally.wrong, wrongs.join("\n  ")),
    }
    Ok(())
}
