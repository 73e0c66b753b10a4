//! The lenient reader, over the socket: each spelling that clients may use does what the canonical one does.

use serde_json::{Value, json};

use crate::players::{Device, client_frame, system_info, tools};
use crate::stage::Stage;

const EMPTY: &str = "Empty task content";

/// Registers with a text frame of any spelling; the connection must then be this client.
async fn registers(stage: &Stage, frame: &str, id: &str) {
    let mut peer = stage.peer().await;
    peer.send_text(frame).await;
    let answer = peer.next().await;
    assert_eq!((&answer["type"], &answer["status"]), (&json!("heartbeat"), &json!("ok")), "{frame}: {answer}");
    assert_eq!(stage.api().online().await, [id], "{frame}");
    peer.close().await;
    stage.api().gone(id).await;
}

#[tokio::test]
async fn registrations() {
    let stage = Stage::new().await;
    let mut frames = Vec::new();
    // The names of the type.
    for word in ["register", "registration", "register_device", "device_register"] {
        frames.push(json!({"type": word, "client_id": "d"}));
    }
    // How it is written.
    for word in [
        "REGISTER",
        " Register\t",
        "ClientMessageType.REGISTER",
        "aip.messages.ClientMessageType.register",
        "MessageType::Register",
        "Device-Register",
        "register device",
    ] {
        frames.push(json!({"type": word, "client_id": "d"}));
    }
    // The key that it stands under.
    for key in ["message_type", "messageType", "msg_type"] {
        frames.push(json!({key: "register", "client_id": "d"}));
        frames.push(json!({key: "REGISTER", "type": null, "client_id": "d"}));
    }
    // In an envelope, whose keys stand back behind those outside.
    frames.push(json!({"type": "register", "payload": {"client_id": "d"}}));
    frames.push(json!({"payload": {"type": "register", "client_id": "d"}}));
    frames.push(json!({"type": "register", "client_id": "d", "payload": {"client_id": "e", "type": "task"}}));
    // The status says nothing that matters.
    for status in ["ok", "OK", "TaskStatus.OK", "success", "succeeded", "done", "finished", "continue", "what", ""] {
        frames.push(json!({"type": "register", "status": status, "client_id": "d"}));
    }
    frames.push(json!({"type": "register", "status": null, "client_id": "d"}));
    // What it is.
    for kind in ["device", "DEVICE", "ClientType.DEVICE", "ClientType::Device", " device "] {
        frames.push(json!({"type": "register", "client_type": kind, "client_id": "d"}));
    }
    // Who it is.
    for key in ["device_id", "agent_id"] {
        frames.push(json!({"type": "register", key: "d"}));
        frames.push(json!({"type": "register", "client_type": "device", "client_id": null, key: "d"}));
    }
    // Keys that nobody knows, and stamps that are none.
    frames.push(json!({"type": "register", "client_id": "d", "colour": "red", "timestamp": "yesterday"}));
    frames.push(json!({"type": "register", "client_id": "d", "timestamp": 12}));
    for frame in frames {
        registers(&stage, &frame.to_string(), "d").await;
    }
    let frame = json!({"type": "register", "client_id": "d"}).to_string();
    registers(&stage, &format!("\u{feff}{frame}"), "d").await;
    registers(&stage, &format!(" \r\n\t{frame}\n "), "d").await;
    registers(&stage, r#"{"type":"register","client_id":7}"#, "7").await;
    registers(&stage, r#"{"type":"register","client_id":true}"#, "true").await;

    let mut binary = stage.peer().await;
    binary.send_binary(frame.as_bytes()).await;
    binary.expect("heartbeat").await;
    binary.send_binary(b"{\"type\": \"heartbeat\"}").await;
    binary.expect("heartbeat").await;
    binary.send_binary(b"[\"type\"]").await;
    binary.expect("error").await;
    binary.quiet().await;
}

#[tokio::test]
async fn constellations() {
    let stage = Stage::new().await;
    let _device = stage.device("lab-1").await;
    let about = json!({"type": "constellation_client"});
    let registrations = [
        json!({"client_type": "constellation", "target_id": "lab-1"}),
        json!({"client_type": "CONSTELLATION", "target_id": "lab-1"}),
        json!({"client_type": "ClientType.CONSTELLATION", "target_id": "lab-1"}),
        json!({"client_type": "orchestrator", "target_id": "lab-1"}),
        json!({"client_type": "Orchestrator", "target_id": "lab-1"}),
        json!({"client_type": null, "target_id": "lab-1", "metadata": about}),
        json!({"metadata": about, "target_id": "lab-1"}),
        json!({"client_type": "constellation", "target_device": "lab-1"}),
        json!({"client_type": "constellation", "target_device_id": "lab-1"}),
        json!({"client_type": "constellation", "metadata": {"targeted_device_id": "lab-1"}}),
        json!({"client_type": "constellation", "metadata": {"device_id": "lab-1"}}),
    ];
    for mut registration in registrations {
        registration["type"] = json!("register");
        registration["client_id"] = json!("gx");
        let mut peer = stage.peer().await;
        peer.send(&registration).await;
        peer.expect("heartbeat").await;
        // It is a constellation with this device and no other.
        peer.send(&json!({"type": "device_info_request", "target_id": "lab-1", "request_id": "q"})).await;
        let answer = peer.expect("device_info_response").await;
        assert_eq!(answer["result"]["device_id"], "lab-1", "{registration}");
        let text = peer.refused(&json!({"type": "device_info_request", "target_id": "lab-2", "request_id": "q"})).await;
        assert_eq!(text, "Not authorized to request device info for this device", "{registration}");
        // What it leaves out later is what it registered as.
        for key in ["target_id", "target_device", "target_device_id"] {
            let task = json!({"type": "task", key: "lab-1", "session_id": "s"});
            peer.send(&task).await;
            assert_eq!(peer.error().await, EMPTY, "{task}");
            peer.expect("task_end").await;
        }
        peer.close().await;
        stage.api().gone("gx").await;
    }
    for id in [json!({}), json!({"device_id": "lab-1"})] {
        let mut registration = id;
        registration["type"] = json!("register");
        registration["client_type"] = json!("constellation");
        let mut peer = stage.peer().await;
        peer.send(&registration).await;
        assert_eq!(peer.error().await, "Client ID is required for WebSocket registration", "{registration}");
        assert_eq!(peer.closed().await, Some(1008));
    }
}

#[tokio::test]
async fn types_of_later_messages() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    for word in ["heartbeat", "heart_beat", "heartbeat_ack", "keepalive", "HEARTBEAT", "Heart-Beat", "heart beat"] {
        device.send(&json!({"type": word})).await;
        device.expect("heartbeat").await;
    }
    for word in ["task", "task_request", "task_assignment", "ClientMessageType.TASK", "Task-Request"] {
        assert_eq!(device.refused(&json!({"type": word, "request": ""})).await, EMPTY, "{word}");
    }
    for key in ["message_type", "messageType", "msg_type"] {
        assert_eq!(device.refused(&json!({key: "TASK"})).await, EMPTY, "{key}");
    }
    for word in ["device_info_request", "device_info", "DEVICE_INFO_REQUEST", "Device-Info"] {
        galaxy.send(&json!({"type": word, "target_id": "lab-1", "request_id": "q"})).await;
        assert_eq!(galaxy.expect("device_info_response").await["response_id"], "q", "{word}");
    }
    for word in ["device_info_response", "Device_Info_Response"] {
        device.send(&json!({"type": word, "metadata": {"hostname": word}})).await;
        device.quiet().await;
        let question = galaxy.question();
        galaxy.send(&question).await;
        assert_eq!(galaxy.expect("device_info_response").await["result"]["hostname"], word);
    }
    for (word, value) in [("Foo.BAR", "Foo.BAR"), ("regster", "regster")] {
        let text = device.refused(&json!({"type": word})).await;
        assert!(text.starts_with("Unknown message type: "), "{text}");
        assert!(value.to_lowercase().contains(&text["Unknown message type: ".len()..].to_lowercase()), "{text}");
    }
    device.send_text("\u{feff} {\"type\":\"heartbeat\"}\n").await;
    device.expect("heartbeat").await;
}

#[tokio::test]
async fn results() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let payload = json!({"success": true, "exit_code": 0, "stdout": "out", "stderr": ""});
    let item = |keys: Value| {
        let mut item = json!({"status": "success", "result": payload});
        item.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
        item
    };
    let bare = |key: &str| json!({key: payload});
    // Frames that say that it went well, then frames that say that it did not.
    let mut good = Vec::new();
    for word in ["command_results", "command_result", "results", "result", "COMMAND_RESULTS", "Command-Results"] {
        good.push(json!({"type": word, "action_results": [item(json!({}))]}));
    }
    for status in ["success", "ok", "completed", "executed", "SUCCESS", "ResultStatus.SUCCESS", "Ok"] {
        good.push(json!({"type": "command_results", "action_results": [item(json!({"status": status}))]}));
    }
    for key in ["result", "output", "data"] {
        good.push(json!({"type": "command_results", "action_results": [bare(key)]}));
        good.push(json!({"type": "command_results", "results": bare(key)}));
    }
    for status in ["continue", "CONTINUE", "running", "in_progress", "pending", "strange"] {
        good.push(json!({"type": "command_results", "status": status, "results": [item(json!({"error": ""}))]}));
    }
    good.push(json!({"type": "command_results", "action_results": item(json!({"status": null, "error": null}))}));
    good.push(json!({"payload": {"type": "command_results", "action_results": [item(json!({}))]}}));
    let mut bad = Vec::new();
    for status in ["failure", "failed", "error", "FAILURE", "ResultStatus.FAILURE"] {
        bad.push(json!({"type": "command_results", "results": [{"status": status, "error": "no luck"}]}));
    }
    bad.push(json!({"type": "command_results", "results": [{"error": "no luck"}]}));
    bad.push(json!({"type": "command_results", "results": {"status": "skipped", "error": "no luck"}}));

    let expected = good.into_iter().map(|frame| (frame, true)).chain(bad.into_iter().map(|frame| (frame, false)));
    for (mut frame, is_good) in expected {
        device.request("$ date").await;
        let command = device.command().await;
        frame["session_id"] = command.frame["session_id"].clone();
        frame["prev_response_id"] = command.frame["response_id"].clone();
        device.send(&frame).await;
        let end = device.expect("task_end").await;
        if is_good {
            assert_eq!(end["status"], "completed", "{frame}: {end}");
            assert_eq!(end["result"][0]["result"], "out", "{frame}: {end}");
        } else {
            assert_eq!((&end["status"], &end["error"]), (&json!("failed"), &json!("no luck")), "{frame}: {end}");
        }
    }
}

