//! Plays the tour, one session through the whole contract, in Rust, Python and JavaScript, and prints what happens.
//!
//!     cargo run -p hangar-runtime --example sessions [PLUGIN.wasm SCRIPT.jsonl]

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use hangar_runtime::contract::actions::Action;
use hangar_runtime::contract::events::Event;
use hangar_runtime::journal::Journal;
use hangar_runtime::{Behaviour, Level, Limits, LogSink, RunSetup, Runtime, RuntimeConfig};

/// As much of a line as is shown.
const WIDTH: usize = 160;

#[tokio::main]
async fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cache = Some(root.join("target/plugin-cache"));
    let runtime = Runtime::new(&RuntimeConfig { cache, max_live_instances: Some(16), ..RuntimeConfig::default() })?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [plugin, script] = arguments.as_slice() {
        return play(&runtime, Path::new(plugin), Path::new(script)).await;
    }
    for language in ["rust", "python", "js"] {
        let plugin = root.join(format!("target/plugins/tour-{language}.wasm"));
        play(&runtime, &plugin, &root.join("examples/tour/script.jsonl")).await?;
    }
    println!("Three languages, one session each. To see how they are written, look into examples/tour.");
    Ok(())
}

/// Loads one plugin and plays one script with it.
async fn play(runtime: &Runtime, plugin: &Path, script: &Path) -> Result<()> {
    let name = plugin.file_name().unwrap_or_default().to_string_lossy();
    let bytes =
        std::fs::read(plugin).with_context(|| format!("{} is missing: run `make plugins`", plugin.display()))?;
    let size = bytes.len() >> 10;
    let behaviour = runtime.behaviour(bytes.into(), Limits::default()).await.with_context(|| name.to_string())?;
    println!("=== {name}, {size} KiB\n    {}\n", behaviour.description());
    let script = BufReader::new(File::open(script).with_context(|| script.display().to_string())?);
    let script = Journal::read(script)?;
    ensure!(!script.torn, "the last line of the script breaks off");
    steps(&behaviour, &script).await
}

async fn steps(behaviour: &Behaviour, script: &Journal) -> Result<()> {
    let setup = RunSetup { info: script.info.clone(), blobs: Arc::clone(&script.blobs), log: Arc::new(Printer) };
    let mut run = behaviour.start(setup)?;
    let mut memory = 0;
    for step in &script.steps {
        println!("--> {}", shown(&step.event)?);
        let step = run.feed(step.event.clone()).await?;
        memory = memory.max(run.memory_bytes());
        for action in step.actions() {
            println!("<-- {}", shown_action(action)?);
        }
        for (token, why) in step.refusals() {
            println!("<-- {token} is refused: {}", why.text);
        }
    }
    println!("    {}, {} KiB of memory\n", if run.is_over() { "over" } else { "not over" }, memory >> 10);
    Ok(())
}

struct Printer;

impl LogSink for Printer {
    fn line(&self, level: Level, line: &str) {
        println!("    {level:?}: {line}");
    }
}

fn shown(event: &Event) -> Result<String> {
    Ok(cut(format!("{} {}", event.seq, serde_json::to_string(&event.body)?)))
}

fn shown_action(action: &Action) -> Result<String> {
    let token = if action.token == 0 { String::new() } else { format!("[{}] ", action.token) };
    Ok(cut(format!("{token}{}", serde_json::to_string(&action.body)?)))
}

fn cut(line: String) -> String {
    match line.char_indices().nth(WIDTH) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}
