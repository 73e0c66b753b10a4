//! The agent against a server that does what the test says, over real sockets.
#![allow(clippy::result_large_err, reason = "the type of the library's callback")]

use std::fs;

use futures_util::{SinkExt, StreamExt};
use hangar_aip::client::Backoff;
use hangar_aip::{
    ClientMessage, ClientType, Commands as Order, Json, Platform, ServerHeartbeat, ServerMessage, ServerTaskEnd, Stamp,
    TaskStatus, ToolType,
};
use rustix::process::{Pid, test_kill_process};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_async, accept_hdr_async};

use super::*;
use crate::device::{Commands, Files, Policy, device_info};

/// Nothing here takes long; what takes this long is not going to happen.
const PATIENCE: Duration = Duration::from_secs(20);

const KEY: &str = "very-secret-key";

async fn within<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it takes too long")
}

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn agent(url: String, folder: &TempDir) -> Agent {
    let info = device_info(&id("dev"), None, false);
    let identity = Identity::device(id("dev"), Platform::new("linux").unwrap(), Some(&info)).unwrap();
    let mut options = Options::of(ClientType::Device);
    options.key = Some(KEY.into());
    options.backoff = Backoff { first: Duration::from_millis(20), ..Backoff::default() };
    let commands = Commands { policy: Policy::Shell, longest: PATIENCE * 9, keep: 1 << 16, hidden: Vec::new() };
    let files = Files::below(folder.path(), true).unwrap();
    Agent { url, identity, options, toolbox: Toolbox { commands, files, screen: None } }
}

/// An agent at work, and the server's end of it.
struct Stage {
    folder: TempDir,
    listener: TcpListener,
    news: mpsc::UnboundedReceiver<News>,
    stop: Option<oneshot::Sender<()>>,
    ended: tokio::task::JoinHandle<Result<Ended>>,
}

