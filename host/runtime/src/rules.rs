//! The rules that the actions of a run keep.

use std::collections::HashMap;

use crate::contract::actions::{Action, ActionBody};
use crate::contract::events::{Event, EventBody};
use crate::contract::session::ModelInfo;
use crate::contract::values::Failure;
use crate::fault::Fault;
use crate::flaws::first_flaw;
use crate::limits::Limits;
use crate::manifest::Granted;
use crate::permission::denied_action;
use crate::step::{Step, ends};

/// The rules that a run's actions keep, and what they need to remember.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// Tokens whose last answer has not come yet, and whether each is a timer.
    outstanding: HashMap<u32, bool>,
    cancelled: bool,
}

/// What bounds the actions of a run from outside.
pub(crate) struct Bounds<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) granted: &'a Granted,
    pub(crate) models: &'a [ModelInfo],
}

impl Rules {
    /// Goes on where a run was when it was handed over.
    pub(crate) fn taken_over(outstanding: &[(u32, bool)], cancelled: bool) -> Self {
        Self { outstanding: outstanding.iter().copied().collect(), cancelled }
    }

    /// Tokens whose last answer has not come yet, in order, and whether each is a timer.
    pub(crate) fn outstanding(&self) -> Vec<(u32, bool)> {
        let mut outstanding: Vec<_> = self.outstanding.iter().map(|(token, timer)| (*token, *timer)).collect();
        outstanding.sort_unstable();
        outstanding
    }

