//! The conformance checklist of the protocol, row by row. What a row says more about stands in a module of its own.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::players::{Constellation, Device, Peer, tools};
use crate::stage::{Setup, Stage};

const KEY: &str = "a-key-that-is-long-enough";

#[tokio::test]
async fn row_01_a_device_with_a_token_is_listed_and_idle_on_pings_alone() {
    let setup = Setup::new().options(&format!("--api-key {KEY}"));
    let stage = setup.config("[connections]\nping = \"200 ms\"").start().await;
    let peer = Peer::connect(stage.address(), &format!("?token={KEY}")).await.unwrap();
    let mut device = Device::join_on(peer, "lab-1", "linux").await;
    let api = stage.api_with(KEY);
    assert_eq!(api.online().await, ["lab-1"]);
    device.pinged(15).await;
    assert_eq!(api.online().await, ["lab-1"]);
    device.quiet().await;
}

#[tokio::test]
async fn row_02_a_wrong_token_is_403_and_a_wrong_key_401() {
    let stage = Setup::new().options(&format!("--api-key {KEY}")).start().await;
    assert_eq!(Peer::connect(stage.address(), "?token=wrong").await.err(), Some(403));
    let api = stage.api_with("wrong");
    let (status, body) = api.answer(api.request(reqwest::Method::GET, "/api/clients")).await;
    assert_eq!((status, &body["detail"]), (401, &json!("Invalid API key")));
}

#[tokio::test]
async fn row_03_a_dispatch_goes_from_pending_to_done_under_its_own_session() {
    let stage = Stage::new().await;
    let (api, mut device) = (stage.api(), stage.device("lab-1").await);
    let session = api.dispatch("lab-1", "n1", "$ uname -a").await;
    let task = device.expect("task").await;
    assert_eq!((&task["user_request"], &task["task_name"]), (&json!("$ uname -a"), &json!("n1")));
    assert_eq!(task["session_id"], session);
    assert_eq!(api.get("/api/task_result/n1").await["status"], "pending");
    device.echo(&task).await;
    assert_eq!(device.acknowledged().await, session, "the session of the dispatch is adopted");

    let list = device.any_command().await;
    assert_eq!((list.tool(), list.session()), ("list_tools", session.as_str()));
    assert_eq!(list.frame["agent_name"], "LinuxAgent");
    assert_eq!(list.frame["actions"][0]["tool_type"], "action");
    assert_eq!(list.parameters(), &json!({"tool_type": "action"}));
    device.list(&list).await;
    let command = device.any_command().await;
    assert_eq!((command.tool(), command.session()), ("execute_command", session.as_str()));
    assert_eq!(command.frame["agent_name"], "LinuxAgent");
    assert_eq!(command.frame["task_name"], "n1");
    assert_eq!(command.parameters()["command"], "uname -a");
    assert_eq!(api.get("/api/task_result/n1").await["status"], "pending");
    device.run(&command).await;

    let end = device.expect("task_end").await;
    assert_eq!((&end["status"], &end["session_id"]), (&json!("completed"), &json!(session)));
    let done = api.outcome("n1").await;
    assert_eq!(done["status"], "done");
    assert_eq!(done["result"], end["result"]);
    assert_eq!(done["result"], json!([{"request": "$ uname -a", "result": "ran uname -a\n"}]));
}

#[tokio::test]
async fn row_04_a_device_runs_a_task_of_its_own_without_http() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let session = device.request("$ date").await;
    let end = device.work().await;
    assert_eq!((&end["status"], &end["session_id"]), (&json!("completed"), &json!(session)));
    device.quiet().await;
}

#[tokio::test]
async fn row_05_a_constellation_connects_without_an_error_and_learns_of_its_device() {
    let stage = Stage::new().await;
    let _device = stage.device("lab-linux-7").await;
    let mut galaxy = stage.constellation("nightly", "lab-linux-7").await;
    assert_eq!(galaxy.info["platform"], "linux");
    assert_eq!(galaxy.info["cpu_count"], 8);
    assert_eq!(galaxy.info["hostname"], "host-of-lab-linux-7");
    assert_eq!(galaxy.info["supported_features"][1], "cli");
    assert!(galaxy.info["error"].is_null());
    for _ in 0..3 {
        let heartbeat = galaxy.heartbeat();
        galaxy.send(&heartbeat).await;
        galaxy.expect("heartbeat").await;
    }
    assert_eq!(stage.api().online().await, ["lab-linux-7", "nightly@lab-linux-7"]);
}

