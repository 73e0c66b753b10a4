//! Handshakes over real sockets, and what is left of a connection after one.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::any;
use futures_util::{SinkExt as _, StreamExt as _};
use hangar_aip::limits::FRAME_BYTES;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::super::Upgrades;
use super::{frame, handshake, header, soon};
use crate::access::{Access, Door, guard};
use crate::config::{ConnectionLimits, KeysConfig, Secret, ServerConfig};
use crate::server::Listener;

const MIB: usize = 1 << 20;

/// A server whose WebSockets give back what they get; `ended` hears of each that is over.
struct Stage {
    address: SocketAddr,
    upgrades: Upgrades,
    ended: mpsc::UnboundedReceiver<()>,
    _drain: watch::Sender<bool>,
}

fn stage(limits: &ConnectionLimits) -> Stage {
    let server = ServerConfig { port: 0, ..ServerConfig::default() };
    let listener = Listener::bind(&server, limits, None).unwrap();
    let address = listener.address();
    let keys = KeysConfig { api_key: Some(Secret::new("the-key-of-this-test")), ..KeysConfig::default() };
    let access = Arc::new(Access::new(&keys, &[], &server, address).unwrap());
    let upgrades = Upgrades::new(limits);
    let (tell, ended) = mpsc::unbounded_channel();
    let answers = upgrades.clone();
    let ws = move |request: Request<Body>| async move {
        answers.answer(request, |mut socket, peer, admitted| async move {
            assert!(peer.is_loopback && !peer.is_tls);
            let name = admitted.key_name.as_deref().unwrap_or("nobody").to_owned();
            while let Some(Ok(message)) = socket.next().await {
                let answer = match message {
                    Message::Text(text) if text.len() < 1_000 => Message::text(format!("{name}: {text}")),
                    Message::Text(text) => Message::text(text.len().to_string()),
                    _ => continue,
                };
                if socket.send(answer).await.is_err() {
                    break;
                }
            }
            let _ = tell.send(());
        })
    };
    let router = Router::new()
        .route("/ws", any(ws.clone()).layer(guard(&access, Door::AipSocket, &[])))
        .route("/unguarded", any(ws));
    let (drain, draining) = watch::channel(false);
    tokio::spawn(listener.serve(router, draining, Duration::from_secs(1)));
    Stage { address, upgrades, ended, _drain: drain }
}

impl Stage {
    async fn connect(&self, path: &str) -> Result<WebSocketStream<TcpStream>, Error> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (socket, _) = soon(client_async(format!("ws://{}{path}", self.address), stream)).await?;
        Ok(socket)
    }

    /// A connection on which the handshake is done, for bytes that no library would send.
    async fn raw(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(handshake(self.address).as_bytes()).await.unwrap();
        let head = head_of_answer(&mut stream).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        stream
    }
}

