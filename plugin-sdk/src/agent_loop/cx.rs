//! What an author's function holds of its run.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::Poll;

use hangar_plugin_behaviour::actions::{
    Action, ActionBody, AskModel, AskUser, Call, Delegate, EditImage, Emit, FinalAnswer, ListTools, Notice, PlanStep,
    Progress, Question, RunCommands, StorePut, ToolScope, ToolSet,
};
use hangar_plugin_behaviour::events::{
    BlobReady, CallResult, ChildEnded, ChildUpdate, EventBody, ModelAnswer, ModelOutcome, Start, UserReply,
};
use hangar_plugin_behaviour::session::RunInfo;
use hangar_plugin_behaviour::values::Tool;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::Error;
use super::mailbox::Mailbox;
use super::wait::Wait;

/// What an author's function holds of its run; cheap to clone.
#[derive(Clone)]
pub struct Cx {
    pub(super) mailbox: Rc<RefCell<Mailbox>>,
    info: Rc<RunInfo>,
    start: Rc<Start>,
}

/// Takes the answer out of the event that it should be.
macro_rules! answer {
    ($case:ident) => {
        |body| {
            Some(match body {
                EventBody::$case(answer) => Ok(answer),
                other => Err(unexpected(&other)),
            })
        }
    };
}

impl Cx {
    // What is known

    /// What the run knows about its surroundings.
    pub fn info(&self) -> &RunInfo {
        &self.info
    }

    /// How the run began; empty after it was moved.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// What is asked for: all texts of the input.
    pub fn request(&self) -> String {
        self.start.text()
    }

    /// The plugin's settings: checked against the manifest, defaults filled in.
    pub fn settings<S: DeserializeOwned>(&self) -> Result<S, Error> {
        let text = if self.info.settings.is_empty() { "{}" } else { &self.info.settings };
        serde_json::from_str(text).map_err(|error| Error::Refused {
            code: "invalid".into(),
            text: format!(
                "The settings do not fit the plugin: {error}. Correct its `plugin.toml` or the configuration"
            ),
        })
    }

