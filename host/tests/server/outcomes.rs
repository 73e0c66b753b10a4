//! What a TASK_END says, for each way in which a session can end without a model.

use serde_json::{Value, json};

use crate::players::Device;
use crate::stage::{Setup, Stage};

/// Answers one shell command of a task with this payload; the TASK_END.
async fn end_of(device: &mut Device, payload: &Value) -> Value {
    device.request("$ cmd").await;
    let command = device.command().await;
    device.answer(&command, payload).await;
    device.expect("task_end").await
}

#[tokio::test]
async fn a_command_that_goes_well_completes_with_its_output() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let cases = [
        (json!({"success": true, "exit_code": 0, "stdout": "Linux lab7\n", "stderr": ""}), json!("Linux lab7\n")),
        (json!("just text"), json!("just text")),
        (json!({"anything": [1, {"else": null}]}), json!({"anything": [1, {"else": null}]})),
        (Value::Null, Value::Null),
    ];
    for (payload, result) in cases {
        let end = end_of(&mut device, &payload).await;
        assert_eq!((&end["status"], &end["error"]), (&json!("completed"), &Value::Null), "{payload}");
        assert_eq!(end["result"], json!([{"request": "$ cmd", "result": result}]), "{payload}");
    }
}

#[tokio::test]
async fn a_command_that_goes_wrong_fails_with_the_reason_and_what_there_was() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let payload = json!({"success": false, "exit_code": 2, "stdout": "", "stderr": "no such file\n"});
    let end = end_of(&mut device, &payload).await;
    assert_eq!(end["status"], "failed");
    assert!(end["error"].as_str().unwrap().contains("no such file"), "{end}");
    assert_eq!(end["result"][0]["request"], "$ cmd");
    assert_eq!(end["result"][0]["result"]["exit_code"], 2);

    let end = end_of(&mut device, &json!({"success": false, "error": "Command 'rm' is not allowed"})).await;
    assert_eq!((&end["status"], &end["error"]), (&json!("failed"), &json!("Command 'rm' is not allowed")));

    device.request("$ cmd").await;
    let command = device.command().await;
    let failure = json!([{"status": "failure", "error": "boom", "result": null, "call_id": "x"}]);
    device.answer_with(&command, &failure).await;
    let end = device.expect("task_end").await;
    assert_eq!((&end["status"], &end["error"]), (&json!("failed"), &json!("boom")));
    assert!(end["result"].is_array(), "{end}");
}

#[tokio::test]
async fn giving_up_may_be_told_as_the_reference_tells_it() {
    let stage = Setup::new().config("[sessions]\nfail-as-completed = true").start().await;
    let mut device = stage.device("lab-1").await;
    device.request("$ false").await;
    let end = device.work().await;
    assert_eq!((&end["status"], &end["error"]), (&json!("completed"), &Value::Null));
    assert_eq!(end["result"][0]["request"], "$ false");
}

#[tokio::test]
async fn without_a_model_a_request_in_words_fails_with_advice() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    device.request("tell me the date").await;
    let end = device.work().await;
    assert_eq!(end["status"], "failed");
    let error = end["error"].as_str().unwrap();
    assert!(error.contains("No model is configured"), "{error}");
}

#[tokio::test]
async fn results_that_a_behaviour_does_not_name_are_made_of_its_words() {
    let setup = Setup::with(&[]).hostile("greeter").config("[platforms]\nlinux = \"greeter\"");
    let stage = setup.start().await;
    let mut device = stage.device("lab-1").await;
    device.request("be nice").await;
    let end = device.expect("task_end").await;
    assert_eq!(end["status"], "completed");
    assert_eq!(end["result"], json!([{"request": "be nice", "result": "goodbye"}]));
}

#[tokio::test]
async fn a_behaviour_that_breaks_fails_its_session_and_nothing_else() {
    for (fixture, word) in [("panics", "the fixture panics: 42"), ("guest-failure", "the upstream said no")] {
        let setup = Setup::with(&[]).hostile(fixture).config(&format!("[platforms]\nlinux = \"{fixture}\""));
        let stage = setup.start().await;
        let mut device = stage.device("lab-1").await;
        let mut galaxy = stage.constellation("nightly", "lab-1").await;
        let session = galaxy.give("t1", "now").await;
        let end = galaxy.end_of(&session).await;
        assert_eq!(end["status"], "failed", "{end}");
        assert!(!end["error"].as_str().unwrap().is_empty(), "{end}");
        // The protocol has the object in place of the list, and the list form wherever lists are looked for.
        let failure = json!({"failure": "session ended with an error"});
        assert!(end["result"] == failure || end["result"] == json!([failure]), "{fixture}: {end}");
        if fixture == "guest-failure" {
            assert!(end["error"].as_str().unwrap().contains(word), "{end}");
        }
        assert_eq!(device.expect("task_end").await["session_id"], session);
        device.quiet().await;
        galaxy.quiet().await;
        assert_eq!(stage.api().get("/api/health").await["status"], "healthy");
    }
}

#[tokio::test]
async fn a_behaviour_that_spins_is_stopped_while_others_go_on() {
    let setup = Setup::with(&[]).hostile("endless-loop").config(
        "[platforms]
linux = \"endless-loop\"",
    );
    let stage = setup.start().await;
    let mut spinning = stage.device("lab-1").await;
    let mut other = stage.device("lab-2").await;
    spinning.request("now").await;
    let mut beats = 0;
    let end = loop {
        other.quiet().await;
        beats += 1;
        if let Some(frame) = spinning.try_next() {
            break frame;
        }
    };
    assert!(beats > 5, "others were answered only {beats} times");
    assert_eq!((&end["type"], &end["status"]), (&json!("task_end"), &json!("failed")), "{end}");
}

#[tokio::test]
async fn large_output_comes_back_whole() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let text = "0123456789".repeat(50_000);
    let payload = json!({"success": true, "exit_code": 0, "stdout": text, "stderr": ""});
    let end = end_of(&mut device, &payload).await;
    assert_eq!(end["result"][0]["result"], text, "a result is what the device said, however long");
}

#[tokio::test]
async fn names_of_tasks_are_made_safe() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let names = [
        (json!("galaxy/acc/task_1"), Some("galaxy_acc_task_1")),
        (json!("../x/y"), Some("_x_y")),
        (json!("C:\\e"), Some("C__e")),
        (json!("..%2f"), Some("_2f")),
        (json!("/abs"), Some("_abs")),
        (json!("plain-1.2"), Some("plain-1.2")),
        (json!("é"), Some("_")),
        (json!(".."), None),
        (json!(""), None),
        (Value::Null, None),
    ];
    for (name, safe) in names {
        let mut task = device.task("$ date");
        task["task_name"] = name.clone();
        device.send(&task).await;
        device.acknowledged().await;
        let command = device.command().await;
        let given = command.frame["task_name"].as_str().unwrap().to_owned();
        match safe {
            Some(safe) => assert_eq!(given, safe, "{name}"),
            None => assert!(uuid::Uuid::parse_str(&given).is_ok(), "{name} became {given}"),
        }
        device.run(&command).await;
        device.expect("task_end").await;
        assert_eq!(stage.api().outcome(&given).await["status"], "done");
    }
}
