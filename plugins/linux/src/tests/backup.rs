//! When the backup model is asked.

use hangar_plugin_sdk::agent_loop::AgentLoop;
use hangar_plugin_sdk::json;
use hangar_plugin_sdk::testing::Script;

use super::{execute_command, script};
use crate::Linux;

/// A run whose first model is asked for the first step, and has a backup.
fn with_backup() -> Script<AgentLoop<Linux>> {
    let settings = json!({
        "model": "one", "backup_model": "two", "max_steps": 3, "attempts": 3, "direct": true, "command_timeout_ms": 0,
    });
    let mut script = script().settings(settings);
    script.start("Hi");
    assert_eq!(script.tools([execute_command()]).model_request().model, "one");
    script
}

#[test]
fn the_backup_is_asked_when_the_model_gives_no_answer() {
    let mut script = with_backup();
    assert_eq!(script.model_fails("unreachable", "gone").model_request().model, "two");
    assert_eq!(script.model_fails("unreachable", "gone, too").failed().code, "unreachable");
}

#[test]
fn the_backup_is_asked_when_there_is_no_such_model() {
    let mut script = with_backup();
    assert_eq!(script.refuse("not-found", "There is no model `one`").model_request().model, "two");
    let mut script = with_backup();
    assert_eq!(script.refuse("limit", "There were too many calls").failed().code, "limit");
}
