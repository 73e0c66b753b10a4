//! Lets commands through by rules. A rule is a pattern over a call as it is written here: the tool, its `command`, and
//! its other parameters by name, such as `execute_command uname -a` or `tap x=3 y=4`; `*` stands for anything and `?`
//! for one character.
//!
//! A deny rule catches mistakes, not malice: there is always another way to write a command. Where it must hold, say
//! what is allowed.

use hangar_plugin_sdk::handler::{Envelope, Handler, Verdict};
use hangar_plugin_sdk::{Value, export_handler, log, serde_json};
use serde::Deserialize;
use wildmatch::WildMatch;

/// The rules, and what to say to those who break them.
pub struct Guard {
    allow: Vec<WildMatch>,
    deny: Vec<WildMatch>,
    reason: String,
}

export_handler!(Guard);

/// The settings that `plugin.toml` declares.
#[derive(Deserialize)]
struct Settings {
    allow: Vec<String>,
    deny: Vec<String>,
    reason: String,
}

/// What a message of the kind `command` holds, as far as a guard looks at it.
#[derive(Deserialize)]
struct Command {
    calls: Vec<Call>,
}

/// One call of a command.
#[derive(Deserialize)]
struct Call {
    call_id: String,
    tool: String,
    #[serde(default)]
    parameters: Value,
}

impl Handler for Guard {
    fn new(settings: Value) -> Result<Self, String> {
        let settings: Settings = serde_json::from_value(settings).map_err(|error| error.to_string())?;
        if settings.allow.is_empty() && settings.deny.is_empty() {
            log::warn!("There are no rules: everything passes. Set `allow` or `deny`");
        }
        let rules = |rules: Vec<String>| rules.iter().map(|rule| WildMatch::new(&one_spaced(rule))).collect();
        Ok(Self { allow: rules(settings.allow), deny: rules(settings.deny), reason: settings.reason })
    }

    fn handle(&self, envelope: &Envelope) -> Verdict {
        if envelope.kind != "command" {
            return Verdict::Pass;
        }
        let Ok(command) = serde_json::from_str::<Command>(&envelope.body) else {
            return Verdict::reject("invalid", "This command cannot be read, so it cannot be let through");
        };
        let denied: Vec<&Call> = command.calls.iter().filter(|call| !self.lets_through(call)).collect();
        if denied.is_empty() {
            return Verdict::Pass;
        }
        for call in &denied {
            log::info!("denied: {}", written(call));
        }
        Verdict::deny_calls(denied.into_iter().map(|call| (call.call_id.as_str(), self.reason.as_str())))
    }
}

impl Guard {
    fn lets_through(&self, call: &Call) -> bool {
        let call = written(call);
        let matches = |rules: &[WildMatch]| rules.iter().any(|rule| rule.matches(&call));
        !matches(&self.deny) && (self.allow.is_empty() || matches(&self.allow))
    }
}

/// A call as rules see it. Every parameter is in it, so none slips by.
fn written(call: &Call) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), Into::into);
    let parameters = call.parameters.as_object();
    let command = parameters.and_then(|parameters| parameters.get("command")).map(text);
    let others = parameters.into_iter().flatten().filter(|(name, _)| *name != "command");
    let others = others.map(|(name, value)| format!("{name}={}", text(value)));
    let words: Vec<String> = std::iter::once(call.tool.clone()).chain(command).chain(others).collect();
    one_spaced(&words.join(" "))
}

/// Any white space counts as one space.
fn one_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use hangar_plugin_sdk::json;
    use hangar_plugin_sdk::testing::{Messages, command, message};

    use super::*;

    fn guard(allow: &[&str], deny: &[&str]) -> Messages<Guard> {
        Messages::with(json!({ "allow": allow, "deny": deny, "reason": "no" }))
    }

    fn execute(text: &str) -> Envelope {
        command("c1", "execute_command", json!({ "command": text }))
    }

    fn passes(guard: &Messages<Guard>, text: &str) -> bool {
        match guard.verdict(&execute(text)) {
            Verdict::Pass => true,
            Verdict::Deny(denied) => {
                assert_eq!((denied.len(), denied[0].call_id.as_str(), denied[0].reason.as_str()), (1, "c1", "no"));
                false
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn deny_wins_over_allow() {
        let guard = guard(&["execute_command *"], &["execute_command rm *", "* */etc/shadow*"]);
        assert!(passes(&guard, "uname -a"));
        assert!(!passes(&guard, "rm  -rf\t/tmp/x"));
        assert!(!passes(&guard, "cat /etc/shadow"));
    }

    #[test]
    fn with_allow_rules_the_rest_is_denied() {
        let guard = guard(&["execute_command uname -a", "execute_command df *"], &[]);
        assert!(passes(&guard, "uname -a"));
        assert!(passes(&guard, "df -h"));
        assert!(!passes(&guard, "uname -a; reboot"));
        let elsewhere = command("c1", "execute_command", json!({ "command": "uname -a", "cwd": "/root" }));
        assert!(matches!(guard.verdict(&elsewhere), Verdict::Deny(_)), "a parameter more is another call");
    }

    #[test]
    fn calls_are_denied_one_by_one() {
        let body = json!({"calls": [
            {"call_id": "a", "tool": "tap", "parameters": {"y": 4, "x": 3}},
            {"call_id": "b", "tool": "tap", "parameters": {"x": 9, "y": 9}},
        ]});
        let Verdict::Deny(denied) = guard(&[], &["tap x=3 y=4"]).verdict(&message("command", body)) else {
            panic!("nothing is denied");
        };
        assert_eq!(denied.iter().map(|denial| denial.call_id.as_str()).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn what_cannot_be_read_does_not_pass() {
        let verdict = guard(&[], &[]).verdict(&message("command", json!({ "calls": "all" })));
        assert!(matches!(verdict, Verdict::Reject(_)), "{verdict:?}");
    }

    #[test]
    fn other_messages_pass() {
        assert_eq!(guard(&["nothing"], &[]).verdict(&message("task", json!({}))), Verdict::Pass);
    }
}
