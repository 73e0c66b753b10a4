//! The HTTP API: shapes and texts.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::Stage;

const BAD_NAME: &str =
    "Invalid task_name: must be a non-empty string of characters [A-Za-z0-9._-] and must not start with '.'";

#[tokio::test]
async fn clients_and_health_are_supersets_of_the_old_shapes() {
    let stage = Stage::new().await;
    let api = stage.api();
    let clients = api.get("/api/clients").await;
    assert_eq!((&clients["online_clients"], &clients["clients"]), (&json!([]), &json!([])));
    assert_eq!(clients["total"], 0);
    let _second = stage.device("z-first").await;
    let _first = stage.device_on("windows", "a-second").await;
    let _galaxy = stage.constellation("nightly", "z-first").await;
    let clients = api.get("/api/clients").await;
    assert_eq!(
        clients["online_clients"],
        json!(["z-first", "a-second", "nightly@z-first"]),
        "in order of registration"
    );
    assert_eq!(clients["total"], 3);
    let listed = clients["clients"].as_array().unwrap();
    let known = [("z-first", "device", "linux"), ("a-second", "device", "windows")];
    for (client, (id, kind, platform)) in listed.iter().zip(known) {
        assert_eq!((&client["client_id"], &client["type"]), (&json!(id), &json!(kind)));
        assert_eq!(client["platform"], platform);
        assert!(client["connected_at"].is_string() && client["status"].is_string(), "{client}");
    }
    assert_eq!((&listed[2]["client_id"], &listed[2]["type"]), (&json!("nightly@z-first"), &json!("constellation")));

    let health = api.get("/api/health").await;
    assert_eq!((&health["status"], &health["online_clients"]), (&json!("healthy"), &clients["online_clients"]));
    assert_eq!(health["connected_clients"], 3);
    assert!(health["uptime_seconds"].is_number() && health["version"].is_string(), "{health}");
}

