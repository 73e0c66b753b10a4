//! Every ERROR text of the protocol, word for word; the connection stays, and nothing else happens.

use serde_json::{Value, json};

use crate::players::{Constellation, client_frame, with};
use crate::stage::Stage;

/// Sends a TASK of a constellation that must be refused with an ERROR and a TASK_END of the same text.
async fn refused_and_ended(galaxy: &mut Constellation, task: &Value, text: &str) {
    galaxy.send(task).await;
    let error = galaxy.expect("error").await;
    assert_eq!(error["error"], text, "{task}");
    assert_eq!(error["session_id"], task["session_id"], "the ERROR names the session");
    let end = galaxy.expect("task_end").await;
    assert_eq!((&end["status"], &end["error"]), (&json!("failed"), &json!(text)), "{task}");
    assert_eq!((&end["session_id"], &end["result"]), (&task["session_id"], &Value::Null), "{task}");
    galaxy.quiet().await;
}

#[tokio::test]
async fn who_one_is_was_settled_at_registration() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let _other = stage.device("lab-2").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;

    let not_id = "client_id does not match the registered connection";
    let not_type = "client_type does not match the registered connection";
    for kind in ["task", "heartbeat", "command_results", "device_info_request", "device_info_response", "task_end"] {
        let foreign = client_frame(json!({
            "type": kind, "client_type": "device", "client_id": "lab-2", "request": "$ date", "session_id": "s",
            "request_id": "r", "target_id": "lab-2", "prev_response_id": "p", "action_results": [], "metadata": {},
        }));
        assert_eq!(device.refused(&foreign).await, not_id, "{kind}");
        let mut role = with(foreign, json!({"client_id": "lab-1", "client_type": "constellation"}));
        if kind != "heartbeat" {
            assert_eq!(device.refused(&role).await, not_type, "{kind}");
            role["client_id"] = Value::Null;
            assert_eq!(device.refused(&role).await, not_type, "{kind}");
        }
    }
    let task = with(galaxy.task("t1", "$ date"), json!({"client_type": "device"}));
    assert_eq!(galaxy.refused(&task).await, not_type, "no TASK_END where somebody is not who they say");
    let task = with(galaxy.task("t1", "$ date"), json!({"client_id": "nightly@lab-2"}));
    assert_eq!(galaxy.refused(&task).await, not_id, "no TASK_END where somebody is not who they say");
    let both = with(galaxy.task("t1", "$ date"), json!({"client_id": "x", "client_type": "device"}));
    assert_eq!(galaxy.refused(&both).await, not_id, "the id is looked at first");
    device.quiet().await;
}

#[tokio::test]
async fn heartbeats_are_exempt_from_the_role_but_not_from_the_id() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let heartbeat =
        |kind: &str, id: Value| client_frame(json!({"type": "heartbeat", "client_type": kind, "client_id": id}));
    for id in [json!("lab-1"), json!(""), Value::Null] {
        device.send(&heartbeat("constellation", id)).await;
        device.expect("heartbeat").await;
    }
    let text = device.refused(&heartbeat("device", json!("lab-9"))).await;
    assert_eq!(text, "client_id does not match the registered connection");
}

#[tokio::test]
async fn one_registers_once() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let again = crate::players::Device::registration("lab-1", "linux");
    assert_eq!(device.refused(&again).await, "Connection is already registered");
    assert_eq!(stage.api().online().await, ["lab-1"]);
}

#[tokio::test]
async fn unknown_and_unreadable_frames_keep_the_connection() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    for word in ["teapot", "command", "acknowledge"] {
        let text = device.refused(&json!({"type": word, "status": "ok"})).await;
        assert_eq!(text, format!("Unknown message type: {word}"));
    }
    for frame in ["{", "nonsense", "[]", "1", "{\"type\":\"heartbeat\"} {}", "{\"status\":\"ok\"}", "{\"type\":null}"] {
        device.send_text(frame).await;
        let text = device.error().await;
        assert!(!text.is_empty() && text.len() < 300, "{frame}: {text}");
        device.quiet().await;
    }
}