    /// When the event happened that the run is told now, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.mailbox.borrow().now_ms()
    }

    /// Why the run is to end, if it is.
    pub fn cancelled(&self) -> Option<String> {
        self.mailbox.borrow().cancelled().map(Into::into)
    }

    // Asking

    /// Which tools this tool set of the device has. `tool_type` is `action`, `data_collection` or empty for all.
    pub fn tools(&self, of: impl Into<ToolSet>, tool_type: &str) -> Wait<Vec<Tool>> {
        self.list_tools(ToolScope::Device(of.into()), tool_type)
    }

    /// Which tools there are: the device's, the host's, or whom `delegate` can reach.
    pub fn list_tools(&self, scope: ToolScope, tool_type: &str) -> Wait<Vec<Tool>> {
        let list = ListTools { scope, tool_type: tool_type.into(), extra: String::new() };
        self.ask_for(ActionBody::ListTools(list), answer!(Tools))
    }

    /// Runs commands on the device, in order; after a failure the rest is skipped. One result for each.
    pub fn commands(&self, of: impl Into<ToolSet>, calls: impl IntoIterator<Item = Call>) -> Wait<Vec<CallResult>> {
        self.ask_for(self.run_commands(of.into(), calls), answer!(Results))
    }

    /// Runs one command on the device.
    pub fn command(&self, of: impl Into<ToolSet>, call: Call) -> Wait<CallResult> {
        self.ask_for(self.run_commands(of.into(), [call]), |body| {
            Some(match body {
                EventBody::Results(results) => results
                    .into_iter()
                    .next()
                    .ok_or_else(|| Error::Unexpected { what: "an empty list of results".into() }),
                other => Err(unexpected(&other)),
            })
        })
    }

    /// Calls tools of the host and its MCP servers; they may run at the same time.
    pub fn call_tools(&self, calls: impl IntoIterator<Item = Call>) -> Wait<Vec<CallResult>> {
        let calls = calls.into_iter().map(|call| self.named(call)).collect();
        self.ask_for(ActionBody::CallTools(calls), answer!(Results))
    }

    /// Asks a model.
    pub fn model(&self, request: AskModel) -> Wait<ModelAnswer> {
        self.ask_for(ActionBody::AskModel(request), |body| {
            Some(match body {
                EventBody::ModelReply(ModelOutcome::Answer(answer)) => Ok(answer),
                EventBody::ModelReply(ModelOutcome::Error(error)) => Err(Error::Model(error)),
                other => Err(unexpected(&other)),
            })
        })
    }

    /// Asks the user, and waits as long as the host allows. Look at the reply's `outcome`: perhaps nobody was there.
    pub fn ask(&self, questions: impl IntoIterator<Item = Question>) -> Wait<UserReply> {
        self.ask_for(ask_user(questions, None), answer!(UserReply))
    }

    /// The same, for so many milliseconds at most.
    pub fn ask_within(&self, ms: u32, questions: impl IntoIterator<Item = Question>) -> Wait<UserReply> {
        self.ask_for(ask_user(questions, Some(ms)), answer!(UserReply))
    }

    /// Asks the user yes or no; whatever is not a yes is a no.
    pub fn confirm(&self, text: impl Into<String>) -> Wait<bool> {
        self.ask_for(ask_user([Question::confirm("confirm", text)], None), |body| {
            Some(match body {
                EventBody::UserReply(reply) => Ok(reply.outcome == "answered" && reply.get("confirm") == Some("yes")),
                other => Err(unexpected(&other)),
            })
        })
    }

    /// Lets another device or agent do something, and waits until it is over.
    pub fn delegate(&self, delegate: Delegate) -> Wait<ChildEnded> {
        self.delegate_and_hear(delegate, |_| {})
    }

    /// The same, and hears its news meanwhile.
    pub fn delegate_and_hear(
        &self,
        delegate: Delegate,
        mut hear: impl FnMut(ChildUpdate) + 'static,
    ) -> Wait<ChildEnded> {
        self.ask_for(ActionBody::Delegate(delegate), move |body| match body {
            EventBody::ChildUpdate(update) => {
                hear(update);
                None
            }
            EventBody::ChildEnded(ended) => Some(Ok(ended)),
            other => Some(Err(unexpected(&other))),
        })
    }

    /// Waits so many milliseconds.
    pub fn sleep(&self, ms: u32) -> Wait<()> {
        self.ask_for(ActionBody::SetTimer(ms), |body| {
            Some(if body == EventBody::Timer { Ok(()) } else { Err(unexpected(&body)) })
        })
    }

    /// Changes a picture.
    pub fn edit_image(&self, edit: EditImage) -> Wait<BlobReady> {
        self.ask_for(ActionBody::EditImage(edit), answer!(BlobReady))
    }

    /// What the plugin's store holds under this key.
    pub fn store_get(&self, key: impl Into<String>) -> Wait<Option<String>> {
        self.ask_for(ActionBody::StoreGet(key.into()), stored)
    }

    /// Writes to the plugin's store, which all its runs share; none removes the key.
    pub fn store_put(&self, key: impl Into<String>, value: Option<String>) -> Wait<Option<String>> {
        self.ask_for(ActionBody::StorePut(StorePut { key: key.into(), value, extra: String::new() }), stored)
    }

    /// Asks for anything, and waits for the first event that answers it.
    pub fn send(&self, body: ActionBody) -> Wait<EventBody> {
        self.ask_for(body, |body| Some(Ok(body)))
    }

    /// The next event that answers nothing, such as an extension of the host.
    pub fn news(&self) -> Wait<EventBody> {
        self.wait_again(0)
    }

    // Waiting

    /// Waits for all of them together; what they give, in their order.
    pub async fn all<F: Future>(&self, futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
        let mut futures: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
        let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
        poll_fn(|context| {
            for (future, output) in futures.iter_mut().zip(&mut outputs).filter(|(_, output)| output.is_none()) {
                if let Poll::Ready(ready) = future.as_mut().poll(context) {
                    *output = Some(ready);
                }
            }
            if outputs.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        outputs.into_iter().flatten().collect()
    }

    /// Waits so many milliseconds at most, from now on; after that what was waited for is given up.
    pub fn timeout<T, E: From<Error>, F: Future<Output = Result<T, E>>>(
        &self,
        ms: u32,
        future: F,
    ) -> impl Future<Output = Result<T, E>> + use<T, E, F> {
        let mut clock = self.sleep(ms);
        async move {
            let mut future = pin!(future);
            poll_fn(|context| {
                if let Poll::Ready(output) = future.as_mut().poll(context) {
                    return Poll::Ready(output);
                }
                let rung = Pin::new(&mut clock).poll(context);
                rung.map(|rung| Err(rung.map_or_else(|why| why, |()| Error::TimedOut { ms }).into()))
            })
            .await
        }
    }

    /// Waits, and meanwhile the run can be moved to another version of the plugin: that goes on in
    /// [`Agent::resume`](super::Agent::resume) with `kept` and the same wait. All else is forgotten then, other waits
    /// among it.
    pub fn rest<T, K: Serialize>(&self, wait: Wait<T>, kept: &K) -> impl Future<Output = Result<T, Error>> + use<T, K> {
        // What cannot be kept is not kept: the run then simply cannot be moved.
        let kept = serde_json::to_value(kept).ok();
        let mailbox = Rc::clone(&self.mailbox);
        async move {
            let _resting = Resting::begin(mailbox, wait.token().zip(kept));
            wait.await
        }
    }

    // Showing

    /// Does something that has no answer.
    pub fn tell(&self, body: ActionBody) {
        self.mailbox.borrow_mut().tell(body);
    }

    /// Shows something to those who watch.
    pub fn emit(&self, emit: Emit) {
        self.tell(ActionBody::Emit(emit));
    }

    /// Shows what the run is doing, in a few words.
    pub fn status(&self, text: impl Into<String>) {
        self.emit(Emit::Status(text.into()));
    }

    /// Shows a thought.
    pub fn thinking(&self, text: impl Into<String>) {
        self.emit(Emit::Thinking(text.into()));
    }

    /// Shows a notice: `info`, `warning` or `error`.
    pub fn notice(&self, level: &str, text: impl Into<String>) {
        self.emit(Emit::System(Notice::new(level, text)));
    }

    /// Shows how a plan looks now, all its steps.
    pub fn plan(&self, steps: impl IntoIterator<Item = PlanStep>) {
        self.emit(Emit::PlanUpdate(steps.into_iter().collect()));
    }

    /// Shows the answer before the run finishes with it.
    pub fn answer(&self, text: impl Into<String>) {
        self.emit(Emit::FinalAnswer(FinalAnswer::new(text)));
    }

    /// Says that an agent step is done.
    pub fn progress(&self, progress: Progress) {
        self.tell(ActionBody::Progress(progress));
    }

    // For the loop

    pub(super) fn new(info: RunInfo) -> Self {
        Self { mailbox: Rc::default(), info: Rc::new(info), start: Rc::new(nothing()) }
    }

    pub(super) fn started(&self, start: Start) -> Self {
        Self { start: Rc::new(start), ..self.clone() }
    }

    /// Waits for what a former instance has asked for.
    pub(super) fn wait_again(&self, token: u32) -> Wait<EventBody> {
        // More is to come after news of a child.
        Wait::again(&self.mailbox, token, |body| (!matches!(body, EventBody::ChildUpdate(_))).then_some(Ok(body)))
    }

    pub(super) fn take_sent(&self) -> Vec<Action> {
        self.mailbox.borrow_mut().take_sent()
    }

    fn ask_for<T>(
        &self,
        body: ActionBody,
        read: impl FnMut(EventBody) -> Option<Result<T, Error>> + 'static,
    ) -> Wait<T> {
        Wait::ask(&self.mailbox, body, read)
    }

    fn run_commands(&self, tool_set: ToolSet, calls: impl IntoIterator<Item = Call>) -> ActionBody {
        let calls = calls.into_iter().map(|call| self.named(call)).collect();
        ActionBody::RunCommands(RunCommands { tool_set, calls, extra: String::new() })
    }

    /// Gives a call an id if it has none.
    fn named(&self, call: Call) -> Call {
        if !call.call_id.is_empty() {
            return call;
        }
        let mut mailbox = self.mailbox.borrow_mut();
        mailbox.last_call += 1;
        call.id(format!("c{}", mailbox.last_call))
    }
}

fn ask_user(questions: impl IntoIterator<Item = Question>, timeout_ms: Option<u32>) -> ActionBody {
    ActionBody::AskUser(AskUser { questions: questions.into_iter().collect(), timeout_ms, extra: String::new() })
}

/// While this is there the run can be moved.
struct Resting(Rc<RefCell<Mailbox>>);

impl Resting {
    fn begin(mailbox: Rc<RefCell<Mailbox>>, resting: Option<(u32, Value)>) -> Self {
        mailbox.borrow_mut().rest(resting);
        Self(mailbox)
    }
}

impl Drop for Resting {
    fn drop(&mut self) {
        self.0.borrow_mut().rest(None);
    }
}

fn stored(body: EventBody) -> Option<Result<Option<String>, Error>> {
    Some(match body {
        EventBody::StoreValue(stored) => Ok(stored.value),
        other => Err(unexpected(&other)),
    })
}

fn unexpected(body: &EventBody) -> Error {
    let what: String = format!("{body:?}").chars().take(200).collect();
    Error::Unexpected { what }
}

/// The start of a run that was moved: nobody remembers it.
fn nothing() -> Start {
    use hangar_plugin_behaviour::events::History;
    let history = History { turns: 0, tokens: 0, extra: String::new() };
    Start { turn: 0, input: Vec::new(), environment: Vec::new(), history, state: Vec::new(), extra: String::new() }
}
