//! What the output of a tool comes to.

use hangar_plugin_sdk::json;
use hangar_plugin_sdk::testing::{failure, success};

use super::{planned, run, says, script};

#[test]
fn a_command_that_fails_in_direct_mode_fails_the_run() {
    let mut script = script();
    assert_eq!(script.start("$ ls /nowhere").commands()[0].parameters, r#"{"command":"ls /nowhere"}"#);
    let step = script.results([success(json!({"exit_code": 2, "stdout": "", "stderr": "ls: no such file\n"}))]);
    assert_eq!(step.failed().text, "The command ended with exit code 2: ls: no such file");
}

#[test]
fn a_long_output_is_read_from_its_blob() {
    let blob =
        hangar_plugin_sdk::blobs::create("text/plain;charset=utf-8", "line\n".repeat(10_000).as_bytes()).unwrap();
    let mut script = script();
    script.start("$ cat /var/log/syslog");
    let step = script.results([success(json!({"exit_code": 0, "stdout": {"$blob": blob}, "stderr": ""}))]);
    assert!(step.finished().text.ends_with("(the first 16384 of 50000 bytes)"));
    assert!(step.finished().results[0].contains(r#""result":{"$blob":""#), "programs get all of it");
}

#[test]
fn an_error_is_a_failure_unless_the_tool_says_success() {
    for (payload, why) in [
        (json!({"error": "Invalid API key"}), "Invalid API key"),
        (json!({"success": "false", "stdout": "", "stderr": "bad"}), "The command failed"),
        (json!({"exit_code": 1.5, "stdout": "", "stderr": "bad"}), "The command ended with exit code 1.5: bad"),
        (json!({"exit_code": 1.0, "stdout": "", "stderr": "bad"}), "The command ended with exit code 1: bad"),
    ] {
        let mut script = script();
        script.start("$ ls");
        assert_eq!(script.results([success(payload)]).failed().text, why);
    }
    let mut script = script();
    script.start("$ ls");
    script.results([success(json!({"success": true, "error": "", "exit_code": 0.0, "stdout": "x"}))]).finished();
}

#[test]
fn a_payload_that_cannot_be_read_is_a_failure() {
    let mut script = script();
    script.start("$ ls");
    let mut result = success(json!(null));
    result.payload = format!(r#"{{"exit_code":7,"stdout":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    let step = script.results([result]);
    assert!(step.failed().text.starts_with("What the command returned cannot be read: "), "{}", step.failed().text);
}

#[test]
fn what_was_not_run_is_called_skipped() {
    for status in ["skipped", "none"] {
        let mut script = planned("Do it");
        says(&mut script, json!([run("ls", "CONTINUE"), run("df", "FINISH")]), "");
        let mut result = failure("");
        result.status = status.into();
        let told = script.results([failure("no"), result]).model_text();
        assert!(told.contains("execute_command(command='df') -> skipped: The command was not run"), "{told}");
    }
}

#[test]
fn a_dollar_alone_is_told_what_is_missing() {
    for request in ["$", "$ ", "$\t"] {
        let text = script().start(request).failed().text.clone();
        assert!(text.starts_with("There is no command after"), "{text}");
    }
    for request in ["$ uname", "$\tuname", "$  uname "] {
        assert_eq!(script().start(request).commands()[0].parameters, r#"{"command":"uname"}"#);
    }
    assert!(script().start("$HOME is what?").emitted().is_empty(), "this is a question");
}
