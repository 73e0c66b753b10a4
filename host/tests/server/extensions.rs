//! What the protocol allows beyond what shipped clients do: ends and news of devices, files, what operators add.

use serde_json::{Value, json};

use crate::players::{Device, client_frame, system_info};
use crate::stage::{Setup, Stage};

#[tokio::test]
async fn an_end_that_the_executor_tells_ends_the_session_with_its_result() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ sleep 100").await;
    let command = device.command().await;
    let end = client_frame(json!({
        "type": "task_end", "status": "completed", "client_type": "device", "client_id": "lab-1",
        "session_id": session, "result": [{"request": "x", "result": "I am done"}],
    }));
    device.send(&end).await;
    let end = galaxy.end_of(&session).await;
    assert_eq!((&end["status"], &end["error"]), (&json!("completed"), &json!(null)));
    assert!(end["result"].to_string().contains("I am done"), "{end}");
    galaxy.quiet().await;
    device.run(&command).await;
    let outcome = stage.api().outcome(&session).await;
    assert_eq!(outcome["task_status"], "completed");
    // The device is free again; whether it is told what it told itself is left open.
    let task = device.task("$ date");
    device.send(&task).await;
    while device.work().await["session_id"] == json!(session) {}
}

#[tokio::test]
async fn a_device_tells_what_is_new_about_it() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    for (key, cpus) in [("metadata", 16), ("result", 32)] {
        let mut info = system_info("lab-1", "linux");
        info["cpu_count"] = json!(cpus);
        device.send(&client_frame(json!({"type": "device_info_response", key: info}))).await;
        device.quiet().await;
        let question = galaxy.question();
        galaxy.send(&question).await;
        assert_eq!(galaxy.expect("device_info_response").await["result"]["cpu_count"], cpus, "{key}");
    }
}

#[tokio::test]
async fn operators_add_to_what_is_known_of_a_device() {
    let file = json!({"devices": {"lab-1": {
        "room": "E2", "tags": ["nightly"], "additional_features": ["gpu", "cli"],
    }}});
    let setup = Setup::new().options("--device-metadata devices.json").file("devices.json", &file.to_string());
    let stage = setup.start().await;
    let _device = stage.device("lab-1").await;
    let _plain = stage.device("lab-2").await;
    let info = stage.constellation("nightly", "lab-1").await.info;
    assert_eq!(info["custom_metadata"]["room"], "E2");
    assert_eq!(info["custom_metadata"]["tags"], json!(["nightly"]));
    assert_eq!(info["tags"], json!(["nightly"]));
    let features = info["supported_features"].as_array().unwrap();
    for feature in ["gpu", "cli", "office"] {
        assert_eq!(features.iter().filter(|known| *known == feature).count(), 1, "{feature} in {info}");
    }
    let plain = stage.constellation("nightly", "lab-2").await.info;
    assert_eq!(plain, system_info("lab-2", "linux"), "what a device says is what is told of it");
}

#[tokio::test]
async fn the_platform_of_those_that_name_none_is_the_operators_to_say() {
    let stage = Setup::new().options("--platform linux").start().await;
    let mut silent = stage.peer().await;
    silent.send(&json!({"type": "register", "client_id": "silent"})).await;
    silent.expect("heartbeat").await;
    let _said = stage.device_on("windows", "said").await;
    let clients = stage.api().get("/api/clients").await;
    assert_eq!(clients["clients"][0]["platform"], "linux");
    assert_eq!(clients["clients"][1]["platform"], "windows");
    let stage = Setup::new().options("--platform linux --force-platform").start().await;
    let mut forced = stage.device_on("windows", "said").await;
    forced.request("$ date").await;
    assert_eq!(forced.command().await.frame["agent_name"], "LinuxAgent");
}

/// The announcement of a chunk, or of a file in one piece where it has no number.
fn announced(size: usize, number: Option<usize>) -> Value {
    let mut announced = json!({"type": "binary_data", "size": size, "filename": "../../escape"});
    if let Some(number) = number {
        announced["chunk_num"] = json!(number);
        announced["chunk_size"] = json!(size);
    }
    announced
}

/// Sends a file in chunks of six bytes, with this checksum of the whole.
async fn send_file(device: &mut Device, content: &[u8], checksum: &str) {
    let chunks: Vec<&[u8]> = content.chunks(6).collect();
    let about = json!({
        "type": "file_transfer_start", "filename": "a.txt", "size": content.len(), "chunk_size": 6,
        "total_chunks": chunks.len(), "mime_type": "text/plain",
    });
    device.send(&about).await;
    for (number, chunk) in chunks.iter().enumerate() {
        device.send(&announced(chunk.len(), Some(number))).await;
        device.send_binary(chunk).await;
    }
    let about = json!({
        "type": "file_transfer_complete", "filename": "a.txt", "total_chunks": chunks.len(), "checksum": checksum,
    });
    device.send(&about).await;
}

#[tokio::test]
async fn a_file_is_taken_as_announced() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let session = device.request("$ date").await;
    let command = device.command().await;
    device.send(&announced(5, None)).await;
    device.send_binary(b"hello").await;
    device.quiet().await;
    let mut named = announced(5, None);
    named["session_id"] = json!(session);
    device.send(&named).await;
    device.send_binary(b"hello").await;
    device.quiet().await;
    send_file(&mut device, b"hello world", "5eb63bbbe01eeed093cb22bb8f5acdc3").await;
    device.quiet().await;
    device.run(&command).await;
    assert_eq!(device.expect("task_end").await["status"], "completed");
}

#[tokio::test]
async fn a_file_for_anothers_session_is_refused() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut other = stage.device("lab-2").await;
    let session = device.request("$ date").await;
    device.command().await;
    let mut named = announced(5, None);
    named["session_id"] = json!(session);
    other.send(&named).await;
    other.send_binary(b"hello").await;
    other.error().await;
    // The frame itself may be one error more, for it was not announced any more.
    other.send(&json!({"type": "heartbeat"})).await;
    if other.next().await["type"] == "error" {
        other.expect("heartbeat").await;
    }
}

#[tokio::test]
async fn a_file_that_is_not_as_announced_is_an_error() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    device.request("$ date").await;
    device.command().await;
    device.send(&announced(5, None)).await;
    device.send_binary(b"hello, world").await;
    device.error().await;
    device.quiet().await;

    // A text in between ends the transfer: the frame that follows was not announced.
    device.send(&announced(5, None)).await;
    device.send(&json!({"type": "heartbeat"})).await;
    let mut frame = device.next().await;
    if frame["type"] == "error" {
        frame = device.next().await;
    }
    assert_eq!(frame["type"], "heartbeat", "{frame}");
    device.send_binary(&[0xff; 5]).await;
    device.error().await;
    device.quiet().await;

    device.send(&announced(1 << 40, None)).await;
    device.error().await;
    device.quiet().await;

    send_file(&mut device, b"hello world", "00000000000000000000000000000000").await;
    device.error().await;
    device.quiet().await;
}

#[tokio::test]
async fn files_are_not_taken_from_strangers() {
    let stage = Stage::new().await;
    let mut stranger = stage.peer().await;
    stranger.send(&json!({"type": "binary_data", "size": 5})).await;
    assert_eq!(stranger.error().await, "First message must be a registration message");
    assert_eq!(stranger.closed().await, Some(1008));
}
