//! `hangar device`, as a process, against a server that does what the test says, over real sockets.
#![allow(clippy::result_large_err, reason = "the type of the library's callback")]

use std::process::Stdio;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use crate::stage::{Folder, Said};

const PATIENCE: Duration = Duration::from_secs(60);
const KEY: &str = "the-key-of-the-server";

async fn within<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it takes too long")
}

fn start(folder: &Folder, listener: &TcpListener, flags: &str) -> Child {
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut command = Command::from(folder.command("", &format!("device --id lab {flags}")));
    command.env("HANGAR_SERVER", url).env("HANGAR_API_KEY", KEY).kill_on_drop(true);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

async fn said(running: Child) -> Said {
    let output = within(running.wait_with_output()).await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let said = Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) };
    assert!(!said.out.contains(KEY) && !said.err.contains(KEY), "{said}");
    said.readable()
}

struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = within(listener.accept()).await.unwrap();
        let look = |request: &Request, response: Response| {
            assert_eq!(request.uri(), "/ws");
            assert_eq!(request.headers()["authorization"], format!("Bearer {KEY}"));
            Ok::<_, ErrorResponse>(response)
        };
        Self(within(accept_hdr_async(stream, look)).await.unwrap())
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::from(message.to_string())).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        loop {
            match within(self.0.next()).await.expect("the device is gone").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(_) => return Value::Null,
                _ => {}
            }
        }
    }

    async fn registered(listener: &TcpListener) -> (Self, Value) {
        let mut peer = Self::accept(listener).await;
        let register = peer.hear().await;
        peer.say(json!({"type": "heartbeat", "status": "ok"})).await;
        (peer, register)
    }

    async fn run(&mut self, tool: &str, parameters: Value) -> Value {
        let action = json!({"tool_name": tool, "tool_type": "action", "parameters": parameters, "call_id": "c"});
        self.say(json!({
            "type": "command", "status": "continue", "agent_name": "LinuxAgent", "session_id": "S", "response_id": "R",
            "actions": [action],
        }))
        .await;
        self.hear().await["action_results"][0].clone()
    }
}

#[tokio::test]
async fn a_machine_is_connected_and_does_what_it_may() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = Folder::new();
    let running = start(&folder, &listener, "--platform linux");
    let (mut peer, register) = Peer::registered(&listener).await;
    assert_eq!((&register["client_id"], &register["metadata"]["platform"]), (&json!("lab"), &json!("linux")));
    let info = &register["metadata"]["system_info"];
    assert!(info["memory_total_gb"].as_f64().unwrap() > 0.0 && info["ip_address"] == "127.0.0.1", "{info}");
    let ran = peer.run("execute_command", json!({"command": "uname -a"})).await;
    assert_eq!((&ran["status"], &ran["result"]["exit_code"]), (&json!("success"), &json!(0)));
    // Not asked for: a shell, other programs, writing.
    for command in ["env", "cat /proc/self/environ", "echo a > b"] {
        let refused = peer.run("execute_command", json!({ "command": command })).await;
        assert_eq!(refused["result"]["success"], false, "{command}");
    }
    let refused = peer.run("write_file", json!({"path": "a", "content": "x"})).await;
    assert_eq!(refused["status"], "failure");
    kill_process(Pid::from_raw(running.id().unwrap().cast_signed()).unwrap(), Signal::INT).unwrap();
    assert_eq!(peer.hear().await, Value::Null, "it says good-bye");
    drop(peer);
    let said = said(running).await.ok();
    said.says(&[
        "connected  as lab to ws://127.0.0.1:",
        "command    execute_command uname -a",
        "done       in ",
        "good-bye",
    ]);
}

#[tokio::test]
async fn with_a_shell_it_does_anything_but_tells_no_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = Folder::new();
    let running = start(&folder, &listener, "--allow-shell --root .");
    let (mut peer, _) = Peer::registered(&listener).await;
    let ran = peer.run("execute_command", json!({"command": "env; cat /proc/$PPID/cmdline | tr '\\0' ' '"})).await;
    let stdout = ran["result"]["stdout"].as_str().unwrap();
    assert!(stdout.contains("PATH=") && stdout.contains("device --id lab") && !stdout.contains(KEY), "{stdout}");
    let written = peer.run("write_file", json!({"path": "a", "content": "x"})).await;
    assert_eq!(written["status"], "success");
    assert_eq!(folder.read("a"), "x");
    kill_process(Pid::from_raw(running.id().unwrap().cast_signed()).unwrap(), Signal::TERM).unwrap();
    drop(peer);
    said(running).await.ok();
}

#[tokio::test]
async fn a_device_that_is_refused_says_what_to_do() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let folder = Folder::new();
    let running = start(&folder, &listener, "");
    let mut peer = Peer::accept(&listener).await;
    peer.hear().await;
    let text = "client_id 'lab' is already registered; duplicate registrations are not allowed";
    peer.say(json!({"type": "error", "status": "error", "error": text})).await;
    drop(peer);
    // It comes back, and by then its key is wrong.
    let (mut stream, _) = within(listener.accept()).await.unwrap();
    let mut request = [0; 4096];
    within(tokio::io::AsyncReadExt::read(&mut stream, &mut request)).await.unwrap();
    let refusal = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    within(tokio::io::AsyncWriteExt::write_all(&mut stream, refusal)).await.unwrap();
    let said = said(running).await.not_ok();
    said.says(&[
        text,
        "name this one with --id",
        "refuses the key (HTTP 403)",
        "fix: give the server's key in HANGAR_API_KEY",
    ]);
}

#[test]
fn what_is_mistyped_is_told() {
    let folder = Folder::new();
    folder.hangar("device --server ftp://host").not_ok().says(&["it begins with ftp://", "ws://HOST:5000/ws"]);
    folder.hangar("device --root nowhere").not_ok().says(&["the root nowhere cannot be opened", "--root"]);
    assert_eq!(folder.hangar("device --allow x --allow-shell").code, Some(2));
    assert_eq!(folder.hangar("device --max-output 1").code, Some(2));
}
