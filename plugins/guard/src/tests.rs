//! What rules let through, and what not.

use hangar_plugin_sdk::json;
use hangar_plugin_sdk::testing::{Messages, command, message};

use super::*;

fn guard(allow: &[&str], deny: &[&str]) -> Messages<Guard> {
    Messages::with(json!({ "allow": allow, "deny": deny, "reason": "no" }))
}

#[expect(clippy::needless_pass_by_value, reason = "so that `json!` can stand there")]
fn passes(guard: &Messages<Guard>, tool: &str, parameters: Value) -> bool {
    match guard.verdict(&command("c1", tool, parameters.clone())) {
        Verdict::Pass => true,
        Verdict::Deny(denied) => {
            assert_eq!((denied.len(), denied[0].call_id.as_str(), denied[0].reason.as_str()), (1, "c1", "no"));
            false
        }
        other => panic!("{other:?}"),
    }
}

fn runs(guard: &Messages<Guard>, text: &str) -> bool {
    passes(guard, "execute_command", json!({ "command": text }))
}

fn allowed(rule: &str, tool: &str, parameters: Value) -> bool {
    passes(&guard(&[rule], &[]), tool, parameters)
}

fn denied(rule: &str, tool: &str, parameters: Value) -> bool {
    !passes(&guard(&[], &[rule]), tool, parameters)
}

#[test]
fn deny_wins_over_allow() {
    let guard = guard(&["execute_command *"], &["execute_command rm *", "* */etc/shadow*"]);
    assert!(runs(&guard, "uname -a"));
    assert!(!runs(&guard, "rm  -rf\t/tmp/x"));
    assert!(!runs(&guard, "cat /etc/shadow"));
}

#[test]
fn with_allow_rules_the_rest_is_denied() {
    let guard = guard(&["execute_command uname -a", "execute_command df *"], &[]);
    assert!(runs(&guard, "uname -a"));
    assert!(runs(&guard, "df -h"));
    assert!(!runs(&guard, "uname -a; reboot"));
}

#[test]
fn an_allow_rule_allows_no_more_than_it_mentions() {
    let parameters = json!({"command": "ls", "cwd": "/tmp"});
    assert!(!allowed("execute_command ls", "execute_command", parameters.clone()));
    assert!(allowed("execute_command ls where cwd=/tmp", "execute_command", parameters.clone()));
    assert!(!allowed("execute_command ls where cwd=/root where *=*", "execute_command", parameters.clone()));
    assert!(allowed("* where *=*", "execute_command", parameters));
    assert!(allowed("get_info", "get_info", json!({})));
    assert!(allowed("get_info", "get_info", json!(null)));
    assert!(!allowed("get_info", "get_info", json!({"verbose": true})));
    assert!(!allowed("tap where x=3", "tap", json!({})));
}

#[test]
fn an_allow_rule_is_not_deceived() {
    assert!(!allowed("execute_command echo reboot", "execute_command", json!({"command": "echo\nreboot"})));
    let forged = json!({"command": "cat /etc/shadow cwd=/tmp"});
    assert!(!allowed("execute_command * where cwd=/tmp", "execute_command", forged.clone()));
    let forged = json!({"command": "cat /etc/shadow where cwd=/tmp"});
    assert!(!allowed("execute_command * where cwd=/tmp", "execute_command", forged));
    assert!(!allowed("tap where x=3 where y=4", "tap", json!({"x=3 where y": "4"})));
    assert!(!allowed("execute_command uname", "execute_command uname", json!({})));
    assert!(!allowed("execute_command ls", "execute_command", json!({"command": ["ls"]})));
    assert!(!allowed("* where *=*", "execute_command", json!(["ls"])));
}

#[test]
fn a_deny_rule_looks_only_at_what_it_mentions() {
    let more = json!({"a": 1, "path": "/etc/passwd", "z": 1});
    assert!(denied("write_file where path=/etc/*", "write_file", more.clone()));
    assert!(denied("write_file", "write_file", more.clone()));
    assert!(denied("write_file where path=/etc/* where z=1", "write_file", more.clone()));
    assert!(!denied("write_file where path=/etc/* where z=2", "write_file", more));
    assert!(denied("execute_command rm *", "execute_command", json!({"command": "rm -rf /", "cwd": "/"})));
}

#[test]
fn a_deny_rule_is_not_passed_by_another_spelling() {
    for parameters in [
        json!(["rm -rf /"]),
        json!("rm -rf /"),
        json!({"command": ["rm", "-rf", "/"]}),
        json!({"command": {"line": "rm -rf /"}}),
        json!({"Command": "rm -rf /"}),
        json!({"command": " rm\n-rf /"}),
    ] {
        assert!(denied("execute_command rm *", "execute_command", parameters.clone()), "{parameters}");
    }
    assert!(denied("tap where x=3", "tap", json!({"x": 3.0})));
    assert!(denied("tap where x=3", "tap", json!({"x": "3"})));
    assert!(!denied("tap where x=3", "tap", json!({"x": 30})));
}

#[test]
fn calls_are_denied_one_by_one() {
    let body = json!({"calls": [
        {"call_id": "a", "tool": "tap", "parameters": {"y": 4, "x": 3}},
        {"call_id": "b", "tool": "tap", "parameters": {"x": 9, "y": 9}},
    ]});
    let verdict = guard(&[], &["tap where x=3 where y=4"]).verdict(&message("command", body));
    let Verdict::Deny(denied) = verdict else { panic!("nothing is denied") };
    assert_eq!(denied.iter().map(|denial| denial.call_id.as_str()).collect::<Vec<_>>(), ["a"]);
}

#[test]
fn what_cannot_be_judged_does_not_pass() {
    let call = |id: &str, command: &str| json!({"call_id": id, "tool": "t", "parameters": {"command": command}});
    for (body, why) in [
        (json!({"calls": "all"}), "it cannot be read"),
        (json!({"calls": [call("a", "good"), call("a", "bad")]}), "two of its calls have the same id"),
        (json!({"calls": [call("a", &"a".repeat(70_000))]}), "it is longer than 65536 bytes"),
    ] {
        let verdict = guard(&[], &["t bad"]).verdict(&message("command", body));
        let Verdict::Reject(rejection) = verdict else { panic!("{verdict:?}") };
        assert!(rejection.text.contains(why), "{}", rejection.text);
    }
}

#[test]
fn a_rule_that_says_nothing_is_refused() {
    for rule in ["", " ", "where x=3", "tap where x", "tap where ", "tap where =x"] {
        for settings in
            [json!({"allow": [rule], "deny": [], "reason": ""}), json!({"allow": [], "deny": [rule], "reason": ""})]
        {
            assert!(Guard::new(settings).is_err(), "{rule:?}");
        }
    }
}

#[test]
fn other_messages_pass() {
    assert_eq!(guard(&["nothing"], &[]).verdict(&message("task", json!({}))), Verdict::Pass);
}
