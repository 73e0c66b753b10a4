//! A request that a model plans: ask it, run what it wants, show it what came of that, until it is done.

use hangar_plugin_sdk::agent_loop::{
    AskModel, Call, Cx, Emit, Error, Fail, Finish, Message, ModelAnswer, Outcome, PlanStep, Progress, Tool,
};
use hangar_plugin_sdk::{Value, json};

use crate::answer::{Answer, Status, Wanted};
use crate::cut::cut;
use crate::memory::Memory;
use crate::output::Output;
use crate::represent::{call, represent};
use crate::shown::shown;
use crate::{Settings, TOOL_SET, prompt};

/// How much is shown of what a step runs, in characters.
const RUNNING: usize = 2_000;

/// How much of an answer that cannot be used is repeated to the model, in characters.
const REPEATED: usize = 4_000;

/// Carries out the request.
pub async fn run(cx: &Cx, settings: &Settings, request: &str) -> Outcome {
    let tools = cx.tools(TOOL_SET, "action").await?;
    if tools.is_empty() {
        let why = format!("The device offers no tools for {TOOL_SET}: look at its tool configuration");
        return Err(Fail::new("not-found", why));
    }
    let mut work = Work { cx, settings, tools, request, memory: Memory::default(), plan: None, found: Value::Null };
    let limit = cx.info().budgets.agent_steps.map_or(settings.max_steps, |budget| budget.min(settings.max_steps));
    for step in 1..=limit {
        let answer = work.ask().await?;
        let succeeded = work.act(&answer).await?;
        work.report(step, &answer);
        match answer.status(&succeeded) {
            Status::Continue => {}
            Status::Finish => return Ok(work.finish(&answer)),
            Status::Fail => return Err(work.fail("internal", &work.words("The model gave the request up"))),
            Status::Unknown => return Err(work.fail("internal", "Session ended in unknown state")),
        }
    }
    Err(work.fail("limit", "Maximum number of steps reached"))
}

/// A request on its way.
struct Work<'a> {
    cx: &'a Cx,
    settings: &'a Settings,
    tools: Vec<Tool>,
    request: &'a str,
    memory: Memory,
    plan: Option<Vec<String>>,
    /// The last result that the model named.
    found: Value,
}

