//! What must hold against attackers, row by row. What needs a browser, a key, a flood or a model stands in `doors`, `floods`
//! and `natural`.

use serde_json::{Value, json};

use crate::players::{Constellation, Device, Peer, client_frame, with};
use crate::stage::{Setup, Stage};

const KEY: &str = "a-key-that-is-long-enough";

#[tokio::test]
async fn s01_a_wrong_key_creates_nothing() {
    let stage = Setup::new().options(&format!("--api-key {KEY}")).start().await;
    assert_eq!(Peer::connect(stage.address(), "?token=wrong").await.err(), Some(403));
    let wrong = stage.api_with("wrong");
    let body = json!({"client_id": "lab-1", "request": "$ date", "task_name": "n1"});
    assert_eq!(wrong.post("/api/dispatch", &body).await, (401, json!({"detail": "Invalid API key"})));
    let right = stage.api_with(KEY);
    assert!(right.online().await.is_empty());
    assert_eq!(right.get("/api/task_result/n1").await["status"], "pending");
}

#[tokio::test]
async fn s02_a_device_cannot_speak_as_a_constellation() {
    let stage = Stage::new().await;
    let mut victim = stage.device("victim").await;
    let mut device = stage.device("lab-1").await;
    let task = with(device.task("$ date"), json!({"client_type": "constellation", "target_id": "victim"}));
    assert!(device.refused(&task).await.contains("client_type"));
    victim.quiet().await;
    device.send(&client_frame(json!({"type": "heartbeat", "client_type": "constellation"}))).await;
    device.expect("heartbeat").await;
}

#[tokio::test]
async fn s03_nobody_speaks_as_another_client() {
    let stage = Stage::new().await;
    let mut victim = stage.device("victim").await;
    let mut device = stage.device("lab-1").await;
    let task = with(device.task("$ date"), json!({"client_id": "victim"}));
    assert!(device.refused(&task).await.contains("client_id"));
    victim.quiet().await;
}

#[tokio::test]
async fn s04_a_live_id_is_nobody_elses() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let as_constellation = with(Constellation::registration("x", "lab-1"), json!({"client_id": "lab-1"}));
    let refused = [Device::registration("lab-1", "windows"), as_constellation];
    for registration in refused {
        let mut second = stage.peer().await;
        second.send(&registration).await;
        assert!(second.error().await.contains("already registered"));
        second.closed().await;
    }
    let clients = stage.api().get("/api/clients").await;
    assert_eq!((&clients["clients"][0]["platform"], &clients["total"]), (&json!("linux"), &json!(1)));
    assert_eq!(clients["clients"][0]["type"], "device");
    stage.api().dispatch("lab-1", "n1", "$ date").await;
    device.take_up().await;
    assert_eq!(device.work().await["status"], "completed");
    device.into_peer().close().await;
    stage.api().gone("lab-1").await;
    stage.device_on("windows", "lab-1").await;
}

#[tokio::test]
async fn s05_a_device_cannot_target_its_peer() {
    let stage = Stage::new().await;
    let mut victim = stage.device("victim").await;
    let mut device = stage.device("lab-1").await;
    let task = with(device.task("$ date"), json!({"target_id": "victim", "metadata": {"platform": "windows"}}));
    device.refused(&task).await;
    victim.quiet().await;
    let task = with(device.task("$ date"), json!({"metadata": {"platform": "windows"}}));
    device.send(&task).await;
    device.acknowledged().await;
    let command = device.command().await;
    assert_eq!(command.frame["agent_name"], "LinuxAgent", "the platform is the one it registered with");
    device.run(&command).await;
    assert_eq!(device.expect("task_end").await["status"], "completed");
    victim.quiet().await;
}

