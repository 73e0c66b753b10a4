//! The listener over real sockets. Where something must take its time, the clock is paused: it goes on by itself as soon
//! as nobody has anything to do.

mod certificates;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Request;
use axum::routing::{get, post};
use axum::{Extension, Router};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use super::conversation::{Conversation, Terms};
use super::{Counters, Listener, Peer, Tls};
use crate::config::{ConnectionLimits, ServerConfig};

const HELLO: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A server; it says who asks, and at `/wait` answers only when it is told to.
struct Stage {
    address: SocketAddr,
    counters: Arc<Counters>,
    drain: watch::Sender<bool>,
    serving: JoinHandle<()>,
    /// Somebody waits at `/wait`.
    waits: Arc<Notify>,
    /// May now be answered.
    go_on: Arc<Notify>,
}

fn stage(limits: &ConnectionLimits, tls: Option<Arc<Tls>>) -> Stage {
    let server = ServerConfig { port: 0, ..ServerConfig::default() };
    let listener = Listener::bind(&server, limits, tls).unwrap();
    let (address, counters) = (listener.address(), listener.counters());
    let (waits, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let wait = {
        let (waits, go_on) = (Arc::clone(&waits), Arc::clone(&go_on));
        async move || {
            waits.notify_one();
            go_on.notified().await;
            "waited"
        }
    };
    let who = |Extension(peer): Extension<Peer>| async move { format!("{} {}", peer.is_loopback, peer.is_tls) };
    let router = Router::new()
        .route("/", get(who))
        .route("/wait", get(wait))
        .route("/body", post(|body: Bytes| async move { body.len().to_string() }))
        .route("/head", get(|request: Request| async move { request.headers().len().to_string() }));
    let (drain, draining) = watch::channel(false);
    let serving = tokio::spawn(listener.serve(router, draining, Duration::from_secs(5)));
    Stage { address, counters, drain, serving, waits, go_on }
}

impl Stage {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// Sends a request and reads the answer, head and body.
async fn ask<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, request: &[u8]) -> std::io::Result<String> {
    stream.write_all(request).await?;
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\n") {
        text.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(text.clone()).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await?;
    Ok(head + std::str::from_utf8(&body).unwrap())
}

/// What comes until the other side closes.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // That there was something left to read on the other side is as good an end as any.
    let _ = stream.read_to_end(&mut text).await;
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn requests_are_answered_and_know_their_peer() {
    let stage = stage(&ConnectionLimits::default(), None);
    let mut stream = stage.connect().await;
    for _ in 0..2 {
        let answer = ask(&mut stream, HELLO).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("true false"), "{answer}");
    }
    assert_eq!(stage.counters.accepted(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_ends_and_so_does_idleness() {
    let stage = stage(&ConnectionLimits::default(), None);
    for sent in [&HELLO[..20], b"", HELLO] {
        let mut stream = stage.connect().await;
        stream.write_all(sent).await.unwrap();
        let began = Instant::now();
        let answer = rest(&mut stream).await;
        assert_eq!(answer.contains("200 OK"), sent == HELLO, "{answer}");
        assert_eq!(began.elapsed().as_secs(), 10);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_ends() {
    let stage = stage(&ConnectionLimits::default(), None);
    let mut stream = stage.connect().await;
    let began = Instant::now();
    stream.write_all(b"POST /body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nsome of it").await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn a_whole_body_arrives() {
    let stage = stage(&ConnectionLimits::default(), None);
    let mut stream = stage.connect().await;
    let chunked =
        b"POST /body HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    for _ in 0..2 {
        assert!(ask(&mut stream, chunked).await.unwrap().ends_with("\r\n\r\n5"));
    }
}

#[tokio::test]
async fn heads_have_a_limit() {
    let stage = stage(&ConnectionLimits::default(), None);
    let with = |bytes: usize| format!("GET /head HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(bytes));
    let mut stream = stage.connect().await;
    assert!(ask(&mut stream, with(15 << 10).as_bytes()).await.unwrap().starts_with("HTTP/1.1 200 "));
    stream.write_all(with(17 << 10).as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");

    let many = format!("GET /head HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(101));
    let mut stream = stage.connect().await;
    stream.write_all(many.as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[tokio::test]
async fn there_are_only_so_many_connections() {
    let stage = stage(&ConnectionLimits { connections: 2, ..ConnectionLimits::default() }, None);
    let (mut first, mut second) = (stage.connect().await, stage.connect().await);
    assert!(ask(&mut first, HELLO).await.is_ok() && ask(&mut second, HELLO).await.is_ok());
    for turned_away in 1..4 {
        assert!(ask(&mut stage.connect().await, HELLO).await.is_err());
        assert_eq!(stage.counters.turned_away(), turned_away);
    }
    assert!(ask(&mut first, HELLO).await.is_ok(), "those who are there stay");
    drop(second);
    let again = async {
        while ask(&mut stage.connect().await, HELLO).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), again).await.expect("the place is never free again");
}

#[tokio::test]
async fn a_port_that_is_taken_is_told() {
    let stage = stage(&ConnectionLimits::default(), None);
    let server = ServerConfig { port: stage.address.port(), ..ServerConfig::default() };
    let error = Listener::bind(&server, &ConnectionLimits::default(), None).unwrap_err();
    let expected = format!(
        "cannot listen on {}: the port is in use; stop what listens there, or choose another with --port",
        stage.address
    );
    assert_eq!(error.to_string(), expected);
    let server = ServerConfig { host: [192, 0, 2, 1].into(), port: 0, ..ServerConfig::default() };
    let error = Listener::bind(&server, &ConnectionLimits::default(), None).unwrap_err();
    assert!(error.to_string().ends_with("is not one of this machine, choose another with --host"), "{error}");
}

#[tokio::test]
async fn draining_answers_what_has_begun_and_takes_nothing_new() {
    let stage = stage(&ConnectionLimits::default(), None);
    let (mut idle, mut busy) = (stage.connect().await, stage.connect().await);
    assert!(ask(&mut idle, HELLO).await.is_ok());
    let asked = tokio::spawn(async move { ask(&mut busy, b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n").await });
    stage.waits.notified().await;
    stage.drain.send(true).unwrap();
    assert_eq!(rest(&mut idle).await, "", "what is idle is closed");
    assert!(TcpStream::connect(stage.address).await.is_err(), "the port is free");
    assert!(!stage.serving.is_finished());
    stage.go_on.notify_one();
    let answer = asked.await.unwrap().unwrap();
    assert!(answer.ends_with("waited") && answer.contains("connection: close"), "{answer}");
    stage.serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn draining_has_an_end() {
    let stage = stage(&ConnectionLimits::default(), None);
    let mut busy = stage.connect().await;
    busy.write_all(b"GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    stage.waits.notified().await;
    let began = Instant::now();
    stage.drain.send(true).unwrap();
    stage.serving.await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 5);
    assert_eq!(rest(&mut busy).await, "");
}

#[tokio::test]
async fn draining_begins_when_nobody_can_say_so_any_more() {
    let Stage { drain, serving, .. } = stage(&ConnectionLimits::default(), None);
    drop(drain);
    serving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_is_given_up() {
    let limits = ConnectionLimits { write_stall: Duration::from_secs(7), ..ConnectionLimits::default() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let places = Arc::new(Semaphore::new(1));
    let place = Arc::clone(&places).try_acquire_owned().unwrap();
    let mut connection = super::Connection::tcp(stream, limits.write_stall, place);
    let error = loop {
        let began = Instant::now();
        if let Err(error) = connection.write_all(&[0; 1 << 20]).await {
            assert_eq!(began.elapsed().as_secs(), 7);
            break error;
        }
    };
    assert_eq!(error.to_string(), "the peer took nothing of what was written to it for 7 s");
    assert_eq!(places.available_permits(), 0);
    drop(connection);
    assert_eq!(places.available_permits(), 1);
}

/// What a peer of this address is answered by a server that serves only its own machine.
async fn answer_of_local(peer: &str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let terms = Terms {
        router: Router::new().route("/", get(|| async { "served" })),
        tls: None,
        is_local: true,
        stall: Duration::from_secs(5),
        patience: Duration::from_secs(5),
        counters: Arc::default(),
    };
    let peer = Peer { address: peer.parse().unwrap(), is_loopback: false, is_tls: false };
    let ((here, _), (_drain, draining)) = (mpsc::channel(1), watch::channel(false));
    let conversation = Conversation { terms: Arc::new(terms), peer, here, drain: draining };
    tokio::spawn(conversation.hold(stream, Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap()));
    ask(&mut client, HELLO).await.unwrap()
}

#[tokio::test]
async fn a_local_server_serves_only_its_own_machine() {
    for near in ["127.0.0.1:40000", "127.9.9.9:40000", "[::1]:40000"] {
        assert!(answer_of_local(near).await.ends_with("served"), "{near}");
    }
    for far in ["192.0.2.7:40000", "10.0.0.1:40000", "[2001:db8::1]:40000"] {
        let answer = answer_of_local(far).await;
        assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("only its own machine"), "{far}: {answer}");
    }
}
