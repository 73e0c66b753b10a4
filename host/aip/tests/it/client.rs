//! The client against a server that does what the test says, over real sockets.
#![allow(clippy::result_large_err, reason = "the type of the library's callback")]

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hangar_aip::binary::{Announcement, Outgoing};
use hangar_aip::client::{Backoff, Client, ClientError, Event, Identity, Options, TaskOrder, TaskUpdate};
use hangar_aip::{
    Assignment, ClientMessage, ClientType, Command, CommandResult, Commands, DeviceInfo, DeviceInfoAnswer, Id, Json,
    Outcome, Platform, Refusal, ResultStatus, ServerError, ServerHeartbeat, ServerMessage, ServerTaskEnd, Stamp,
    TaskStatus, ToolType,
};
use rustls::RootCertStore;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_async, accept_hdr_async};

/// Nothing here takes long; what takes this long is not going to happen.
const PATIENCE: Duration = Duration::from_secs(20);

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

fn device() -> Identity {
    let info = DeviceInfo::of_this_machine(&id("dev"));
    Identity::device(id("dev"), Platform::new("linux").unwrap(), Some(&info)).unwrap()
}

fn constellation() -> Identity {
    Identity::constellation("nightly", id("dev")).unwrap()
}

fn options(client_type: ClientType) -> Options {
    let mut options = Options::of(client_type);
    options.backoff = Backoff { first: Duration::from_millis(20), ..Backoff::default() };
    options
}

async fn within<T>(what: impl Future<Output = T>) -> T {
    timeout(PATIENCE, what).await.expect("it takes too long")
}

struct Server {
    listener: TcpListener,
    url: String,
}

impl Server {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/ws?token=SECRET", listener.local_addr().unwrap());
        Self { listener, url }
    }

    async fn accept(&self) -> Peer {
        let (stream, _) = within(self.listener.accept()).await.unwrap();
        Peer(within(accept_async(stream)).await.unwrap())
    }

    /// Takes a connection and its registration.
    async fn registered(&self) -> Peer {
        let mut peer = self.accept().await;
        assert!(matches!(peer.hear().await, ClientMessage::Register(_)));
        peer.say(ServerMessage::Heartbeat(ServerHeartbeat::default())).await;
        peer
    }

    /// A client that is registered, and the server's side of it.
    async fn client(&self, identity: Identity) -> (Client, Peer) {
        let options = options(identity.client_type());
        self.client_with(identity, options).await
    }

    async fn client_with(&self, identity: Identity, options: Options) -> (Client, Peer) {
        let (client, peer) = tokio::join!(Client::connect_with(&self.url, identity, options), self.registered());
        (client.unwrap(), peer)
    }
}

struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    async fn say(&mut self, message: ServerMessage) {
        self.0.send(Message::from(message.write(&Stamp::now()))).await.unwrap();
    }

    async fn frame(&mut self) -> Message {
        loop {
            match within(self.0.next()).await.expect("the client is gone").unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                frame => return frame,
            }
        }
    }

    async fn hear(&mut self) -> ClientMessage {
        self.hear_raw().await.0
    }

    async fn hear_raw(&mut self) -> (ClientMessage, Value) {
        let frame = self.frame().await.into_text().unwrap();
        (ClientMessage::read(frame.as_bytes()).unwrap(), serde_json::from_str(&frame).unwrap())
    }
}

async fn event(client: &mut Client) -> Event {
    within(client.next()).await.expect("the client has given up")
}

fn commands(response_id: &str) -> ServerMessage {
    ServerMessage::Commands(Commands {
        response_id: id(response_id),
        session_id: id("S"),
        status: TaskStatus::Continue,
        agent_name: "LinuxAgent".into(),
        process_name: None,
        root_name: None,
        task_name: None,
        actions: vec![Command {
            tool_name: "t".into(),
            tool_type: ToolType::Action,
            parameters: None,
            call_id: Some(id("c")),
        }],
    })
}

