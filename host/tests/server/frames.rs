//! Frames that are too large, too deep, too slow, cut off or nonsense: a clear error or an end, and nobody else notices.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::players::Device;
use crate::raw::{Raw, head, text_frame};
use crate::stage::{Setup, Stage, within};

/// A raw connection that has registered as a device.
async fn registered(stage: &Stage, id: &str) -> Raw {
    let mut raw = Raw::connect(stage.address()).await;
    assert!(raw.send(&text_frame(&Device::registration(id, "linux").to_string())).await);
    assert!(raw.text().await.contains("\"heartbeat\""));
    raw
}

#[tokio::test]
async fn nonsense_is_answered_and_the_connection_lives() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(50_000), close.repeat(50_000));
    let frames = [
        deep("[", "]"),
        deep("{\"a\":", "}"),
        format!("{{\"type\":\"heartbeat\",\"metadata\":{}}}", deep("{\"a\":", "}")),
        format!("{{\"type\":\"task\",\"request\":{}}}", deep("[", "]")),
        "[".repeat(1 << 20),
        "{\"type\":\"heartbeat\"".into(),
        "{\"type\":\"heartbeat\",}".into(),
        "{\"type\":\"heart\u{0}beat\"}".into(),
        "{\"type\":\"\\ud800\"}".into(),
        "{\"type\":1e999}".into(),
        "{\"type\":{}}".into(),
        "nul".into(),
        "\u{7f}\u{1b}[31m".into(),
        json!({"type": "task", "request": "x".repeat(5 << 20)}).to_string(),
        json!({"type": "task", "request": "$ date", "session_id": "s".repeat(100_000)}).to_string(),
        json!({"type": "x".repeat(1 << 20)}).to_string(),
    ];
    for frame in frames {
        let shown: String = frame.chars().take(60).collect();
        device.send_text(&frame).await;
        let error = device.error().await;
        assert!(error.len() < 400 && !error.chars().any(char::is_control), "{shown}: {error}");
        device.quiet().await;
    }
    assert!(stage.api().get("/api/sessions").await.to_string().len() < 10_000);
}

#[tokio::test]
async fn results_full_of_oddities_reach_the_requester_or_are_refused() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let payloads = [
        json!({"stdout": "a\u{0}b\u{feff}\u{202e}c"}),
        json!({"stdout": "x", "stdout2": 1e300, "list": vec![Value::Null; 1000]}),
        json!("\u{1f600}".repeat(10_000)),
        json!(-0.0),
    ];
    for payload in payloads {
        device.request("$ date").await;
        let command = device.command().await;
        device.answer(&command, &payload).await;
        let end = device.expect("task_end").await;
        assert!(matches!(end["status"].as_str(), Some("completed" | "failed")), "{end}");
    }
    device.request("$ date").await;
    let command = device.command().await;
    let too_many: Vec<Value> = (0..5_000).map(|_| json!({"status": "success"})).collect();
    device.answer_with(&command, &json!(too_many)).await;
    let next = device.next().await;
    assert!(matches!(next["type"].as_str(), Some("error" | "task_end")), "{next}");
}

#[tokio::test]
async fn a_registration_that_is_too_deep_or_too_large_is_closed_with_1008() {
    let stage = Stage::new().await;
    let mut deep = json!(1);
    for _ in 0..120 {
        deep = json!({ "a": deep });
    }
    let mut registration = Device::registration("lab-1", "linux");
    registration["metadata"]["system_info"]["custom_metadata"] = json!({"a": {"b": {"c": {"d": {"e": deep}}}}});
    let mut large = Device::registration("lab-1", "linux");
    large["metadata"]["system_info"]["custom_metadata"] = json!("x".repeat(8 << 20));
    let mut long = Device::registration(&"i".repeat(50_000), "linux");
    long["client_id"] = json!("i".repeat(50_000));
    for frame in [registration, long] {
        let mut peer = stage.peer().await;
        peer.send(&frame).await;
        peer.error().await;
        assert_eq!(peer.closed().await, Some(1008));
    }
    // What is not read to its end may be cut off with the answer on its way.
    let mut peer = stage.peer().await;
    peer.try_send_text(&large.to_string()).await;
    let (frames, code) = peer.drained().await;
    assert!(frames.iter().all(|frame| frame["type"] == "error"), "{frames:?}");
    assert!(matches!(code, None | Some(1008 | 1009)), "{code:?}");
    assert!(stage.api().online().await.is_empty());
}

#[tokio::test]
async fn an_announced_length_beyond_the_limit_ends_the_connection_at_once() {
    let stage = Stage::new().await;
    let mut other = stage.device("other").await;
    for length in [(100 << 20) + 1, 1 << 40, u64::MAX >> 1] {
        let mut raw = registered(&stage, "lab-1").await;
        raw.send(&head(0x81, length)).await;
        let (code, _) = raw.closed().await;
        assert!(matches!(code, None | Some(1009 | 1002)), "{code:?}");
        other.quiet().await;
        stage.api().gone("lab-1").await;
    }
}