#[tokio::test]
async fn ends_that_a_device_tells() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let ends = [
        (json!({"type": "task_end"}), true),
        (json!({"type": "task_result"}), true),
        (json!({"type": "task_complete"}), true),
        (json!({"type": "task_completed"}), true),
        (json!({"type": "TASK_END", "status": "COMPLETED"}), true),
        (json!({"type": "task_end", "status": "TaskStatus.COMPLETED"}), true),
        (json!({"type": "task_end", "status": "success"}), true),
        (json!({"type": "task_end", "status": "succeeded"}), true),
        (json!({"type": "task_end", "status": "done"}), true),
        (json!({"type": "task_end", "status": "finished"}), true),
        (json!({"type": "task_end", "status": "what"}), true),
        (json!({"type": "task_end", "status": "failed", "error": "no"}), false),
        (json!({"type": "task_end", "status": "fail", "error": "no"}), false),
        (json!({"type": "task_end", "status": "failure", "error": "no"}), false),
        (json!({"type": "task_end", "status": "failed"}), false),
    ];
    for (number, (mut frame, is_good)) in ends.into_iter().enumerate() {
        let session = galaxy.give(&format!("t{number}"), "$ date").await;
        device.command().await;
        frame["session_id"] = json!(session);
        device.send(&frame).await;
        let end = galaxy.end_of(&session).await;
        assert_eq!(end["status"], if is_good { "completed" } else { "failed" }, "{frame}");
        if frame["error"].is_string() {
            assert_eq!(end["error"], "no", "{frame}");
        }
        // Whether the executor is told what it told is left open.
        device.send(&json!({"type": "heartbeat"})).await;
        let next = device.next().await;
        if next["type"] == "task_end" {
            assert_eq!(next["session_id"], session);
            device.expect("heartbeat").await;
        }
    }
}

