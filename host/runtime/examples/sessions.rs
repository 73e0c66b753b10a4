//! Plays the tour, one session through the whole contract, in Rust, Python and JavaScript, and prints what happens.
//!
//!     cargo run -p hangar-runtime --example sessions [PLUGIN.wasm SCRIPT.jsonl]

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use hangar_runtime::contract::actions::Action;
use hangar_runtime::contract::events::Event;
use hangar_runtime::manifest::Terms;
use hangar_runtime::script::{Answer, Player, Script, Told};
use hangar_runtime::{Level, LogSink, Plugin, Runtime, RuntimeConfig};

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
    let terms = Terms::everything();
    let plugin = runtime.plugin(bytes.into(), terms.limits.clone()).await.with_context(|| name.to_string())?;
    println!("=== {name}, {} KiB\n    {}\n", plugin.size() >> 10, plugin.description());
    steps(&plugin, &Script::read(script)?, &terms).await
}

async fn steps(plugin: &Plugin, script: &Script, terms: &Terms) -> Result<()> {
    let mut player = Player::new(script, plugin, terms, Arc::new(Printer))?;
    let mut memory = 0;
    while let Some(turn) = player.next().await {
        memory = memory.max(player.memory_bytes());
        match &turn.cue.told {
            Told::Event(event) => println!("--> {}", shown(event)?),
            Told::Envelopes { envelopes, .. } => println!("--> {}", cut(serde_json::to_string(envelopes)?)),
        }
        match turn.outcome? {
            Answer::Step(step) => {
                for action in step.actions() {
                    println!("<-- {}", shown_action(action)?);
                }
                for (token, why) in step.refusals() {
                    println!("<-- {token} is refused: {}", why.text);
                }
            }
            Answer::Verdicts(verdicts) => println!("<-- {}", cut(serde_json::to_string(&verdicts)?)),
        }
    }
    println!("    {} KiB of memory\n", memory >> 10);
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
