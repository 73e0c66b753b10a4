//! Direct mode: the request is a command.

use hangar_plugin_sdk::agent_loop::{Call, Cx, Fail, Finish, Outcome};
use hangar_plugin_sdk::json;

use crate::output::Output;
use crate::{Settings, TOOL_SET};

/// Runs the command and ends with its output.
pub async fn run(cx: &Cx, settings: &Settings, request: &str, command: &str) -> Outcome {
    if command.is_empty() {
        return Err(Fail::new("invalid", "There is no command after `$ `: write one, as in `$ uname -a`"));
    }
    cx.status(format!("running {command}"));
    let call = Call { timeout_ms: settings.timeout(), ..Call::new("execute_command", json!({ "command": command })) };
    let output = Output::of(&cx.command(TOOL_SET, call).await?);
    let result = json!({ "request": request, "result": output.result });
    match output.failure {
        None => Ok(Finish::new(output.text).result(result)),
        Some(why) => Err(Fail::new("internal", why).result(result)),
    }
}

impl Settings {
    /// How long to wait for one command; none for the host's own bound.
    pub fn timeout(&self) -> Option<u32> {
        (self.command_timeout_ms > 0).then_some(self.command_timeout_ms)
    }
}
