//! Whoever sends too much, asks for too much or does not read: slowed down, told or closed, and nobody else notices.

use std::time::Instant;

use serde_json::json;

use crate::players::{Device, Peer};
use crate::stage::{Setup, within};

#[tokio::test]
async fn s21_a_client_may_have_so_many_sessions_and_no_more() {
    let stage = Setup::new().config("[sessions]\nlive-per-client = 2").start().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let mut other = stage.constellation("weekly", "lab-1").await;
    galaxy.give("t1", "$ date").await;
    galaxy.give("t2", "$ date").await;
    let third = galaxy.task("t3", "$ date");
    galaxy.send(&third).await;
    let text = galaxy.error().await;
    assert_eq!(galaxy.end_of("nightly@t3").await["error"], text);
    let session = other.give("t1", "$ date").await;
    for _ in 0..3 {
        device.work().await;
    }
    assert_eq!(other.end_of(&session).await["status"], "completed");
    galaxy.end_of("nightly@t1").await;
    galaxy.end_of("nightly@t2").await;
    galaxy.give("t4", "$ date").await;
}

#[tokio::test]
async fn s21_a_flood_is_slowed_down_and_others_are_not() {
    let stage = Setup::new().config("[connections]\nmessages-per-second = 50").start().await;
    let mut flooding = stage.device("flood").await;
    let mut other = stage.device("other").await;
    let began = Instant::now();
    for _ in 0..200 {
        flooding.send(&json!({"type": "heartbeat"})).await;
    }
    other.quiet().await;
    assert!(began.elapsed().as_secs() < 2, "{:?}", began.elapsed());
    let mut answered = 0;
    while answered < 200 {
        match flooding.next_or_end().await {
            Ok(frame) if frame["type"] == "heartbeat" => answered += 1,
            Ok(frame) => assert_eq!(frame["type"], "error", "{frame}"),
            Err(_) => return,
        }
    }
    assert!(began.elapsed().as_secs_f64() > 1.5, "200 messages at 50 a second took {:?}", began.elapsed());
}

#[tokio::test]
async fn s21_whoever_does_not_read_is_closed_and_others_go_on() {
    let setup =
        Setup::new().config("[connections]\noutbox-frames = 16\nmessages-per-second = 0\nwrite-stall = \"2 s\"");
    let stage = setup.start().await;
    let peer = Peer::connect_narrow(stage.address()).await;
    let mut slow = Device::join_on(peer, "slow", "linux").await;
    let mut other = stage.device("other").await;
    slow.freeze();
    let heartbeat = json!({"type": "heartbeat"}).to_string();
    let flooding = tokio::spawn(async move { while slow.try_send_text(&heartbeat).await {} });
    let api = stage.api();
    let gone = async {
        loop {
            other.quiet().await;
            if !api.online().await.contains(&"slow".to_owned()) {
                return;
            }
        }
    };
    within("the end of whoever does not read", gone).await;
    flooding.abort();
}
