//! Every text that a server refuses something with, letter by letter. The numbers are those of the specification.

use hangar_aip::limits::{ERROR_BYTES, FRAME_BYTES, ITEMS, METADATA_BYTES, NESTING, REQUEST_BYTES};
use hangar_aip::{ClientKind, ClientMessage, ClientType, Id, Platform, Refusal, Register, Registered};
use serde_json::{Value, json};

fn id(text: &str) -> Id {
    Id::new(text).unwrap()
}

/// 3.3, 3.6, 3.8, 4.2
#[test]
fn texts() {
    let table = [
        (Refusal::NotRegisterFirst, "First message must be a registration message"),
        (Refusal::RegistrationTargetAbsent(id("d")), "Target device 'd' is not connected"),
        (
            Refusal::DuplicateClientId(id("c")),
            "client_id 'c' is already registered; duplicate registrations are not allowed",
        ),
        (Refusal::ClientIdMismatch, "client_id does not match the registered connection"),
        (Refusal::ClientTypeMismatch, "client_type does not match the registered connection"),
        (Refusal::AlreadyRegistered, "Connection is already registered"),
        (Refusal::NotRegistered, "Connection is not registered; refusing privileged message"),
        (Refusal::DeviceInfoForConstellations, "DEVICE_INFO_REQUEST is permitted only for constellation clients"),
        (Refusal::DeviceInfoOutOfScope, "Not authorized to request device info for this device"),
        (Refusal::NoTarget, "Constellation task requests require target_id"),
        (Refusal::TargetAbsent(id("d")), "Target device 'd' is not connected"),
        (Refusal::TargetNotADevice, "Constellation tasks may only target device clients"),
        (Refusal::DeviceTargetsOther, "Device clients may not target other devices"),
        (Refusal::SessionOwned(id("s")), "session_id 's' is owned by another client"),
        (Refusal::SessionRunning(id("s")), "session_id 's' is already running"),
        (Refusal::UnsupportedPlatform(Platform::new("plan9").unwrap()), "Service session not supported on plan9"),
        (Refusal::EmptyTask, "Empty task content"),
    ];
    for (refusal, text) in table {
        assert_eq!(refusal.to_string(), text);
    }
}

/// 1.4, 3.3: what is refused at first closes the connection.
#[test]
fn first_frames() {
    let first = |frame: &str| Register::read_first(frame.as_bytes());
    let text = |frame: &str| {
        let refusal = first(frame).unwrap_err();
        assert_eq!(refusal.close_code(), Some(1008), "{frame}");
        refusal.to_string()
    };
    assert_eq!(first(r#"{"type":"register","client_id":"a"}"#).unwrap().client_id, "a");
    assert_eq!(text(r#"{"type":"heartbeat"}"#), "First message must be a registration message");
    assert_eq!(text(r#"{"type":"ping"}"#), "First message must be a registration message");
    // Not even whole, but no registration either.
    assert_eq!(text(r#"{"type":"command_results"}"#), "First message must be a registration message");
    assert_eq!(text(r#"{"type":"register"}"#), "Client ID is required for WebSocket registration");
    assert_eq!(text(r#"{"type":"register","client_id":""}"#), "Client ID is required for WebSocket registration");
    assert!(text("{").starts_with("Invalid JSON: "));
    assert_eq!(text("[]"), "The message must be a JSON object");
}

/// 3.6: later ones never do.
#[test]
fn later_frames() {
    let registered = Registered { client_id: id("me"), client_type: ClientType::Device };
    let text = |frame: Value| {
        let refusal = registered.read(frame.to_string().as_bytes()).unwrap_err();
        assert_eq!(refusal.close_code(), None, "{frame}");
        refusal.to_string()
    };
    assert_eq!(text(json!({"type": "ping"})), "Unknown message type: ping");
    assert_eq!(text(json!({"type": "task", "client_id": "you"})), Refusal::ClientIdMismatch.to_string());
    let other = json!({"type": "task", "client_type": "constellation", "client_id": "me"});
    assert_eq!(text(other), Refusal::ClientTypeMismatch.to_string());
    assert_eq!(text(json!({"type": "heartbeat", "client_id": "you"})), Refusal::ClientIdMismatch.to_string());
    assert_eq!(text(json!({"type": "register", "client_id": "me"})), "Connection is already registered");
    assert_eq!(
        text(json!({"type": "command_results", "session_id": "S"})),
        "prev_response_id is required in COMMAND_RESULTS"
    );
    // 3.5: a constellation whose heartbeats say device.
    let constellation = Registered { client_id: id("me"), client_type: ClientType::Constellation };
    let heartbeat = br#"{"type":"heartbeat","client_type":"device","client_id":"me"}"#;
    assert_eq!(constellation.read(heartbeat).unwrap().kind(), ClientKind::Heartbeat);
    assert!(registered.read(br#"{"type":"task","client_id":"","client_type":null}"#).is_ok());
}

/// 4.2: who would wait for the end of a task is told of it.
#[test]
fn ends_of_refused_tasks() {
    let registered = Registered { client_id: id("me"), client_type: ClientType::Constellation };
    let long = json!({"type": "task", "session_id": "S", "request": "x".repeat(REQUEST_BYTES + 1)}).to_string();
    let refusal = registered.read(long.as_bytes()).unwrap_err();
    assert!(refusal.ends_task());
    assert!(matches!(refusal, Refusal::Unreadable(error) if error.session_id.clone().unwrap() == "S"));
    assert!(Refusal::EmptyTask.ends_task() && Refusal::TargetAbsent(id("d")).ends_task());
    for security in [Refusal::SessionOwned(id("s")), Refusal::SessionRunning(id("s")), Refusal::ClientIdMismatch] {
        assert!(!security.ends_task(), "{security}");
    }
}

#[test]
fn limits() {
    let text = |frame: &str| ClientMessage::read(frame.as_bytes()).unwrap_err().to_string();
    assert_eq!(text(&" ".repeat(FRAME_BYTES + 1)), "The message has 104857601 bytes; 104857600 are allowed");
    let deep = |depth: usize| {
        let nested = "[".repeat(depth) + &"]".repeat(depth);
        format!(r#"{{"type":"heartbeat","x":{nested}}}"#)
    };
    assert!(ClientMessage::read(deep(NESTING - 1).as_bytes()).is_ok());
    assert_eq!(text(&deep(NESTING)), "The message is nested too deeply; 127 levels are allowed");
    assert_eq!(text(&"[".repeat(FRAME_BYTES)), "The message is nested too deeply; 127 levels are allowed");
    let items = |count| {
        let items = vec![json!({}); count];
        json!({"type": "result", "session_id": "S", "prev_response_id": "R", "results": items}).to_string()
    };
    assert!(ClientMessage::read(items(ITEMS).as_bytes()).is_ok());
    assert_eq!(text(&items(ITEMS + 1)), "action_results has 1001 elements; 1000 are allowed");
    let heavy = json!({"type": "register", "client_id": "a", "metadata": {"x": "x".repeat(METADATA_BYTES)}});
    assert!(text(&heavy.to_string()).starts_with("metadata has "));
    // What went wrong is cut, not refused.
    let long = json!({"type": "error", "error": "ü".repeat(ERROR_BYTES)}).to_string();
    let Ok(ClientMessage::Error(error)) = ClientMessage::read(long.as_bytes()) else { panic!() };
    assert!(error.error.len() <= ERROR_BYTES && error.error.ends_with('…'));
}
