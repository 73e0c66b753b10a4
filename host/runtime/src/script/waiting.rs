//! What a run waits for while a script is played, and whether the script's next event answers it. Tokens in scripts are
//! often written by hand, and an answer to the wrong action would go unnoticed: plugins ignore what they do not await.

use std::collections::BTreeMap;

use crate::contract::actions::{ActionBody, Call};
use crate::contract::events::{Event, EventBody};
use crate::contract::values::Failure;
use crate::step::Step;

/// What a run has asked for so far.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    started: bool,
    asked: BTreeMap<u32, Asked>,
}

/// One action that has an answer.
#[derive(Debug)]
struct Asked {
    /// Its name, and those of the events that may answer it.
    name: &'static str,
    answers: &'static [&'static str],
    calls: Vec<String>,
    /// Why the host did not carry it out, if it did not.
    refused: Option<Failure>,
    answered: bool,
}

impl Waiting {
    /// Why this event does not fit, if it does not.
    pub(super) fn misfit(&self, event: &Event) -> Option<String> {
        let told = name(&event.body);
        match (&event.body, self.started) {
            (EventBody::Start(_), false) => return None,
            (EventBody::Start(_), true) => return Some("a run has one `start`; make another script of this".into()),
            (_, false) => return Some(format!("the first event must be `start`, not `{told}`")),
            (EventBody::Cancel(_), true) => return None,
            (EventBody::Extension(_), true) if event.token == 0 => return None,
            _ => {}
        }
        let token = event.token;
        let Some(asked) = self.asked.get(&token) else {
            let which = if token == 0 {
                format!("`{told}` needs the `token` of the action that it answers")
            } else {
                format!("no action has the token {token}")
            };
            return Some(format!("{which}; {}", self.in_words()));
        };
        asked.misfit(told, &event.body).map(|why| format!("[{token}] {} {why}", asked.name))
    }

    /// The event was told, and this is what the run answered.
    pub(super) fn note(&mut self, event: &Event, step: Option<&Step>) {
        self.started = true;
        if !matches!(event.body, EventBody::ChildUpdate(_))
            && let Some(asked) = self.asked.get_mut(&event.token)
        {
            asked.answered = true;
        }
        for (action, refused) in step.into_iter().flat_map(Step::answers) {
            let Some((name, answers)) = kind(&action.body) else { continue };
            let calls = match &action.body {
                ActionBody::RunCommands(run) => ids(&run.calls),
                ActionBody::CallTools(calls) => ids(calls),
                _ => Vec::new(),
            };
            let asked = Asked { name, answers, calls, refused: refused.cloned(), answered: false };
            self.asked.insert(action.token, asked);
        }
    }

    fn in_words(&self) -> String {
        let waiting = self.asked.iter().filter(|(_, asked)| !asked.answered);
        let waiting: Vec<String> = waiting.map(|(token, asked)| format!("[{token}] {}", asked.name)).take(10).collect();
        if waiting.is_empty() { "nothing waits".into() } else { format!("what waits is {}", waiting.join(", ")) }
    }
}

impl Asked {
    fn misfit(&self, told: &str, body: &EventBody) -> Option<String> {
        if self.answered {
            return Some("has been answered already".into());
        }
        if told == "refused" {
            return None;
        }
        if let Some(why) = &self.refused {
            let Failure { code, text, .. } = why;
            return Some(format!(
                "was refused, so a host answers it with `refused` and not with `{told}`: {code}: {text}"
            ));
        }
        if !self.answers.contains(&told) {
            let answers: Vec<String> = self.answers.iter().map(|answer| format!("`{answer}`")).collect();
            return Some(format!("is answered by {} or `refused`, not by `{told}`", answers.join(", ")));
        }
        let EventBody::Results(results) = body else { return None };
        let found: Vec<&str> = results.iter().map(|result| result.call_id.as_str()).collect();
        let fits = found == self.calls;
        (!fits).then(|| {
            format!("has the calls {:?}, so `results` must be for these in this order, not {found:?}", self.calls)
        })
    }
}

fn ids(calls: &[Call]) -> Vec<String> {
    calls.iter().map(|call| call.call_id.clone()).collect()
}

/// The name of an action that has an answer, and the names of the events that answer it.
fn kind(body: &ActionBody) -> Option<(&'static str, &'static [&'static str])> {
    Some(match body {
        ActionBody::ListTools(_) => ("list_tools", &["tools"]),
        ActionBody::RunCommands(_) => ("run_commands", &["results"]),
        ActionBody::CallTools(_) => ("call_tools", &["results"]),
        ActionBody::AskModel(_) => ("ask_model", &["model_reply"]),
        ActionBody::AskUser(_) => ("ask_user", &["user_reply"]),
        ActionBody::Delegate(_) => ("delegate", &["child_update", "child_ended"]),
        ActionBody::SetTimer(_) => ("set_timer", &["timer"]),
        ActionBody::EditImage(_) => ("edit_image", &["blob_ready"]),
        ActionBody::StoreGet(_) => ("store_get", &["store_value"]),
        ActionBody::StorePut(_) => ("store_put", &["store_value"]),
        ActionBody::Extension(_) => ("extension", &["extension"]),
        ActionBody::CancelAction(_)
        | ActionBody::Emit(_)
        | ActionBody::Progress(_)
        | ActionBody::Finish(_)
        | ActionBody::Fail(_) => return None,
    })
}

/// The name of an event in scripts.
fn name(body: &EventBody) -> &'static str {
    match body {
        EventBody::Start(_) => "start",
        EventBody::Tools(_) => "tools",
        EventBody::Results(_) => "results",
        EventBody::ModelReply(_) => "model_reply",
        EventBody::UserReply(_) => "user_reply",
        EventBody::ChildUpdate(_) => "child_update",
        EventBody::ChildEnded(_) => "child_ended",
        EventBody::Timer => "timer",
        EventBody::BlobReady(_) => "blob_ready",
        EventBody::StoreValue(_) => "store_value",
        EventBody::Refused(_) => "refused",
        EventBody::Cancel(_) => "cancel",
        EventBody::Extension(_) => "extension",
    }
}
