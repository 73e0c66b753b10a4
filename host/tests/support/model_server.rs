//! An endpoint that speaks OpenAI's chat completions and says what the test says: real HTTP over a real socket.
//!
//! It takes replies off a script, one for each request, and keeps what it was asked. It can also fail as endpoints do:
//! hang, refuse, send garbage, break off.
#![allow(dead_code, reason = "not each of its users needs all of it")]

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// What does not happen within this time is not going to.
const PATIENCE: Duration = Duration::from_secs(20);
/// No request of a test is longer.
const LONGEST: usize = 64 << 20;

/// What a request is answered with.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A status, headers and a body.
    Http {
        /// 200 for a success.
        status: u16,
        /// Beside length and type.
        headers: Vec<(String, String)>,
        /// `application/json` unless the headers say otherwise.
        body: String,
    },
    /// The same, some time later.
    Later(Duration, Box<Reply>),
    /// These bytes, whatever they are, and the end of the connection.
    Bytes(Vec<u8>),
    /// The beginning of an answer that should have been longer, and the end of the connection.
    Cut(String),
    /// The end of the connection, without a byte.
    Close,
    /// Nothing, until the client has enough.
    Hang,
}

impl Reply {
    /// A success with this body.
    pub fn json(body: &Value) -> Self {
        Self::Http { status: 200, headers: Vec::new(), body: body.to_string() }
    }

    /// A completion with this message.
    pub fn message(message: &Value, finish_reason: &str) -> Self {
        Self::json(&json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "scripted-1",
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
            "usage": {"prompt_tokens": 61, "completion_tokens": 9, "total_tokens": 70},
        }))
    }

    /// A completion that is this text.
    pub fn says(text: &str) -> Self {
        Self::message(&json!({"role": "assistant", "content": text}), "stop")
    }

    /// A completion that calls one tool.
    pub fn calls(call_id: &str, tool: &str, parameters: &Value) -> Self {
        let function = json!({"name": tool, "arguments": parameters.to_string()});
        let calls = json!([{"id": call_id, "type": "function", "function": function}]);
        Self::message(&json!({"role": "assistant", "content": null, "tool_calls": calls}), "tool_calls")
    }

    /// An error with this status.
    pub fn fails(status: u16, message: &str) -> Self {
        let body = json!({"error": {"message": message, "type": "scripted", "code": null}}).to_string();
        Self::Http { status, headers: Vec::new(), body }
    }

    /// The same with one more header.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Self::Http { headers, .. } = &mut self {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// The same after some time.
    pub fn later(self, pause: Duration) -> Self {
        Self::Later(pause, Box::new(self))
    }
}

/// One request, as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Such as `POST`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case, in their order.
    pub headers: Vec<(String, String)>,
    /// The body; null if it was no JSON.
    pub body: Value,
    /// When it was there.
    pub at: Instant,
}

impl Asked {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All that the messages say, one text in each line, without pictures.
    pub fn text(&self) -> String {
        let messages = self.body["messages"].as_array().cloned().unwrap_or_default();
        let texts = messages.iter().flat_map(|message| match &message["content"] {
            Value::String(text) => vec![text.clone()],
            parts => parts
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|part| part["text"].as_str().map(Into::into))
                .collect(),
        });
        texts.collect::<Vec<_>>().join("\n")
    }
}

#[derive(Debug, Default)]
struct State {
    script: VecDeque<Reply>,
    otherwise: Option<Reply>,
    asked: Vec<Asked>,
    under_way: usize,
    most_under_way: usize,
    left: usize,
}

