//! The smallest behaviour: it finishes with what it was asked.

use hangar_plugin_sdk::agent_loop::{Agent, AgentLoop, Cx, Finish, Outcome};
use hangar_plugin_sdk::export_behaviour;

/// Says again what was said.
pub struct Echo;

export_behaviour!(AgentLoop<Echo>);

impl Agent for Echo {
    async fn run(cx: Cx) -> Outcome {
        Ok(Finish::new(cx.request()))
    }
}