#[tokio::test]
async fn s06_without_a_registration_there_are_no_privileges() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let session = device.request("$ date").await;
    let command = device.command().await;
    let messages = [
        json!({"type": "task", "client_type": "constellation", "target_id": "lab-1", "request": "$ date"}),
        with(device.task("$ date"), json!({})),
        command.results("lab-1", &command.result(&json!("stolen"))),
        json!({"type": "device_info_request", "client_type": "constellation", "target_id": "lab-1"}),
        json!({"type": "task_end", "session_id": session}),
    ];
    for message in messages {
        let mut nobody = stage.peer().await;
        nobody.send(&message).await;
        let text = nobody.error().await;
        let texts = [
            "First message must be a registration message",
            "Connection is not registered; refusing privileged message",
        ];
        assert!(texts.contains(&text.as_str()), "{message}: {text}");
        nobody.closed().await;
    }
    device.quiet().await;
    device.run(&command).await;
    assert_eq!(device.expect("task_end").await["result"][0]["result"], "ran date\n");
}

#[tokio::test]
async fn s07_a_session_is_its_creators() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut other = stage.device("lab-2").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let mut thief = stage.constellation("thief", "lab-2").await;
    let session = galaxy.give("t1", "$ date").await;
    let command = device.command().await;
    let steal = with(thief.task("x", "$ date"), json!({"session_id": session}));
    for _ in 0..3 {
        let text = thief.refused(&steal).await;
        assert!(text.contains("owned by another client"), "{text}");
    }
    device.quiet().await;
    device.run(&command).await;
    assert_eq!(galaxy.end_of(&session).await["status"], "completed");
    thief.quiet().await;
    other.quiet().await;
    galaxy.quiet().await;
}

#[tokio::test]
async fn s08_a_session_that_no_client_created_is_no_clients() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let mut other = stage.device("lab-2").await;
    let session = stage.api().dispatch("lab-1", "n1", "$ date").await;
    let claim = with(galaxy.task("x", "$ date"), json!({"session_id": session, "task_name": "n1"}));
    let text = galaxy.refused(&claim).await;
    assert!(text.contains("owned by another client"), "{text}");
    let claim = with(other.task("$ date"), json!({"session_id": session, "task_name": "n1"}));
    let text = other.refused(&claim).await;
    assert!(text.contains("owned by another client"), "{text}");
    assert_eq!(device.take_up().await["session_id"], session);
    device.work().await;
    assert_eq!(stage.api().outcome("n1").await["session_id"], session);
    galaxy.quiet().await;
}

#[tokio::test]
async fn s09_after_its_end_a_session_is_forgotten_and_its_id_free() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut other = stage.device("lab-2").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ first").await;
    let command = device.command().await;
    device.run(&command).await;
    device.expect("task_end").await;
    galaxy.end_of(&session).await;

    let again = with(other.task("$ second"), json!({"session_id": session}));
    other.send(&again).await;
    assert_eq!(other.acknowledged().await, session);
    let own = other.command().await;
    // Neither the former owner nor the former executor has any business with it, and nothing of it is left.
    device.run(&command).await;
    device.quiet().await;
    let end = client_frame(json!({"type": "task_end", "status": "failed", "session_id": session}));
    device.refused(&end).await;
    other.run(&own).await;
    let end = other.expect("task_end").await;
    assert_eq!(end["result"], json!([{"request": "$ second", "result": "ran second\n"}]));
    galaxy.quiet().await;
}

#[tokio::test]
async fn s10_results_for_unknown_sessions_create_nothing() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let results = |session: &str| {
        client_frame(json!({
            "type": "command_results", "status": "continue", "client_type": "device", "client_id": "lab-1",
            "session_id": session, "prev_response_id": "p", "action_results": [{"status": "success", "result": "x"}],
        }))
    };
    for number in 0..3_000 {
        device.send(&results(&format!("squat-{number}"))).await;
    }
    device.send(&results("nightly@t1")).await;
    device.quiet().await;
    assert!(!stage.api().get("/api/sessions").await.to_string().contains("squat-"));
    assert_eq!(stage.api().get("/api/task_result/squat-7").await["status"], "pending");
    let session = galaxy.give("t1", "$ date").await;
    device.work().await;
    assert_eq!(galaxy.end_of(&session).await["status"], "completed");
}

