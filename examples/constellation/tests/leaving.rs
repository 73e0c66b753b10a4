//! The constellation as a process, against a server whose devices do what their requests say, over real sockets.
#![cfg(test)]

use std::collections::BTreeSet;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hangar_aip::{
    ClientMessage, DeviceInfoAnswer, Json, Outcome, ServerHeartbeat, ServerMessage, ServerTaskEnd, Stamp,
};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

const PATIENCE: Duration = Duration::from_secs(60);

/// What the server has seen.
#[derive(Default)]
struct Seen {
    gone: BTreeSet<String>,
    /// `<request>@<device>` of all tasks.
    tasks: Vec<String>,
}

async fn server() -> (String, Arc<Mutex<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws", listener.local_addr().unwrap());
    let seen = Arc::<Mutex<Seen>>::default();
    let shared = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&shared)));
        }
    });
    (url, seen)
}

async fn say(socket: &mut WebSocketStream<TcpStream>, message: ServerMessage) {
    // The other side may be gone.
    let _ = socket.send(Message::from(message.write(&Stamp::now()))).await;
}

async fn serve(stream: TcpStream, seen: Arc<Mutex<Seen>>) {
    let mut socket = accept_async(stream).await.unwrap();
    let mut device = String::new();
    while let Some(Ok(frame)) = socket.next().await {
        if !frame.is_text() {
            continue;
        }
        match ClientMessage::read(&frame.into_data()).unwrap() {
            ClientMessage::Register(register) => {
                device = register.target_id.unwrap().to_string();
                assert_eq!(register.client_id, format!("test@{device}").as_str());
                if seen.lock().unwrap().gone.contains(&device) {
                    say(&mut socket, ServerMessage::error(format!("Target device '{device}' is not connected"))).await;
                    return;
                }
                say(&mut socket, ServerMessage::Heartbeat(ServerHeartbeat::default())).await;
            }
            ClientMessage::Heartbeat(_) => say(&mut socket, ServerMessage::Heartbeat(ServerHeartbeat::default())).await,
            ClientMessage::DeviceInfoRequest(request) => {
                let platform = if device.starts_with("win") { "windows" } else { "linux" };
                let info = Ok(Json::of(&json!({ "platform": platform })).unwrap());
                let response_id = request.request_id.unwrap();
                say(&mut socket, ServerMessage::DeviceInfo(DeviceInfoAnswer { response_id, info })).await;
            }
            ClientMessage::Task(task) => {
                seen.lock().unwrap().tasks.push(format!("{}@{device}", task.request));
                let session_id = task.session_id.unwrap();
                let accepted = ServerHeartbeat { session_id: Some(session_id.clone()) };
                say(&mut socket, ServerMessage::Heartbeat(accepted)).await;
                let outcome = match (task.request.as_str(), device.as_str()) {
                    // The device leaves while it is at work.
                    ("leave", "a") | ("leave-all", _) => {
                        seen.lock().unwrap().gone.insert(device.clone());
                        Outcome::failed("Task was cancelled because target device disconnected", Some(json_list()))
                    }
                    // The connection breaks without a word.
                    ("break", "a") => {
                        seen.lock().unwrap().gone.insert(device.clone());
                        return;
                    }
                    ("fail", _) => Outcome::failed("cannot be done", None),
                    _ => Outcome::Completed { result: Some(Json::of(&json!([{"result": "fine"}])).unwrap()) },
                };
                say(&mut socket, ServerMessage::TaskEnd(ServerTaskEnd { session_id, outcome })).await;
            }
            other => panic!("{other:?}"),
        }
    }
}

fn json_list() -> Json {
    Json::of::<[Value; 0]>(&[]).unwrap()
}

async fn constellation(url: &str, devices: &[&str], tasks: Value) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("graph.json");
    std::fs::write(&file, json!({"name": "test", "devices": devices, "tasks": tasks}).to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_constellation"));
    command.arg(&file).args(["--server", url, "--patience", "3"]).stdin(Stdio::null()).kill_on_drop(true);
    timeout(PATIENCE, command.output()).await.expect("it takes too long").unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn all_is_done_although_a_device_leaves() {
    for way in ["leave", "break"] {
        let (url, seen) = server().await;
        let tasks = json!([
            {"name": "one", "device": "a", "request": way},
            {"name": "two", "platform": "linux", "request": "go", "needs": ["one"]},
            {"name": "win", "platform": "windows", "request": "go"},
        ]);
        let output = constellation(&url, &["a", "b", "win"], tasks).await;
        let said = text(&output);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert!(said.contains("is to be tried again") && said.contains("two            done\n"), "{said}");
        let mut tasks = seen.lock().unwrap().tasks.clone();
        tasks.sort();
        let mut expected = ["go@b".to_owned(), "go@win".to_owned(), format!("{way}@a"), format!("{way}@b")];
        expected.sort();
        assert_eq!(tasks, expected);
    }
}

#[tokio::test]
async fn what_nobody_can_do_has_failed_and_the_rest_goes_on() {
    let (url, seen) = server().await;
    let tasks = json!([
        {"name": "lost", "platform": "windows", "request": "leave-all"},
        {"name": "bad", "device": "a", "request": "fail"},
        {"name": "after", "request": "go", "needs": ["bad"]},
        {"name": "good", "device": "a", "request": "go"},
    ]);
    let output = constellation(&url, &["a", "win"], tasks).await;
    let said = text(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for line in [
        "lost           failed: no device that can do it came within 3 s\n",
        "bad            failed: cannot be done\n",
        "after          not tried: it needs `bad`\n",
        "good           done\n",
        "is not there: the server refuses the registration: Target device 'win' is not connected",
    ] {
        assert!(said.contains(line), "{line:?} is not in:\n{said}");
    }
    assert_eq!(seen.lock().unwrap().tasks.iter().filter(|task| task.starts_with("fail")).count(), 1);
}

#[tokio::test]
async fn a_graph_with_mistakes_is_not_begun() {
    let output =
        constellation("ws://127.0.0.1:1/ws", &["a"], json!([{"name": "x", "request": "r", "needs": ["y"]}])).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("needs `y`, which is no task"));
}
