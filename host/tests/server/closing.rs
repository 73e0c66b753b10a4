//! How connections are closed: what is said before, and the code.

use serde_json::json;

use crate::players::{Constellation, Device, Peer};
use crate::stage::{Setup, Stage};

#[tokio::test]
async fn a_refused_registration_is_told_why_and_closed() {
    let stage = Stage::new().await;
    let _device = stage.device("lab-1").await;
    let refused = [
        (
            Device::registration("lab-1", "linux"),
            "client_id 'lab-1' is already registered; duplicate registrations are not allowed",
        ),
        (Constellation::registration("nightly", "lab-9"), "Target device 'lab-9' is not connected"),
    ];
    for (registration, text) in refused {
        let mut peer = stage.peer().await;
        peer.send(&registration).await;
        assert_eq!(peer.error().await, text);
        let code = peer.closed().await;
        assert!(matches!(code, Some(1000 | 1008)), "{code:?}");
    }
    assert_eq!(stage.api().online().await, ["lab-1"]);
}

#[tokio::test]
async fn a_target_must_be_a_device() {
    let stage = Stage::new().await;
    let _device = stage.device("lab-1").await;
    let _galaxy = stage.constellation("nightly", "lab-1").await;
    let mut peer = stage.peer().await;
    peer.send(&Constellation::registration("other", "nightly@lab-1")).await;
    assert_eq!(peer.error().await, "Target device 'nightly@lab-1' is not connected");
    assert!(matches!(peer.closed().await, Some(1000 | 1008)));
}

#[tokio::test]
async fn a_first_frame_that_is_no_registration_is_answered_and_closed_with_1008() {
    let stage = Stage::new().await;
    let not_first = "First message must be a registration message";
    let no_id = "Client ID is required for WebSocket registration";
    let frames = [
        (json!({"type": "heartbeat", "status": "ok", "client_id": "x"}).to_string(), Some(not_first)),
        (json!({"type": "error", "status": "error", "error": "?"}).to_string(), Some(not_first)),
        (json!({"type": "register", "status": "ok"}).to_string(), Some(no_id)),
        (json!({"type": "register", "status": "ok", "client_id": ""}).to_string(), Some(no_id)),
        (json!({"type": "register", "status": "ok", "client_id": null}).to_string(), Some(no_id)),
        (json!({"type": "register", "client_type": "constellation"}).to_string(), Some(no_id)),
        ("{\"type\":".into(), None),
        ("hello".into(), None),
        ("[1]".into(), None),
        ("\"register\"".into(), None),
        (String::new(), None),
    ];
    for (frame, text) in frames {
        let mut peer = stage.peer().await;
        peer.send_text(&frame).await;
        let error = peer.error().await;
        assert!(text.is_none_or(|text| text == error), "{frame}: {error}");
        assert!(error.len() < 300, "a parse error is short: {error}");
        assert_eq!(peer.closed().await, Some(1008), "{frame}");
    }
    assert!(stage.api().online().await.is_empty());
}

#[tokio::test]
async fn whoever_does_not_register_in_time_is_closed_with_1008() {
    let stage = Setup::new().config("[connections]\nregistration = \"1 s\"").start().await;
    let mut peer = stage.peer().await;
    assert!(!peer.error().await.is_empty());
    assert_eq!(peer.closed().await, Some(1008));
}

#[tokio::test]
async fn an_unannounced_binary_frame_is_an_error_and_only_many_of_them_end_the_connection() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    device.send_binary(&[0, 159, 146, 150]).await;
    device.error().await;
    device.quiet().await;
    assert_eq!(stage.api().online().await, ["lab-1"]);

    let mut peer = device.into_peer();
    for _ in 0..200 {
        if !peer.try_send_binary(&[0, 159, 146, 150]).await {
            // The end came on the heels of the last error.
            assert_eq!(peer.closed().await, Some(1003));
            return;
        }
        match peer.next_or_end().await {
            Ok(frame) => assert_eq!(frame["type"], "error", "{frame}"),
            Err(code) => {
                assert_eq!(code, Some(1003));
                return;
            }
        }
    }
    panic!("200 binary frames that nobody announced were taken");
}

#[tokio::test]
async fn a_server_that_stops_says_so_and_ends_well() {
    let mut stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let mut unknown = stage.peer().await;
    stage.tell_to_stop();
    for peer in [&mut *device, &mut *galaxy, &mut unknown] {
        let (frames, code) = peer.drained().await;
        assert!(frames.is_empty(), "{frames:?}");
        assert!(matches!(code, Some(1001 | 1012)), "{code:?}");
    }
    assert!(stage.ended().await.success());
}

#[tokio::test]
async fn a_server_that_stops_tells_requesters_what_became_of_their_tasks() {
    let mut stage = Setup::new().config("[server]\ndrain = \"1 s\"").start().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ sleep 100").await;
    device.command().await;
    stage.tell_to_stop();
    let end = galaxy.end_of(&session).await;
    assert_eq!(end["status"], "failed");
    let (frames, code) = galaxy.drained().await;
    assert!(frames.is_empty(), "{frames:?}");
    assert!(matches!(code, Some(1001 | 1012)), "{code:?}");
    assert!(stage.ended().await.success());
}

#[tokio::test]
async fn a_second_signal_ends_the_server_at_once() {
    let mut stage = Setup::new().config("[server]\ndrain = \"600 s\"").start().await;
    let mut device = stage.device("lab-1").await;
    device.request("$ sleep 100").await;
    device.command().await;
    stage.tell_to_stop();
    stage.stopped_listening().await;
    stage.tell_to_stop();
    stage.ended().await;
}

#[tokio::test]
async fn a_wrong_token_is_refused_before_the_upgrade() {
    let stage = Setup::new().options("--api-key a-key-that-is-long-enough").start().await;
    for query in ["?token=wrong", "?token=a-key-that-is-long-enoug", "?token=a-key-that-is-long-enough1"] {
        assert_eq!(Peer::connect(stage.address(), query).await.err(), Some(403), "{query}");
    }
}
