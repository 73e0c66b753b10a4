//! One rule: a tool, and conditions on the parameters of its calls.

use wildmatch::WildMatch;

use crate::seen::{ABSENT, Parameter, Seen};

/// A tool, and conditions on its parameters.
pub struct Rule {
    tool: WildMatch,
    conditions: Vec<Condition>,
}

/// What parameters of this name must be.
struct Condition {
    name: WildMatch,
    value: WildMatch,
}

impl Rule {
    /// Reads `TOOL COMMAND where NAME=VALUE where NAME=VALUE`; only the tool must be there.
    pub fn read(text: &str) -> Result<Self, String> {
        // With the space, a `where` that nothing follows is one, too.
        let spaced = format!("{text} ");
        let mut parts = spaced.split(" where ");
        let call = parts.next().unwrap_or_default().trim();
        let (tool, command) = call.split_once(char::is_whitespace).unwrap_or((call, ""));
        if tool.is_empty() || tool == "where" {
            return Err(format!("The rule `{text}` names no tool: begin it with one, or with `*` for all"));
        }
        let command = Some(command.trim()).filter(|command| !command.is_empty());
        let mut conditions: Vec<Condition> =
            command.map(|value| Condition::new("command", value)).into_iter().collect();
        for part in parts {
            let named = part.split_once('=').filter(|(name, _)| !name.trim().is_empty());
            let (name, value) = named.ok_or_else(|| {
                format!(
                    "The rule `{text}` has `{part}` after `where`: write `NAME=VALUE` there, as in `where cwd=/tmp`"
                )
            })?;
            conditions.push(Condition::new(name, value));
        }
        Ok(Self { tool: WildMatch::new(tool), conditions })
    }

    /// Whether this rule denies the call: all conditions are met, whatever else the call has. A list or an object meets
    /// any, for nobody can tell what a tool makes of it.
    pub fn denies(&self, call: &Seen) -> bool {
        let met = |condition: &Condition| {
            condition.named(call).iter().any(|one| one.is_nested || condition.value.matches(&one.text))
        };
        self.tool.matches(&call.tool) && self.conditions.iter().all(met)
    }

    /// Whether this rule allows the call: all conditions are met, and they name all that the call has.
    pub fn allows(&self, call: &Seen) -> bool {
        let met = |condition: &Condition| condition.named(call).iter().all(|one| condition.value.matches(&one.text));
        let is_named = |one: &Parameter| self.conditions.iter().any(|condition| condition.name.matches(&one.name));
        self.tool.matches(&call.tool) && self.conditions.iter().all(met) && call.parameters.iter().all(is_named)
    }
}

impl Condition {
    fn new(name: &str, value: &str) -> Self {
        Self { name: WildMatch::new(name.trim()), value: WildMatch::new(value.trim()) }
    }

    /// The parameters that it is about; where there are none, an empty one.
    fn named<'a>(&self, call: &'a Seen) -> Vec<&'a Parameter> {
        let named: Vec<&Parameter> = call.parameters.iter().filter(|one| self.name.matches(&one.name)).collect();
        if named.is_empty() { vec![&ABSENT] } else { named }
    }
}
