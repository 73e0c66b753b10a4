//! Lets commands through by rules. A rule is `TOOL COMMAND where NAME=VALUE where NAME=VALUE`: a pattern of the tool, of
//! its parameter `command`, and of other parameters by name. Only the tool must be there. In all of them `*` stands for
//! anything and `?` for one character; a parameter that a call does not have counts as empty.
//!
//! ```text
//! execute_command uname *                     a command
//! execute_command ls * where cwd=/tmp         a command with one more parameter
//! write_file where path=/tmp/* where text=*   no command, two other parameters
//! * where *=*                                 any call
//! ```
//!
//! - An **allow** rule must match exactly, and must name every parameter that the call has: what it does not mention is
//!   not allowed.
//! - A **deny** rule looks only at what it mentions, whatever else the call has. Case and the amount of white space do not
//!   matter, and a list or an object in place of a text is denied.
//!
//! A deny rule catches mistakes, not malice: there is always another way to write a command. Where it must hold, say
//! what is allowed, and mind that `*` also stands for `; reboot`.

mod rule;
mod seen;

use std::collections::BTreeSet;

use hangar_plugin_sdk::handler::{Envelope, Handler, Verdict};
use hangar_plugin_sdk::{Value, export_handler, log, serde_json};
use serde::Deserialize;

use self::rule::Rule;
use self::seen::{Seen, loosely};

/// The longest message whose calls are looked at, in bytes: hundreds of rules take their time with a long text.
const LONGEST: usize = 64 << 10;

/// The rules, and what to say to those who break them.
pub struct Guard {
    allow: Vec<Rule>,
    deny: Vec<Rule>,
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
        Ok(Self {
            allow: settings.allow.iter().map(|rule| Rule::read(rule)).collect::<Result<_, _>>()?,
            deny: settings.deny.iter().map(|rule| Rule::read(&loosely(rule))).collect::<Result<_, _>>()?,
            reason: settings.reason,
        })
    }

    fn handle(&self, envelope: &Envelope) -> Verdict {
        if envelope.kind != "command" {
            return Verdict::Pass;
        }
        let calls = match calls(&envelope.body) {
            Ok(calls) => calls,
            Err(why) => return Verdict::reject("invalid", format!("This command cannot be let through: {why}")),
        };
        let denied: Vec<&Call> = calls.iter().filter(|call| !self.lets_through(call)).collect();
        if denied.is_empty() {
            return Verdict::Pass;
        }
        for call in &denied {
            // Parameters may be secret.
            log::info!("denied: {:.100}, call {:.100}", call.tool, call.call_id);
        }
        Verdict::deny_calls(denied.into_iter().map(|call| (call.call_id.as_str(), self.reason.as_str())))
    }
}

impl Guard {
    fn lets_through(&self, call: &Call) -> bool {
        let Some(call) = Seen::exactly(&call.tool, &call.parameters) else { return false };
        let loose = call.loosely();
        !self.deny.iter().any(|rule| rule.denies(&loose))
            && (self.allow.is_empty() || self.allow.iter().any(|rule| rule.allows(&call)))
    }
}

/// The calls of a command, if each can be judged and denied by itself.
fn calls(body: &str) -> Result<Vec<Call>, String> {
    if body.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes, and nobody has read it"));
    }
    let command: Command = serde_json::from_str(body).map_err(|_| "it cannot be read")?;
    let mut ids = BTreeSet::new();
    if command.calls.iter().all(|call| ids.insert(&call.call_id)) {
        Ok(command.calls)
    } else {
        Err("two of its calls have the same id".into())
    }
}

#[cfg(test)]
mod tests;
