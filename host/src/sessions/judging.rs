//! What handlers are shown of a session's messages, and what their verdicts mean here.

use std::sync::Arc;

use hangar_aip::{ClientType, Id, Json, Outcome};
use hangar_runtime::contract::actions::{Call, ToolSet};
use hangar_runtime::contract::events::CallResult;
use hangar_runtime::contract::messages::{Envelope, Party};
use hangar_runtime::contract::values::Failure;
use hangar_runtime::{Blobs, Directory, Scope};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Shared;
use super::entry::{Entry, Requester};
use super::executor::failure;
use crate::clients::{Client, View};
use crate::handlers::{Judged, Way, kind};

/// What is to become of a task.
#[derive(Debug)]
pub(super) enum TaskVerdict {
    /// It is to be done.
    Go(Settled),
    /// It is answered at once with this, JSON.
    Reply(String),
    /// It is not taken, and the requester is told why.
    Refuse(String),
}

/// How a task is to be done, after handlers had their say.
#[derive(Debug)]
pub(super) struct Settled {
    /// What is to be done, in words.
    pub request: String,
    /// The device that does it.
    pub executor: Arc<Client>,
    /// The plugin that drives it; otherwise the one of the device's platform.
    pub behaviour: Option<String>,
}

/// The body of a task.
#[derive(Serialize, Deserialize)]
struct TaskBody {
    request: String,
    #[serde(default)]
    task_name: String,
    #[serde(default)]
    target: String,
}

/// Asks about a task.
pub(super) async fn task(shared: &Shared, entry: &Arc<Entry>) -> TaskVerdict {
    let (request, executor) = (entry.order.request.clone(), Arc::clone(&entry.order.target));
    let go = |request, executor, behaviour| TaskVerdict::Go(Settled { request, executor, behaviour });
    if !shared.handlers.concern(kind::TASK) {
        return go(request, executor, None);
    }
    let body = TaskBody { request, task_name: entry.order.task_name.clone(), target: executor.id.to_string() };
    let envelope = envelope(entry, kind::TASK, &requester(entry), &[party(&executor)], &body, Vec::new());
    let scope = scope(shared, entry, Arc::default());
    let Judged { body: replaced, way } = shared.handlers.judge(entry.requester.name(), envelope, scope).await;
    let request = match replaced.as_deref().map(serde_json::from_str::<TaskBody>) {
        None => body.request,
        Some(Ok(body)) if !body.request.trim().is_empty() => body.request,
        Some(_) => return TaskVerdict::Refuse("a handler replaced the task by something that is none".to_owned()),
    };
    match way {
        Way::On(_) => go(request, executor, None),
        Way::Reply(body) => TaskVerdict::Reply(body),
        Way::Reject { text, .. } => TaskVerdict::Refuse(said(&text)),
        Way::Route(targets) => match targets.first().and_then(|target| shared.clients.get(target)) {
            Some(device) if targets.len() == 1 && device.kind == ClientType::Device => go(request, device, None),
            _ => TaskVerdict::Refuse("a handler routes the task to what is not exactly one device".to_owned()),
        },
        Way::StartSession(start) => {
            let device = match start.executor.as_str() {
                "" => Some(executor),
                id => may_see(shared, entry, id).then(|| shared.clients.get(id)).flatten(),
            };
            match device.filter(|device| device.kind == ClientType::Device) {
                Some(device) => go(request, device, Some(start.behaviour)),
                None => TaskVerdict::Refuse("a handler names a device that is not there".to_owned()),
            }
        }
    }
}

/// The body of a command.
#[derive(Serialize, Deserialize)]
struct CommandBody {
    #[serde(default)]
    agent: String,
    #[serde(default)]
    process: String,
    #[serde(default)]
    root: String,
    calls: Vec<Call>,
}

/// Asks about calls, before secrets are put into them. Each comes back with the reason why it must not run, if any.
pub(super) async fn commands(
    shared: &Shared,
    entry: &Arc<Entry>,
    set: &ToolSet,
    calls: Vec<Call>,
) -> Result<Vec<(Call, Option<String>)>, Failure> {
    if !shared.handlers.concern(kind::COMMAND) {
        return Ok(calls.into_iter().map(|call| (call, None)).collect());
    }
    let (agent, process, root) = (set.agent.clone(), set.process.clone(), set.root.clone());
    let body = CommandBody { agent, process, root, calls };
    let run = Party { id: entry.run_id.clone(), kind: "run".to_owned(), extra: String::new() };
    let envelope = envelope(entry, kind::COMMAND, &run, &[party(entry.executor())], &body, Vec::new());
    let blobs = entry.blobs().cloned().unwrap_or_default();
    let judged = shared.handlers.judge(entry.requester.name(), envelope, scope(shared, entry, blobs)).await;
    let denied = match judged.way {
        Way::On(denied) => denied,
        Way::Reject { code, text } => return Err(failure(&code, said(&text))),
        Way::Reply(_) | Way::Route(_) | Way::StartSession(_) => return Err(meaningless()),
    };
    let calls = match judged.body.as_deref().map(serde_json::from_str::<CommandBody>) {
        None => body.calls,
        Some(Ok(replaced)) => replaced.calls,
        Some(Err(_)) => return Err(failure("internal", "a handler replaced the command by something that is none")),
    };
    let reason = |call: &Call| {
        let denial = denied.iter().find(|denial| denial.call_id == call.call_id)?;
        Some(said(&denial.reason))
    };
    Ok(calls.into_iter().map(|call| (reason(&call), call)).map(|(reason, call)| (call, reason)).collect())
}

