//! `hangar dispatch`, as a process, against a server that answers what the test says.

use std::collections::VecDeque;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::stage::{Folder, Said};

const PATIENCE: Duration = Duration::from_secs(60);

/// What the server answers, and what it was asked.
#[derive(Default)]
struct Script {
    clients: Value,
    dispatch: (u16, Value),
    /// One after another; the last one again and again.
    results: VecDeque<(u16, Value)>,
    asked: Vec<String>,
    keys: Vec<String>,
}

#[derive(Clone, Default)]
struct Server {
    script: Arc<Mutex<Script>>,
    polled: Arc<Notify>,
}

impl Server {
    fn note(&self, headers: &HeaderMap, what: String) {
        let mut script = self.script.lock().unwrap();
        script.asked.push(what);
        script.keys.extend(headers.get("x-api-key").map(|key| key.to_str().unwrap().to_owned()));
    }

    fn asked(&self) -> Vec<String> {
        self.script.lock().unwrap().asked.clone()
    }
}

type Answer = (StatusCode, Json<Value>);

fn answer((status, body): (u16, Value)) -> Answer {
    (StatusCode::from_u16(status).unwrap(), Json(body))
}

async fn clients(State(server): State<Server>, headers: HeaderMap) -> Answer {
    server.note(&headers, "clients".into());
    answer((200, server.script.lock().unwrap().clients.clone()))
}

async fn dispatch(State(server): State<Server>, headers: HeaderMap, Json(body): Json<Value>) -> Answer {
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    server.note(&headers, format!("dispatch {} {}", text("client_id"), text("request")));
    let (status, mut said) = server.script.lock().unwrap().dispatch.clone();
    if status == 200 {
        said = json!({"status": "dispatched", "task_name": body["task_name"], "client_id": body["client_id"], "session_id": "S"});
    }
    answer((status, said))
}

async fn result(State(server): State<Server>, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    server.note(&headers, format!("result {}", if name == "mine" { "mine" } else { "of a fresh name" }));
    server.polled.notify_one();
    let mut script = server.script.lock().unwrap();
    let next = if script.results.len() > 1 { script.results.pop_front() } else { script.results.front().cloned() };
    answer(next.unwrap())
}

async fn cancel(State(server): State<Server>, Path(name): Path<String>, headers: HeaderMap) -> Answer {
    server.note(&headers, format!("cancel {name}"));
    answer((200, json!({"status": "cancelled"})))
}

/// The server, and the runtime that it lives in.
struct Stage {
    folder: Folder,
    server: Server,
    url: String,
    runtime: Runtime,
}

fn stage(results: impl IntoIterator<Item = (u16, Value)>) -> Stage {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = Server::default();
    {
        let mut script = server.script.lock().unwrap();
        script.clients = json!({"online_clients": ["lab"]});
        script.dispatch = (200, Value::Null);
        script.results = results.into_iter().collect();
    }
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new()
        .route("/api/clients", get(clients))
        .route("/api/dispatch", post(dispatch))
        .route("/api/task_result/{name}", get(result))
        .route("/api/cancel/{name}", post(cancel))
        .with_state(server.clone());
    runtime.spawn(async move { axum::serve(listener, app).await });
    Stage { folder: Folder::new(), server, url, runtime }
}

impl Stage {
    fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.folder.command("", "dispatch");
        command.args(arguments).env("HANGAR_SERVER", &self.url).env("HANGAR_API_KEY", "the-key-of-the-server");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Said {
        said(self.start(arguments))
    }
}

fn said(running: Child) -> Said {
    let output = running.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let said = Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!said.out.contains("the-key") && !said.err.contains("the-key"), "{said}");
    said.readable()
}

fn done(status: &str, error: Option<&str>) -> (u16, Value) {
    let result = json!([{"request": "$ uname", "result": "Linux lab"}]);
    (200, json!({"status": "done", "result": result, "task_status": status, "error": error, "session_id": "S"}))
}

fn pending() -> (u16, Value) {
    (200, json!({"status": "pending"}))
}

