//! The strict reader: what a server writes is compared, key by key, with the tables of the protocol.

use serde_json::Value;

/// All keys of a frame of the server.
const KEYS: [&str; 14] = [
    "type",
    "status",
    "user_request",
    "agent_name",
    "process_name",
    "root_name",
    "actions",
    "messages",
    "error",
    "session_id",
    "task_name",
    "timestamp",
    "response_id",
    "result",
];

const TYPES: [&str; 7] =
    ["heartbeat", "task", "task_end", "command", "device_info_request", "device_info_response", "error"];

const STATUSES: [&str; 5] = ["continue", "completed", "failed", "ok", "error"];

const TEXTS: [&str; 7] =
    ["user_request", "agent_name", "process_name", "root_name", "error", "session_id", "task_name"];

/// Panics where a frame of the server is not exactly as the protocol has it.
pub fn check(frame: &Value) {
    let Some(keys) = frame.as_object() else { panic!("not an object: {frame}") };
    for key in KEYS {
        assert!(keys.contains_key(key), "{key} is missing in {frame}");
    }
    assert_eq!(keys.len(), KEYS.len(), "more keys than the protocol has: {frame}");
    let word = |key: &str| frame[key].as_str().unwrap_or_else(|| panic!("{key} is no text in {frame}"));
    let (kind, status) = (word("type"), word("status"));
    assert!(TYPES.contains(&kind), "unknown type in {frame}");
    assert!(STATUSES.contains(&status), "unknown status in {frame}");
    for key in TEXTS {
        assert!(frame[key].is_null() || frame[key].is_string(), "{key} is no text in {frame}");
    }
    assert!(frame["messages"].is_null(), "messages are reserved: {frame}");
    let stamp = word("timestamp");
    assert!(stamp.len() > 19 && stamp.as_bytes()[10] == b'T' && stamp.ends_with("+00:00"), "timestamp in {frame}");
    if kind != "device_info_response" {
        assert!(uuid::Uuid::parse_str(word("response_id")).is_ok(), "response_id in {frame}");
    }
    match kind {
        "heartbeat" => assert_eq!(status, "ok", "{frame}"),
        "error" => assert!(status == "error" && !word("error").is_empty(), "{frame}"),
        "task" => {
            assert_eq!(status, "continue", "{frame}");
            assert!(["user_request", "task_name", "session_id"].iter().all(|key| !word(key).is_empty()), "{frame}");
        }
        "task_end" => {
            assert!(!word("session_id").is_empty(), "{frame}");
            match status {
                "completed" => assert!(frame["error"].is_null(), "error in a successful TASK_END: {frame}"),
                "failed" => assert!(!word("error").is_empty(), "{frame}"),
                _ => panic!("status of a TASK_END: {frame}"),
            }
        }
        "command" => check_command(frame),
        _ => {}
    }
}

fn check_command(frame: &Value) {
    assert_eq!(frame["status"], "continue", "{frame}");
    assert!(["agent_name", "session_id"].iter().all(|key| frame[key].is_string()), "{frame}");
    let actions = frame["actions"].as_array().unwrap_or_else(|| panic!("no actions in {frame}"));
    assert!(!actions.is_empty(), "{frame}");
    for action in actions {
        let keys = action.as_object().unwrap_or_else(|| panic!("an action is an object: {frame}"));
        assert!(keys.keys().all(|key| ["tool_name", "tool_type", "parameters", "call_id"].contains(&key.as_str())));
        assert!(action["tool_name"].is_string(), "{frame}");
        assert!(["action", "data_collection"].map(Value::from).contains(&action["tool_type"]), "{frame}");
        assert!(action["parameters"].is_null() || action["parameters"].is_object(), "{frame}");
        let call = action["call_id"].as_str().unwrap_or_default();
        assert!(uuid::Uuid::parse_str(call).is_ok(), "call_id in {frame}");
    }
}
