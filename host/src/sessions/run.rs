//! Driving the run of a session: it is told what happens, one event after another, and what it asks for is carried out.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hangar_aip::Outcome;
use hangar_runtime::contract::actions::{Action, ActionBody, AskModel, AskUser, ListTools, Progress, ToolScope};
use hangar_runtime::contract::events::{EventBody, ModelError, ModelOutcome, UserAnswer, UserReply};
use hangar_runtime::contract::values::Failure;
use hangar_runtime::library::PlacedRun;
use hangar_runtime::{Blobs, Fault};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::Shared;
use super::ending::Ending;
use super::entry::Entry;
use super::executor::{Executor, failure};
use super::journals::RunJournal;
use super::reason::Reason;

/// How long a run waits that the machine is too busy for, the first time.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// How often it waits so until it is given up.
const PAUSES: u32 = 8;

/// A run on its way.
pub(super) struct Driver {
    shared: Arc<Shared>,
    entry: Arc<Entry>,
    run: PlacedRun,
    journal: RunJournal,
    blobs: Arc<Blobs>,
    executor: Arc<Executor>,
    /// What it is to be told next, by the token that it answers.
    due: VecDeque<(u32, EventBody)>,
    /// What was asked for and is not there yet.
    works: FuturesUnordered<Work>,
    /// What of that can be given up.
    gives_up: HashMap<u32, oneshot::Sender<()>>,
    spent: Spent,
    /// What it has by now, should it not get further.
    partial: Vec<String>,
    cancelled: Option<Reason>,
    /// Why it has to end, as soon as its step was carried out.
    exceeded: Option<Reason>,
}

/// Something that will be answered; with nothing if it was given up silently.
type Work = Pin<Box<dyn Future<Output = (u32, Option<EventBody>)> + Send>>;

/// What a run has used up.
#[derive(Debug, Default)]
struct Spent {
    events: u32,
    commands: u32,
    model_calls: u32,
    tokens: u32,
}

/// What ended the waiting.
#[allow(clippy::large_enum_variant, reason = "it is taken apart in the next line")]
enum Happened {
    Answer(u32, Option<EventBody>),
    Cancelled(Reason),
    Reported(Outcome),
}

impl Driver {
    pub fn new(shared: Arc<Shared>, entry: Arc<Entry>, run: PlacedRun, journal: RunJournal, blobs: Arc<Blobs>) -> Self {
        let executor = Executor::new(Arc::clone(&shared), Arc::clone(&entry), Arc::clone(&blobs));
        Self {
            shared,
            entry,
            run,
            journal,
            blobs,
            executor: Arc::new(executor),
            due: VecDeque::new(),
            works: FuturesUnordered::new(),
            gives_up: HashMap::new(),
            spent: Spent::default(),
            partial: Vec::new(),
            cancelled: None,
            exceeded: None,
        }
    }

    /// Drives the run from its start to its end.
    pub async fn drive(mut self, start: EventBody) -> Ending {
        self.due.push_back((0, start));
        let ending = self.until_it_ends().await;
        let Self { journal, run, .. } = self;
        // The instance goes before anybody hears of the end: what it took is free then.
        drop(run);
        journal.end().await;
        ending
    }

    async fn until_it_ends(&mut self) -> Ending {
        let limit = self.shared.limits.time;
        let until = tokio::time::Instant::now() + limit;
        let ending = tokio::time::timeout_at(until, self.go_on()).await;
        match ending {
            Ok(ending) => ending,
            Err(_) => self.end_with(Reason::Time).await,
        }
    }