/// The body of results.
#[derive(Serialize, Deserialize)]
struct ResultsBody {
    results: Vec<CallResult>,
}

/// Asks about results, before a behaviour is told them.
pub(super) async fn results(
    shared: &Shared,
    entry: &Arc<Entry>,
    results: Vec<CallResult>,
) -> Result<Vec<CallResult>, Failure> {
    if !shared.handlers.concern(kind::RESULTS) {
        return Ok(results);
    }
    let named = results.iter().flat_map(|result| result.blobs.clone()).collect();
    let body = ResultsBody { results };
    let run = Party { id: entry.run_id.clone(), kind: "run".to_owned(), extra: String::new() };
    let envelope = envelope(entry, kind::RESULTS, &party(entry.executor()), &[run], &body, named);
    let blobs = entry.blobs().cloned().unwrap_or_default();
    let judged = shared.handlers.judge(&entry.executor().id, envelope, scope(shared, entry, blobs)).await;
    match judged.way {
        Way::On(_) => {}
        Way::Reject { code, text } => return Err(failure(&code, said(&text))),
        Way::Reply(_) | Way::Route(_) | Way::StartSession(_) => return Err(meaningless()),
    }
    match judged.body.as_deref().map(serde_json::from_str::<ResultsBody>) {
        None => Ok(body.results),
        Some(Ok(replaced)) if replaced.results.len() == body.results.len() => Ok(replaced.results),
        Some(_) => Err(failure("internal", "a handler replaced the results by something that is none")),
    }
}

/// `Handlers` has seen to it that there are none.
fn meaningless() -> Failure {
    failure("unsupported", "a handler gave a verdict that means nothing here")
}

/// The body of an end.
#[derive(Serialize, Deserialize)]
struct EndBody {
    status: String,
    error: Option<String>,
    result: Option<Box<RawValue>>,
}

/// Asks about the end of a session, before those are told who wait for it. It ends in any case.
pub(super) async fn end(shared: &Shared, entry: &Arc<Entry>, outcome: Outcome) -> Outcome {
    if !shared.handlers.concern(kind::TASK_END) {
        return outcome;
    }
    let body = EndBody {
        status: outcome.status().as_str().to_owned(),
        error: outcome.error().map(str::to_owned),
        result: outcome.result().cloned().map(Into::into),
    };
    let run = Party { id: entry.run_id.clone(), kind: "run".to_owned(), extra: String::new() };
    let envelope = envelope(entry, kind::TASK_END, &run, &[requester(entry)], &body, Vec::new());
    let blobs = entry.blobs().cloned().unwrap_or_default();
    let judged = shared.handlers.judge(entry.requester.name(), envelope, scope(shared, entry, blobs)).await;
    match judged.way {
        Way::On(_) => {}
        Way::Reject { text, .. } => return Outcome::failed(said(&text), None),
        Way::Reply(_) | Way::Route(_) | Way::StartSession(_) => return Outcome::failed(meaningless().text, None),
    }
    match judged.body.as_deref().map(serde_json::from_str::<EndBody>) {
        None => outcome,
        Some(Ok(EndBody { status, error: None, result })) if status == "completed" => {
            Outcome::Completed { result: result.map(Json::from) }
        }
        Some(Ok(EndBody { error, result, .. })) => Outcome::failed(error.unwrap_or_default(), result.map(Json::from)),
        Some(Err(_)) => Outcome::failed("a handler replaced the end of the session by something that is none", None),
    }
}

/// A reason that says nothing is none.
fn said(text: &str) -> String {
    if text.trim().is_empty() { "a handler refused it without saying why".to_owned() } else { text.to_owned() }
}

fn envelope(
    entry: &Entry,
    kind: &str,
    sender: &Party,
    receivers: &[Party],
    body: &impl Serialize,
    blobs: Vec<String>,
) -> Envelope {
    Envelope {
        id: Id::fresh().to_string(),
        kind: kind.to_owned(),
        time_ms: super::now_ms(),
        sender: sender.clone(),
        receivers: receivers.to_vec(),
        session_id: entry.id.to_string(),
        door: door(entry, kind).to_owned(),
        // All bodies have string keys, so they have a JSON form.
        body: serde_json::to_string(body).unwrap_or_default(),
        blobs,
        extra: String::new(),
    }
}

fn door(entry: &Entry, of: &str) -> &'static str {
    match (&entry.requester, of) {
        (_, kind::COMMAND | kind::TASK_END) => "run",
        (Requester::Http(_), kind::TASK) => "http",
        _ => "aip",
    }
}

fn party(client: &Client) -> Party {
    Party { id: client.id.to_string(), kind: client.kind.to_string(), extra: String::new() }
}

fn requester(entry: &Entry) -> Party {
    let id = entry.requester.name().to_owned();
    Party { id, kind: entry.requester.kind().to_owned(), extra: String::new() }
}

fn scope(shared: &Shared, entry: &Entry, blobs: Arc<Blobs>) -> Scope {
    Scope { directory: Arc::new(view(shared, entry)), blobs }
}

/// Whom the requester may reach.
fn view(shared: &Shared, entry: &Entry) -> View {
    match &entry.requester {
        Requester::Client(client) if client.kind == ClientType::Device => View::of_itself(&shared.clients, &client.id),
        _ => View::of_devices(&shared.clients),
    }
}

fn may_see(shared: &Shared, entry: &Entry, id: &str) -> bool {
    view(shared, entry).get(id).is_some()
}
