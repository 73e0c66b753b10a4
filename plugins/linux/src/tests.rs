//! The whole behaviour, played natively; `tests/*.jsonl` play the component.

use hangar_plugin_sdk::agent_loop::{AgentLoop, Tool};
use hangar_plugin_sdk::behaviour::session::ModelInfo;
use hangar_plugin_sdk::testing::{Script, Step, failure, success};
use hangar_plugin_sdk::{Value, json};

use crate::Linux;

mod answers;
mod backup;
mod bounds;
mod outcomes;
mod prompts;

fn script() -> Script<AgentLoop<Linux>> {
    let settings = json!({
        "model": "", "backup_model": "", "max_steps": 9, "attempts": 3, "direct": true, "command_timeout_ms": 0,
    });
    let model =
        ModelInfo { name: "test".into(), role: "default".into(), vision: false, tools: false, extra: String::new() };
    Script::of::<Linux>().settings(settings).info(|info| info.models = vec![model])
}

fn execute_command() -> Tool {
    Tool {
        name: "execute_command".into(),
        namespace: "BashExecutor".into(),
        tool_type: "action".into(),
        description: "Runs a command".into(),
        schema: r#"{"properties":{"command":{"type":"string"}},"required":["command"]}"#.into(),
        extra: String::new(),
    }
}

/// A run whose model is asked for the first step.
fn planned(request: &str) -> Script<AgentLoop<Linux>> {
    let mut script = script();
    script.start(request);
    script.tools([execute_command()]);
    script
}

#[expect(clippy::needless_pass_by_value, reason = "so that `json!` can stand there")]
fn says(script: &mut Script<AgentLoop<Linux>>, action: Value, result: &str) -> Step {
    let answer = json!({"observation": "o", "thought": "t", "action": action, "result": result});
    script.model_says(&answer.to_string())
}

fn run(command: &str, status: &str) -> Value {
    json!({"function": "execute_command", "arguments": {"command": command}, "status": status})
}

fn ran(stdout: &str) -> [hangar_plugin_sdk::agent_loop::CallResult; 1] {
    [success(json!({"success": true, "exit_code": 0, "stdout": stdout, "stderr": ""}))]
}

#[test]
fn the_status_of_one_action_counts_even_if_it_failed() {
    let mut script = planned("Do it");
    says(&mut script, run("false", "FINISH"), "tried");
    let step = script.results([failure("broken")]);
    assert_eq!(step.finished().text, "tried");
    assert_eq!(step.finished().results, [r#"{"request":"Do it","result":"tried"}"#]);
}

#[test]
fn in_a_list_the_last_success_decides() {
    let mut script = planned("Do it");
    says(&mut script, json!([run("ls", "CONTINUE"), run("cat x", "FINISH")]), "r");
    let step = script.results([ran("a").into_iter().next().unwrap(), failure("no x")]);
    let told = step.model_text();
    assert!(told.contains("execute_command(command='ls') -> success: a"), "{told}");
    assert!(told.contains("execute_command(command='cat x') -> failure: no x"), "{told}");
    says(&mut script, json!([run("ls", "CONTINUE"), {"function": "", "status": "FINISH"}]), "a");
    assert_eq!(script.results(ran("a")).finished().text, "a");
}

#[test]
fn no_action_means_done_and_an_unknown_status_does_not() {
    assert_eq!(says(&mut planned("Hi"), Value::Null, "Hello").finished().text, "Hello");
    let mut script = planned("Hi");
    says(&mut script, json!({"function": "execute_command", "arguments": {"command": "ls"}, "status": "PAUSE"}), "");
    let step = script.results(ran(""));
    assert_eq!(step.failed().text, "Session ended in unknown state");
}

#[test]
fn a_tool_that_does_not_exist_is_told_to_the_model_and_to_nobody_else() {
    let mut script = planned("Do it");
    let told = says(&mut script, json!({"function": "rm", "status": "CONTINUE"}), "").model_text();
    assert!(told.contains("there is no tool `rm`; there are: execute_command"), "{told}");
}
