//! Who is told what when somebody leaves, or when a task is called off.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::stage::{Setup, Stage};

const DEVICE_LEFT: &str = "Task was cancelled because target device disconnected";
const CLIENT_LEFT: &str = "Task was cancelled due to client disconnection";
const CALLED_OFF: &str = "Task was cancelled by user request";

#[tokio::test]
async fn a_device_that_leaves_takes_all_its_sessions_with_it() {
    let stage = Stage::new().await;
    let api = stage.api();
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let mut other = stage.constellation("weekly", "lab-1").await;
    let own = device.request("$ sleep 1").await;
    device.command().await;
    let running = galaxy.give("t1", "$ sleep 2").await;
    let waiting = other.give("t2", "$ sleep 3").await;
    device.into_peer().close().await;
    for (requester, session) in [(&mut galaxy, running), (&mut other, waiting)] {
        let end = requester.end_of(&session).await;
        assert_eq!((&end["status"], &end["error"]), (&json!("failed"), &json!(DEVICE_LEFT)));
        assert_eq!(end["result"], json!([]));
        requester.quiet().await;
    }
    let outcome = api.outcome(&own).await;
    assert_eq!((&outcome["status"], &outcome["task_status"]), (&json!("done"), &json!("failed")));
    assert_eq!(outcome["error"], DEVICE_LEFT);
    assert_eq!(api.online().await, ["nightly@lab-1", "weekly@lab-1"], "constellations stay");
}

#[tokio::test]
async fn a_device_is_free_to_come_back_before_its_sessions_have_ended() {
    let stage = Setup::with(&[])
        .hostile("ignores-cancel")
        .config("[platforms]\nlinux = \"ignores-cancel\"\n[sessions]\ngrace = \"8 s\"")
        .start()
        .await;
    let mut device = stage.device("lab-1").await;
    device.request("anything").await;
    device.into_peer().close().await;
    stage.api().gone("lab-1").await;
    let came = Instant::now();
    stage.device("lab-1").await;
    assert!(came.elapsed() < Duration::from_secs(2), "{:?}", came.elapsed());
}

#[tokio::test]
async fn a_constellation_that_leaves_takes_its_sessions_and_no_others() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let mut other = stage.constellation("weekly", "lab-1").await;
    let running = galaxy.give("t1", "$ sleep 1").await;
    let command = device.command().await;
    let waiting = galaxy.give("t2", "$ sleep 2").await;
    let kept = other.give("t3", "$ date").await;
    galaxy.into_peer().vanish().await;
    let mut told = Vec::new();
    let command_of_the_next = loop {
        let frame = device.next().await;
        match frame["type"].as_str().unwrap() {
            "task_end" => {
                assert_eq!((&frame["status"], &frame["error"]), (&json!("failed"), &json!(CLIENT_LEFT)));
                told.push(frame["session_id"].as_str().unwrap().to_owned());
            }
            "command" => break crate::players::Command { frame },
            _ => panic!("{frame}"),
        }
    };
    assert!(told.contains(&running), "the executor of {running} is told: {told:?}");
    assert!(told.iter().all(|session| *session == running || *session == waiting), "{told:?}");
    assert_eq!(command_of_the_next.session(), kept, "what waited of the one that left is not begun");
    device.run(&command).await;
    if command_of_the_next.tool() == "list_tools" {
        device.list(&command_of_the_next).await;
    } else {
        device.run(&command_of_the_next).await;
    }
    device.work().await;
    assert_eq!(other.end_of(&kept).await["status"], "completed");
    device.quiet().await;
    let outcome = stage.api().outcome(&running).await;
    assert_eq!((&outcome["task_status"], &outcome["error"]), (&json!("failed"), &json!(CLIENT_LEFT)));
}

#[tokio::test]
async fn a_task_that_is_called_off_ends_for_requester_and_executor() {
    let stage = Stage::new().await;
    let api = stage.api();
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ sleep 1").await;
    let command = device.command().await;
    let (status, answer) = api.post("/api/cancel/nightly@t1", &json!({})).await;
    assert_eq!(status, 200, "{answer}");
    for end in [galaxy.end_of(&session).await, device.expect("task_end").await] {
        assert_eq!((&end["status"], &end["error"]), (&json!("failed"), &json!(CALLED_OFF)));
        assert_eq!(end["session_id"], session);
    }
    device.run(&command).await;
    device.quiet().await;
    galaxy.quiet().await;
    let outcome = api.outcome(&session).await;
    assert_eq!((&outcome["task_status"], &outcome["error"]), (&json!("failed"), &json!(CALLED_OFF)));
}