    /// Whether the run has been told to end.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled
    }

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
    pub(crate) fn check(&mut self, returned: Vec<Action>, bounds: &Bounds<'_>) -> Result<Step, Fault> {
        let limit = bounds.limits.actions_per_step;
        if returned.len() > limit {
            return Err(Fault::ActionFlood { count: returned.len(), limit });
        }
        let last = returned.len().saturating_sub(1);
        let mut refused = Vec::new();
        for (at, action) in returned.iter().enumerate() {
            if ends(&action.body) && at != last {
                return Err(malformed("nothing may follow `finish` or `fail`"));
            }
            if let Err(failure) = self.admit(action, bounds)? {
                if ends(&action.body) {
                    return Err(malformed(&format!("it ended with something invalid: {}", failure.text)));
                }
                self.wait_for_refusal(action, bounds.limits)?;
                refused.push((at, failure));
            }
        }
        Ok(Step { returned, refused })
    }

    fn admit(&mut self, action: &Action, bounds: &Bounds<'_>) -> Result<Result<(), Failure>, Fault> {
        let limits = bounds.limits;
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
        if let Some(what) = first_flaw(action) {
            return Ok(Err(failure("invalid", what)));
        }
        if let Some(why) = denied_action(&action.body, bounds.granted, bounds.models) {
            return Ok(Err(failure("denied", &why)));
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

    /// The token of a refused action is taken until the plugin has been told, or the refusal would answer another one.
    ///
    /// A plugin that answers each refusal with more of the same would fill the memory of the host, so there is an end to
    /// it, but never within one step. All tokens are counted and not only those of refusals: what is granted may be
    /// something else on a replay, and the run has to end at the same place.
    fn wait_for_refusal(&mut self, action: &Action, limits: &Limits) -> Result<(), Fault> {
        if !is_answered(&action.body) {
            return Ok(());
        }
        self.outstanding.insert(action.token, false);
        let limit = limits.outstanding_actions.saturating_add(limits.outstanding_actions.max(limits.actions_per_step));
        if self.outstanding.len() > limit {
            return Err(Fault::RefusalFlood { limit });
        }
        Ok(())
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

fn allowed_after_cancel(body: &ActionBody) -> bool {
    ends(body) || matches!(body, ActionBody::Emit(_) | ActionBody::Progress(_) | ActionBody::CancelAction(_))
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

fn failure(code: &str, text: &str) -> Failure {
    Failure { code: code.to_owned(), text: text.to_owned(), extra: String::new() }
}

fn malformed(what: &str) -> Fault {
    Fault::Malformed { what: what.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::actions::Finish;
    use crate::manifest::Capabilities;

    fn action(token: u32, body: ActionBody) -> Action {
        Action { token, body, extra: String::new() }
    }

    fn check(rules: &mut Rules, returned: Vec<Action>, limits: &Limits) -> Result<Step, Fault> {
        rules.check(returned, &Bounds { limits, granted: &Granted::everything(), models: &[] })
    }

    fn told(token: u32, body: EventBody) -> Event {
        Event { seq: 1, time_ms: 0, token, body, extra: String::new() }
    }

    #[test]
    fn the_token_of_a_refused_action_is_free_when_the_plugin_has_been_told() {
        let limits = Limits { outstanding_actions: 2, ..Limits::default() };
        let mut rules = Rules::default();
        let step =
            check(&mut rules, (1..=3).map(|token| action(token, ActionBody::SetTimer(1))).collect(), &limits).unwrap();
        let refused: Vec<u32> = step.refusals().map(|(token, _)| token).collect();
        assert_eq!(refused, [3], "it is one too many");
        assert!(check(&mut rules, vec![action(3, ActionBody::SetTimer(1))], &limits).is_err(), "it still waits");
        let why = step.refusals().next().unwrap().1.clone();
        rules.told(&told(3, EventBody::Refused(why)));
        rules.told(&told(1, EventBody::Timer));
        assert_eq!(check(&mut rules, vec![action(3, ActionBody::SetTimer(1))], &limits).unwrap().actions().count(), 1);
    }

    /// How a run ends that answers each refusal with a step full of what is not granted to it, and what it waits for then.
    fn asks_on_and_on(granted: &Granted) -> (Fault, usize) {
        let limits = Limits { outstanding_actions: 6, actions_per_step: 4, ..Limits::default() };
        let mut rules = Rules::default();
        for step in 0..100 {
            let asked = |at| action(step * 4 + at, ActionBody::StoreGet("key".into()));
            let bounds = Bounds { limits: &limits, granted, models: &[] };
            if let Err(fault) = rules.check((1..=4).map(asked).collect(), &bounds) {
                return (fault, rules.outstanding.len());
            }
            rules.told(&told(step + 1, EventBody::Refused(failure("denied", ""))));
        }
        panic!("it went on and on");
    }

    #[test]
    fn there_is_an_end_to_asking_for_what_is_refused() {
        let none = Granted::new("greeter", Capabilities::none(), Capabilities::none());
        let end = (Fault::RefusalFlood { limit: 12 }, 13);
        assert_eq!(asks_on_and_on(&none), end);
        assert_eq!(asks_on_and_on(&Granted::everything()), end, "a replay ends where the run did, whatever is granted");
        let limits = Limits { outstanding_actions: 1, actions_per_step: 64, ..Limits::default() };
        let whole_step = (1..=64).map(|token| action(token, ActionBody::SetTimer(1))).collect();
        assert_eq!(check(&mut Rules::default(), whole_step, &limits).unwrap().refusals().count(), 63);
    }

    #[test]
    fn a_timer_that_is_given_up_is_no_longer_waited_for() {
        let limits = Limits { outstanding_actions: 1, ..Limits::default() };
        let mut rules = Rules::default();
        check(&mut rules, vec![action(1, ActionBody::SetTimer(1))], &limits).unwrap();
        let again = vec![action(0, ActionBody::CancelAction(1)), action(2, ActionBody::SetTimer(1))];
        assert_eq!(check(&mut rules, again, &limits).unwrap().actions().count(), 2);
    }

    #[test]
    fn what_is_not_granted_is_refused_and_the_rest_is_carried_out() {
        let limits = Limits::default();
        let none = Granted::new("greeter", Capabilities::none(), Capabilities::none());
        let mut rules = Rules::default();
        let returned = vec![
            action(1, ActionBody::StoreGet("key".into())),
            action(2, ActionBody::SetTimer(1)),
            action(0, ActionBody::Finish(Finish::default())),
        ];
        let step = rules.check(returned, &Bounds { limits: &limits, granted: &none, models: &[] }).unwrap();
        let refused: Vec<_> = step.refusals().map(|(token, why)| (token, why.code.as_str())).collect();
        assert_eq!(refused, [(1, "denied")]);
        assert_eq!(step.actions().count(), 2);
    }
}