#[tokio::test]
async fn row_06_a_constellations_task_completes_or_fails() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ uptime").await;
    let seen = device.work().await;
    let end = galaxy.end_of(&session).await;
    assert_eq!((&end["status"], &end["error"]), (&json!("completed"), &Value::Null));
    assert_eq!(end["result"], json!([{"request": "$ uptime", "result": "ran uptime\n"}]));
    for key in ["status", "result", "error", "response_id", "session_id"] {
        assert_eq!(seen[key], end[key], "the device is told the same {key}");
    }

    let session = galaxy.give("t2", "$ false").await;
    device.work().await;
    let end = galaxy.end_of(&session).await;
    assert_eq!(end["status"], "failed");
    galaxy.quiet().await;
    device.quiet().await;
}

#[tokio::test]
async fn row_07_a_task_to_a_device_that_has_left_fails_at_once() {
    let stage = Stage::new().await;
    let device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    device.into_peer().close().await;
    stage.api().gone("lab-1").await;
    let (task, asked) = (galaxy.task("t1", "$ date"), Instant::now());
    galaxy.send(&task).await;
    let text = "Target device 'lab-1' is not connected";
    assert_eq!(galaxy.error().await, text);
    let end = galaxy.end_of("nightly@t1").await;
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert_eq!((&end["status"], &end["error"]), (&json!("failed"), &json!(text)));
    galaxy.quiet().await;
}

#[tokio::test]
async fn row_08_a_device_killed_during_a_task_is_told_of_at_once() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ sleep 100").await;
    device.command().await;
    device.into_peer().vanish().await;
    let killed = Instant::now();
    let end = galaxy.end_of(&session).await;
    assert!(killed.elapsed() < Duration::from_secs(1), "{:?}", killed.elapsed());
    assert_eq!(end["status"], "failed");
    assert_eq!(end["error"], "Task was cancelled because target device disconnected");
    galaxy.quiet().await;
}

#[tokio::test]
async fn row_09_what_a_constellation_leaves_behind_is_cancelled_and_the_device_goes_on() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ sleep 100").await;
    let command = device.command().await;
    galaxy.into_peer().close().await;
    let end = device.expect("task_end").await;
    assert_eq!((&end["session_id"], &end["status"]), (&json!(session), &json!("failed")));
    device.run(&command).await;
    device.quiet().await;
    device.request("$ date").await;
    assert_eq!(device.work().await["status"], "completed");
}

#[tokio::test]
async fn row_10_after_a_restart_clients_come_back_and_run_a_task() {
    let mut stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    stage.tell_to_stop();
    device.drained().await;
    galaxy.drained().await;
    stage.ended().await;
    stage.start_again().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ date").await;
    device.work().await;
    assert_eq!(galaxy.end_of(&session).await["status"], "completed");
}

#[tokio::test]
async fn row_11_an_id_is_kept_by_whoever_lives_and_lost_by_whoever_is_frozen() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut second = stage.peer().await;
    second.send(&Device::registration("lab-1", "linux")).await;
    assert_eq!(
        second.error().await,
        "client_id 'lab-1' is already registered; duplicate registrations are not allowed"
    );
    second.closed().await;
    device.quiet().await;

    device.freeze();
    let asked = Instant::now();
    let mut third = stage.device("lab-1").await;
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    third.request("$ date").await;
    assert_eq!(third.work().await["status"], "completed");
}

#[tokio::test]
async fn row_12_a_tool_that_a_device_does_not_have_never_reaches_it() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    device.tools = json!([tools()[1]]);
    let session = device.request("$ date").await;
    let list = device.any_command().await;
    assert_eq!(list.tool(), "list_tools");
    device.list(&list).await;
    let end = device.expect("task_end").await;
    assert_eq!((&end["status"], &end["session_id"]), (&json!("failed"), &json!(session)));
    assert!(end["error"].as_str().unwrap().contains("execute_command"), "{end}");
    device.quiet().await;
}

#[tokio::test]
async fn row_12_nor_one_that_it_has_under_another_type() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    device.tools[0]["tool_type"] = json!("data_collection");
    device.tools[0]["tool_key"] = json!("data_collection::execute_command");
    device.request("$ date").await;
    let list = device.any_command().await;
    device.list(&list).await;
    assert_eq!(device.expect("task_end").await["status"], "failed");
    device.quiet().await;
}