async fn head_of_answer(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(soon(stream.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

async fn say(socket: &mut WebSocketStream<TcpStream>, text: &str) -> String {
    socket.send(Message::text(text)).await.unwrap();
    let answer = soon(socket.next()).await.unwrap().unwrap();
    answer.into_text().unwrap().to_string()
}

#[tokio::test]
async fn clients_are_connected_and_known_by_their_key() {
    let stage = stage(&ConnectionLimits::default());
    let mut socket = stage.connect("/ws").await.unwrap();
    assert_eq!(say(&mut socket, "hello").await, "nobody: hello");
    let mut socket = stage.connect("/ws?token=the-key-of-this-test").await.unwrap();
    assert_eq!(say(&mut socket, "hello").await, "api-key: hello");
    for path in ["/ws?token=wrong", "/ws?token=the-key-of-this-test&token=wrong"] {
        let Err(Error::Http(response)) = stage.connect(path).await else { panic!("{path}") };
        assert_eq!(response.status(), 403);
    }
}

#[tokio::test]
async fn what_comes_along_with_the_handshake_is_not_lost() {
    let stage = stage(&ConnectionLimits::default());
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    let mut bytes = handshake(stage.address).into_bytes();
    bytes.extend(frame(1, true, b"one"));
    bytes.extend(frame(1, true, b"two"));
    stream.write_all(&bytes).await.unwrap();
    let head = head_of_answer(&mut stream).await;
    assert!(head.to_ascii_lowercase().contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="), "{head}");
    for expected in ["nobody: one", "nobody: two"] {
        let mut answer = vec![0; 2 + expected.len()];
        soon(stream.read_exact(&mut answer)).await.unwrap();
        assert_eq!(&answer[2..], expected.as_bytes());
    }
}

#[tokio::test]
async fn what_is_no_handshake_is_told_what_one_is() {
    let stage = stage(&ConnectionLimits::default());
    let good = handshake(stage.address);
    #[rustfmt::skip]
    let table: [(&str, &str, u16, &str); 13] = [
        ("GET /ws", "POST /ws", 405, "A WebSocket handshake is a GET request."),
        ("GET /ws", "GET /unguarded", 500, "This path is not guarded"),
        ("HTTP/1.1", "HTTP/1.0", 400, "A WebSocket handshake needs HTTP/1.1"),
        ("Upgrade: WebSocket\r\n", "", 426, "Only WebSockets are served here: connect with ws:// or wss://"),
        ("Upgrade: WebSocket\r\n", "Upgrade: h2c\r\n", 426, "Only WebSockets are served here"),
        ("keep-alive, Upgrade", "keep-alive", 426, "Only WebSockets are served here"),
        ("Version: 13", "Version: 8", 426, "send `Sec-WebSocket-Version: 13`"),
        ("Sec-WebSocket-Version: 13\r\n", "", 426, "send `Sec-WebSocket-Version: 13`"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ", 400, "16 bytes in base64"),
        ("dGhlIHNhbXBsZSBub25jZQ==", "bm90IDE2", 400, "16 bytes in base64"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, "`Sec-WebSocket-Key` must be there once"),
        ("\r\n\r\n", "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 400, "must be there once"),
        ("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\n{}", 400, "A WebSocket handshake has no body"),
    ];
    for (from, to, status, text) in table {
        let mut stream = TcpStream::connect(stage.address).await.unwrap();
        stream.write_all(good.replace(from, to).as_bytes()).await.unwrap();
        let head = head_of_answer(&mut stream).await;
        assert!(head.contains(&format!(" {status} ")), "{from} -> {to}: {head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        soon(stream.read_exact(&mut body)).await.unwrap();
        let body = String::from_utf8(body).unwrap();
        assert!(body.starts_with("{\"detail\":\"") && body.contains(text), "{from} -> {to}: {body}");
        assert_eq!(head.contains("sec-websocket-version: 13"), status == 426, "{head}");
        assert_eq!(head.contains("allow: GET"), status == 405, "{head}");
    }
}

#[tokio::test]
async fn others_never_notice_those_who_announce_much() {
    let budget = 2 * FRAME_BYTES;
    let mut stage = stage(&ConnectionLimits { large_frames_bytes: budget, ..ConnectionLimits::default() });
    let mut quiet = stage.connect("/ws").await.unwrap();
    let mut loud = Vec::new();
    for _ in 0..20 {
        let mut stream = stage.raw().await;
        stream.write_all(&header(1, true, FRAME_BYTES as u64)).await.unwrap();
        stream.write_all(&[b'x'; 4_096]).await.unwrap();
        loud.push(stream);
    }
    for number in 0..50 {
        let answer = say(&mut quiet, &number.to_string()).await;
        assert_eq!(answer, format!("nobody: {number}"));
        assert!(stage.upgrades.reserved() <= budget);
    }
    assert_eq!(stage.upgrades.reserved(), budget);
    // Somebody new is served as well.
    let mut other = stage.connect("/ws").await.unwrap();
    assert_eq!(say(&mut other, "hello").await, "nobody: hello");
    drop(loud);
    for _ in 0..20 {
        soon(stage.ended.recv()).await.unwrap();
    }
    assert_eq!(stage.upgrades.reserved(), 0);
}

#[tokio::test]
async fn all_large_messages_arrive_one_after_another() {
    let stage = stage(&ConnectionLimits { large_frames_bytes: 2 * MIB, ..ConnectionLimits::default() });
    let text = "x".repeat(MIB + 5);
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let mut socket = stage.connect("/ws").await.unwrap();
        let text = text.clone();
        clients.spawn(async move { say(&mut socket, &text).await });
    }
    while let Some(answer) = soon(clients.join_next()).await {
        assert_eq!(answer.unwrap(), text.len().to_string());
        assert!(stage.upgrades.reserved() <= 2 * MIB);
    }
}

#[tokio::test]
async fn a_websocket_keeps_its_place_until_it_ends() {
    let mut stage = stage(&ConnectionLimits { connections: 1, ..ConnectionLimits::default() });
    let mut socket = stage.connect("/ws").await.unwrap();
    let mut stream = TcpStream::connect(stage.address).await.unwrap();
    assert!(matches!(soon(stream.read(&mut [0; 1])).await, Ok(0) | Err(_)), "there is no place for it");
    assert_eq!(say(&mut socket, "still here").await, "nobody: still here");
    drop(socket);
    soon(stage.ended.recv()).await.unwrap();
    // The socket is dropped just after it is told that it has ended.
    let mut socket = soon(async {
        loop {
            match stage.connect("/ws").await {
                Ok(socket) => return socket,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    assert_eq!(say(&mut socket, "hello").await, "nobody: hello");
}