    async fn go_on(&mut self) -> Ending {
        loop {
            while let Some((token, body)) = self.due.pop_front() {
                if let Some(ending) = self.tell(token, body).await {
                    return ending;
                }
                // A run that always has something to be told is to hear of this, too.
                if let Some(reason) = self.entry.cancelled().or(self.exceeded) {
                    return self.end_with(reason).await;
                }
            }
            if let Err(fault) = self.move_along().await {
                return Ending::Broken(fault);
            }
            if self.executor.is_silent() {
                return self.end_with(Reason::Silence).await;
            }
            if self.works.is_empty() {
                return Ending::Failed(stuck());
            }
            match self.wait().await {
                // What was given up silently has no answer, and its token may stand for something else by now.
                Happened::Answer(_, None) => {}
                Happened::Answer(token, Some(body)) => {
                    self.gives_up.remove(&token);
                    self.spend(&body);
                    self.due.push_back((token, body));
                }
                Happened::Cancelled(reason) => return self.end_with(reason).await,
                Happened::Reported(outcome) => return Ending::Reported(outcome),
            }
        }
    }

    async fn wait(&mut self) -> Happened {
        let told_to_end = self.run.told_to_end();
        tokio::select! {
            biased;
            reason = self.entry.until_cancelled() => Happened::Cancelled(reason),
            outcome = self.entry.until_reported() => Happened::Reported(outcome),
            Some((token, body)) = self.works.next() => Happened::Answer(token, body),
            () = told_to_end => Happened::Cancelled(Reason::Reload),
        }
    }

    /// Tells the run that it is cancelled, and gives it a little time to end itself.
    async fn end_with(&mut self, reason: Reason) -> Ending {
        self.entry.shown().state = super::State::Ending;
        self.cancelled = Some(reason);
        self.works = FuturesUnordered::new();
        let grace = self.shared.limits.grace;
        // Whoever waits for a device that is gone is not to wait for the plugin as well.
        let grace = if reason == Reason::DeviceDisconnected { grace.min(Duration::from_millis(500)) } else { grace };
        let _ = tokio::time::timeout(grace, self.farewell(reason)).await;
        Ending::Cancelled(reason, std::mem::take(&mut self.partial))
    }

    /// Goes on until it has ended itself.
    async fn farewell(&mut self, reason: Reason) {
        self.due.clear();
        self.due.push_back((0, EventBody::Cancel(reason.word().to_owned())));
        while let Some((token, body)) = self.due.pop_front() {
            match self.tell(token, body).await {
                None => {}
                Some(Ending::Failed(fail)) if !fail.results.is_empty() => {
                    self.partial = fail.results;
                    return;
                }
                Some(Ending::Finished(finish)) if !finish.results.is_empty() => {
                    self.partial = finish.results;
                    return;
                }
                Some(_) => return,
            }
        }
        // It may want to tidy up in steps of its own; nothing more will come that it waits for.
        std::future::pending::<()>().await;
    }

    /// Tells the run one event and carries out what it answers.
    async fn tell(&mut self, token: u32, body: EventBody) -> Option<Ending> {
        self.spent.events += 1;
        if self.spent.events >= self.shared.limits.machine_steps && self.cancelled.is_none() {
            self.exceeded = Some(Reason::Steps);
        }
        self.entry.shown().events = self.spent.events;
        let event = self.run.event(super::now_ms(), token, body);
        self.journal.event(&event, &self.blobs);
        let began = Instant::now();
        let outcome = self.feed(event).await;
        let took = began.elapsed();
        self.shared.metrics.step(&self.run.generation().id, took);
        self.journal.outcome(&outcome, took).await;
        let step = match outcome {
            Ok(step) => step,
            Err(Fault::Guest(failure)) => return Some(Ending::Failed(given_up(failure))),
            Err(fault) => return Some(Ending::Broken(fault)),
        };
        let refusals: Vec<(u32, Failure)> = step.refusals().map(|(token, why)| (token, why.clone())).collect();
        for action in step.into_actions() {
            if let Some(ending) = self.carry_out(action) {
                return Some(ending);
            }
        }
        self.due.extend(refusals.into_iter().map(|(token, why)| (token, EventBody::Refused(why))));
        None
    }