#[tokio::test]
async fn row_13_a_silent_tool_server_fails_the_session_in_time_and_nobody_else_notices() {
    let stage = Setup::new().config("[sessions]\ninventory = \"300 ms\"\ncommand = \"300 ms\"").start().await;
    let mut device = stage.device("lab-1").await;
    let mut other = stage.device("lab-2").await;
    let session = device.request("$ date").await;
    assert_eq!(device.any_command().await.tool(), "list_tools");
    other.request("$ date").await;
    assert_eq!(other.work().await["status"], "completed");
    loop {
        let frame = device.next().await;
        if frame["type"] == "task_end" {
            assert_eq!((&frame["status"], &frame["session_id"]), (&json!("failed"), &json!(session)));
            break;
        }
        assert_eq!(frame["type"], "command", "{frame}");
    }
    device.quiet().await;
}

#[tokio::test]
async fn row_13_a_command_without_an_answer_fails_too_and_its_late_answer_is_dropped() {
    let stage = Setup::new().config("[sessions]\ncommand = \"300 ms\"").start().await;
    let mut device = stage.device("lab-1").await;
    device.request("$ date").await;
    let command = device.command().await;
    let end = device.expect("task_end").await;
    assert_eq!(end["status"], "failed");
    device.run(&command).await;
    device.quiet().await;
    device.request("$ date").await;
    assert_eq!(device.work().await["result"][0]["result"], "ran date\n");
}

#[tokio::test]
async fn row_15_a_binary_frame_and_60_mib_of_text_break_no_other_connection() {
    let stage = Stage::new().await;
    let mut other = stage.device("other").await;
    let mut device = stage.device("lab-1").await;
    let mut binary = stage.device("lab-2").await;
    binary.send_binary(&[0xff, 0x00, 0xfe]).await;
    binary.error().await;
    other.quiet().await;

    device.request("$ cat big").await;
    let command = device.command().await;
    let text = "0123456789abcdef".repeat(60 << 16);
    let payload = json!({"success": true, "exit_code": 0, "stdout": text, "stderr": ""});
    let results = command.results("lab-1", &command.result(&payload)).to_string();
    assert!(results.len() > 60 << 20);
    let sending = tokio::spawn(async move {
        assert!(device.try_send_text(&results).await);
        device
    });
    let mut beats = 0;
    while !sending.is_finished() || beats < 20 {
        other.quiet().await;
        beats += 1;
    }
    let mut device = sending.await.unwrap();
    let end = device.expect("task_end").await;
    assert_eq!(end["status"], "completed", "{}", end["error"]);
    device.quiet().await;
    binary.quiet().await;
}

#[tokio::test]
async fn row_16_a_hundred_idle_devices_and_twenty_sessions_leave_heartbeats_quick() {
    let stage = Stage::new().await;
    let mut idle = Vec::new();
    for number in 0..100 {
        idle.push(stage.device(&format!("idle-{number}")).await);
    }
    let mut working = JoinSet::new();
    for number in 0..20 {
        let mut device = stage.device(&format!("busy-{number}")).await;
        device.request("$ date").await;
        working.spawn(async move {
            let end = device.work().await;
            assert_eq!(end["status"], "completed", "{end}");
        });
    }
    let mut took = Vec::new();
    for device in &mut idle {
        let asked = Instant::now();
        device.quiet().await;
        took.push(asked.elapsed());
    }
    took.sort();
    // The machine may be busy with other things once in a while; the server may not.
    assert!(took[94] < Duration::from_millis(100), "{took:?}");
    while let Some(worked) = working.join_next().await {
        worked.unwrap();
    }
}

#[tokio::test]
async fn galaxy_resolves_a_task_only_on_the_connection_of_its_device() {
    let stage = Stage::new().await;
    let (mut one, mut two) = (stage.device("lab-1").await, stage.device("lab-2").await);
    let mut first = Constellation::join(stage.address(), "nightly", "lab-1").await;
    let mut second = Constellation::join(stage.address(), "nightly", "lab-2").await;
    let session = first.give("t1", "$ date").await;
    let other = second.give("t2", "$ date").await;
    one.work().await;
    two.work().await;
    first.end_of(&session).await;
    second.end_of(&other).await;
    first.quiet().await;
    second.quiet().await;
}
