//! Carries out requests on a Linux device: asks a model what to do, runs the commands it names, shows it what came of
//! them, until it says that the request is done. A request that begins with `$ ` runs as one command, without a model.

mod answer;
mod cut;
mod direct;
mod memory;
mod object;
mod output;
mod planned;
mod prompt;
mod represent;
mod sanitise;
mod shown;

use hangar_plugin_sdk::agent_loop::{Agent, AgentLoop, Cx, Fail, Outcome};
use hangar_plugin_sdk::export_behaviour;
use serde::Deserialize;

/// The tool set of the device that this plugin works with.
const TOOL_SET: &str = "LinuxAgent";

/// Carries out one request.
pub struct Linux;

export_behaviour!(AgentLoop<Linux>);

/// The settings that `plugin.toml` declares.
#[derive(Debug, Clone, Deserialize)]
struct Settings {
    model: String,
    backup_model: String,
    max_steps: u32,
    attempts: u32,
    direct: bool,
    command_timeout_ms: u32,
}

impl Agent for Linux {
    async fn run(cx: Cx) -> Outcome {
        let settings: Settings = cx.settings()?;
        let request = cx.request();
        let request = request.trim();
        if request.is_empty() {
            return Err(Fail::new("invalid", "The request is empty: say what is to be done"));
        }
        match command_in(request).filter(|_| settings.direct) {
            Some(command) => direct::run(&cx, &settings, request, command).await,
            None if cx.info().models.is_empty() => Err(no_model(&settings)),
            None => planned::run(&cx, &settings, request).await,
        }
    }
}

/// What follows `$` and white space; empty if nothing does. `$HOME` is no command.
fn command_in(request: &str) -> Option<&str> {
    let rest = request.strip_prefix('$')?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(rest.trim())
}

fn no_model(settings: &Settings) -> Fail {
    let mut text = "No model is configured, so nobody can plan this request. Configure a model in the host's \
                    configuration and grant it to this plugin"
        .to_owned();
    if settings.direct {
        text += ", or run a single command directly: begin the request with `$ `, as in `$ uname -a`";
    }
    Fail::new("not-found", text)
}

#[cfg(test)]
mod tests;
