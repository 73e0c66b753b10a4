//! Plays one run of a behaviour.

use std::collections::VecDeque;

use hangar_plugin_behaviour::actions::ActionBody;
use hangar_plugin_behaviour::events::{
    CallResult, ChildEnded, Event, EventBody, History, ModelAnswer, ModelError, ModelOutcome, Start, StoreValue, Usage,
    UserAnswer, UserReply,
};
use hangar_plugin_behaviour::session::{Budgets, RunInfo};
use hangar_plugin_behaviour::values::{Failure, Part, Tool, ToolCall};
use serde_json::Value;

use super::step::Step;
use crate::agent_loop::{Agent, AgentLoop};
use crate::behaviour::Behaviour;

/// When the first event of a script happens; each later one is a second after it.
const NOON: u64 = 1_790_000_000_000;

/// Plays one run of a behaviour: tells it events, gives what it answers.
pub struct Script<B> {
    info: RunInfo,
    run: Option<B>,
    seq: u32,
    /// What waits for an answer, oldest first.
    waiting: VecDeque<(u32, ActionBody)>,
    over: bool,
}

impl Script<()> {
    /// A run of this agent.
    pub fn of<A: Agent>() -> Script<AgentLoop<A>> {
        Script::of_behaviour()
    }

    /// A run of this behaviour.
    pub fn of_behaviour<B: Behaviour>() -> Script<B> {
        Script { info: info(), run: None, seq: 0, waiting: VecDeque::new(), over: false }
    }
}

impl<B: Behaviour> Script<B> {
    /// The plugin's settings, a JSON object. As nothing fills in the manifest's defaults here, give all that is needed.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "so that `json!` can stand there")]
    pub fn settings(mut self, settings: Value) -> Self {
        self.info.settings = settings.to_string();
        self
    }

    /// Changes anything else that the run knows of its surroundings.
    #[must_use]
    pub fn info(mut self, change: impl FnOnce(&mut RunInfo)) -> Self {
        change(&mut self.info);
        self
    }

    /// Begins the run with this request.
    #[track_caller]
    pub fn start(&mut self, request: &str) -> Step {
        self.start_with(vec![Part::Text(request.into())])
    }

    /// Begins the run with texts, pictures and files.
    #[track_caller]
    pub fn start_with(&mut self, input: Vec<Part>) -> Step {
        let history = History { turns: 0, tokens: 0, extra: String::new() };
        let start = Start { turn: 0, input, environment: Vec::new(), history, state: Vec::new(), extra: String::new() };
        self.tell(0, EventBody::Start(start))
    }

    /// Answers `list-tools`.
    #[track_caller]
    pub fn tools(&mut self, tools: impl IntoIterator<Item = Tool>) -> Step {
        let tools = tools.into_iter().collect();
        self.answer("list-tools", |body| matches!(body, ActionBody::ListTools(_)), EventBody::Tools(tools))
    }

    /// Answers `run-commands` or `call-tools`: one of [`success`] and [`failure`] for each call, in order.
    #[track_caller]
    pub fn results(&mut self, results: impl IntoIterator<Item = CallResult>) -> Step {
        let asks = |body: &ActionBody| matches!(body, ActionBody::RunCommands(_) | ActionBody::CallTools(_));
        let (token, calls) = match self.take("run-commands or call-tools", asks) {
            (token, ActionBody::RunCommands(run)) => (token, run.calls),
            (token, ActionBody::CallTools(calls)) => (token, calls),
            (token, _) => (token, Vec::new()),
        };
        let mut results: Vec<CallResult> = results.into_iter().collect();
        assert_eq!(results.len(), calls.len(), "each call has one result");
        for (result, call) in results.iter_mut().zip(calls) {
            result.call_id = call.call_id;
        }
        self.tell(token, EventBody::Results(results))
    }

    /// Answers `ask-model` with a text.
    #[track_caller]
    pub fn model_says(&mut self, content: &str) -> Step {
        self.model_answers(content, Vec::new())
    }