#[tokio::test]
async fn the_open_probe_tells_nothing_of_clients() {
    let stage = Stage::new().await;
    let _device = stage.device("lab-secret").await;
    let api = stage.api();
    let answer = api.send(api.request(Method::GET, "/healthz")).await;
    assert_eq!(answer.status().as_u16(), 200);
    assert!(!answer.text().await.unwrap().contains("lab-secret"));
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods() {
    let stage = Stage::new().await;
    let api = stage.api();
    for path in ["/nothing", "/api/nothing", "/api", "/docs", "/redoc", "/openapi.json", "/api/task_result"] {
        let (status, body) = api.answer(api.request(Method::GET, path)).await;
        assert_eq!((status, &body), (404, &json!({"detail": "Not Found"})), "{path}");
    }
    for (method, path) in [
        (Method::POST, "/api/clients"),
        (Method::DELETE, "/api/health"),
        (Method::GET, "/api/dispatch"),
        (Method::PUT, "/api/dispatch"),
        (Method::POST, "/api/task_result/x"),
        (Method::GET, "/api/cancel/x"),
    ] {
        let (status, body) = api.answer(api.request(method.clone(), path)).await;
        assert_eq!((status, &body), (405, &json!({"detail": "Method Not Allowed"})), "{method} {path}");
    }
}

#[tokio::test]
async fn no_answer_opens_the_api_to_other_origins() {
    let stage = Stage::new().await;
    let api = stage.api();
    let answer = api.send(api.request(Method::GET, "/api/clients")).await;
    let cors = |name: &reqwest::header::HeaderName| name.as_str().starts_with("access-control-");
    assert!(!answer.headers().keys().any(cors), "{:?}", answer.headers());
    assert!(answer.headers().get("set-cookie").is_none());
}

#[tokio::test]
async fn a_body_that_is_no_object_is_a_validation_error() {
    let stage = Stage::new().await;
    let api = stage.api();
    for body in ["", "{", "nonsense", "[]", "\"text\"", "null", "1", "{\"client_id\": \"x\"} {}"] {
        let request = api.request(Method::POST, "/api/dispatch").header("content-type", "application/json").body(body);
        let (status, answer) = api.answer(request).await;
        assert_eq!(status, 422, "{body}: {answer}");
        let list = answer["detail"].as_array().unwrap_or_else(|| panic!("{body}: {answer}"));
        assert!(!list.is_empty(), "{body}: {answer}");
    }
}

#[tokio::test]
async fn a_dispatch_is_checked_in_this_order() {
    let stage = Stage::new().await;
    let api = stage.api();
    let mut device = stage.device("lab-1").await;
    let mut galaxy = stage.constellation("nightly", "lab-1").await;
    let table = [
        (json!({}), 400, "Empty task content"),
        (json!({"request": ""}), 400, "Empty task content"),
        (json!({"request": null, "client_id": "lab-1"}), 400, "Empty task content"),
        (json!({"client_id": "", "task_name": "../x"}), 400, "Empty task content"),
        (json!({"request": "$ date"}), 400, "Empty client ID"),
        (json!({"request": "$ date", "client_id": ""}), 400, "Empty client ID"),
        (json!({"request": "$ date", "client_id": null, "task_name": "../x"}), 400, "Empty client ID"),
        (json!({"request": "$ date", "client_id": "lab-1", "task_name": ""}), 400, BAD_NAME),
        (json!({"request": "$ date", "client_id": "lab-1", "task_name": null}), 400, BAD_NAME),
        (json!({"request": "$ date", "client_id": "lab-1", "task_name": "../escape"}), 400, BAD_NAME),
        (json!({"request": "$ date", "client_id": "lab-1", "task_name": "/abs"}), 400, BAD_NAME),
        (json!({"request": "$ date", "client_id": "lab-1", "task_name": "C:\\x"}), 400, BAD_NAME),
        (json!({"request": "$ date", "client_id": "lab-1", "task_name": "..%2f"}), 400, BAD_NAME),
        (json!({"request": "$ date", "client_id": "lab-1", "task_name": ".."}), 400, BAD_NAME),
        (json!({"request": "$ date", "client_id": "lab-1", "task_name": ".hidden"}), 400, BAD_NAME),
        (json!({"request": "$ date", "client_id": "lab-1", "task_name": "a b"}), 400, BAD_NAME),
        (json!({"request": "$ date", "client_id": "nobody", "task_name": "a b"}), 400, BAD_NAME),
        (json!({"request": "$ date", "client_id": "nobody"}), 404, "Client not online"),
        (json!({"request": "$ date", "client_id": "nightly@lab-1"}), 400, "Client is not a device"),
    ];
    for (body, status, detail) in table {
        let answer = api.post("/api/dispatch", &body).await;
        assert_eq!(answer, (status, json!({"detail": detail})), "{body}");
    }
    device.quiet().await;
    galaxy.quiet().await;
}

#[tokio::test]
async fn a_dispatch_names_its_device_by_other_keys_too_and_gets_a_name() {
    let stage = Stage::new().await;
    let api = stage.api();
    let mut device = stage.device("lab-1").await;
    for key in ["client_id", "target_id", "device_id"] {
        let (status, answer) = api.post("/api/dispatch", &json!({key: "lab-1", "request": "$ date"})).await;
        assert_eq!((status, &answer["status"]), (200, &json!("dispatched")), "{key}: {answer}");
        assert_eq!(answer["client_id"], "lab-1");
        let text = |key: &str| answer[key].as_str().unwrap().to_owned();
        let (name, session) = (text("task_name"), text("session_id"));
        assert!(uuid::Uuid::parse_str(&name).is_ok() && uuid::Uuid::parse_str(&session).is_ok(), "{answer}");
        assert_eq!(device.take_up().await["task_name"], name);
        assert_eq!(device.work().await["session_id"], session);
    }
}

#[tokio::test]
async fn results_are_pending_or_done_by_name_and_by_session() {
    let stage = Stage::new().await;
    let api = stage.api();
    let mut device = stage.device("lab-1").await;
    assert_eq!(api.get("/api/task_result/unheard-of").await, json!({"status": "pending"}));
    let session = api.dispatch("lab-1", "n1", "$ date").await;
    device.take_up().await;
    for of in ["n1", session.as_str()] {
        assert_eq!(api.get(&format!("/api/task_result/{of}")).await["status"], "pending");
    }
    device.work().await;
    for of in ["n1", session.as_str()] {
        let done = api.outcome(of).await;
        assert_eq!((&done["status"], &done["task_status"]), (&json!("done"), &json!("completed")));
        assert_eq!((&done["error"], &done["session_id"]), (&Value::Null, &json!(session)));
        assert_eq!(done["result"], json!([{"request": "$ date", "result": "ran date\n"}]));
    }
    // What fails is done as well, and the latest of a name is what counts.
    let later = api.dispatch("lab-1", "n1", "$ false").await;
    device.take_up().await;
    device.work().await;
    let done = api.until("/api/task_result/n1", |answer| answer["session_id"] == json!(later)).await;
    let done = if done["status"] == "done" { done } else { api.outcome("n1").await };
    assert_eq!((&done["status"], &done["task_status"]), (&json!("done"), &json!("failed")));
    assert!(done["error"].is_string(), "{done}");
    assert_eq!(api.outcome(&session).await["task_status"], "completed");
}

#[tokio::test]
async fn sessions_devices_and_plugins_can_be_looked_at() {
    let stage = Stage::new().await;
    let api = stage.api();
    let mut device = stage.device("lab-1").await;
    let session = device.request("$ date").await;
    assert!(api.get("/api/sessions").await.to_string().contains(&session));
    let command = device.command().await;
    device.run(&command).await;
    device.expect("task_end").await;
    api.outcome(&session).await;
    let seen = api.get(&format!("/api/sessions/{session}")).await;
    assert!(seen.to_string().contains("completed"), "{seen}");
    let (status, body) = api.answer(api.request(Method::GET, "/api/sessions/unheard-of")).await;
    assert_eq!(status, 404);
    assert!(body["detail"].is_string(), "{body}");

    let seen = api.get("/api/devices/lab-1").await.to_string();
    assert!(seen.contains("lab-1") && seen.contains("host-of-lab-1"), "{seen}");
    let (status, body) = api.answer(api.request(Method::GET, "/api/devices/unheard-of")).await;
    assert_eq!(status, 404);
    assert!(body["detail"].is_string(), "{body}");

    assert!(api.get("/api/plugins").await.to_string().contains("linux"));
    let (status, body) = api.post("/api/plugins/unheard-of/reload", &json!({})).await;
    assert_eq!(status, 404);
    assert!(body["detail"].is_string(), "{body}");
    let described = api.get("/api/openapi.json").await;
    for path in ["/api/dispatch", "/api/task_result/{task_name}", "/api/clients", "/api/health"] {
        assert!(described["paths"].get(path).is_some(), "{path} is not described");
    }
}

#[tokio::test]
async fn metrics_are_there_in_plain_text() {
    let stage = Stage::new().await;
    let _device = stage.device("lab-1").await;
    let api = stage.api();
    let answer = api.send(api.request(Method::GET, "/metrics")).await;
    assert_eq!(answer.status().as_u16(), 200);
    let text = answer.text().await.unwrap();
    assert!(text.contains("# TYPE hangar_") && !text.contains("lab-1"), "{text}");
}

#[tokio::test]
async fn a_body_without_end_is_refused() {
    let stage = Stage::new().await;
    let api = stage.api();
    let body = json!({"client_id": "lab-1", "request": "x".repeat(20 << 20)}).to_string();
    let request = api.request(Method::POST, "/api/dispatch").header("content-type", "application/json").body(body);
    match request.send().await {
        Ok(answer) => assert_eq!(answer.status().as_u16(), 413),
        // The server need not read to the end what it refuses.
        Err(error) => assert!(error.is_request() || error.is_body(), "{error}"),
    }
    assert_eq!(api.get("/api/health").await["status"], "healthy");
}