#[tokio::test]
async fn an_error_of_a_client_is_taken_in_silence() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    device.send(&client_frame(json!({"type": "error", "status": "error", "error": "it hurts"}))).await;
    device.send(&json!({"type": "heartbeat"})).await;
    let next = device.next().await;
    if next["type"] == "error" {
        assert_eq!(next["error"], "it hurts", "an echo of the ERROR is all that is allowed");
        device.expect("heartbeat").await;
    }
    device.quiet().await;
}

#[tokio::test]
async fn device_information_is_for_constellations_and_only_of_their_device() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let _other = stage.device("lab-2").await;
    let question =
        |target: &str| client_frame(json!({"type": "device_info_request", "target_id": target, "request_id": "q1"}));
    for target in ["lab-1", "lab-2", "nobody"] {
        let text = device.refused(&question(target)).await;
        assert_eq!(text, "DEVICE_INFO_REQUEST is permitted only for constellation clients");
    }
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    for target in ["lab-2", "nobody"] {
        let text = galaxy.refused(&question(target)).await;
        assert_eq!(text, "Not authorized to request device info for this device");
    }
    let mut unscoped = stage.peer().await;
    unscoped.send(&client_frame(json!({"type": "register", "client_type": "constellation", "client_id": "any"}))).await;
    unscoped.expect("heartbeat").await;
    for target in ["lab-1", "lab-2"] {
        unscoped.send(&question(target)).await;
        let answer = unscoped.expect("device_info_response").await;
        assert_eq!((&answer["status"], &answer["response_id"]), (&json!("ok"), &json!("q1")));
        assert_eq!(answer["result"]["device_id"], target);
    }
    unscoped.send(&question("nobody")).await;
    let answer = unscoped.expect("device_info_response").await;
    let text = "Device nobody not found or no system info available";
    assert_eq!((&answer["result"], &answer["error"]), (&json!({"error": text}), &json!(text)));
    assert_eq!((&answer["status"], &answer["response_id"]), (&json!("error"), &json!("q1")));
}

#[tokio::test]
async fn a_device_without_information_is_said_to_have_none() {
    let stage = Stage::new().await;
    let mut device = stage.peer().await;
    device.send(&client_frame(json!({"type": "register", "client_type": "device", "client_id": "bare"}))).await;
    device.expect("heartbeat").await;
    let galaxy = stage.constellation("nightly", "bare").await;
    assert_eq!(galaxy.info, json!({"error": "Device bare not found or no system info available"}));
}

#[tokio::test]
async fn a_constellations_task_is_refused_with_an_error_and_an_end() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut windows = stage.device_on("windows", "win-1").await;
    let mut mobile = stage.device_on("mobile", "phone-1").await;
    let mut other = stage.device_on("beos", "be-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let table = [
        (json!({"target_id": null}), "Constellation task requests require target_id"),
        (json!({"target_id": ""}), "Constellation task requests require target_id"),
        (json!({"target_id": null, "request": ""}), "Constellation task requests require target_id"),
        (json!({"target_id": "nobody"}), "Target device 'nobody' is not connected"),
        (json!({"target_id": "nobody", "request": ""}), "Target device 'nobody' is not connected"),
        (json!({"target_id": "nightly@lab-1"}), "Constellation tasks may only target device clients"),
        (json!({"target_id": "win-1"}), "Service session not supported on windows"),
        (json!({"target_id": "win-1", "request": ""}), "Service session not supported on windows"),
        (json!({"target_id": "phone-1"}), "Service session not supported on mobile"),
        (json!({"target_id": "be-1"}), "Service session not supported on beos"),
        (json!({"request": ""}), "Empty task content"),
        (json!({"request": null}), "Empty task content"),
    ];
    for (number, (keys, text)) in table.into_iter().enumerate() {
        let task = with(galaxy.task(&format!("t{number}"), "$ date"), keys);
        refused_and_ended(&mut galaxy, &task, text).await;
    }
    for device in [&mut device, &mut windows, &mut mobile, &mut other] {
        device.quiet().await;
    }
}

