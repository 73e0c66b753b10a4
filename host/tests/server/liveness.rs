//! Who counts as alive, and who takes whose place.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::players::{Constellation, Device};
use crate::stage::{Setup, Stage};

const DEVICE_LEFT: &str = "Task was cancelled because target device disconnected";

#[tokio::test]
async fn whoever_answers_no_ping_is_gone_after_a_while_with_all_that_follows() {
    // The least that can be asked for.
    let silence = Duration::from_secs(40);
    let stage = Setup::new().config("[connections]\nping = \"1 s\"\nsilence = \"40 s\"").start().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ sleep 100").await;
    device.command().await;
    device.freeze();
    let frozen = Instant::now();
    galaxy.pinged(silence.as_secs() as usize - 5).await;
    assert!(stage.api().online().await.contains(&"lab-1".to_owned()), "it has not been silent for long enough");
    assert_eq!(galaxy.end_of(&session).await["error"], DEVICE_LEFT);
    assert!(frozen.elapsed() > silence - Duration::from_secs(1), "{:?}", frozen.elapsed());
    stage.api().gone("lab-1").await;
    galaxy.quiet().await;
}

#[tokio::test]
async fn whoever_takes_the_place_of_the_frozen_takes_over_no_session() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ sleep 100").await;
    let command = device.command().await;
    device.freeze();
    let mut second = stage.device("lab-1").await;
    assert_eq!(galaxy.end_of(&session).await["error"], DEVICE_LEFT);
    second.run(&command).await;
    second.quiet().await;
    let session = galaxy.give("t2", "$ date").await;
    second.work().await;
    assert_eq!(galaxy.end_of(&session).await["status"], "completed");
    device.thaw();
    let (frames, _) = device.drained().await;
    assert!(frames.iter().all(|frame| frame["type"] != "command"), "{frames:?}");
    second.quiet().await;
}

#[tokio::test]
async fn a_frozen_constellation_gives_its_place_up_too() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ sleep 100").await;
    device.command().await;
    galaxy.freeze();
    let asked = Instant::now();
    let _second = Constellation::join(stage.address(), "nightly", "lab-1").await;
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    let end = device.expect("task_end").await;
    assert_eq!(end["session_id"], session);
    assert_eq!(end["error"], "Task was cancelled due to client disconnection");
}

#[tokio::test]
async fn of_many_who_want_the_place_of_the_frozen_one_gets_it_and_nobody_else_waits() {
    let stage = Stage::new().await;
    let device = stage.device("lab-1").await;
    let mut other = stage.device("other").await;
    device.freeze();
    let mut peers = Vec::new();
    for _ in 0..4 {
        let mut peer = stage.peer().await;
        peer.send(&Device::registration("lab-1", "linux")).await;
        peers.push(peer);
    }
    for _ in 0..20 {
        let asked = Instant::now();
        other.quiet().await;
        assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    }
    let mut taken = 0;
    for peer in &mut peers {
        match peer.next().await["type"].as_str().unwrap() {
            "heartbeat" => taken += 1,
            "error" => assert!(peer.closed().await.is_some()),
            kind => panic!("{kind}"),
        }
    }
    assert_eq!(taken, 1);
}

#[tokio::test]
async fn a_busy_device_that_lives_keeps_its_place() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    device.request("$ sleep 100").await;
    let command = device.command().await;
    let mut second = stage.peer().await;
    let asked = Instant::now();
    second.send(&Device::registration("lab-1", "linux")).await;
    assert!(second.error().await.contains("already registered"));
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    device.run(&command).await;
    assert_eq!(device.expect("task_end").await["status"], "completed");
}

#[tokio::test]
async fn whoever_has_left_may_come_back_at_once() {
    let stage = Stage::new().await;
    for round in 0..20 {
        let mut device = stage.device("lab-1").await;
        if round % 2 == 0 {
            device.request("$ sleep 100").await;
            device.command().await;
        }
        let peer = device.into_peer();
        let left = Instant::now();
        if round % 3 == 0 {
            peer.vanish().await;
        } else {
            peer.close().await;
        }
        let back = stage.device("lab-1").await;
        assert!(left.elapsed() < Duration::from_secs(2), "{:?}", left.elapsed());
        back.into_peer().close().await;
        stage.api().gone("lab-1").await;
    }
}

#[tokio::test]
async fn the_server_writes_nothing_before_the_answer_to_a_registration() {
    let stage = Setup::new().config("[connections]\nping = \"100 ms\"").start().await;
    for number in 0..10 {
        let mut device = stage.peer().await;
        let id = format!("lab-{number}");
        device.send(&Device::registration(&id, "linux")).await;
        // Asked for as soon as it can be seen, and still the answer to the registration comes first.
        let body = json!({"client_id": id, "request": "$ date"});
        let until = Instant::now() + Duration::from_secs(10);
        while stage.api().post("/api/dispatch", &body).await.0 != 200 {
            assert!(Instant::now() < until);
        }
        assert_eq!(device.next().await["type"], "heartbeat");
        assert_eq!(device.next().await["type"], "task");
    }
}