#[tokio::test]
async fn requests() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    for (keys, ran) in [
        (json!({"request": "$ date"}), "date"),
        (json!({"user_request": "$ date"}), "date"),
        (json!({"request": null, "user_request": "$ date"}), "date"),
        (json!({"payload": {"request": "$ date"}}), "date"),
        (json!({"request": "$ one", "user_request": "$ two"}), "one"),
    ] {
        let mut task = keys;
        task["type"] = json!("task");
        device.send(&task).await;
        device.acknowledged().await;
        assert_eq!(device.work().await["result"][0]["result"], format!("ran {ran}\n"), "{task}");
    }
    // Texts that come as something else.
    device.send(&json!({"type": "task", "request": "$ date", "task_name": 12, "session_id": 345})).await;
    assert_eq!(device.acknowledged().await, "345");
    let command = device.command().await;
    assert_eq!((&command.frame["task_name"], command.session()), (&json!("12"), "345"));
    device.run(&command).await;
    device.expect("task_end").await;
    device.send(&json!({"type": "task", "request": "$ date", "task_name": true})).await;
    device.acknowledged().await;
    assert_eq!(device.command().await.frame["task_name"], "true");
}

#[tokio::test]
async fn platforms() {
    let stage = Stage::new().await;
    let table = [
        (json!({"metadata": {"platform": "linux"}}), "linux"),
        (json!({"metadata": {"platform": "LINUX"}}), "linux"),
        (json!({"platform": "linux"}), "linux"),
        (json!({"metadata": {"system_info": {"platform": "linux"}}}), "linux"),
        (json!({"metadata": {"platform": "linux"}, "platform": "mobile"}), "linux"),
        (json!({"metadata": {"system_info": {"platform": "linux"}}, "platform": "mobile"}), "mobile"),
        (json!({}), "windows"),
        (json!({"metadata": {}}), "windows"),
        (json!({"platform": "win"}), "windows"),
        (json!({"platform": "Win32"}), "windows"),
        (json!({"platform": "windows"}), "windows"),
        (json!({"platform": "android"}), "mobile"),
        (json!({"platform": "Android"}), "mobile"),
        (json!({"metadata": {"platform": null}, "platform": "linux"}), "linux"),
    ];
    for (keys, platform) in table {
        let mut registration = keys;
        registration["type"] = json!("register");
        registration["client_id"] = json!("d");
        let mut peer = stage.peer().await;
        peer.send(&registration).await;
        peer.expect("heartbeat").await;
        let clients = stage.api().get("/api/clients").await;
        assert_eq!(clients["clients"][0]["platform"], platform, "{registration}");
        peer.close().await;
        stage.api().gone("d").await;
    }
}