    /// Answers `ask-model` with a text and calls of tools.
    #[track_caller]
    pub fn model_answers(&mut self, content: &str, tool_calls: Vec<ToolCall>) -> Step {
        let answer = ModelAnswer {
            message_id: format!("msg-{}", self.seq),
            content: content.into(),
            raw: content.into(),
            reasoning: String::new(),
            tool_calls,
            blobs: Vec::new(),
            finish_reason: "stop".into(),
            model: "test".into(),
            usage: Usage { input_tokens: 1, cached_tokens: 0, output_tokens: 1, extra: String::new() },
            first_token_ms: 1,
            total_ms: 1,
            extra: String::new(),
        };
        self.model(ModelOutcome::Answer(answer))
    }

    /// Answers `ask-model` with an error, such as `unreachable`.
    #[track_caller]
    pub fn model_fails(&mut self, code: &str, text: &str) -> Step {
        let error = ModelError {
            code: code.into(),
            text: text.into(),
            partial: String::new(),
            retry_after_ms: None,
            extra: String::new(),
        };
        self.model(ModelOutcome::Error(error))
    }

    /// Answers `ask-user`: each the question's id and what was said.
    #[track_caller]
    pub fn user_says(&mut self, answers: &[(&str, &str)]) -> Step {
        let answer =
            |(id, value): &(&str, &str)| UserAnswer { id: (*id).into(), value: (*value).into(), extra: String::new() };
        self.user("answered", answers.iter().map(answer).collect())
    }

    /// Answers `ask-user` with nothing: `timed-out`, `declined` or `nobody`.
    #[track_caller]
    pub fn user_is_silent(&mut self, outcome: &str) -> Step {
        self.user(outcome, Vec::new())
    }

    /// Answers `delegate`: the child is over.
    #[track_caller]
    pub fn child_ends(&mut self, status: &str, text: &str) -> Step {
        let ended = ChildEnded {
            child: "child-1".into(),
            status: status.into(),
            text: text.into(),
            results: Vec::new(),
            error: None,
            extra: String::new(),
        };
        self.answer("delegate", |body| matches!(body, ActionBody::Delegate(_)), EventBody::ChildEnded(ended))
    }

    /// Answers `store-get` or `store-put`.
    #[track_caller]
    pub fn store_has(&mut self, value: Option<&str>) -> Step {
        let asks = |body: &ActionBody| matches!(body, ActionBody::StoreGet(_) | ActionBody::StorePut(_));
        let (token, asked) = self.take("store-get or store-put", asks);
        let key = match asked {
            ActionBody::StoreGet(key) => key,
            ActionBody::StorePut(put) => put.key,
            _ => String::new(),
        };
        self.tell(token, EventBody::StoreValue(StoreValue { key, value: value.map(Into::into), extra: String::new() }))
    }

    /// Lets the oldest timer ring.
    #[track_caller]
    pub fn timer(&mut self) -> Step {
        self.answer("set-timer", |body| matches!(body, ActionBody::SetTimer(_)), EventBody::Timer)
    }

    /// Refuses the oldest action that waits, such as with `denied`.
    #[track_caller]
    pub fn refuse(&mut self, code: &str, text: &str) -> Step {
        self.answer("anything", |_| true, EventBody::Refused(Failure::new(code, text)))
    }

    /// Wants the run to end.
    #[track_caller]
    pub fn cancel(&mut self, reason: &str) -> Step {
        self.tell(0, EventBody::Cancel(reason.into()))
    }

    /// Tells it anything.
    #[track_caller]
    pub fn tell(&mut self, token: u32, body: EventBody) -> Step {
        assert!(!self.over, "the run is over: it is told nothing more");
        if !matches!(body, EventBody::ChildUpdate(_)) {
            self.waiting.retain(|(waiting, _)| *waiting != token);
        }
        let event =
            Event { seq: self.seq, time_ms: NOON + u64::from(self.seq) * 1_000, token, body, extra: String::new() };
        self.seq += 1;
        let info = &self.info;
        let run = self.run.get_or_insert_with(|| B::begin(info.clone()));
        let actions = match run.step(event) {
            Ok(actions) => actions,
            Err(failure) => panic!("the step failed: {}: {}", failure.code, failure.text),
        };
        let step = Step { actions };
        self.note(&step);
        step
    }

