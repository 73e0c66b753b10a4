//! Whatever the bytes, and whatever the message.

use hangar_aip::read::peek;
use hangar_aip::{
    Assignment, Claim, ClientError, ClientHeartbeat, ClientMessage, ClientType, Command, CommandResult, CommandResults,
    Commands, DeviceInfoAnswer, DeviceInfoRequest, DeviceInfoUpdate, Id, Json, Outcome, Platform, Register,
    ResultStatus, ServerError, ServerHeartbeat, ServerMessage, ServerTaskEnd, Stamp, TaskReport, TaskRequest,
    TaskStatus, ToolType,
};
use proptest::collection::{hash_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;

use crate::golden::frames;

fn id() -> impl Strategy<Value = Id> {
    "[^\\p{C}\\s][^\\p{C}]{0,20}".prop_map(|text| Id::new(&text).unwrap())
}

fn text() -> impl Strategy<Value = String> {
    ".{0,40}"
}

fn said() -> impl Strategy<Value = String> {
    "[a-z\"\\\\/\n]{1,20}x"
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            hash_map(text(), inner, 0..6).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn json() -> impl Strategy<Value = Json> {
    value().prop_map(|value| Json::of(&value).unwrap())
}

fn object() -> impl Strategy<Value = Json> {
    // Names that say something to a reader would be found again elsewhere.
    hash_map("x[a-z]{0,8}", value(), 0..4).prop_map(|map| Json::of(&map).unwrap())
}

fn claim() -> impl Strategy<Value = Claim> {
    let client_type = of(select(ClientType::ALL));
    (of(id()), client_type).prop_map(|(client_id, client_type)| Claim { client_id, client_type })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        of(json()).prop_map(|result| Outcome::Completed { result }),
        (said(), of(json())).prop_map(|(error, result)| Outcome::failed(error, result)),
    ]
}

fn result() -> impl Strategy<Value = CommandResult> {
    (select(ResultStatus::ALL), of(json()), of(text()), of(text()), of(id())).prop_map(
        |(status, result, error, namespace, call_id)| CommandResult { status, result, error, namespace, call_id },
    )
}

fn task() -> impl Strategy<Value = TaskRequest> {
    (claim(), text(), of(id()), of(said()), of(id()), of(id()), of(object())).prop_map(
        |(from, request, session_id, task_name, target_id, request_id, metadata)| TaskRequest {
            from,
            request,
            session_id,
            task_name,
            target_id,
            request_id,
            metadata,
        },
    )
}

fn results() -> impl Strategy<Value = CommandResults> {
    (claim(), select(TaskStatus::ALL), id(), id(), of(id()), vec(result(), 0..4), of(text())).prop_map(
        |(from, status, session_id, prev_response_id, request_id, results, error)| CommandResults {
            from,
            status,
            session_id,
            prev_response_id,
            request_id,
            results,
            error,
        },
    )
}

fn client_message() -> impl Strategy<Value = ClientMessage> {
    prop_oneof![
        (id(), "[a-z]{3,9}").prop_map(|(client_id, platform)| {
            let platform = Platform::new(&platform).unwrap_or_default();
            ClientMessage::Register(Register::device(client_id, platform, None).unwrap())
        }),
        (id(), text(), of(id())).prop_map(|(client_id, name, target)| {
            ClientMessage::Register(Register::constellation(client_id, &name, target).unwrap())
        }),
        (claim(), of(object()))
            .prop_map(|(from, metadata)| ClientMessage::Heartbeat(ClientHeartbeat { from, metadata })),
        task().prop_map(ClientMessage::Task),
        results().prop_map(ClientMessage::CommandResults),
        (claim(), id(), outcome()).prop_map(|(from, session_id, outcome)| ClientMessage::TaskEnd(TaskReport {
            from,
            session_id,
            outcome
        })),
        (claim(), of(id()), of(id())).prop_map(|(from, target_id, request_id)| {
            ClientMessage::DeviceInfoRequest(DeviceInfoRequest { from, target_id, request_id })
        }),
        (claim(), object()).prop_map(|(from, info)| ClientMessage::DeviceInfoResponse(DeviceInfoUpdate { from, info })),
        (claim(), of(id()), said()).prop_map(|(from, session_id, error)| ClientMessage::Error(ClientError {
            from,
            session_id,
            error
        })),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    (text(), select(ToolType::ALL), of(object()), of(id()))
        .prop_map(|(tool_name, tool_type, parameters, call_id)| Command { tool_name, tool_type, parameters, call_id })
}

fn server_message() -> impl Strategy<Value = ServerMessage> {
    let commands =
        (id(), id(), select(TaskStatus::ALL), text(), of(text()), of(text()), of(said()), vec(command(), 0..4));
    prop_oneof![
        of(id()).prop_map(|session_id| ServerMessage::Heartbeat(ServerHeartbeat { session_id })),
        (text(), of(said()), of(id())).prop_map(|(request, task_name, session_id)| ServerMessage::Task(Assignment {
            request,
            task_name,
            session_id
        })),
        (id(), outcome())
            .prop_map(|(session_id, outcome)| ServerMessage::TaskEnd(ServerTaskEnd { session_id, outcome })),
        commands.prop_map(
            |(response_id, session_id, status, agent_name, process_name, root_name, task_name, actions)| {
                ServerMessage::Commands(Commands {
                    response_id,
                    session_id,
                    status,
                    agent_name,
                    process_name,
                    root_name,
                    task_name,
                    actions,
                })
            }
        ),
        id().prop_map(|id| ServerMessage::DeviceInfoRequest { response_id: Some(id) }),
        (id(), prop_oneof![object().prop_map(Ok), said().prop_map(Err)])
            .prop_map(|(response_id, info)| ServerMessage::DeviceInfo(DeviceInfoAnswer { response_id, info })),
        (said(), of(id())).prop_map(|(error, session_id)| ServerMessage::Error(ServerError { error, session_id })),
    ]
}

/// Everything that reads frames, on one of them. What is read is canonical once it is written.
fn read_all(frame: &[u8]) {
    let _ = peek(frame);
    match ClientMessage::read(frame) {
        Ok(message) => {
            let time = "2026-03-04T05:06:07Z".parse().unwrap();
            let again = message.write(time);
            let reread = ClientMessage::read(again.as_bytes()).unwrap_or_else(|error| panic!("{again}: {error}"));
            assert_eq!(reread.write(time), again);
        }
        Err(error) => assert!(error.to_string().len() < 1024, "{error}"),
    }
    match ServerMessage::read(frame) {
        Ok(message) => {
            let stamp = Stamp { response_id: Id::new("r").unwrap(), ..Stamp::now() };
            let again = message.write(&stamp);
            let reread = ServerMessage::read(again.as_bytes()).unwrap_or_else(|error| panic!("{again}: {error}"));
            assert_eq!(reread.write(&stamp), again);
        }
        Err(error) => assert!(error.to_string().len() < 1024, "{error}"),
    }
}

proptest! {
    #[test]
    fn what_a_client_writes_is_read(message in client_message()) {
        let frame = message.write(Stamp::now().timestamp);
        prop_assert_eq!(ClientMessage::read(frame.as_bytes()).unwrap(), message, "{}", frame);
    }

    #[test]
    fn what_a_server_writes_is_read(message in server_message()) {
        let frame = message.write(&Stamp::now());
        prop_assert_eq!(ServerMessage::read(frame.as_bytes()).unwrap(), message, "{}", frame);
    }

    #[test]
    fn bytes_do_no_harm(bytes in vec(any::<u8>(), 0..200)) {
        read_all(&bytes);
    }

    #[test]
    fn json_does_no_harm(value in value(), key in select(vec!["type", "payload", "action_results", "actions", "metadata"])) {
        read_all(serde_json::json!({"type": "result", "session_id": "S", "prev_response_id": "R", key: value}).to_string().as_bytes());
    }

    #[test]
    fn damaged_frames_do_no_harm(
        which in any::<prop::sample::Index>(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in of(any::<prop::sample::Index>()),
    ) {
        let corpus = frames("");
        let mut frame = which.get(&corpus).1.clone();
        for (at, byte) in damage {
            let at = at.index(frame.len());
            frame[at] = byte;
        }
        if let Some(cut) = cut {
            frame.truncate(cut.index(frame.len()));
        }
        read_all(&frame);
    }
}