#[tokio::test]
async fn system_information() {
    let stage = Stage::new().await;
    let info = system_info("d", "linux");
    let table = [
        (json!({"system_info": info}), Some(("cpu_count", json!(8)))),
        (json!({"hostname": "h"}), Some(("hostname", json!("h")))),
        (json!({"os_version": "12"}), Some(("os_version", json!("12")))),
        (json!({"gpu": "big", "platform": "linux"}), Some(("gpu", json!("big")))),
        (json!({"cpu_count": 4, "x": {"y": 1}}), Some(("x", json!({"y": 1})))),
    ];
    for (metadata, known) in table {
        let mut device = stage.peer().await;
        device.send(&client_frame(json!({"type": "register", "client_id": "d", "metadata": metadata}))).await;
        device.expect("heartbeat").await;
        let galaxy = stage.constellation("nightly", "d").await;
        let (key, value) = known.unwrap();
        assert_eq!(galaxy.info[key], value, "{metadata}");
        galaxy.into_peer().close().await;
        device.close().await;
        stage.api().gone("nightly@d").await;
        stage.api().gone("d").await;
    }
}

#[tokio::test]
async fn row_14_what_the_server_writes_is_canonical_whatever_it_reads() {
    let stage = Stage::new().await;
    let mut device = stage.peer().await;
    let mut registration = Device::registration("lab-1", "linux");
    registration["type"] = Value::Null;
    registration["message_type"] = json!("ClientMessageType.REGISTER");
    registration["status"] = json!("TaskStatus.OK");
    device.send(&registration).await;
    // Each frame that comes is compared with the strict tables, key by key, where it is read.
    device.expect("heartbeat").await;
    device.send(&json!({"messageType": "TASK-REQUEST", "user_request": "$ date"})).await;
    device.expect("heartbeat").await;
    for payload in [tools(), json!({"stdout": "out"})] {
        let command = device.expect("command").await;
        device
            .send(&json!({
                "msg_type": "Result", "session_id": command["session_id"],
                "prev_response_id": command["response_id"], "results": {"data": payload},
            }))
            .await;
    }
    assert_eq!(device.expect("task_end").await["status"], "completed");
}