#[tokio::test]
async fn a_task_is_called_off_by_its_name_too() {
    let stage = Stage::new().await;
    let api = stage.api();
    let mut device = stage.device("lab-1").await;
    let session = api.dispatch("lab-1", "n1", "$ sleep 1").await;
    device.take_up().await;
    device.command().await;
    assert_eq!(api.post("/api/cancel/n1", &json!({})).await.0, 200);
    let end = device.expect("task_end").await;
    assert_eq!((&end["session_id"], &end["error"]), (&json!(session), &json!(CALLED_OFF)));
    assert_eq!(api.outcome("n1").await["error"], CALLED_OFF);
    let (status, answer) = api.post("/api/cancel/n1", &json!({})).await;
    assert!(matches!(status, 404 | 409), "what is over cannot be called off: {status} {answer}");
    let (status, _) = api.post("/api/cancel/nothing", &json!({})).await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_waiting_task_is_called_off_without_having_begun() {
    let stage = Stage::new().await;
    let api = stage.api();
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let running = galaxy.give("t1", "$ date").await;
    let command = device.command().await;
    let waiting = galaxy.give("t2", "$ uptime").await;
    assert_eq!(api.post(&format!("/api/cancel/{waiting}"), &json!({})).await.0, 200);
    assert_eq!(galaxy.end_of(&waiting).await["error"], CALLED_OFF);
    device.run(&command).await;
    assert_eq!(galaxy.end_of(&running).await["status"], "completed");
    let mut ends = Vec::new();
    while !ends.contains(&json!(running)) {
        ends.push(device.expect("task_end").await["session_id"].clone());
    }
    device.quiet().await;
}

#[tokio::test]
async fn a_behaviour_that_does_not_end_is_removed_after_the_grace() {
    let stage = Setup::with(&[])
        .hostile("ignores-cancel")
        .config("[platforms]\nlinux = \"ignores-cancel\"\n[sessions]\ngrace = \"500 ms\"")
        .start()
        .await;
    let api = stage.api();
    let mut device = stage.device("lab-1").await;
    let session = device.request("anything").await;
    assert_eq!(api.post(&format!("/api/cancel/{session}"), &json!({})).await.0, 200);
    let end = device.expect("task_end").await;
    assert_eq!((&end["status"], &end["error"]), (&json!("failed"), &json!(CALLED_OFF)));
    device.quiet().await;
}

#[tokio::test]
async fn a_dispatch_that_no_device_takes_up_is_told_of() {
    let stage = Setup::new().config("[sessions]\ntake-up = \"500 ms\"").start().await;
    let api = stage.api();
    let mut device = stage.device("lab-1").await;
    let text = "Device did not accept the task";
    let session = api.dispatch("lab-1", "n1", "$ date").await;
    device.expect("task").await;
    let outcome = api.outcome("n1").await;
    assert_eq!((&outcome["status"], &outcome["task_status"]), (&json!("done"), &json!("failed")));
    assert_eq!((&outcome["error"], &outcome["session_id"]), (&json!(text), &json!(session)));
    assert_eq!(api.outcome(&session).await["error"], text);

    api.dispatch("lab-1", "n2", "$ date").await;
    let mut frame = device.next().await;
    if frame["type"] == "task_end" {
        // Whether a device is told the end of what it did not take up is left open.
        frame = device.next().await;
    }
    assert_eq!((&frame["type"], &frame["task_name"]), (&json!("task"), &json!("n2")));
    device.into_peer().close().await;
    assert_eq!(api.outcome("n2").await["error"], text);
}

#[tokio::test]
async fn partial_results_come_with_the_news() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ date").await;
    device.command().await;
    device.into_peer().vanish().await;
    let end = galaxy.end_of(&session).await;
    assert!(end["result"].is_array(), "{end}");
    assert_ne!(end["error"], Value::Null);
}
