//! What came of one event: the plugin's actions, checked against the rules of the contract.

use std::collections::{HashMap, HashSet};

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::blobs::hex;
use crate::contract::actions::{Action, ActionBody, Call, ResponseFormat};
use crate::contract::events::{Event, EventBody};
use crate::contract::values::Failure;
use crate::fault::Fault;
use crate::limits::Limits;

/// What a plugin answered to one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Everything that it asked for, in order.
    returned: Vec<Action>,
    /// Which of it is refused, by position, in order.
    refused: Vec<(usize, Failure)>,
}

impl Step {
    /// What is to be carried out, in order.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.returned.iter().enumerate().filter(|(at, _)| !self.is_refused(*at)).map(|(_, action)| action)
    }

    /// What is to be carried out, in order, to keep.
    #[must_use]
    pub fn into_actions(self) -> Vec<Action> {
        if self.refused.is_empty() {
            return self.returned;
        }
        let refused: HashSet<usize> = self.refused.iter().map(|(at, _)| *at).collect();
        let kept = self.returned.into_iter().enumerate().filter(|(at, _)| !refused.contains(at));
        kept.map(|(_, action)| action).collect()
    }

    /// What the plugin is to be told it cannot have: token and reason, each for a `refused` event of its own.
    pub fn refusals(&self) -> impl Iterator<Item = (u32, &Failure)> {
        self.refused.iter().map(|(at, why)| (self.returned.get(*at).map_or(0, |action| action.token), why))
    }

    /// Whether the run ends with this step.
    #[must_use]
    pub fn ends(&self) -> bool {
        self.returned.last().is_some_and(|action| ends(&action.body))
    }

    /// How many actions the plugin returned.
    #[must_use]
    pub fn count(&self) -> usize {
        self.returned.len()
    }

    /// The hash of everything returned, for the journal: of the JSON form, a line for each action.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for action in &self.returned {
            // The JSON form is total: no action is without one, and a hasher takes every byte.
            if serde_json::to_writer(HashWriter(&mut hasher), action).is_err() {
                hasher.update(b"?");
            }
            hasher.update(b"\n");
        }
        hex(&hasher.finalize())
    }

    fn is_refused(&self, at: usize) -> bool {
        self.refused.iter().any(|(refused, _)| *refused == at)
    }
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The rules that a run's actions keep, and what they need to remember.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// Tokens whose last answer has not come yet, and whether each is a timer.
    outstanding: HashMap<u32, bool>,
    cancelled: bool,
}

impl Rules {
    /// An event is about to be told.
    pub(crate) fn told(&mut self, event: &Event) {
        match event.body {
            // More about this child is to come.
            EventBody::ChildUpdate(_) => {}
            EventBody::Cancel(_) => self.cancelled = true,
            _ => {
                self.outstanding.remove(&event.token);
            }
        }
    }

    /// Checks what the plugin returned. What breaks the contract is a fault; what merely cannot be had is refused.
    pub(crate) fn check(&mut self, returned: Vec<Action>, limits: &Limits) -> Result<Step, Fault> {
        if returned.len() > limits.actions_per_step {
            return Err(Fault::ActionFlood { count: returned.len(), limit: limits.actions_per_step });
        }
        let last = returned.len().saturating_sub(1);
        let mut refused = Vec::new();
        for (at, action) in returned.iter().enumerate() {
            if ends(&action.body) && at != last {
                return Err(malformed("nothing may follow `finish` or `fail`"));
            }
            if let Err(failure) = self.admit(action, limits)? {
                if ends(&action.body) {
                    return Err(malformed(&format!("it ended with something invalid: {}", failure.text)));
                }
                refused.push((at, failure));
            }
        }
        Ok(Step { returned, refused })
    }