#[tokio::test]
async fn a_constellation_may_task_any_device_not_only_its_own() {
    let stage = Stage::new().await;
    let _one = stage.device("lab-1").await;
    let mut two = stage.device("lab-2").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let task = with(galaxy.task("t1", "$ date"), json!({"target_id": "lab-2"}));
    galaxy.send(&task).await;
    assert_eq!(galaxy.expect("heartbeat").await["session_id"], "nightly@t1");
    two.work().await;
    assert_eq!(galaxy.end_of("nightly@t1").await["status"], "completed");
}

#[tokio::test]
async fn a_devices_task_is_refused_with_an_error_alone() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut other = stage.device("lab-2").await;
    let mut windows = stage.device_on("windows", "win-1").await;
    let other_device = "Device clients may not target other devices";
    for (keys, text) in [
        (json!({"target_id": "lab-2"}), other_device),
        (json!({"target_id": "nobody"}), other_device),
        (json!({"target_id": "lab-2", "request": ""}), other_device),
        (json!({"request": ""}), "Empty task content"),
    ] {
        let task = with(device.task("$ date"), keys);
        assert_eq!(device.refused(&task).await, text);
    }
    let task = windows.task("$ date");
    assert_eq!(windows.refused(&task).await, "Service session not supported on windows");
    other.quiet().await;

    let task = with(device.task("$ date"), json!({"target_id": "lab-1"}));
    device.send(&task).await;
    device.acknowledged().await;
    assert_eq!(device.work().await["status"], "completed", "its own id is no other device");
}

#[tokio::test]
async fn a_session_that_lives_is_not_begun_again() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut other = stage.device("lab-2").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let mut stranger = stage.constellation("weekly", "lab-1").await;
    let session = galaxy.give("t1", "$ date").await;
    let command = device.command().await;

    let again = galaxy.task("t1", "$ date");
    assert_eq!(galaxy.refused(&again).await, "session_id 'nightly@t1' is already running");
    let stolen = with(stranger.task("t1", "$ date"), json!({"session_id": session}));
    let owned = "session_id 'nightly@t1' is owned by another client";
    assert_eq!(stranger.refused(&stolen).await, owned);
    let stolen = with(other.task("$ date"), json!({"session_id": session}));
    assert_eq!(other.refused(&stolen).await, owned);
    let stolen = with(device.task("$ date"), json!({"session_id": session}));
    assert_eq!(device.refused(&stolen).await, owned, "the executor is not the owner");

    device.run(&command).await;
    assert_eq!(device.expect("task_end").await["status"], "completed");
    assert_eq!(galaxy.end_of(&session).await["status"], "completed");
    galaxy.quiet().await;
    stranger.quiet().await;
    other.quiet().await;
}

#[tokio::test]
async fn an_end_is_only_for_the_executor_of_a_session_to_tell() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut other = stage.device("lab-2").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ date").await;
    let command = device.command().await;
    let end = |session: &str| client_frame(json!({"type": "task_end", "status": "completed", "session_id": session}));
    for session in [session.as_str(), "nothing"] {
        other.refused(&end(session)).await;
        galaxy.refused(&end(session)).await;
    }
    device.run(&command).await;
    assert_eq!(galaxy.end_of(&session).await["result"][0]["result"], "ran date\n");
}

#[tokio::test]
async fn results_that_nobody_waits_for_are_dropped_in_silence() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    device.request("$ date").await;
    let command = device.command().await;
    let right = command.results("lab-1", &command.result(&json!("x")));
    for keys in [
        json!({"session_id": "nothing"}),
        json!({"session_id": null}),
        json!({"prev_response_id": "nothing"}),
        json!({"prev_response_id": null}),
    ] {
        let wrong = with(right.clone(), keys);
        device.send(&wrong).await;
        // A frame that lacks what it must have may be an error; it may never be taken.
        device.send(&json!({"type": "heartbeat"})).await;
        let next = device.next().await;
        if next["type"] == "error" {
            let is_incomplete = wrong["session_id"].is_null() || wrong["prev_response_id"].is_null();
            assert!(is_incomplete, "{wrong} is dropped, not refused: {next}");
            device.expect("heartbeat").await;
        } else {
            assert_eq!(next["type"], "heartbeat", "{next}");
        }
    }
    device.run(&command).await;
    device.run(&command).await;
    assert_eq!(device.expect("task_end").await["result"][0]["result"], "ran date\n");
    device.quiet().await;
}