fn result() -> CommandResult {
    let status = ResultStatus::Success;
    CommandResult { status, result: Some(Json::text("done")), error: None, namespace: None, call_id: Some(id("c")) }
}

/// Clients that are out there send every key, nulls included.
fn has_all_keys(frame: &Value) {
    const KEYS: &str = "type status client_type client_id target_id session_id task_name request action_results \
        request_id prev_response_id error metadata timestamp";
    let mut expected: Vec<_> = KEYS.split_whitespace().collect();
    let mut found: Vec<_> = frame.as_object().unwrap().keys().map(String::as_str).collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_device_registers_takes_up_a_task_and_answers() {
    let server = Server::new().await;
    let (client, mut peer) =
        tokio::join!(Client::connect_with(&server.url, device(), options(ClientType::Device)), async {
            let mut peer = server.accept().await;
            let (message, raw) = peer.hear_raw().await;
            has_all_keys(&raw);
            let ClientMessage::Register(register) = message else { panic!("{message:?}") };
            assert_eq!((register.client_id, register.client_type), (id("dev"), ClientType::Device));
            assert_eq!(register.platform, Platform::new("linux"));
            assert!(register.system_info.is_some());
            peer.say(ServerMessage::Heartbeat(ServerHeartbeat::default())).await;
            peer
        });
    let mut client = client.unwrap();

    let (request, task_name, session_id) = ("$ uname".to_owned(), Some("n1".to_owned()), Some(id("S0")));
    peer.say(ServerMessage::Task(Assignment { request, task_name, session_id })).await;
    assert!(matches!(event(&mut client).await, Event::Assigned(task) if task.request == "$ uname"));
    let (message, raw) = peer.hear_raw().await;
    has_all_keys(&raw);
    let ClientMessage::Task(task) = message else { panic!("{message:?}") };
    assert_eq!(
        (task.request.as_str(), task.task_name.as_deref(), task.session_id.clone()),
        ("$ uname", Some("n1"), None)
    );
    assert_eq!(task.platform(), Platform::new("linux"));
    assert!(task.request_id.is_some() && task.target_id.is_none());

    peer.say(commands("R1")).await;
    let Event::Commands(received) = event(&mut client).await else { panic!() };
    assert_eq!(received.commands().actions.len(), 1);
    let (answered, (message, raw)) = tokio::join!(received.answer(vec![result()]), peer.hear_raw());
    answered.unwrap();
    has_all_keys(&raw);
    let ClientMessage::CommandResults(results) = message else { panic!("{message:?}") };
    assert_eq!((results.prev_response_id, results.session_id), (id("R1"), id("S")));
    assert_eq!((results.status, results.results), (TaskStatus::Continue, vec![result()]));

    // What is not understood, and what is not for devices, changes nothing.
    for odd in ["{", r#"{"type":"news"}"#, r#"{"type":"device_info_request","status":"ok"}"#] {
        peer.0.send(Message::from(odd)).await.unwrap();
    }
    peer.say(ServerMessage::error("oh")).await;
    assert!(matches!(event(&mut client).await, Event::Error(text) if text == "oh"));

    client.handle().update_info(&DeviceInfo::of_this_machine(&id("dev"))).await.unwrap();
    assert!(matches!(peer.hear().await, ClientMessage::DeviceInfoResponse(_)));
    assert_eq!(client.handle().device_info(&id("other")).await, Err(ClientError::NotForDevices));
}

#[tokio::test]
async fn a_constellation_asks_and_has_tasks_done() {
    let server = Server::new().await;
    let (mut client, mut peer) = server.client(constellation()).await;
    let (message, raw) = peer.hear_raw().await;
    has_all_keys(&raw);
    assert!(matches!(message, ClientMessage::Heartbeat(_)), "the first heartbeat comes at once");
    assert_eq!((&raw["client_type"], &raw["client_id"]), (&"constellation".into(), &"nightly@dev".into()));
    assert_eq!(raw["metadata"], serde_json::json!({"device_id": "dev"}));

    let handle = client.handle().clone();
    let device = id("dev");
    let answer = async |peer: &mut Peer, info| {
        let ClientMessage::DeviceInfoRequest(request) = peer.hear().await else { panic!() };
        assert_eq!(request.target_id, Some(id("dev")));
        let response_id = request.request_id.unwrap();
        peer.say(ServerMessage::DeviceInfo(DeviceInfoAnswer { response_id, info })).await;
    };
    let known = Json::parse(r#"{"cpu_count":8,"tags":["a"]}"#.into()).unwrap();
    let (info, ()) = tokio::join!(handle.device_info(&device), answer(&mut peer, Ok(known)));
    assert_eq!(info.unwrap().cpu_count, Some(8));
    let (info, ()) = tokio::join!(handle.device_info(&device), answer(&mut peer, Err("gone".into())));
    assert_eq!(info, Err(ClientError::Declined("gone".into())));
    let (info, ()) = tokio::join!(handle.device_info(&device), async {
        peer.hear().await;
        peer.say(ServerMessage::error(Refusal::DeviceInfoOutOfScope.to_string())).await;
    });
    assert!(matches!(info, Err(ClientError::Declined(_))));
    assert!(matches!(event(&mut client).await, Event::Error(_)));

    let order = TaskOrder { session_id: Some(id("nightly@t1")), ..TaskOrder::new("r") };
    let mut task = handle.task(order.clone()).await.unwrap();
    assert!(matches!(handle.task(order.clone()).await, Err(ClientError::SessionInUse(_))));
    let (message, raw) = peer.hear_raw().await;
    has_all_keys(&raw);
    let ClientMessage::Task(request) = message else { panic!() };
    assert_eq!((request.target_id, request.session_id), (Some(id("dev")), Some(id("nightly@t1"))));
    peer.say(ServerMessage::Heartbeat(ServerHeartbeat { session_id: Some(id("nightly@t1")) })).await;
    assert_eq!(within(task.next()).await, Some(TaskUpdate::Accepted));
    // A refusal of something else under its name does not end what runs.
    let error = "session_id 'nightly@t1' is already running".to_owned();
    peer.say(ServerMessage::Error(ServerError { error, session_id: Some(id("nightly@t1")) })).await;
    let outcome = Outcome::Completed { result: Some(Json::text("ok")) };
    let end = ServerTaskEnd { session_id: id("nightly@t1"), outcome: outcome.clone() };
    peer.say(ServerMessage::TaskEnd(end.clone())).await;
    assert_eq!(within(task.next()).await, Some(TaskUpdate::Ended(outcome.clone())));
    assert_eq!(within(task.next()).await, None);
    assert!(matches!(event(&mut client).await, Event::Error(_)));
    // A second end is nobody's, and its name is free again.
    peer.say(ServerMessage::TaskEnd(end)).await;
    assert!(matches!(event(&mut client).await, Event::Ended(_)));
    let again = handle.task(order.clone()).await.unwrap();
    drop(task);
    peer.hear().await;
    let error = ServerError { error: "Empty task content".into(), session_id: Some(id("nightly@t1")) };
    peer.say(ServerMessage::Error(error)).await;
    assert_eq!(again.end(PATIENCE).await, Err(ClientError::Declined("Empty task content".into())));
    // Who does not listen to a task can ask for it again.
    drop(handle.task(order.clone()).await.unwrap());
    let late = handle.task(order).await.unwrap();
    assert!(matches!(late.end(Duration::from_millis(20)).await, Err(ClientError::Timeout { .. })));
}

#[tokio::test]
async fn registrations_that_fail() {
    let server = Server::new().await;
    let connect = || Client::connect_with(&server.url, device(), options(ClientType::Device));
    for (answer, text) in [
        (ServerMessage::error("no").write(&Stamp::now()), "the server refuses the registration: no"),
        (commands("R").write(&Stamp::now()), "the server refuses the registration: it answered with command"),
        (
            "x".into(),
            "the server refuses the registration: its answer is not understood: Invalid JSON: expected value at line 1 column 1",
        ),
    ] {
        let (refused, ()) = tokio::join!(connect(), async {
            let mut peer = server.accept().await;
            peer.hear().await;
            peer.0.send(Message::from(answer)).await.unwrap();
            while peer.0.next().await.is_some_and(|frame| frame.is_ok()) {}
        });
        assert_eq!(refused.unwrap_err().to_string(), text);
    }
    let (refused, ()) = tokio::join!(connect(), async {
        let (stream, _) = server.listener.accept().await.unwrap();
        let refuse = |request: &Request, _: Response| {
            assert_eq!(request.uri().query(), Some("token=SECRET"));
            let mut response = ErrorResponse::new(None);
            *response.status_mut() = 403.try_into().unwrap();
            Err(response)
        };
        let refused = accept_hdr_async(stream, refuse).await;
        assert!(refused.is_err());
    });
    let error = refused.unwrap_err();
    assert!(
        matches!(error, ClientError::Denied { status: 403, .. }) && !error.to_string().contains("SECRET"),
        "{error}"
    );
    let (lost, ()) = tokio::join!(connect(), async { drop(server.accept().await) });
    assert!(matches!(lost, Err(ClientError::Lost { .. })));
    let mut impatient = options(ClientType::Device);
    impatient.registration = Duration::from_millis(20);
    let (late, _peer) = tokio::join!(Client::connect_with(&server.url, device(), impatient), server.accept());
    assert!(matches!(late, Err(ClientError::Timeout { .. })));
    for url in ["http://localhost/ws", "localhost:5000", "ws://", "\u{0}"] {
        let error = Client::connect(url, device()).await.unwrap_err();
        assert!(matches!(error, ClientError::Url { .. }), "{url}: {error}");
    }
    drop(server.listener);
    let error = Client::connect(&server.url, device()).await.unwrap_err();
    assert!(matches!(&error, ClientError::Connect { .. }) && !error.to_string().contains("SECRET"), "{error}");
}

#[tokio::test]
async fn a_key_goes_into_a_header() {
    let server = Server::new().await;
    let mut with_key = options(ClientType::Device);
    with_key.key = Some("KEY".into());
    assert!(!format!("{with_key:?}").contains("KEY"));
    let (client, ()) = tokio::join!(Client::connect_with(&server.url, device(), with_key), async {
        let (stream, _) = server.listener.accept().await.unwrap();
        let see = |request: &Request, response: Response| {
            assert_eq!(request.headers()["authorization"], "Bearer KEY");
            Ok(response)
        };
        drop(accept_hdr_async(stream, see).await.unwrap());
    });
    assert!(client.is_err());
}

/// What was asked for over a connection is lost with it; what comes after goes over the next one.
#[tokio::test]
async fn lost_and_back() {
    let server = Server::new().await;
    let (mut client, mut peer) = server.client(device()).await;
    let handle = client.handle().clone();
    let task = handle.task(TaskOrder::new("r")).await.unwrap();
    peer.say(commands("R1")).await;
    let Event::Commands(received) = event(&mut client).await else { panic!() };
    drop(peer);
    assert!(matches!(task.end(PATIENCE).await, Err(ClientError::Lost { .. })));
    assert!(matches!(event(&mut client).await, Event::Lost { again_in: Some(_), .. }));
    assert!(matches!(handle.task(TaskOrder::new("meanwhile")).await, Err(ClientError::Away)));
    // The server refuses once: it is tried again.
    let mut refusing = server.accept().await;
    refusing.hear().await;
    refusing.say(ServerMessage::error(Refusal::DuplicateClientId(id("dev")).to_string())).await;
    assert!(matches!(event(&mut client).await, Event::Lost { why: ClientError::Refused { .. }, again_in: Some(_) }));
    let mut peer = server.registered().await;
    assert!(matches!(event(&mut client).await, Event::Back));
    // The answer to what came over the old connection does not go over the new one.
    assert_eq!(received.answer(vec![result()]).await, Err(ClientError::Away));
    peer.say(commands("R2")).await;
    let Event::Commands(received) = event(&mut client).await else { panic!() };
    received.answer(vec![result()]).await.unwrap();
    let ClientMessage::CommandResults(results) = peer.hear().await else { panic!() };
    assert_eq!(results.prev_response_id, id("R2"));
}

#[tokio::test]
async fn gives_up_when_told_to_or_when_denied() {
    let server = Server::new().await;
    let mut few = options(ClientType::Device);
    few.backoff.attempts = Some(2);
    let (mut client, peer) = server.client_with(device(), few).await;
    drop(peer);
    assert!(matches!(event(&mut client).await, Event::Lost { again_in: Some(_), .. }));
    drop(server.accept().await);
    assert!(matches!(event(&mut client).await, Event::Lost { again_in: Some(_), .. }));
    drop(server.accept().await);
    assert!(matches!(event(&mut client).await, Event::Lost { again_in: None, .. }));
    assert!(within(client.next()).await.is_none());
    assert!(matches!(client.handle().task(TaskOrder::new("r")).await, Err(ClientError::Closed)));
    client.close().await;
}

/// A server that is there but says nothing more, not even to a ping, is gone.
#[tokio::test]
async fn silence_is_loss() {
    let server = Server::new().await;
    let mut quick = options(ClientType::Device);
    (quick.ping, quick.silence) = (Duration::from_millis(50), Duration::from_millis(1_500));
    let (mut client, mut peer) = server.client_with(device(), quick).await;
    // As long as it answers pings it is there.
    let answering = async {
        loop {
            peer.0.next().await.unwrap().unwrap();
        }
    };
    assert!(
        timeout(Duration::from_millis(2_500), async {
            tokio::select! { event = client.next() => event, () = answering => None }
        })
        .await
        .is_err()
    );
    let Event::Lost { why, .. } = event(&mut client).await else { panic!() };
    assert!(why.to_string().contains("nothing came"), "{why}");
}

/// The server is told, or it would wait for what cannot come.
#[tokio::test]
async fn results_that_are_too_large() {
    let server = Server::new().await;
    let (mut client, mut peer) = server.client(device()).await;
    peer.say(commands("R")).await;
    let Event::Commands(received) = event(&mut client).await else { panic!() };
    let large = Json::parse(format!("\"{}\"", "x".repeat(hangar_aip::limits::FRAME_BYTES))).unwrap();
    let result = CommandResult { result: Some(large), ..result() };
    let (answered, message) = tokio::join!(received.answer(vec![result]), peer.hear());
    assert!(matches!(answered, Err(ClientError::TooLarge { .. })));
    let ClientMessage::CommandResults(results) = message else { panic!() };
    assert_eq!((results.results[0].status, &results.results[0].call_id), (ResultStatus::Failure, &Some(id("c"))));
}

#[tokio::test]
async fn events_that_nobody_takes() {
    let server = Server::new().await;
    let mut small = options(ClientType::Device);
    small.events = 2;
    let (mut client, mut peer) = server.client_with(device(), small).await;
    for _ in 0..3 {
        peer.say(ServerMessage::error("again")).await;
    }
    // The connection goes; once the events are taken, the client hears why and comes back.
    while within(peer.0.next()).await.is_some_and(|frame| frame.is_ok()) {}
    assert!(matches!(event(&mut client).await, Event::Error(_)));
    assert!(matches!(event(&mut client).await, Event::Error(_)));
    assert!(matches!(event(&mut client).await, Event::Lost { .. }));
    server.registered().await;
    assert!(matches!(event(&mut client).await, Event::Back));
}

#[tokio::test]
async fn says_good_bye() {
    let server = Server::new().await;
    for dropped in [false, true] {
        let (client, mut peer) = server.client(device()).await;
        let task = client.handle().task(TaskOrder::new("last")).await.unwrap();
        let leaving = async {
            if dropped {
                drop((client, task));
            } else {
                client.close().await;
                assert!(matches!(task.end(PATIENCE).await, Err(ClientError::Closed)));
            }
        };
        let ((), ()) = tokio::join!(within(leaving), async {
            assert!(matches!(peer.hear().await, ClientMessage::Task(_)));
            assert!(matches!(peer.frame().await, Message::Close(_)));
            while peer.0.next().await.is_some_and(|frame| frame.is_ok()) {}
        });
    }
}

#[tokio::test]
async fn sends_files() {
    let server = Server::new().await;
    let (client, mut peer) = server.client(device()).await;
    let bytes = vec![7; 2_500_000];
    let file = Outgoing { filename: "a.bin", mime_type: None, session_id: Some(id("S")), bytes: &bytes };
    let small = Outgoing { bytes: &bytes[..10], ..file.clone() };
    let receive = async {
        let mut receiver = hangar_aip::binary::Receiver::new(hangar_aip::binary::TransferLimits::default());
        let mut sizes = Vec::new();
        while sizes.len() < 2 {
            let arrived = match peer.frame().await {
                Message::Binary(bytes) => receiver.binary(&bytes),
                frame => match ClientMessage::read(&frame.into_data()).unwrap() {
                    ClientMessage::Transfer(announcement) => {
                        assert!(!matches!(&announcement, Announcement::Start(start) if start.total_chunks != 3));
                        receiver.announcement(&announcement)
                    }
                    other => panic!("{other:?}"),
                },
            };
            match arrived.unwrap() {
                hangar_aip::binary::Arrived::Whole(done) | hangar_aip::binary::Arrived::File(done) => {
                    sizes.push(done.size);
                }
                _ => {}
            }
        }
        sizes
    };
    let handle = client.handle();
    let sending = async {
        handle.send_file(&file).await.unwrap();
        handle.send_file(&small).await.unwrap();
    };
    let (sizes, ()) = tokio::join!(receive, sending);
    assert_eq!(sizes, [2_500_000, 10]);
}

/// Over TLS it trusts those that it is told to, and nobody else.
#[tokio::test]
async fn over_tls() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let provider = || Arc::new(rustls::crypto::ring::default_provider());
    let acceptor = TlsAcceptor::from(Arc::new(
        rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], made.signing_key.serialize_der().try_into().unwrap())
            .unwrap(),
    ));
    let listener = TcpListener::bind("localhost:0").await.unwrap();
    let url = format!("wss://localhost:{}/ws", listener.local_addr().unwrap().port());
    let trusting = |roots: RootCertStore| {
        let config = rustls::ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let mut options = options(ClientType::Device);
        options.tls = Some(Arc::new(config.unwrap().with_root_certificates(roots).with_no_client_auth()));
        options
    };
    let accept = async || acceptor.accept(listener.accept().await.unwrap().0).await;

    let (refused, _) = tokio::join!(Client::connect_with(&url, device(), trusting(RootCertStore::empty())), accept());
    assert!(matches!(refused, Err(ClientError::Connect { .. })));
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let (client, peer) = tokio::join!(Client::connect_with(&url, device(), trusting(roots)), async {
        let mut peer = accept_async(accept().await.unwrap()).await.unwrap();
        peer.next().await.unwrap().unwrap();
        let answer = ServerMessage::Heartbeat(ServerHeartbeat::default()).write(&Stamp::now());
        peer.send(Message::from(answer)).await.unwrap();
        peer
    });
    assert!(client.is_ok());
    drop(peer);
}