#[tokio::test]
async fn s11_results_count_only_from_the_executor() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut other = stage.device("lab-2").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ date").await;
    let command = device.command().await;
    let forged = json!({"stdout": "forged"});
    for id in [json!("lab-2"), Value::Null] {
        let keys = json!({"client_id": id, "client_type": null});
        let results = with(command.results("", &command.result(&forged)), keys);
        other.send(&results).await;
        other.quiet().await;
        if id.is_null() {
            galaxy.send(&results).await;
            galaxy.quiet().await;
        }
    }
    device.run(&command).await;
    assert_eq!(galaxy.end_of(&session).await["result"][0]["result"], "ran date\n");
}

#[tokio::test]
async fn s12_answers_go_to_whoever_asked() {
    let stage = Stage::new().await;
    let _one = stage.device("lab-1").await;
    let _two = stage.device("lab-2").await;
    let mut first = stage.constellation("a", "lab-1").await;
    let mut second = stage.constellation("b", "lab-2").await;
    for round in 0..50 {
        let ask = |galaxy: &Constellation| with(galaxy.question(), json!({"request_id": format!("q{round}")}));
        let (one, two) = (ask(&first), ask(&second));
        let refused = with(first.question(), json!({"target_id": "lab-2"}));
        first.send(&one).await;
        second.send(&two).await;
        first.send(&refused).await;
        let answer = first.expect("device_info_response").await;
        assert_eq!(answer["result"]["device_id"], "lab-1");
        first.error().await;
        let answer = second.expect("device_info_response").await;
        assert_eq!(answer["result"]["device_id"], "lab-2");
    }
    first.quiet().await;
    second.quiet().await;
}

#[tokio::test]
async fn s13_s14_device_information_goes_to_whom_it_is_for() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let _victim = stage.device("victim").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let question = client_frame(json!({"type": "device_info_request", "target_id": "victim", "request_id": "q"}));
    for peer in [&mut *device, &mut *galaxy] {
        peer.send(&question).await;
        let answer = peer.expect("error").await;
        assert!(answer["result"].is_null() && !answer.to_string().contains("host-of-victim"), "{answer}");
        peer.quiet().await;
    }
    let widened = with(question, json!({"metadata": {"targeted_device_id": "victim", "device_id": "victim"}}));
    galaxy.refused(&widened).await;
}

#[tokio::test]
async fn s15_names_of_tasks_lead_nowhere() {
    let stage = Setup::new().options("--log-level DEBUG").start().await;
    let mut device = stage.device("lab-1").await;
    for name in ["../escape", "/abs/escape", "C:\\escape", "..%2fescape", "..", "a/../../escape"] {
        let task = with(device.task("$ date"), json!({"task_name": name, "session_id": format!("s/../{name}")}));
        device.send(&task).await;
        device.acknowledged().await;
        let command = device.command().await;
        let safe = command.frame["task_name"].as_str().unwrap();
        assert!(!safe.starts_with('.') && !safe.contains(['/', '\\', ':', '%']), "{name} became {safe}");
        device.run(&command).await;
        device.expect("task_end").await;
        let body = json!({"client_id": "lab-1", "request": "$ date", "task_name": name});
        let (status, answer) = stage.api().post("/api/dispatch", &body).await;
        assert!(status == 400 && answer["detail"].as_str().unwrap().contains("task_name"), "{name}: {answer}");
    }
    let mut names = Vec::new();
    for folder in ["", "plugins", "state-home"] {
        let Ok(entries) = std::fs::read_dir(stage.path(folder)) else { continue };
        names.extend(entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()));
    }
    assert!(!names.iter().any(|name| name.contains("escape")), "{names:?}");
}

