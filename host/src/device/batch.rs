//! Carrying out a COMMAND: its actions one after another, until one fails.

use hangar_aip::{CommandResult, Commands, Json, ResultStatus};
use serde_json::Value;

use super::toolbox::Toolbox;

/// What device agents say of the actions after one that failed.
const SKIPPED: &str = "Skipped due to previous failure (early_exit=True).";

/// Carries out all actions. There is a result for each, in their order.
pub async fn carry_out(toolbox: &Toolbox, commands: &Commands) -> Vec<CommandResult> {
    let mut results: Vec<CommandResult> = Vec::with_capacity(commands.actions.len());
    let mut has_failed = false;
    for action in &commands.actions {
        let call_id = action.call_id.clone();
        let result = if has_failed {
            failed(ResultStatus::Skipped, SKIPPED.into())
        } else if action.tool_name.trim().is_empty() {
            succeeded(&"No action taken.".into())
        } else {
            let (namespace, answer) = toolbox.call(&commands.agent_name, action).await;
            let result = match answer {
                Ok(value) => succeeded(&value),
                Err(why) => failed(ResultStatus::Failure, why),
            };
            CommandResult { namespace: namespace.map(Into::into), ..result }
        };
        has_failed |= result.status != ResultStatus::Success;
        results.push(CommandResult { call_id, ..result });
    }
    results
}

fn succeeded(value: &Value) -> CommandResult {
    match Json::of(value) {
        Ok(json) => CommandResult {
            status: ResultStatus::Success,
            result: Some(json),
            error: None,
            namespace: None,
            call_id: None,
        },
        Err(error) => failed(ResultStatus::Failure, format!("The result cannot be written: {error}")),
    }
}

fn failed(status: ResultStatus, why: String) -> CommandResult {
    CommandResult { status, result: None, error: Some(why), namespace: None, call_id: None }
}