    /// What the machine is too busy for is tried again for a while: it says nothing about the run.
    async fn feed(&mut self, event: hangar_runtime::contract::events::Event) -> Result<hangar_runtime::Step, Fault> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..PAUSES {
            match self.run.feed(event.clone()).await {
                Err(fault) if fault.is_of_host() && !self.run.is_over() => sleep(pause).await,
                outcome => return outcome,
            }
            pause *= 2;
        }
        self.run.feed(event).await
    }

    /// Moves to a newer version, if there is one and the operator wants it.
    async fn move_along(&mut self) -> Result<(), Fault> {
        if let Some(moved) = self.run.move_along(super::now_ms()).await? {
            self.journal.moved(&self.run, &moved, &self.blobs);
            self.entry.shown().plugin = Some(super::plugin_name(self.run.generation()));
        }
        Ok(())
    }

    fn carry_out(&mut self, action: Action) -> Option<Ending> {
        let Action { token, body, .. } = action;
        match body {
            ActionBody::ListTools(list) => self.list_tools(token, list),
            ActionBody::RunCommands(run) => {
                let count = u32::try_from(run.calls.len()).unwrap_or(u32::MAX);
                if !within(&mut self.spent.commands, count, self.shared.limits.commands) {
                    let text = format!("the run has used up its {} commands", self.shared.limits.commands);
                    self.refuse(token, "limit", &text);
                } else {
                    let executor = Arc::clone(&self.executor);
                    self.work(token, async move {
                        match executor.run(run).await {
                            Ok(results) => EventBody::Results(results),
                            Err(why) => EventBody::Refused(why),
                        }
                    });
                }
            }
            ActionBody::CallTools(_) => {
                self.refuse(token, "not-found", "this host has no tools of its own; use those of the device");
            }
            ActionBody::AskModel(ask) => self.ask_model(token, ask),
            ActionBody::AskUser(ask) => self.due.push_back((token, nobody_to_ask(&ask))),
            ActionBody::Delegate(_) => {
                self.refuse(token, "unsupported", "this host does not let runs delegate yet; do it on the own device");
            }
            ActionBody::SetTimer(ms) => {
                let (quiet, given_up) = oneshot::channel::<()>();
                self.gives_up.insert(token, quiet);
                self.works.push(Box::pin(async move {
                    tokio::select! {
                        biased;
                        Ok(()) = given_up => (token, None),
                        () = sleep(Duration::from_millis(ms.into())) => (token, Some(EventBody::Timer)),
                    }
                }));
            }
            ActionBody::EditImage(_) => {
                self.refuse(token, "unsupported", "this host does not edit images yet; send them as they are");
            }
            ActionBody::StoreGet(_) | ActionBody::StorePut(_) => {
                self.refuse(token, "unsupported", "this host keeps no store for plugins yet; use the run's state");
            }
            ActionBody::CancelAction(token) => {
                if let Some(give_up) = self.gives_up.remove(&token) {
                    let _ = give_up.send(());
                }
            }
            ActionBody::Emit(emit) => {
                self.entry.shown().emitted(super::now_ms(), &emit);
            }
            ActionBody::Progress(progress) => self.progressed(progress),
            ActionBody::Finish(finish) => return Some(Ending::Finished(finish)),
            ActionBody::Fail(fail) => return Some(Ending::Failed(fail)),
            ActionBody::Extension(named) => {
                let text = format!("this host does not know the action `{:.64}`", named.kind);
                self.refuse(token, "unsupported", &text);
            }
        }
        None
    }

    fn list_tools(&mut self, token: u32, list: ListTools) {
        match list.scope {
            ToolScope::Device(set) => {
                let executor = Arc::clone(&self.executor);
                self.work(token, async move {
                    match executor.list(&set, &list.tool_type).await {
                        Ok(tools) => EventBody::Tools(tools),
                        Err(why) => EventBody::Refused(why),
                    }
                });
            }
            // There are none.
            ToolScope::Host | ToolScope::Delegates => self.due.push_back((token, EventBody::Tools(Vec::new()))),
            ToolScope::Extension(named) => {
                let text = format!("this host does not know the tools of `{:.64}`", named.kind);
                self.refuse(token, "unsupported", &text);
            }
        }
    }

    fn ask_model(&mut self, token: u32, ask: AskModel) {
        let limits = &self.shared.limits;
        let is_spent = limits.tokens.is_some_and(|tokens| self.spent.tokens >= tokens);
        if is_spent || !within(&mut self.spent.model_calls, 1, limits.model_calls) {
            let text = "the run has used up what it may ask of models".to_owned();
            self.due.push_back((token, EventBody::ModelReply(model_error("budget", text))));
            return;
        }
        let (give_up, given_up) = oneshot::channel::<()>();
        self.gives_up.insert(token, give_up);
        let (shared, blobs) = (Arc::clone(&self.shared), Arc::clone(&self.blobs));
        self.work(token, async move {
            let began = Instant::now();
            let reply = tokio::select! {
                reply = shared.models.ask(&ask, &blobs) => reply,
                Ok(()) = given_up => model_error("cancelled", "the run gave it up".to_owned()),
            };
            shared.metrics.model_call(&reply, began.elapsed());
            EventBody::ModelReply(reply)
        });
    }

    fn progressed(&mut self, progress: Progress) {
        self.entry.shown().progressed(&progress);
        let step = progress.agent_step;
        self.partial = progress.results;
        if step > self.shared.limits.agent_steps && self.cancelled.is_none() {
            self.exceeded = Some(Reason::Steps);
        }
    }

    /// Counts what a model's answer has cost.
    fn spend(&mut self, body: &EventBody) {
        if let EventBody::ModelReply(ModelOutcome::Answer(answer)) = body {
            let tokens = answer.usage.input_tokens.saturating_add(answer.usage.output_tokens);
            self.spent.tokens = self.spent.tokens.saturating_add(tokens);
        }
    }

    fn work(&mut self, token: u32, work: impl Future<Output = EventBody> + Send + 'static) {
        self.works.push(Box::pin(async move { (token, Some(work.await)) }));
    }

    fn refuse(&mut self, token: u32, code: &str, text: &str) {
        self.due.push_back((token, EventBody::Refused(failure(code, text))));
    }
}

