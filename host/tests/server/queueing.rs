//! What happens to tasks for a device that is busy.

use serde_json::json;

use crate::stage::{Setup, Stage};

#[tokio::test]
async fn a_device_gets_one_session_after_the_other_in_the_order_they_came() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut one = stage.constellation("one", "lab-1").await;
    let mut two = stage.constellation("two", "lab-1").await;
    let first = one.give("t1", "$ first").await;
    let command = device.command().await;
    // All are acknowledged at once, whether they run or wait.
    let second = two.give("t1", "$ second").await;
    let third = one.give("t2", "$ third").await;
    let fourth = device.request("$ fourth").await;
    device.quiet().await;

    device.run(&command).await;
    let mut ends = vec![device.expect("task_end").await["session_id"].clone()];
    for _ in 0..3 {
        ends.push(device.work().await["session_id"].clone());
    }
    assert_eq!(ends, [&*first, &*second, &*third, &*fourth].map(|session| json!(session)));
    one.end_of(&first).await;
    one.end_of(&third).await;
    two.end_of(&second).await;
}

#[tokio::test]
async fn other_devices_do_not_wait() {
    let stage = Stage::new().await;
    let mut busy = stage.device("lab-1").await;
    let mut free = stage.device("lab-2").await;
    busy.request("$ sleep 100").await;
    busy.command().await;
    free.request("$ date").await;
    assert_eq!(free.work().await["status"], "completed");
}

#[tokio::test]
async fn more_sessions_may_run_at_once_where_the_operator_says_so() {
    let stage = Setup::new().config("[sessions.parallel]\nlinux = 2").start().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let one = galaxy.give("t1", "$ one").await;
    let first = device.command().await;
    let two = galaxy.give("t2", "$ two").await;
    let second = device.command().await;
    assert_eq!((first.session(), second.session()), (&*one, &*two));
    let three = galaxy.give("t3", "$ three").await;
    device.quiet().await;
    device.run(&second).await;
    assert_eq!(galaxy.end_of(&two).await["result"][0]["result"], "ran two\n");
    device.expect("task_end").await;
    let third = device.command().await;
    assert_eq!(third.session(), three);
    device.run(&third).await;
    device.run(&first).await;
    let ends = [galaxy.expect("task_end").await, galaxy.expect("task_end").await];
    let ended = |session: &str| ends.iter().any(|end| end["session_id"] == session && end["status"] == "completed");
    assert!(ended(&one) && ended(&three), "{ends:?}");
}

#[tokio::test]
async fn a_device_is_sent_one_task_at_a_time_and_none_while_a_session_runs_on_it() {
    let stage = Stage::new().await;
    let api = stage.api();
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ zero").await;
    let command = device.command().await;
    let one = api.dispatch("lab-1", "n1", "$ one").await;
    let two = api.dispatch("lab-1", "n2", "$ two").await;
    device.quiet().await;
    device.run(&command).await;
    assert_eq!(device.expect("task_end").await["session_id"], session);

    let task = device.expect("task").await;
    assert_eq!((&task["session_id"], &task["task_name"]), (&json!(one), &json!("n1")));
    device.quiet().await;
    device.echo(&task).await;
    assert_eq!(device.acknowledged().await, one);
    assert_eq!(device.work().await["session_id"], one);
    assert_eq!(device.take_up().await["session_id"], two);
    assert_eq!(device.work().await["session_id"], two);
    assert_eq!(api.outcome("n1").await["result"][0]["result"], "ran one\n");
    assert_eq!(api.outcome("n2").await["result"][0]["result"], "ran two\n");
}

#[tokio::test]
async fn a_dispatch_is_adopted_only_by_what_matches_it() {
    let stage = Stage::new().await;
    let api = stage.api();
    let mut device = stage.device("lab-1").await;
    let session = api.dispatch("lab-1", "n1", "$ one").await;
    let task = device.expect("task").await;

    // A task of the device's own in between is another session.
    let own = device.request("$ own").await;
    assert_ne!(own, session);
    // A client that sends back the session is understood as well.
    let mut echo = device.task("$ one");
    echo["task_name"] = task["task_name"].clone();
    echo["session_id"] = task["session_id"].clone();
    device.send(&echo).await;
    let mut ended = Vec::new();
    while ended.len() < 2 {
        ended.push(device.work().await["session_id"].clone());
    }
    assert!(ended.contains(&json!(own)) && ended.contains(&json!(session)), "{ended:?}");
    assert_eq!(api.outcome("n1").await["result"][0]["result"], "ran one\n");
    assert_eq!(api.outcome(&own).await["result"][0]["result"], "ran own\n");
}

#[tokio::test]
async fn only_so_many_may_wait_and_the_next_is_told() {
    let stage = Setup::new().config("[sessions]\nwaiting-per-device = 2").start().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    galaxy.give("t1", "$ date").await;
    device.command().await;
    galaxy.give("t2", "$ date").await;
    galaxy.give("t3", "$ date").await;
    let task = galaxy.task("t4", "$ date");
    galaxy.send(&task).await;
    let error = galaxy.error().await;
    let end = galaxy.end_of("nightly@t4").await;
    assert_eq!((&end["status"], &end["error"]), (&json!("failed"), &json!(error)));
    galaxy.quiet().await;
    let body = json!({"client_id": "lab-1", "request": "$ date"});
    let (status, answer) = stage.api().post("/api/dispatch", &body).await;
    assert!(matches!(status, 429 | 503), "{status} {answer}");
    assert!(answer["detail"].is_string(), "{answer}");
}

#[tokio::test]
async fn tools_are_asked_for_again_with_each_task() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    for _ in 0..2 {
        stage.api().dispatch("lab-1", "n1", "$ date").await;
        device.take_up().await;
        let list = device.any_command().await;
        assert_eq!(list.tool(), "list_tools", "a device forgets its tools at each TASK, and so must the server");
        device.list(&list).await;
        assert_eq!(device.work().await["status"], "completed");
    }
}
