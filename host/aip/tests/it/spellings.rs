//! Every spelling that is accepted. The numbers are those of the protocol's specification.

use hangar_aip::read::peek;
use hangar_aip::{
    ClientKind, ClientMessage, ClientType, CommandResults, DeviceInfo, Flaw, Json, Outcome, Platform, Register,
    ResultStatus, ServerKind, ServerMessage, TaskRequest, TaskStatus, ToolInfo, ToolType,
};
use serde_json::{Value, json};

fn client(frame: Value) -> ClientMessage {
    ClientMessage::read(frame.to_string().as_bytes()).unwrap_or_else(|error| panic!("{frame}: {error}"))
}

fn server(frame: Value) -> ServerMessage {
    ServerMessage::read(frame.to_string().as_bytes()).unwrap_or_else(|error| panic!("{frame}: {error}"))
}

fn flaw(frame: impl AsRef<[u8]>) -> Flaw {
    ClientMessage::read(frame.as_ref()).unwrap_err().flaw
}

fn register(frame: Value) -> Register {
    let mut whole = json!({"type": "register"});
    whole.as_object_mut().unwrap().extend(frame.as_object().unwrap().clone());
    match client(whole) {
        ClientMessage::Register(register) => register,
        other => panic!("{other:?}"),
    }
}

fn task(frame: Value) -> TaskRequest {
    match client(frame) {
        ClientMessage::Task(task) => task,
        other => panic!("{other:?}"),
    }
}

fn results(frame: Value) -> CommandResults {
    let mut whole = json!({"type": "command_results", "session_id": "S", "prev_response_id": "R"});
    whole.as_object_mut().unwrap().extend(frame.as_object().unwrap().clone());
    match client(whole) {
        ClientMessage::CommandResults(results) => results,
        other => panic!("{other:?}"),
    }
}

/// 2.6.1
#[test]
fn frames() {
    let heartbeat = br#"{"type":"heartbeat"}"#;
    for before in ["", "\u{feff}", " \r\n\t", "\u{feff}\n "] {
        let frame = [before.as_bytes(), heartbeat, b" \n"].concat();
        assert_eq!(ClientMessage::read(&frame).unwrap().kind(), ClientKind::Heartbeat);
    }
    for other in ["[]", "[{\"type\":\"heartbeat\"}]", "null", "1", "-1", "1.5", "true", "\"heartbeat\""] {
        assert_eq!(flaw(other), Flaw::NotAnObject, "{other}");
    }
    for broken in ["", "{", "{\"type\":\"heartbeat\"", "{\"type\":\"heartbeat\"} {}", "hello", "{\"a\":tru}", "{a:1}"] {
        assert!(matches!(flaw(broken), Flaw::NotJson { .. }), "{broken}");
    }
    assert_eq!(flaw(b"{\"type\":\"\xff\"}"), Flaw::NotText { at: 9 });
}

/// 2.6.2
#[test]
fn envelopes() {
    let task = task(json!({"type": "task", "session_id": "outer",
        "payload": {"request": "r", "session_id": "inner", "task_name": "n", "type": "whatever", "payload": {"target_id": "x"}}}));
    assert_eq!((task.request.as_str(), task.session_id.unwrap().as_ref()), ("r", "outer"));
    assert_eq!((task.task_name.as_deref(), task.target_id), (Some("n"), None));
    // The type may stand inside, and the outer one wins under any name.
    assert_eq!(client(json!({"payload": {"type": "heartbeat"}})).kind(), ClientKind::Heartbeat);
    assert_eq!(client(json!({"message_type": "heartbeat", "payload": {"type": "task"}})).kind(), ClientKind::Heartbeat);
    // Null is as good as nothing; what is no object is none.
    assert_eq!(client(json!({"type": null, "payload": {"type": "heartbeat"}})).kind(), ClientKind::Heartbeat);
    for payload in [json!(null), json!([{"type": "x"}]), json!("text"), json!(1), json!(true), json!(-1), json!(0.5)] {
        assert_eq!(client(json!({"type": "heartbeat", "payload": payload})).kind(), ClientKind::Heartbeat);
    }
    let results = results(json!({"payload": {"results": [{"output": "o"}]}}));
    assert_eq!(results.results[0].result, Some(Json::text("o")));
}