    /// Moves the run to a fresh instance, as a reload does.
    #[track_caller]
    pub fn reload(&mut self) {
        let saved = self.run.as_ref().map(B::save).unwrap_or_else(|| Err(Failure::new("invalid", "It has not begun")));
        let restored = saved.and_then(|snapshot| B::restore(self.info.clone(), snapshot));
        match restored {
            Ok(run) => self.run = Some(run),
            Err(why) => panic!("the run cannot be moved: {}: {}", why.code, why.text),
        }
    }

    /// Holds the plugin to what the host would hold it to, and remembers what waits.
    #[track_caller]
    fn note(&mut self, step: &Step) {
        for (at, action) in step.actions.iter().enumerate() {
            match &action.body {
                ActionBody::Finish(_) | ActionBody::Fail(_) => {
                    assert_eq!(at + 1, step.actions.len(), "nothing may follow `finish` or `fail`");
                    self.over = true;
                }
                ActionBody::Emit(_) | ActionBody::Progress(_) => {}
                ActionBody::CancelAction(token) => self.waiting.retain(|(waiting, _)| waiting != token),
                body => {
                    assert!(action.token != 0, "an action that has an answer needs a token: {action:#?}");
                    let taken = self.waiting.iter().any(|(waiting, _)| *waiting == action.token);
                    assert!(!taken, "token {} still waits for its answer", action.token);
                    self.waiting.push_back((action.token, body.clone()));
                }
            }
        }
    }

    #[track_caller]
    fn model(&mut self, outcome: ModelOutcome) -> Step {
        self.answer("ask-model", |body| matches!(body, ActionBody::AskModel(_)), EventBody::ModelReply(outcome))
    }

    #[track_caller]
    fn user(&mut self, outcome: &str, answers: Vec<UserAnswer>) -> Step {
        let reply = UserReply { outcome: outcome.into(), answers, extra: String::new() };
        self.answer("ask-user", |body| matches!(body, ActionBody::AskUser(_)), EventBody::UserReply(reply))
    }

    #[track_caller]
    fn answer(&mut self, what: &str, asks: impl Fn(&ActionBody) -> bool, body: EventBody) -> Step {
        let (token, _) = self.take(what, asks);
        self.tell(token, body)
    }

    /// The oldest action of a kind that still waits.
    #[track_caller]
    fn take(&mut self, what: &str, asks: impl Fn(&ActionBody) -> bool) -> (u32, ActionBody) {
        let found = self.waiting.iter().position(|(_, body)| asks(body)).and_then(|at| self.waiting.remove(at));
        match found {
            Some(found) => found,
            None => panic!("no {what} waits for an answer; what waits is {:#?}", self.waiting),
        }
    }
}

/// A call that did what it should, and what its tool returned.
#[expect(clippy::needless_pass_by_value, reason = "so that `json!` can stand there")]
pub fn success(payload: Value) -> CallResult {
    result("success", payload.to_string(), "")
}

/// A call that failed, and why.
pub fn failure(error: &str) -> CallResult {
    result("failure", "null".into(), error)
}

fn result(status: &str, payload: String, error: &str) -> CallResult {
    CallResult {
        call_id: String::new(),
        status: status.into(),
        payload,
        error: error.into(),
        blobs: Vec::new(),
        extra: String::new(),
    }
}

/// The surroundings that `hangar plugin run` gives a script that says nothing of them.
fn info() -> RunInfo {
    RunInfo {
        run_id: "run-1".into(),
        session_id: "session-1".into(),
        task_name: String::new(),
        executor: "lab-1".into(),
        platform: "linux".into(),
        system_info: "{}".into(),
        requester_kind: "script".into(),
        parent: String::new(),
        settings: "{}".into(),
        seed: String::new(),
        utc_offset_minutes: 0,
        workspace_name: String::new(),
        models: Vec::new(),
        budgets: Budgets {
            agent_steps: None,
            machine_steps: None,
            commands: None,
            model_calls: None,
            tokens: None,
            time_ms: None,
            extra: String::new(),
        },
        extra: String::new(),
    }
}