#[test]
fn the_only_device_does_it_and_the_result_is_printed() {
    let stage = stage([pending(), (503, json!({"detail": "busy"})), pending(), done("completed", None)]);
    let said = stage.run(&["$ uname"]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "Linux lab\n", ""));
    let asked = stage.server.asked();
    assert_eq!(asked[..2], ["clients", "dispatch lab $ uname"]);
    assert_eq!(asked.len(), 6, "{asked:?}");
    let keys = stage.server.script.lock().unwrap().keys.clone();
    assert_eq!(keys, ["the-key-of-the-server"; 6]);
}

#[test]
fn a_failure_is_printed_and_is_the_exit_code() {
    let stage = stage([done("failed", Some("The command ended with exit code 1"))]);
    let said = stage.run(&["$ uname", "--device", "lab", "--name", "mine"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), "Linux lab\n"));
    assert_eq!(said.err, "failed The command ended with exit code 1\n");
    assert_eq!(stage.server.asked(), ["dispatch lab $ uname", "result mine"]);
    let json = stage.run(&["$ uname", "--device", "lab", "--json"]);
    assert_eq!((json.code, json.json()["task_status"].as_str()), (Some(1), Some("failed")));
}

#[test]
fn the_result_of_a_former_task_of_the_same_name_is_not_taken() {
    let (status, mut former) = done("failed", Some("long ago"));
    former["session_id"] = "another".into();
    let stage = stage([(status, former), done("completed", None)]);
    assert_eq!(stage.run(&["r", "--device", "lab", "--name", "mine"]).code, Some(0));
}

#[test]
fn which_device_is_meant_is_asked_for() {
    let stage = stage([done("completed", None)]);
    let devices = json!([
        {"client_id": "lab", "type": "device", "platform": "linux"},
        {"client_id": "n@lab", "type": "constellation"},
        {"client_id": "pc", "type": "device", "platform": "windows"},
    ]);
    stage.server.script.lock().unwrap().clients = json!({"online_clients": ["lab", "n@lab", "pc"], "clients": devices});
    let said = stage.run(&["r"]).says(&["2 devices are online", "  lab (linux)", "  pc (windows)", "--device ID"]);
    assert_eq!(said.code, Some(1));
    assert!(!said.err.contains("n@lab"));
    stage.server.script.lock().unwrap().clients = json!({"online_clients": []});
    stage.run(&["r"]).says(&["no device is online", "hangar device"]);
}

#[test]
fn refusals_say_what_to_do() {
    let stage = stage([done("completed", None)]);
    for (status, detail, fix) in [
        (401, "Invalid API key", "HANGAR_API_KEY"),
        (404, "Client not online", "without --device says which"),
        (400, "Invalid task_name: must be", "--help"),
        (403, "The key's scopes do not have operator", "scopes"),
    ] {
        stage.server.script.lock().unwrap().dispatch = (status, json!({ "detail": detail }));
        let said = stage.run(&["r", "--device", "lab"]).not_ok();
        said.says(&[&format!("the server refuses: {detail}"), fix]);
    }
    let nobody = stage.run(&["r", "--server", "http://127.0.0.1:1"]).not_ok();
    nobody.says(&["cannot be reached", "hangar serve"]);
}

#[test]
fn an_interrupt_cancels_the_task() {
    let stage = stage([pending()]);
    let running = stage.start(&["r", "--device", "lab", "--name", "mine"]);
    let polled = async { timeout(PATIENCE, stage.server.polled.notified()).await };
    stage.runtime.block_on(polled).unwrap();
    let pid = rustix::process::Pid::from_raw(running.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let said = said(running);
    assert_eq!((said.code, said.err.as_str()), (Some(1), "cancelled task mine\n"));
    assert_eq!(stage.server.asked().last().unwrap(), "cancel mine");
}

#[test]
fn it_is_not_waited_for_longer_than_said() {
    let stage = stage([pending()]);
    let said = stage.run(&["r", "--device", "lab", "--timeout", "1"]).not_ok();
    said.says(&["is not done after 1 seconds; it goes on", "/api/cancel/"]);
}
