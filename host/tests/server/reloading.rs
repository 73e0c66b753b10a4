//! Plugins change while the server runs: the next session is on the new version, running ones stay on theirs.

use std::time::Instant;

use serde_json::{Value, json};

use crate::players::Device;
use crate::stage::{PATIENCE, Setup, Stage, fixture};

/// Gives the device one task after the other until one ends as it should.
async fn until(device: &mut Device, request: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let task = device.task(request);
        device.send(&task).await;
        let first = device.next().await;
        let end = if first["type"] == "error" { first } else { device.work().await };
        if is_so(&end) {
            return end;
        }
        assert!(Instant::now() < until, "it goes on ending with {end}");
    }
}

#[tokio::test]
async fn a_component_is_replaced_between_two_tasks() {
    let setup = Setup::with(&[]).hostile("greeter").config("[platforms]\nlinux = \"greeter\"");
    let stage = setup.start().await;
    let mut device = stage.device("lab-1").await;
    device.request("now").await;
    assert_eq!(device.work().await["status"], "completed");
    let end = until(&mut device, "hello", |_| true).await;
    assert_eq!(end["result"][0]["result"], "goodbye");
    stage.replace("plugins/greeter.wasm", std::fs::read(fixture("greeter-later")).unwrap());
    until(&mut device, "hello", |end| end["result"][0]["result"] == "farewell").await;
}

#[tokio::test]
async fn a_session_that_runs_stays_on_its_version() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut other = stage.device("lab-2").await;
    device.request("$ date").await;
    let command = device.command().await;
    let (from, to) = (
        "[settings.direct]\ntype = \"boolean\"\ndefault = true",
        "[settings.direct]\ntype = \"boolean\"\ndefault = false",
    );
    stage.change("plugins/linux/plugin.toml", from, to);
    let end = until(&mut other, "$ date", |end| end["status"] == "failed").await;
    assert!(end["error"].as_str().unwrap().contains("No model is configured"), "{end}");
    device.run(&command).await;
    let end = device.expect("task_end").await;
    assert_eq!((&end["status"], &end["result"][0]["result"]), (&json!("completed"), &json!("ran date\n")));
    stage.change("plugins/linux/plugin.toml", to, from);
    until(&mut other, "$ date", |end| end["status"] == "completed").await;
}

#[tokio::test]
async fn a_broken_file_takes_nothing_down() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let good = std::fs::read(stage.path("plugins/linux/linux.wasm")).unwrap();
    for broken in [&b"nonsense"[..], &good[..good.len() / 2], b""] {
        stage.write("plugins/linux/linux.wasm", broken);
        let told = Instant::now();
        while told.elapsed().as_millis() < 1_500 {
            device.request("$ date").await;
            assert_eq!(device.work().await["status"], "completed");
        }
    }
    stage.replace("plugins/linux/linux.wasm", good);
    device.request("$ date").await;
    assert_eq!(device.work().await["status"], "completed");
}

#[tokio::test]
async fn what_hangar_toml_says_of_a_plugin_takes_effect() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    device.request("$ date").await;
    assert_eq!(device.work().await["status"], "completed");
    stage.replace("hangar.toml", "[plugins.linux.settings]\ndirect = false\n");
    until(&mut device, "$ date", |end| end["status"] == "failed").await;
    // What cannot be read changes nothing.
    stage.replace("hangar.toml", "[plugins.linux.settings]\ndirect = \n");
    let told = Instant::now();
    while told.elapsed().as_millis() < 1_500 {
        until(&mut device, "$ date", |_| true).await;
    }
    assert_eq!(until(&mut device, "$ date", |_| true).await["status"], "failed");
    stage.replace("hangar.toml", "");
    until(&mut device, "$ date", |end| end["status"] == "completed").await;
}

#[tokio::test]
async fn a_plugin_comes_and_goes() {
    let stage = Setup::with(&[]).start().await;
    let mut device = stage.device("lab-1").await;
    let text = "Service session not supported on linux";
    let task = device.task("$ date");
    assert_eq!(device.refused(&task).await, text);
    let shipped = Setup::shipped("linux");
    std::fs::create_dir(stage.path("plugins/linux")).unwrap();
    for name in ["plugin.toml", "linux.wasm"] {
        std::fs::copy(shipped.join(name), stage.path("plugins/linux").join(name)).unwrap();
    }
    until(&mut device, "$ date", |end| end["status"] == "completed").await;
    std::fs::remove_dir_all(stage.path("plugins/linux")).unwrap();
    until(&mut device, "$ date", |end| end["error"] == text).await;
}

#[tokio::test]
async fn operators_switch_plugins_over_http() {
    let stage = Stage::new().await;
    let api = stage.api();
    let mut device = stage.device("lab-1").await;
    let (status, answer) = api.post("/api/plugins/linux/disable", &json!({})).await;
    assert_eq!(status, 200, "{answer}");
    until(&mut device, "$ date", |end| end["error"] == "Service session not supported on linux").await;
    let (status, answer) = api.post("/api/plugins/linux/enable", &json!({})).await;
    assert_eq!(status, 200, "{answer}");
    until(&mut device, "$ date", |end| end["status"] == "completed").await;
    let (status, answer) = api.post("/api/plugins/linux/reload", &json!({})).await;
    assert_eq!(status, 200, "{answer}");
    until(&mut device, "$ date", |end| end["status"] == "completed").await;
}