impl Stage {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::with(listener)
    }

    fn with(listener: TcpListener) -> Self {
        let folder = TempDir::new().unwrap();
        let agent = agent(format!("ws://{}/ws", listener.local_addr().unwrap()), &folder);
        let (told, news) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let ended = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            agent.serve(&mut |news| Ok(told.send(news)?), stopped).await
        });
        Self { folder, listener, news, stop: Some(stop), ended }
    }

    async fn registered(&mut self) -> Peer {
        let (stream, _) = within(self.listener.accept()).await.unwrap();
        let mut peer = Peer(within(accept_async(stream)).await.unwrap());
        assert!(matches!(peer.hear().await, ClientMessage::Register(_)));
        peer.say(ServerMessage::Heartbeat(ServerHeartbeat::default())).await;
        assert!(matches!(self.news().await, News::Connected));
        peer
    }

    async fn news(&mut self) -> News {
        within(self.news.recv()).await.expect("the agent has ended")
    }

    /// The number of a process that a command writes to this file once it runs.
    async fn pid(&self) -> Pid {
        let file = self.folder.path().join("pid");
        let look = async {
            loop {
                if let Ok(pid) = fs::read_to_string(&file).unwrap_or_default().trim().parse() {
                    break Pid::from_raw(pid).unwrap();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within(look).await
    }
}

struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    async fn say(&mut self, message: ServerMessage) {
        self.0.send(Message::from(message.write(&Stamp::now()))).await.unwrap();
    }

    async fn frame(&mut self) -> Message {
        loop {
            match within(self.0.next()).await.expect("the device is gone").unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }

    async fn hear(&mut self) -> ClientMessage {
        let frame = self.frame().await.into_text().unwrap();
        ClientMessage::read(frame.as_bytes()).unwrap()
    }

    async fn results(&mut self) -> (Id, Vec<CommandResult>) {
        let ClientMessage::CommandResults(results) = self.hear().await else { panic!() };
        (results.prev_response_id, results.results)
    }

    async fn order(&mut self, number: &str, tool_name: &str, parameters: Value) {
        let action = Command {
            tool_name: tool_name.into(),
            tool_type: ToolType::Action,
            parameters: Some(Json::of(&parameters).unwrap()),
            call_id: Some(id("c")),
        };
        let order = Order {
            response_id: id(number),
            session_id: id("S"),
            status: TaskStatus::Continue,
            agent_name: "LinuxAgent".into(),
            process_name: None,
            root_name: None,
            task_name: None,
            actions: vec![action],
        };
        self.say(ServerMessage::Commands(order)).await;
    }

    async fn run(&mut self, number: &str, command: &str) {
        self.order(number, "execute_command", json!({ "command": command, "api_key": null })).await;
    }
}

/// Waits until a process is no more; a zombie that waits for its new parent is no more.
async fn is_gone(pid: Pid) {
    let is_zombie = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
    };
    let looks = async {
        while test_kill_process(pid).is_ok() && !is_zombie() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within(looks).await;
}

const LONG: &str = "sleep 1000 & echo $! >pid; wait";

#[tokio::test]
async fn commands_are_answered_one_after_another_whatever_they_are() {
    let mut stage = Stage::new().await;
    let mut peer = stage.registered().await;
    peer.order("1", "execute_command", json!({"command": "echo first; exit 3"})).await;
    peer.order("2", "no_such_tool", json!({"token": "hidden"})).await;
    peer.order("3", "list_tools", json!({"tool_type": "action"})).await;
    let (number, results) = peer.results().await;
    assert_eq!((number, results[0].status), (id("1"), ResultStatus::Success));
    let result: Value = results[0].result.as_ref().unwrap().read().unwrap();
    assert_eq!(result, json!({"success": false, "exit_code": 3, "stdout": "first\n", "stderr": ""}));
    let (number, results) = peer.results().await;
    assert_eq!((number, results[0].status), (id("2"), ResultStatus::Failure));
    assert!(results[0].error.as_ref().unwrap().contains("it has execute_command, "));
    let (number, results) = peer.results().await;
    assert_eq!((number, results[0].status), (id("3"), ResultStatus::Success));

    let News::Began { calls, .. } = stage.news().await else { panic!() };
    assert_eq!(calls, ["execute_command echo first; exit 3"]);
    let News::Done { error, carried_out, .. } = stage.news().await else { panic!() };
    assert_eq!((error.as_deref(), carried_out), (Some("exit code 3"), (1, 1)));
    let News::Began { calls, .. } = stage.news().await else { panic!() };
    assert_eq!(calls, ["no_such_tool"]);

    // It says good-bye.
    stage.stop.take().unwrap().send(()).unwrap();
    assert!(matches!(peer.frame().await, Message::Close(_)));
    drop(peer);
    assert!(matches!(within(stage.ended).await.unwrap(), Ok(Ended::Stopped)));
}

#[tokio::test]
async fn what_runs_for_a_lost_connection_is_killed_and_the_device_comes_back() {
    let mut stage = Stage::new().await;
    let mut peer = stage.registered().await;
    peer.order("1", "execute_command", json!({ "command": LONG })).await;
    peer.order("2", "execute_command", json!({"command": "echo >never"})).await;
    let pid = stage.pid().await;
    assert!(test_kill_process(pid).is_ok());
    drop(peer);
    assert!(matches!(stage.news().await, News::Began { .. }));
    assert!(matches!(stage.news().await, News::Stopped("the connection is lost")));
    assert!(matches!(stage.news().await, News::Lost { .. }));
    is_gone(pid).await;
    let mut peer = stage.registered().await;
    peer.order("3", "list_files", json!({})).await;
    let (number, results) = peer.results().await;
    assert_eq!(number, id("3"), "what was asked for over the other connection is forgotten");
    assert!(!results[0].result.as_ref().unwrap().get().contains("never"));
}

#[tokio::test]
async fn what_runs_for_a_session_that_is_over_is_killed() {
    let mut stage = Stage::new().await;
    let mut peer = stage.registered().await;
    peer.order("1", "execute_command", json!({ "command": LONG })).await;
    peer.order("2", "execute_command", json!({"command": "true"})).await;
    let pid = stage.pid().await;
    let outcome = Outcome::failed("Task was cancelled by user request", None);
    peer.say(ServerMessage::TaskEnd(ServerTaskEnd { session_id: id("S"), outcome })).await;
    is_gone(pid).await;
    peer.order("3", "execute_command", json!({"command": "true"})).await;
    assert_eq!(peer.results().await.0, id("3"));
    assert!(matches!(stage.news().await, News::Began { .. }));
    assert!(matches!(stage.news().await, News::Stopped("its session is over")));
    assert!(matches!(stage.news().await, News::Over(Outcome::Failed { .. })));
}

#[tokio::test]
async fn what_runs_when_the_device_is_stopped_is_killed() {
    let mut stage = Stage::new().await;
    let mut peer = stage.registered().await;
    peer.order("1", "execute_command", json!({ "command": LONG })).await;
    let pid = stage.pid().await;
    stage.stop.take().unwrap().send(()).unwrap();
    is_gone(pid).await;
    assert!(matches!(peer.frame().await, Message::Close(_)));
}

#[tokio::test]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stage = Stage::with(listener);
    // The first connections end before they are any.
    for _ in 0..2 {
        drop(within(stage.listener.accept()).await.unwrap());
        let News::Lost { why, .. } = stage.news().await else { panic!() };
        assert!(matches!(why, ClientError::Connect { .. }), "{why:?}");
    }
    let mut peer = stage.registered().await;
    peer.run("1", "true").await;
    let (_, results) = peer.results().await;
    // The parameters are none of those in the schema; it is answered all the same.
    assert!(results[0].error.as_ref().unwrap().contains("unknown field `api_key`"));
}

#[tokio::test]
async fn a_refused_key_is_not_tried_again_and_is_told_to_nobody() {
    let mut stage = Stage::new().await;
    let (stream, _) = within(stage.listener.accept()).await.unwrap();
    let refuse = |request: &Request, _: Response| {
        assert_eq!(request.headers()["authorization"], format!("Bearer {KEY}"));
        assert_eq!(request.uri(), "/ws");
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = tokio_tungstenite::tungstenite::http::StatusCode::FORBIDDEN;
        Err(refusal)
    };
    assert!(within(accept_hdr_async(stream, refuse)).await.is_err());
    let Ok(Ended::GivenUp(why)) = within(stage.ended).await.unwrap() else { panic!() };
    assert!(matches!(why, ClientError::Denied { status: 403, .. }));
    assert!(!format!("{why:?} {why}").contains(KEY));
    assert!(stage.news.recv().await.is_none());
    let agent = agent("ws://h/ws".into(), &stage.folder);
    assert!(!format!("{agent:?}").contains(KEY));
}
