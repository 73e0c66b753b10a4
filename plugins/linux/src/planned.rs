//! A request that a model plans: ask it, run what it wants, show it what came of that, until it is done.

use hangar_plugin_sdk::agent_loop::{
    AskModel, Call, Cx, Emit, Error, Fail, Finish, Message, ModelAnswer, Outcome, PlanStep, Progress, Tool,
};
use hangar_plugin_sdk::{Value, json};

use crate::answer::{Answer, Status, Wanted};
use crate::memory::{Memory, call, represent};
use crate::output::{Output, shown};
use crate::{Settings, TOOL_SET, prompt};

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
        for _ in 0..self.settings.attempts {
            let said = self.model(&request).await?;
            match Answer::read(&said.content) {
                Ok(answer) => return Ok(answer),
                Err(why) => wrong = why,
            }
            self.cx.status(format!("asking again: the answer could not be understood, {wrong}"));
            let repair =
                format!("Your answer cannot be used: {wrong}. Answer again, with one JSON object and no more.");
            request = request.then(Message::answered(&said)).user(repair);
        }
        let text =
            format!("The model's answer could not be understood after {} attempts: {wrong}", self.settings.attempts);
        Err(self.fail("internal", &text))
    }

    /// Asks the model, and the backup when that gives no answer.
    async fn model(&self, request: &AskModel) -> Result<ModelAnswer, Fail> {
        let backup = &self.settings.backup_model;
        match self.cx.model(request.clone()).await {
            Err(Error::Model(error)) if !backup.is_empty() && error.code != "budget" && error.code != "cancelled" => {
                self.cx.status(format!("asking {backup}: the first model gave no answer ({})", error.code));
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
        self.memory.keep(&answer.thought, lines);
        Ok(succeeded)
    }

    /// Tells those who watch what the model thinks and plans.
    fn show(&mut self, answer: &Answer) {
        if !answer.thought.is_empty() {
            self.cx.thinking(&answer.thought);
        }
        for wanted in answer.actions.iter().filter(|wanted| !wanted.function.is_empty()) {
            self.cx.status(format!("running {}", call(wanted)));
        }
        if !answer.plan.is_empty() && self.plan.as_ref() != Some(&answer.plan) {
            let steps = answer.plan.iter().map(PlanStep::new).collect();
            self.cx.emit(if self.plan.is_none() { Emit::PlanStart(steps) } else { Emit::PlanUpdate(steps) });
            self.plan = Some(answer.plan.clone());
        }
        if !answer.result.is_null() {
            self.found = answer.result.clone();
        }
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
        Some(Output { failure: Some(why), .. }) => represent(wanted, "failure", &why),
        Some(Output { text, .. }) => represent(wanted, "success", &text),
    }
}