    fn admit(&mut self, action: &Action, limits: &Limits) -> Result<Result<(), Failure>, Fault> {
        // Before anything is refused: a refusal names the action by its token.
        if is_answered(&action.body) {
            self.check_token(action.token)?;
        }
        if self.cancelled && !allowed_after_cancel(&action.body) {
            return Ok(Err(failure(
                "cancelled",
                "The run is cancelled: only emit, progress, finish and fail are left",
            )));
        }
        if let Some(what) = broken_json(action) {
            return Ok(Err(failure("invalid", &format!("{what} is not JSON"))));
        }
        if let ActionBody::Finish(finish) = &action.body
            && finish.state.len() > limits.snapshot_bytes
        {
            return Ok(Err(failure("limit", &format!("the state may have {} bytes", limits.snapshot_bytes))));
        }
        if let ActionBody::CancelAction(token) = &action.body {
            self.silence_timer(*token);
        }
        if !is_answered(&action.body) {
            return Ok(Ok(()));
        }
        if self.outstanding.len() >= limits.outstanding_actions {
            let text =
                format!("{} actions wait for their answers; wait for some of them first", self.outstanding.len());
            return Ok(Err(failure("limit", &text)));
        }
        self.outstanding.insert(action.token, matches!(action.body, ActionBody::SetTimer(_)));
        Ok(Ok(()))
    }

    fn check_token(&self, token: u32) -> Result<(), Fault> {
        if token == 0 {
            return Err(malformed("an action that has an answer needs a token of its own, and 0 is none"));
        }
        if self.outstanding.contains_key(&token) {
            return Err(malformed(&format!("token {token} is still waiting for its answer and was used again")));
        }
        Ok(())
    }

    /// A timer that was given up is never answered.
    fn silence_timer(&mut self, token: u32) {
        if self.outstanding.get(&token) == Some(&true) {
            self.outstanding.remove(&token);
        }
    }
}

fn ends(body: &ActionBody) -> bool {
    matches!(body, ActionBody::Finish(_) | ActionBody::Fail(_))
}

fn allowed_after_cancel(body: &ActionBody) -> bool {
    ends(body) || matches!(body, ActionBody::Emit(_) | ActionBody::Progress(_))
}

/// Whether an event will answer this action.
fn is_answered(body: &ActionBody) -> bool {
    match body {
        ActionBody::ListTools(_)
        | ActionBody::RunCommands(_)
        | ActionBody::CallTools(_)
        | ActionBody::AskModel(_)
        | ActionBody::AskUser(_)
        | ActionBody::Delegate(_)
        | ActionBody::SetTimer(_)
        | ActionBody::EditImage(_)
        | ActionBody::StoreGet(_)
        | ActionBody::StorePut(_)
        | ActionBody::Extension(_) => true,
        ActionBody::CancelAction(_)
        | ActionBody::Emit(_)
        | ActionBody::Progress(_)
        | ActionBody::Finish(_)
        | ActionBody::Fail(_) => false,
    }
}

/// The first part of an action that ought to be JSON and is not.
fn broken_json(action: &Action) -> Option<&'static str> {
    let broken = |text: &str| !text.is_empty() && serde_json::from_str::<&RawValue>(text).is_err();
    let broken_call = |call: &Call| broken(&call.parameters);
    if broken(&action.extra) {
        return Some("`extra`");
    }
    match &action.body {
        ActionBody::RunCommands(run) if run.calls.iter().any(broken_call) => Some("`parameters` of a call"),
        ActionBody::CallTools(calls) if calls.iter().any(broken_call) => Some("`parameters` of a call"),
        ActionBody::AskModel(ask) => match &ask.response_format {
            ResponseFormat::Schema(schema) if broken(schema) => Some("the schema of `response-format`"),
            _ if ask.tools.iter().any(|tool| broken(&tool.schema)) => Some("`schema` of a tool"),
            _ => None,
        },
        ActionBody::Progress(progress) if progress.results.iter().any(|result| broken(result)) => {
            Some("one of `results`")
        }
        ActionBody::Finish(finish) if finish.results.iter().any(|result| broken(result)) => Some("one of `results`"),
        ActionBody::Fail(fail) if fail.results.iter().any(|result| broken(result)) => Some("one of `results`"),
        ActionBody::Extension(named) if broken(&named.body) => Some("the body of an extension"),
        _ => None,
    }
}

fn failure(code: &str, text: &str) -> Failure {
    Failure { code: code.to_owned(), text: text.to_owned(), extra: String::new() }
}

fn malformed(what: &str) -> Fault {
    Fault::Malformed { what: what.to_owned() }
}