/// Takes so much of what is left, if there is enough.
fn within(spent: &mut u32, more: u32, limit: u32) -> bool {
    let after = spent.saturating_add(more);
    let fits = after <= limit;
    if fits {
        *spent = after;
    }
    fits
}

fn given_up(failure: Failure) -> hangar_runtime::contract::actions::Fail {
    let Failure { code, text, extra } = failure;
    hangar_runtime::contract::actions::Fail { code, text, results: Vec::new(), extra }
}

/// Nothing will ever happen to it any more.
fn stuck() -> hangar_runtime::contract::actions::Fail {
    let text = "The plugin waits for nothing and has not finished; this is a mistake in the plugin".to_owned();
    hangar_runtime::contract::actions::Fail { code: "internal".to_owned(), text, ..Default::default() }
}

fn model_error(code: &str, text: String) -> ModelOutcome {
    let (code, partial, extra) = (code.to_owned(), String::new(), String::new());
    ModelOutcome::Error(ModelError { code, text, partial, retry_after_ms: None, extra })
}

/// Behind devices there are no people who could be asked; what the questions say for that case holds.
fn nobody_to_ask(ask: &AskUser) -> EventBody {
    let default = |question: &hangar_runtime::contract::actions::Question| {
        let value = question.default_value.clone()?;
        Some(UserAnswer { id: question.id.clone(), value, extra: String::new() })
    };
    let answers = ask.questions.iter().filter_map(default).collect();
    EventBody::UserReply(UserReply { outcome: "nobody".to_owned(), answers, extra: String::new() })
}
