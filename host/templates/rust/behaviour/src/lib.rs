//! Greets, and says what machine it is on.

use hangar_plugin_sdk::agent_loop::{Agent, AgentLoop, Call, Cx, Fail, Finish, Outcome};
use hangar_plugin_sdk::serde::Deserialize;
use hangar_plugin_sdk::{export_behaviour, json};

pub struct Plugin;

export_behaviour!(AgentLoop<Plugin>);

/// The settings that `plugin.toml` declares.
#[derive(Deserialize)]
#[serde(crate = "hangar_plugin_sdk::serde")]
struct Settings {
    greeting: String,
}

impl Agent for Plugin {
    async fn run(cx: Cx) -> Outcome {
        let settings: Settings = cx.settings()?;
        cx.status(format!("{}, {}!", settings.greeting, cx.info().executor));

        let uname = Call::new("execute_command", json!({ "command": "uname -a" }));
        let result = cx.command("LinuxAgent", uname).await?;
        if !result.is_success() {
            return Err(Fail::new("internal", result.error));
        }
        let said = result.value();
        Ok(Finish::new(said["stdout"].as_str().unwrap_or_default().trim()))
    }
}

#[cfg(test)]
mod tests {
    use hangar_plugin_sdk::testing::{Script, failure};

    use super::*;

    // Natively, without WebAssembly and without a host. `tests/hello.jsonl` plays the component.
    #[test]
    fn a_command_that_fails_ends_the_run() {
        let mut script = Script::of::<Plugin>().settings(json!({ "greeting": "Hello" }));
        assert_eq!(script.start("What machine is this?").commands().len(), 1);
        assert_eq!(script.results([failure("no such tool")]).failed().text, "no such tool");
    }
}