#[tokio::test]
async fn broken_framing_ends_the_connection_and_no_other() {
    let stage = Stage::new().await;
    let mut other = stage.device("other").await;
    let bad: [&[u8]; 7] = [
        // Not masked; reserved bits; an unknown opcode; a continuation of nothing; a ping that is too long or in parts.
        b"\x81\x02{}",
        b"\xf1\x80\0\0\0\0",
        b"\x83\x80\0\0\0\0",
        b"\x80\x80\0\0\0\0",
        &[&[0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0][..], &[b'x'; 256]].concat(),
        b"\x09\x80\0\0\0\0",
        // Text that is none.
        b"\x81\x82\0\0\0\0\xff\xfe",
    ];
    for frame in bad {
        let mut raw = registered(&stage, "lab-1").await;
        raw.send(frame).await;
        // Where the frame is whole, a clear error is as good as an end.
        raw.send(&[head(0x88, 2), vec![0x03, 0xe8]].concat()).await;
        raw.closed().await;
        other.quiet().await;
        stage.api().gone("lab-1").await;
    }
}

#[tokio::test]
async fn a_frame_that_is_cut_off_leaves_nothing_behind() {
    let stage = Stage::new().await;
    let mut other = stage.device("other").await;
    for length in [100, 70_000, 90 << 20] {
        let mut raw = registered(&stage, "lab-1").await;
        raw.send(&head(0x81, length)).await;
        raw.send(b"{\"type\":\"task\",\"request\":\"").await;
        drop(raw);
        stage.api().gone("lab-1").await;
        other.quiet().await;
    }
}

#[tokio::test]
async fn a_fragmented_message_is_one_message() {
    let stage = Stage::new().await;
    let mut raw = registered(&stage, "lab-1").await;
    for part in [
        &b"\x01\x89\0\0\0\0{\"type\":\""[..],
        b"\x89\x80\0\0\0\0",
        b"\x00\x85\0\0\0\0heart",
        b"\x80\x86\0\0\0\0beat\"}",
    ] {
        assert!(raw.send(part).await);
    }
    loop {
        let (code, payload) = within("the answer", raw.any()).await;
        if code == 0x1 {
            assert!(String::from_utf8(payload).unwrap().contains("\"heartbeat\""));
            return;
        }
        assert!(matches!(code, 0x9 | 0xa), "{code}");
    }
}

#[tokio::test]
async fn a_first_frame_that_drips_is_cut_off_when_the_time_to_register_is_over() {
    let stage = Setup::new().config("[connections]\nregistration = \"1 s\"").start().await;
    let mut other = stage.device("other").await;
    let mut raw = Raw::connect(stage.address()).await;
    let began = Instant::now();
    let frame = text_frame(&Device::registration("lab-1", "linux").to_string());
    for byte in &frame {
        if !raw.send(&[*byte]).await || began.elapsed() > Duration::from_secs(2) {
            break;
        }
        other.quiet().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (code, _) = raw.closed().await;
    assert!(matches!(code, None | Some(1008)), "{code:?}");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(stage.api().online().await, ["other"]);
}

#[tokio::test]
async fn a_large_frame_that_drips_is_cut_off_in_time() {
    let stage = Setup::new().config("[connections]\nlarge-frame = \"1 s\"").start().await;
    let mut other = stage.device("other").await;
    let mut raw = registered(&stage, "lab-1").await;
    let began = Instant::now();
    raw.send(&head(0x81, 50 << 20)).await;
    raw.send(&vec![b' '; 128 << 10]).await;
    while began.elapsed() < Duration::from_secs(3) && raw.send(b" ").await {
        other.quiet().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    raw.closed().await;
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    stage.api().gone("lab-1").await;
    other.quiet().await;
}

#[tokio::test]
async fn many_who_announce_much_get_no_memory_for_it_and_hold_nobody_up() {
    let stage = Stage::new().await;
    let mut other = stage.device("other").await;
    let before = stage.resident_mib();
    let mut greedy = Vec::new();
    for number in 0..20 {
        let mut raw = registered(&stage, &format!("greedy-{number}")).await;
        raw.send(&head(0x81, 99 << 20)).await;
        raw.send(&vec![b' '; 200 << 10]).await;
        greedy.push(raw);
    }
    for _ in 0..20 {
        let asked = Instant::now();
        other.quiet().await;
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    }
    other.request("$ date").await;
    assert_eq!(other.work().await["status"], "completed");
    let grown = stage.resident_mib().saturating_sub(before);
    assert!(grown < 256, "{grown} MiB for what was only announced");
}

#[tokio::test]
async fn garbage_from_many_sides_leaves_the_server_as_it_was() {
    let stage = Stage::new().await;
    let mut other = stage.device("other").await;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for round in 0..50 {
        let mut raw = Raw::connect(stage.address()).await;
        let length = random() % 300;
        let bytes: Vec<u8> = (0..length).map(|_| random() as u8).collect();
        // Every other one is at least a frame.
        let sent = if round % 2 == 0 { bytes } else { [head(0x81, length), bytes].concat() };
        raw.send(&sent).await;
        drop(raw);
        other.quiet().await;
    }
    assert_eq!(stage.api().online().await, ["other"]);
}
