//! Handlers on the way of a command: what they deny does not reach the device, and without them nothing does.

use serde_json::{Value, json};

use crate::players::Device;
use crate::stage::{PATIENCE, Setup};

const REQUIRED: &str = "[handlers.required]\ncommand = [\"guard\"]\n\
                        [plugins.guard.settings]\ndeny = [\"execute_command rm *\"]";

/// Runs one shell command as a task of the device's own; the TASK_END, and the commands that reached the device.
async fn attempt(device: &mut Device, line: &str) -> (Value, Vec<String>) {
    device.request(&format!("$ {line}")).await;
    let mut ran = Vec::new();
    loop {
        let frame = device.next().await;
        if frame["type"] == "task_end" {
            return (frame, ran);
        }
        let command = crate::players::Command { frame };
        if command.tool() == "list_tools" {
            device.list(&command).await;
        } else {
            ran.push(command.parameters()["command"].as_str().unwrap().to_owned());
            device.run(&command).await;
        }
    }
}

#[tokio::test]
async fn a_denied_command_does_not_reach_the_device() {
    let stage = Setup::with(&["linux", "guard"]).config(REQUIRED).start().await;
    let mut device = stage.device("lab-1").await;
    let (end, ran) = attempt(&mut device, "rm -rf /tmp/x").await;
    assert_eq!(end["status"], "failed", "{end}");
    assert!(end["error"].as_str().unwrap().contains("The operator's rules do not allow it"), "{end}");
    assert!(ran.is_empty(), "{ran:?}");
    let (end, ran) = attempt(&mut device, "date").await;
    assert_eq!(end["status"], "completed", "{end}");
    assert_eq!(ran, ["date"]);
}

#[tokio::test]
async fn without_its_guard_no_command_passes() {
    let stage = Setup::with(&["linux"]).config("[handlers.required]\ncommand = [\"guard\"]").start().await;
    let mut device = stage.device("lab-1").await;
    let (end, ran) = attempt(&mut device, "date").await;
    assert_eq!(end["status"], "failed", "{end}");
    assert!(end["error"].as_str().unwrap().contains("guard"), "{end}");
    assert!(ran.is_empty(), "{ran:?}");
    device.quiet().await;
}

#[tokio::test]
async fn a_guard_that_is_taken_away_closes_the_way_and_one_that_comes_back_opens_it() {
    let stage = Setup::with(&["linux", "guard"]).config(REQUIRED).start().await;
    let mut device = stage.device("lab-1").await;
    assert_eq!(attempt(&mut device, "date").await.0["status"], "completed");
    std::fs::rename(stage.path("plugins/guard"), stage.path("guard-away")).unwrap();
    let until = std::time::Instant::now() + PATIENCE;
    loop {
        let (end, ran) = attempt(&mut device, "date").await;
        if end["status"] == "failed" {
            assert!(ran.is_empty(), "{ran:?}");
            break;
        }
        assert!(std::time::Instant::now() < until, "commands go on passing without the guard");
    }
    std::fs::rename(stage.path("guard-away"), stage.path("plugins/guard")).unwrap();
    while attempt(&mut device, "date").await.0["status"] != "completed" {
        assert!(std::time::Instant::now() < until + PATIENCE, "the guard is back, and nothing passes");
    }
    assert_eq!(attempt(&mut device, "rm x").await.0["status"], "failed");
}

#[tokio::test]
async fn a_guard_that_breaks_lets_nothing_pass() {
    let setup = Setup::with(&["linux"]).hostile("handler-panics");
    let stage = setup.config("[handlers.required]\ncommand = [\"handler-panics\"]").start().await;
    let mut device = stage.device("lab-1").await;
    // It breaks at the task already, of whose kind it is as well.
    let task = device.task("$ echo panic");
    device.send(&task).await;
    let text = device.error().await;
    assert!(text.contains("handler-panics"), "{text}");
    device.quiet().await;
    let (end, ran) = attempt(&mut device, "date").await;
    assert_eq!((&end["status"], ran.len()), (&json!("completed"), 1), "{end}");
}

#[tokio::test]
async fn what_is_denied_to_one_is_not_denied_to_all() {
    let stage = Setup::with(&["linux", "guard"]).config(REQUIRED).start().await;
    let mut device = stage.device("lab-1").await;
    let mut other = stage.device("lab-2").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ rm x").await;
    other.request("$ date").await;
    assert_eq!(other.work().await["status"], "completed");
    device.work().await;
    let end = galaxy.end_of(&session).await;
    assert_eq!((&end["status"], &end["session_id"]), (&json!("failed"), &json!(session)));
}