/// The endpoint. It ends when it is dropped.
pub struct ModelServer {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

impl ModelServer {
    /// One that has nothing to say yet, on a free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = watch::Sender::new(State::default());
        let shared = state.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // A client that goes away is no failure of the test.
                tokio::spawn(serve(socket, shared.clone()));
            }
        });
        Self { address, state, accepting }
    }

    /// What a host is configured with.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Replies so to the next request that has no reply yet.
    pub fn will(&self, reply: Reply) -> &Self {
        self.state.send_modify(|state| state.script.push_back(reply));
        self
    }

    /// Replies so whenever the script is at its end, which is an error of the test otherwise.
    pub fn otherwise(&self, reply: Reply) -> &Self {
        self.state.send_modify(|state| state.otherwise = Some(reply));
        self
    }

    /// What has been asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.borrow().asked.clone()
    }

    /// What was asked last.
    pub fn last(&self) -> Asked {
        self.state.borrow().asked.last().cloned().expect("nothing was asked")
    }

    /// How many requests there were at one time, at most.
    pub fn most_under_way(&self) -> usize {
        self.state.borrow().most_under_way
    }

    /// Waits until so many requests have come.
    pub async fn was_asked(&self, times: usize) {
        self.until("asked", |state| state.asked.len() >= times).await;
    }

    /// Waits until so many clients have left without an answer while it hung.
    pub async fn was_left(&self, times: usize) {
        self.until("left", |state| state.left >= times).await;
    }

    async fn until(&self, what: &str, holds: impl Fn(&State) -> bool) {
        let mut state = self.state.subscribe();
        let waited = timeout(PATIENCE, state.wait_for(|state| holds(state))).await;
        waited.unwrap_or_else(|_| panic!("it was not {what} in time")).unwrap();
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(socket: TcpStream, state: watch::Sender<State>) {
    let mut socket = BufReader::new(socket);
    while let Ok(Some(asked)) = read(&mut socket).await {
        let mut reply = None;
        state.send_modify(|state| {
            state.asked.push(asked);
            state.under_way += 1;
            state.most_under_way = state.most_under_way.max(state.under_way);
            reply = state.script.pop_front().or_else(|| state.otherwise.clone());
        });
        let reply = reply.unwrap_or_else(|| Reply::fails(501, "the script has no reply to this"));
        let goes_on = answer(&mut socket, reply, &state).await;
        state.send_modify(|state| state.under_way -= 1);
        if !matches!(goes_on, Ok(true)) {
            break;
        }
    }
}

/// Whether the connection goes on.
async fn answer(socket: &mut BufReader<TcpStream>, reply: Reply, state: &watch::Sender<State>) -> io::Result<bool> {
    let mut reply = reply;
    while let Reply::Later(pause, then) = reply {
        sleep(pause).await;
        reply = *then;
    }
    match reply {
        Reply::Http { status, headers, body } => {
            socket.write_all(&http(status, &headers, &body, body.len())).await?;
            Ok(true)
        }
        Reply::Bytes(bytes) => socket.write_all(&bytes).await.map(|()| false),
        Reply::Cut(body) => {
            socket.write_all(&http(200, &[], &body, body.len() + 1_000)).await?;
            Ok(false)
        }
        Reply::Hang => {
            // A client that waits says nothing more; so what comes next is its end.
            let left = !matches!(socket.fill_buf().await, Ok(bytes) if !bytes.is_empty());
            state.send_modify(|state| state.left += usize::from(left));
            Ok(false)
        }
        Reply::Close | Reply::Later(..) => Ok(false),
    }
}

fn http(status: u16, headers: &[(String, String)], body: &str, length: usize) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Scripted\r\ncontent-length: {length}\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
        head.push_str("content-type: application/json\r\n");
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.push_str(body);
    head.into_bytes()
}

async fn read(socket: &mut BufReader<TcpStream>) -> io::Result<Option<Asked>> {
    let broken = || io::Error::from(io::ErrorKind::InvalidData);
    let first = line(socket).await?;
    let mut words = first.split(' ');
    let (Some(method), Some(path)) = (words.next().filter(|word| !word.is_empty()), words.next()) else {
        return Ok(None);
    };
    let (method, path) = (method.to_owned(), path.to_owned());
    let mut headers = Vec::new();
    loop {
        let line = line(socket).await?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(broken)?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(Ok(0), |(_, value)| value.parse::<usize>()).map_err(|_| broken())?;
    if length > LONGEST {
        return Err(broken());
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body).await?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Ok(Some(Asked { method, path, headers, body, at: Instant::now() }))
}

async fn line(socket: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    socket.read_line(&mut line).await?;
    Ok(line.trim_end().to_owned())
}