impl Work<'_> {
    /// Asks for the next step, and again when the answer cannot be understood.
    async fn ask(&self) -> Result<Answer, Fail> {
        let plan = self.plan.as_deref().unwrap_or_default();
        let mut request = prompt::request(self.settings, &self.tools, self.request, &self.memory, plan);
        let mut wrong = String::new();
        for left in (0..self.settings.attempts).rev() {
            let said = self.model(&request).await?;
            match Answer::read(&said.content) {
                Ok(answer) => return Ok(answer),
                Err(why) => wrong = why,
            }
            if left > 0 {
                self.cx.status(format!("asking again: the answer could not be understood, {wrong}"));
                request = repair(request, &said.content, &wrong);
            }
        }
        let text =
            format!("The model's answer could not be understood after {} attempts: {wrong}", self.settings.attempts);
        Err(self.fail("internal", &text))
    }

    /// Asks the model, and the backup when that gives no answer.
    async fn model(&self, request: &AskModel) -> Result<ModelAnswer, Fail> {
        let backup = &self.settings.backup_model;
        match self.cx.model(request.clone()).await {
            Err(error) if !backup.is_empty() && may_ask_another(&error) => {
                self.cx.status(format!("asking {backup}: the first model gave no answer ({})", error.code()));
                self.cx.model(request.clone().model(backup)).await
            }
            answer => answer,
        }
        .map_err(|why| self.fail(why.code(), &why.to_string()))
    }

    /// Runs what the model wants; whether each action succeeded.
    async fn act(&mut self, answer: &Answer) -> Result<Vec<bool>, Fail> {
        self.show(answer);
        let runnable = |wanted: &&Wanted| self.tools.iter().any(|tool| tool.name == wanted.function);
        let calls: Vec<Call> = answer.actions.iter().filter(runnable).map(|wanted| self.call(wanted)).collect();
        let outcomes = if calls.is_empty() { Ok(Vec::new()) } else { self.cx.commands(TOOL_SET, calls).await };
        let refusal = match &outcomes {
            Ok(_) => None,
            // The model may find another way; all else is not its business.
            Err(Error::Refused { code, text }) if matches!(code.as_str(), "invalid" | "denied" | "not-found") => {
                Some(text.clone())
            }
            Err(other) => return Err(self.fail(other.code(), &other.to_string())),
        };
        let mut results = outcomes.unwrap_or_default().into_iter();
        let (mut lines, mut succeeded) = (Vec::new(), Vec::new());
        for wanted in &answer.actions {
            let (ok, line) = if wanted.function.is_empty() {
                // Nothing was to be run: nothing can have failed.
                (true, None)
            } else if !runnable(&wanted) {
                (false, Some(represent(wanted, "failure", &self.no_such_tool(wanted))))
            } else if let Some(why) = &refusal {
                (false, Some(represent(wanted, "failure", why)))
            } else {
                let output = results.next().map(|result| Output::of(&result));
                let ok = output.as_ref().is_some_and(|output| output.failure.is_none());
                (ok, Some(represented(wanted, output)))
            };
            succeeded.push(ok);
            lines.extend(line);
        }
        self.memory.keep(&answer.thought, &lines);
        Ok(succeeded)
    }

    /// Tells those who watch what the model thinks and plans.
    fn show(&mut self, answer: &Answer) {
        if !answer.thought.is_empty() {
            self.cx.thinking(&answer.thought);
        }
        let wanted = answer.actions.iter().filter(|wanted| !wanted.function.is_empty());
        let calls: Vec<String> = wanted.map(call).collect();
        if !calls.is_empty() {
            // All in one: a host bounds how much one step may do.
            self.cx.status(cut(&format!("running {}", calls.join(", ")), RUNNING));
        }
        if let Some(plan) = &answer.plan {
            self.replan(plan);
        }
        if !answer.result.is_null() {
            self.found = answer.result.clone();
        }
    }

    /// Tells those who watch how the plan has changed; an empty one clears it.
    fn replan(&mut self, plan: &[String]) {
        if self.plan.as_deref().unwrap_or_default() == plan {
            return;
        }
        let steps = plan.iter().map(PlanStep::new).collect();
        self.cx.emit(if self.plan.is_none() { Emit::PlanStart(steps) } else { Emit::PlanUpdate(steps) });
        self.plan = Some(plan.to_vec());
    }

    /// Counts the step, and keeps what there is should the run not get further.
    fn report(&self, step: u32, answer: &Answer) {
        let summary: String = answer.thought.chars().take(200).collect();
        self.cx.progress(Progress::new(step, summary).result(self.result()));
    }

    fn finish(&self, answer: &Answer) -> Finish {
        if self.plan.is_some() {
            self.cx.emit(Emit::PlanFinish("done".into()));
        }
        let otherwise = if answer.comment.is_empty() { "Done" } else { &answer.comment };
        Finish::new(self.words(otherwise)).result(self.result())
    }

    fn fail(&self, code: &str, why: &str) -> Fail {
        Fail::new(code, why).result(self.result())
    }

    /// The list item that requesters know: what was asked, and what was found out.
    fn result(&self) -> Value {
        let found = if self.found.is_null() { json!("") } else { self.found.clone() };
        json!({ "request": self.request, "result": found })
    }

    fn words(&self, otherwise: &str) -> String {
        let words = shown(&self.found);
        if words.is_empty() { otherwise.to_owned() } else { words }
    }

    fn call(&self, wanted: &Wanted) -> Call {
        Call { timeout_ms: self.settings.timeout(), ..Call::new(&wanted.function, wanted.arguments.clone()) }
    }

    fn no_such_tool(&self, wanted: &Wanted) -> String {
        let names: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
        format!("there is no tool `{}`; there are: {}", wanted.function, names.join(", "))
    }
}

fn represented(wanted: &Wanted, output: Option<Output>) -> String {
    match output {
        None => represent(wanted, "skipped", ""),
        Some(Output { failure: Some(why), status, .. }) => represent(wanted, status, &why),
        Some(Output { text, status, .. }) => represent(wanted, status, &text),
    }
}

/// Says to the model what is wrong with its answer. An empty answer is not repeated: a message must say something.
fn repair(request: AskModel, said: &str, wrong: &str) -> AskModel {
    let asked =
        if said.trim().is_empty() { request } else { request.then(Message::new("assistant", [cut(said, REPEATED)])) };
    asked.user(format!("Your answer cannot be used: {wrong}. Answer again, with one JSON object and no more."))
}

/// Whether another model may answer where this error came: it is about the model, not about the run.
fn may_ask_another(error: &Error) -> bool {
    match error {
        Error::Model(error) => error.code != "budget" && error.code != "cancelled",
        Error::Refused { code, .. } => code == "not-found",
        _ => false,
    }
}