#[tokio::test]
async fn s16_a_refused_task_undoes_nothing_but_itself() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut other = stage.device("lab-2").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let session = galaxy.give("t1", "$ date").await;
    let command = device.command().await;
    let foreign = other.request("$ sleep 1").await;
    let stolen = with(galaxy.task("x", "$ date"), json!({"session_id": foreign}));
    galaxy.refused(&stolen).await;
    let again = galaxy.task("t1", "$ date");
    galaxy.refused(&again).await;
    galaxy.into_peer().close().await;
    let end = device.expect("task_end").await;
    assert_eq!(end["session_id"], session, "what it had before is still its own, and ends with it");
    assert_eq!(end["error"], "Task was cancelled due to client disconnection");
    device.run(&command).await;
    assert_eq!(other.work().await["session_id"], foreign);
}

#[tokio::test]
async fn s18_an_end_is_told_by_the_executor_and_heard_by_the_requester_alone() {
    let stage = Stage::new().await;
    let mut device = stage.device("lab-1").await;
    let mut forger = stage.device("lab-2").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let mut sibling = stage.constellation("nightly", "lab-2").await;
    let session = galaxy.give("t1", "$ date").await;
    let command = device.command().await;
    for kind in ["task_end", "task_result", "task_complete"] {
        let forged = client_frame(json!({"type": kind, "status": "completed", "session_id": session}));
        forger.refused(&forged).await;
    }
    galaxy.quiet().await;
    device.run(&command).await;
    assert_eq!(galaxy.end_of(&session).await["result"][0]["result"], "ran date\n");
    sibling.quiet().await;
    forger.quiet().await;
}

#[tokio::test]
async fn s22_secrets_appear_nowhere() {
    let (key, secret) = ("KEY-d41d8cd98f00b204", "SECRET-e9800998ecf8427e");
    let stage = Setup::new()
        .options(&format!("--api-key {key} --log-level DEBUG"))
        .config(&format!("[[inject]]\nparameter = \"api_key\"\nvalue = \"{secret}\""))
        .start()
        .await;
    let peer = Peer::connect(stage.address(), &format!("?token={key}")).await.unwrap();
    let mut device = Device::join_on(peer, "lab-1", "linux").await;
    device.tools = crate::players::secret_tools();
    Peer::connect(stage.address(), "?token=WRONG-6b86b273ff34fce1").await.err().unwrap();
    let encoded = key.replace('-', "%2D");
    Peer::connect(stage.address(), &format!("?token={encoded}")).await.unwrap();
    let api = stage.api_with(key);
    let session = api.dispatch("lab-1", "n1", "$ date").await;
    device.take_up().await;
    let command = device.command().await;
    assert_eq!(command.parameters()["api_key"], secret, "the device is given it");
    device.run(&command).await;
    let end = device.expect("task_end").await;
    api.outcome("n1").await;
    // A command whose answer never comes, and one that goes with a text that holds the secret, are told of as well.
    device.request("$ date").await;
    let command = device.command().await;
    let failure = json!([{"status": "failure", "error": format!("bad api_key '{secret}'"), "result": null}]);
    device.answer_with(&command, &failure).await;
    let failed = device.expect("task_end").await;
    let mut shown = format!("{end}{failed}{}", api.get("/api/sessions").await);
    for path in [format!("/api/sessions/{session}"), "/api/plugins".into(), "/api/devices/lab-1".into()] {
        shown.push_str(&api.get(&path).await.to_string());
    }
    let metrics = api.send(api.request(reqwest::Method::GET, "/metrics")).await.text().await.unwrap();
    shown.push_str(&metrics);
    // What the operator gave on the command line is not printed either: only a key that was made is.
    let said = stage.said();
    for hidden in [key, secret, &encoded, "WRONG-6b86b273ff34fce1"] {
        assert!(!said.contains(hidden), "the log has {hidden}");
        assert!(!shown.contains(hidden), "an answer has {hidden}");
        for file in files_below(&stage.path("state")) {
            // Some live shorter than this look at them.
            let Ok(content) = std::fs::read(&file) else { continue };
            let found = content.windows(hidden.len()).any(|part| part == hidden.as_bytes());
            assert!(!found, "{} has {hidden}", file.display());
        }
    }
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}