/// 2.6.3, 2.6.4
#[test]
fn types() {
    for key in ["type", "message_type", "messageType", "msg_type"] {
        assert_eq!(client(json!({key: "heartbeat"})).kind(), ClientKind::Heartbeat, "{key}");
    }
    assert_eq!(client(json!({"message_type": "task", "type": "heartbeat"})).kind(), ClientKind::Heartbeat);
    assert_eq!(client(json!({"type": "heartbeat", "message_type": "task"})).kind(), ClientKind::Heartbeat);
    let table = [
        (ClientKind::Register, "register registration register_device device_register"),
        (ClientKind::Heartbeat, "heartbeat heart_beat heartbeat_ack keepalive"),
        (ClientKind::Task, "task task_request task_assignment"),
        (ClientKind::CommandResults, "command_results command_result results result"),
        (ClientKind::TaskEnd, "task_end task_result task_complete task_completed"),
        (ClientKind::DeviceInfoRequest, "device_info_request device_info"),
        (ClientKind::DeviceInfoResponse, "device_info_response"),
        (ClientKind::Error, "error"),
        (ClientKind::BinaryData, "binary_data"),
        (ClientKind::FileTransferStart, "file_transfer_start"),
        (ClientKind::FileTransferComplete, "file_transfer_complete"),
    ];
    for (kind, words) in table {
        for word in words.split(' ') {
            for spelling in ways_to_write(word) {
                assert_eq!(ClientKind::read(&spelling), Some(kind), "{spelling}");
            }
        }
    }
    for word in ["", "register_", "ping", "command", "REGISTER_AGENT", "Type.", "x.y::z"] {
        assert_eq!(ClientKind::read(word), None, "{word}");
    }
    assert_eq!(flaw(r#"{"type":" Pi\nng "}"#), Flaw::UnknownType { value: "Pi ng".into() });
    assert_eq!(flaw(r#"{"type":"Pi\nng"}"#).to_string(), "Unknown message type: Pi ng");
    assert!(flaw(json!({"type": "x".repeat(1 << 20)}).to_string()).to_string().len() < 100);
    assert_eq!(flaw(r#"{"type":7}"#).to_string(), "Unknown message type: 7");
    assert_eq!(flaw("{}"), Flaw::NoType);
    assert_eq!(flaw(r#"{"type":{}}"#).to_string(), "type must be a string");
}

/// 2.6.4, the side of clients
#[test]
fn types_of_servers() {
    let table = [
        (ServerKind::Heartbeat, "heartbeat heartbeat_ack register_confirm register_confirmation registration_ack"),
        (ServerKind::Task, "task task_assignment"),
        (ServerKind::Command, "command commands"),
        (ServerKind::TaskEnd, "task_end"),
        (ServerKind::DeviceInfoResponse, "device_info_response"),
        (ServerKind::DeviceInfoRequest, "device_info_request"),
        (ServerKind::Error, "error"),
    ];
    for (kind, words) in table {
        for spelling in words.split(' ').flat_map(ways_to_write) {
            assert_eq!(ServerKind::read(&spelling), Some(kind), "{spelling}");
        }
    }
    for status in ["ok", "success", "OK", "TaskStatus.COMPLETED"] {
        let message = server(json!({"type": "REGISTER_CONFIRM", "status": status}));
        assert_eq!(message.kind(), ServerKind::Heartbeat, "{status}");
    }
    // Clients go by the status.
    let refused = server(json!({"type": "heartbeat", "status": "failed", "error": "no"}));
    assert_eq!(refused, ServerMessage::error("no"));
}

fn ways_to_write(word: &str) -> Vec<String> {
    let upper = word.to_uppercase();
    vec![
        word.to_owned(),
        upper.clone(),
        format!("  {word}\n"),
        format!("ClientMessageType.{upper}"),
        format!("aip::messages::ClientMessageType::{upper}"),
        format!("aip.messages.ClientMessageType.{word}"),
        word.replace('_', "-"),
        word.replace('_', " "),
    ]
}

/// 2.6.5
#[test]
fn statuses() {
    for (kind, usual) in [("task_end", "completed"), ("command_results", "continue")] {
        let status = |said: Value| {
            let frame = json!({"type": kind, "status": said, "session_id": "S", "prev_response_id": "R"});
            match client(frame) {
                ClientMessage::CommandResults(results) => results.status,
                ClientMessage::TaskEnd(end) => end.outcome.status(),
                other => panic!("{other:?}"),
            }
        };
        for unsaid in [json!(null), json!("odd"), json!({}), json!([]), json!(7)] {
            assert_eq!(status(unsaid).as_str(), usual);
        }
        for word in ["success", "succeeded", "done", "finished", "COMPLETED", "TaskStatus.COMPLETED"] {
            assert_eq!(status(json!(word)), TaskStatus::Completed, "{word}");
        }
        for word in ["fail", "failure", "Failed"] {
            assert_eq!(status(json!(word)), TaskStatus::Failed, "{word}");
        }
    }
    for word in ["running", "in_progress", "pending", "in progress", "Continue"] {
        assert_eq!(results(json!({"status": word})).status, TaskStatus::Continue, "{word}");
    }
    // An end with an error is no success, and one that failed says why.
    let outcome = |frame: Value| match client(frame) {
        ClientMessage::TaskEnd(end) => end.outcome,
        other => panic!("{other:?}"),
    };
    let end = json!({"type": "task_end", "status": "completed", "session_id": "S", "error": "x", "result": 1});
    assert_eq!(outcome(end), Outcome::failed("x", Some(Json::of(&1).unwrap())));
    let end = json!({"type": "task_end", "status": "failed", "session_id": "S", "error": " "});
    assert!(!outcome(end).error().unwrap().trim().is_empty());
}

/// 2.6.6
#[test]
fn client_types() {
    for word in ["constellation", "Constellation", "ClientType.CONSTELLATION", "orchestrator", "ORCHESTRATOR"] {
        let register = register(json!({"client_id": "a", "client_type": word}));
        assert_eq!(register.client_type, ClientType::Constellation, "{word}");
    }
    let of_metadata = json!({"client_id": "a", "metadata": {"type": "constellation_client"}});
    assert_eq!(register(of_metadata).client_type, ClientType::Constellation);
    assert_eq!(register(json!({"client_id": "a"})).client_type, ClientType::Device);
    assert_eq!(register(json!({"client_id": "a", "client_type": "DEVICE"})).client_type, ClientType::Device);
    let unknown = flaw(json!({"type": "register", "client_id": "a", "client_type": "robot"}).to_string());
    assert_eq!(unknown.to_string(), r#"client_type must be "device" or "constellation", not "robot""#);
    // Later messages claim nothing where they say nothing.
    assert_eq!(client(json!({"type": "task"})).client_type(), None);
    assert_eq!(client(json!({"type": "heartbeat", "client_type": "robot"})).client_type(), None);
}

/// 2.6.7
#[test]
fn ids() {
    let device = |frame| register(frame).client_id;
    assert_eq!(device(json!({"client_id": "a", "device_id": "b", "agent_id": "c"})), "a");
    assert_eq!(device(json!({"client_id": null, "device_id": "b", "agent_id": "c"})), "b");
    assert_eq!(device(json!({"agent_id": "c"})), "c");
    let constellation = json!({"type": "register", "client_type": "constellation", "device_id": "b"});
    assert_eq!(flaw(constellation.to_string()), Flaw::NoClientId);
    for id in [json!(null), json!(""), json!("  ")] {
        assert_eq!(flaw(json!({"type": "register", "client_id": id}).to_string()), Flaw::NoClientId);
    }
    for key in ["target_id", "target_device", "target_device_id"] {
        assert_eq!(task(json!({"type": "task", key: "d"})).target_id.unwrap(), "d", "{key}");
    }
    for key in ["targeted_device_id", "device_id"] {
        let frame = json!({"client_id": "a", "client_type": "constellation", "metadata": {key: "d"}});
        assert_eq!(register(frame).target_id.unwrap(), "d", "{key}");
        let frame = json!({"type": "task", "metadata": {key: "d"}}).to_string();
        let read = |as_what| match ClientMessage::read_from(as_what, frame.as_bytes()) {
            Ok(ClientMessage::Task(task)) => task.target_id,
            other => panic!("{other:?}"),
        };
        assert_eq!(read(ClientType::Constellation).unwrap(), "d", "{key}");
        assert_eq!(read(ClientType::Device), None, "{key}");
    }
    let bad = flaw(json!({"type": "heartbeat", "client_id": "a\nb"}).to_string());
    assert_eq!(bad.to_string(), "client_id must not contain control characters");
    let long = flaw(json!({"type": "register", "client_id": "a".repeat(513)}).to_string());
    assert_eq!(long.to_string(), "client_id is longer than 512 bytes");
}

/// 2.6.8
#[test]
fn platforms() {
    let platform = |frame: Value| register(frame).platform.map(|platform| platform.to_string());
    let all =
        json!({"client_id": "a", "platform": "b", "metadata": {"platform": "Linux", "system_info": {"platform": "c"}}});
    assert_eq!(platform(all).as_deref(), Some("linux"));
    let second = json!({"client_id": "a", "platform": "WIN", "metadata": {"system_info": {"platform": "c"}}});
    assert_eq!(platform(second).as_deref(), Some("windows"));
    let third = json!({"client_id": "a", "metadata": {"system_info": {"platform": "Darwin"}}});
    assert_eq!(platform(third).as_deref(), Some("macos"), "the word that plugins have for it");
    let unknown = json!({"client_id": "a", "metadata": {"platform": "unknown", "system_info": {"platform": "linux"}}});
    assert_eq!(platform(unknown).as_deref(), Some("linux"));
    assert_eq!(platform(json!({"client_id": "a"})), None);
    assert_eq!(Platform::default().as_str(), "windows");
    for (said, meant) in [("win", "windows"), ("Win32", "windows"), ("Android", "mobile"), (" LINUX ", "linux")] {
        assert_eq!(Platform::new(said).unwrap().as_str(), meant);
    }
    assert_eq!(Platform::new(" \n"), None);
    assert_eq!(task(json!({"type": "task", "metadata": {"platform": "Win"}})).platform(), Some(Platform::default()));
}

/// 2.6.9
#[test]
fn system_information() {
    let info = |metadata: Value| register(json!({"client_id": "a", "metadata": metadata})).system_info;
    let inner = json!({"system_info": {"hostname": "h"}, "gpu": 1});
    assert_eq!(info(inner).unwrap().get(), r#"{"hostname":"h"}"#);
    for key in ["hostname", "os_version", "gpu", "cpu_count"] {
        let metadata = json!({key: "x", "platform": "linux"});
        assert_eq!(info(metadata.clone()).unwrap().get(), metadata.to_string(), "{key}");
    }
    // What every registration says is no information about the device.
    assert_eq!(info(json!({"platform": "linux", "registration_time": "t"})), None);
    assert_eq!(info(json!({"system_info": "none"})), None);
    assert_eq!(info(json!("text")), None);
    let constellation = json!({"client_id": "a", "client_type": "constellation", "metadata": {"gpu": 1}});
    assert_eq!(register(constellation).system_info, None);
    let odd =
        Json::of(&json!({"cpu_count": "many", "memory_total_gb": 8, "hostname": 7, "supported_features": ["a", 1, {}],
        "tags": null, "custom_metadata": {"a": 1}, "more": []}));
    let odd = DeviceInfo::read(&odd.unwrap());
    assert_eq!((odd.cpu_count, odd.memory_total_gb, odd.hostname.as_deref()), (None, Some(8.0), Some("7")));
    assert_eq!((odd.supported_features, odd.tags), (vec!["a".to_owned(), "1".to_owned()], vec![]));
    assert_eq!(DeviceInfo::read(&Json::text("x")), DeviceInfo::default());
}

/// 2.6.10
#[test]
fn requests_and_results() {
    assert_eq!(task(json!({"type": "task", "user_request": "r"})).request, "r");
    assert_eq!(task(json!({"type": "task", "user_request": "b", "request": "a"})).request, "a");
    assert_eq!(task(json!({"type": "task"})).request, "");
    let first = |frame| results(frame).results.remove(0);
    assert_eq!(first(json!({"results": [{}]})).status, ResultStatus::Success);
    assert_eq!(results(json!({"action_results": {"output": 1}})).results.len(), 1);
    assert_eq!(results(json!({"action_results": null, "results": [{}]})).results.len(), 1);
    assert_eq!(results(json!({"results": [{}, {}], "action_results": [{}]})).results.len(), 1);
    assert_eq!(results(json!({})).results.len(), 0);
    for (said, meant) in [
        ("ok", ResultStatus::Success),
        ("Completed", ResultStatus::Success),
        ("executed", ResultStatus::Success),
        ("ResultStatus.SUCCESS", ResultStatus::Success),
        ("failed", ResultStatus::Failure),
        ("ERROR", ResultStatus::Failure),
        ("failure", ResultStatus::Failure),
        ("skipped", ResultStatus::Skipped),
        ("none", ResultStatus::None),
    ] {
        assert_eq!(first(json!({"results": [{"status": said}]})).status, meant, "{said}");
    }
    assert_eq!(first(json!({"results": [{"error": "x"}]})).status, ResultStatus::Failure);
    assert_eq!(first(json!({"results": [{"error": ""}]})).status, ResultStatus::Success);
    for key in ["result", "output", "data"] {
        assert_eq!(first(json!({"results": [{key: [1]}]})).result.unwrap().get(), "[1]", "{key}");
    }
    let wrong = flaw(r#"{"type":"result","session_id":"S","prev_response_id":"R","results":[{},3]}"#);
    assert_eq!(wrong.to_string(), "action_results[1]: it must be an object");
    let wrong = flaw(r#"{"type":"result","session_id":"S","prev_response_id":"R","results":"x"}"#);
    assert_eq!(wrong.to_string(), "action_results must be a list of objects");
    // Nobody looks at results of something else.
    assert_eq!(client(json!({"type": "heartbeat", "results": "x", "actions": 3})).kind(), ClientKind::Heartbeat);
}

/// 2.6.11
#[test]
fn odd_values() {
    let message = results(
        json!({"session_id": 7, "prev_response_id": true, "request_id": 1.50, "timestamp": {"not": "looked at"},
        "unknown": [1, {"a": null}], "error": {"code": 5}}),
    );
    assert_eq!((message.session_id.as_ref(), message.prev_response_id.as_ref()), ("7", "true"));
    assert_eq!((message.request_id.unwrap().as_ref(), message.error.as_deref()), ("1.5", Some(r#"{"code":5}"#)));
    let exact = br#"{"type":"task","session_id":1.50e+3}"#;
    assert!(
        matches!(ClientMessage::read(exact), Ok(ClientMessage::Task(task)) if task.session_id.clone().unwrap() == "1.50e+3")
    );
    assert_eq!(flaw(r#"{"type":"task","session_id":[]}"#).to_string(), "session_id must be a string");
    // Half a surrogate pair, which Python writes for bytes that are no text.
    let half = br#"{"type":"error","error":"a\udce9b"}"#;
    assert!(matches!(ClientMessage::read(half), Ok(ClientMessage::Error(error)) if error.error.contains('\u{fffd}')));
}

#[test]
fn tools() {
    let list = json!([
        {"tool_key": "action::a", "tool_name": "a", "namespace": "N", "tool_type": "action", "input_schema": {"x": 1}},
        {"tool_key": "data_collection::b"},
        {"tool_name": "c", "tool_type": "ACTION", "title": null},
    ]);
    let tools = ToolInfo::read_list(&Json::of(&list).unwrap()).unwrap();
    let names: Vec<_> = tools.iter().map(|tool| (tool.tool_name.as_str(), tool.tool_type)).collect();
    assert_eq!(names, [("a", ToolType::Action), ("b", ToolType::DataCollection), ("c", ToolType::Action)]);
    assert_eq!(tools[2].tool_key, "action::c");
    let error = |list: Value| ToolInfo::read_list(&Json::of(&list).unwrap()).unwrap_err().to_string();
    assert_eq!(error(json!({})), "the tool inventory must be a list of tools");
    assert_eq!(error(json!([{"tool_name": "a"}])), "tool 0 of the inventory: tool_type is required in a tool");
    assert_eq!(error(json!([7])), "tool 0 of the inventory: a tool must be an object");
    assert_eq!(error(vec![json!({}); 5_000].into()), "the tool inventory has 5000 tools; 4096 are allowed");
}

#[test]
fn looks_from_outside() {
    let look = peek(br#"{"message_type":"REGISTER_AGENT","agent_id":"a","payload":{"type":"x"}}"#).unwrap();
    assert_eq!((look.kind.as_deref(), look.is_known()), (Some("register_agent"), false));
    assert!(look.has("agent_id") && !look.has("type"));
    let look = peek(br#"{"message_type":"x","type":"ClientMessageType.REGISTER"}"#).unwrap();
    assert_eq!((look.kind.as_deref(), look.is_known()), (Some("register"), true));
    assert_eq!(peek(b"[]").unwrap_err().flaw, Flaw::NotAnObject);
}
