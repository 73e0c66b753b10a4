//! Who comes in by which door: addresses, keys and their scopes, and web pages that are not welcome.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};

use crate::players::{Api, Constellation, Device, Peer};
use crate::stage::{PATIENCE, Setup, Stage, address_of_this_machine};

const KEY: &str = "a-key-that-is-long-enough";

/// Connects with these headers.
async fn knock(address: SocketAddr, query: &str, headers: &[(&str, &str)]) -> Result<Peer, u16> {
    let mut request = format!("ws://{address}/ws{query}").into_client_request().unwrap();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    }
    Peer::connect_with(address, request).await
}

/// The server where it is seen from outside of loopback.
fn outside(stage: &Stage) -> SocketAddr {
    SocketAddr::new(address_of_this_machine(), stage.address().port())
}

async fn status(api: &Api, path: &str) -> u16 {
    api.send(api.request(Method::GET, path)).await.status().as_u16()
}

#[tokio::test]
async fn s01_it_listens_on_loopback_if_nothing_is_said() {
    let stage = Setup::new().host(None).start().await;
    assert!(stage.address().ip().is_loopback());
    let outside = timeout(PATIENCE, TcpStream::connect(outside(&stage))).await;
    assert!(!matches!(outside, Ok(Ok(_))), "it can be reached from outside");
}

#[tokio::test]
async fn on_loopback_no_key_is_needed_but_a_wrong_one_is_refused() {
    for options in ["", "--api-key a-key-that-is-long-enough"] {
        let stage = Setup::new().options(options).start().await;
        stage.device("lab-1").await;
        assert_eq!(status(&stage.api(), "/api/clients").await, 200);
        assert_eq!(knock(stage.address(), "?token=wrong", &[]).await.err(), Some(403), "{options}");
        assert_eq!(knock(stage.address(), "", &[("x-api-key", "wrong")]).await.err(), Some(403), "{options}");
        assert_eq!(knock(stage.address(), "", &[("authorization", "Bearer wrong")]).await.err(), Some(403));
        assert_eq!(status(&stage.api_with("wrong"), "/api/clients").await, 401, "{options}");
    }
}

#[tokio::test]
async fn elsewhere_a_key_is_needed_and_may_come_in_three_ways() {
    let stage = Setup::new().host(Some("0.0.0.0")).options(&format!("--api-key {KEY}")).start().await;
    let outside = outside(&stage);
    let bearer = format!("Bearer {KEY}");
    for query in ["", "?token=", "?token=wrong", "?key=a-key-that-is-long-enough"] {
        assert_eq!(knock(outside, query, &[]).await.err(), Some(403), "{query}");
    }
    for (query, headers) in [
        (format!("?token={KEY}"), vec![]),
        (format!("?a=b&token={KEY}"), vec![]),
        (String::new(), vec![("x-api-key", KEY)]),
        (String::new(), vec![("authorization", bearer.as_str())]),
    ] {
        let peer = knock(outside, &query, &headers).await.unwrap();
        Device::join_on(peer, &format!("lab-{}", query.len() + headers.len()), "linux").await;
    }
    let (without, with) = (Api::new(outside, None), Api::new(outside, Some(KEY)));
    for path in ["/api/clients", "/api/health", "/api/task_result/x", "/api/sessions", "/api/plugins"] {
        let answer = without.answer(without.request(Method::GET, path)).await;
        assert_eq!(answer, (401, json!({"detail": "Invalid API key"})), "{path}");
        assert_eq!(status(&with, path).await, 200, "{path}");
    }
    for path in ["/metrics", "/api/openapi.json"] {
        assert_eq!(status(&without, path).await, 401, "{path}");
        assert_eq!(status(&with, path).await, 200, "{path}");
    }
    let answer = without.post("/api/dispatch", &json!({"client_id": "x", "request": "y"})).await;
    assert_eq!(answer, (401, json!({"detail": "Invalid API key"})));
    let answer = without.post("/api/dispatch", &json!({})).await;
    assert_eq!(answer.0, 401, "the key is looked at before the body");
    let request = without.request(Method::GET, "/api/clients").header("authorization", bearer);
    assert_eq!(without.send(request).await.status().as_u16(), 200);
    assert_eq!(status(&without, "/healthz").await, 200);
}

#[tokio::test]
async fn elsewhere_a_key_is_made_where_none_is_given_and_told_once() {
    let stage = Setup::new().host(Some("0.0.0.0")).start().await;
    let outside = outside(&stage);
    assert_eq!(knock(outside, "", &[]).await.err(), Some(403));
    // The banner has more lines than the one with the address.
    stage.has_said("key").await;
    let said = stage.said();
    let is_key_char = |at: char| at.is_ascii_alphanumeric() || "-_".contains(at);
    // 32 bytes in URL-safe base64.
    let keys: Vec<&str> = said.split(|at| !is_key_char(at)).filter(|word| word.len() == 43).collect();
    assert_eq!(keys.len(), 1, "{said}");
    knock(outside, &format!("?token={}", keys[0]), &[]).await.unwrap();
    assert_eq!(status(&Api::new(outside, Some(keys[0])), "/api/clients").await, 200);
}

#[tokio::test]
async fn no_auth_holds_on_loopback_and_elsewhere_only_by_force() {
    let stage = Setup::new().options("--no-auth").start().await;
    stage.device("lab-1").await;
    match Setup::new().host(Some("0.0.0.0")).options("--no-auth").try_start().await {
        Ok(stage) => assert_eq!(knock(outside(&stage), "", &[]).await.err(), Some(403)),
        Err(why) => assert!(why.contains("no-auth"), "{why}"),
    }
    let stage = Setup::new().host(Some("0.0.0.0")).options("--no-auth=force").start().await;
    knock(outside(&stage), "", &[]).await.unwrap();
}

#[tokio::test]
async fn local_means_this_machine_only() {
    match Setup::new().host(Some("0.0.0.0")).options("--local --api-key a-key-that-is-long-enough").try_start().await {
        Err(why) => assert!(why.contains("local"), "{why}"),
        Ok(stage) => {
            let here = SocketAddr::new([127, 0, 0, 1].into(), stage.address().port());
            let token = format!("?token={KEY}");
            knock(here, &token, &[]).await.unwrap();
            let stream = TcpStream::connect(outside(&stage)).await;
            if let Ok(stream) = stream {
                let request = format!("ws://{}/ws{token}", outside(&stage)).into_client_request().unwrap();
                let handshake = tokio_tungstenite::client_async(request, stream);
                assert!(timeout(PATIENCE, handshake).await.unwrap().is_err());
            }
        }
    }
}

#[tokio::test]
async fn named_keys_open_what_their_scopes_say() {
    let names = ["device", "constellation", "operator", "read-only"];
    let key = |name: &str| format!("the-key-of-the-{name}");
    let line = |name: &str| format!("[keys.{name}]\nkey = \"{}\"\nscopes = [\"{name}\"]\n", key(name));
    let setup = Setup::new().host(Some("0.0.0.0")).options("--keys keys.toml");
    let stage = setup.file("keys.toml", &names.map(line).concat()).start().await;
    let outside = outside(&stage);
    let token = |name: &str| format!("?token={}", key(name));

    let peer = knock(outside, &token("device"), &[]).await.unwrap();
    let mut device = Device::join_on(peer, "lab-1", "linux").await;
    let mut galaxy = knock(outside, &token("constellation"), &[]).await.unwrap();
    galaxy.send(&Constellation::registration("nightly", "lab-1")).await;
    galaxy.expect("heartbeat").await;
    for (name, registration) in [
        ("device", Constellation::registration("weekly", "lab-1")),
        ("constellation", Device::registration("lab-2", "linux")),
        ("operator", Device::registration("lab-2", "linux")),
        ("read-only", Device::registration("lab-2", "linux")),
    ] {
        match knock(outside, &token(name), &[]).await {
            Err(status) => assert_eq!(status, 403, "{name}"),
            Ok(mut peer) => {
                peer.send(&registration).await;
                peer.error().await;
                assert_eq!(peer.closed().await, Some(1008), "{name}");
            }
        }
    }
    let dispatch = json!({"client_id": "lab-1", "request": "$ date", "task_name": "n1"});
    for (name, look, act) in
        [("operator", 200, 200), ("read-only", 200, 403), ("device", 403, 403), ("constellation", 403, 403)]
    {
        let api = Api::new(outside, Some(&key(name)));
        assert_eq!(status(&api, "/api/clients").await, look, "{name}");
        let (status, body) = api.post("/api/dispatch", &dispatch).await;
        assert_eq!(status, act, "{name}: {body}");
        assert!(act == 200 || body["detail"].is_string(), "{name}: {body}");
        assert_eq!(api.post("/api/cancel/nothing", &json!({})).await.0, if act == 200 { 404 } else { 403 }, "{name}");
    }
    device.take_up().await;
    device.work().await;

    // The file may change while the server runs.
    let later = line("operator").replace(&key("operator"), "another-key-of-the-operator");
    stage.replace("keys.toml", later);
    let until = Instant::now() + PATIENCE;
    while status(&Api::new(outside, Some("another-key-of-the-operator")), "/api/clients").await != 200 {
        assert!(Instant::now() < until, "the new key is not taken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status(&Api::new(outside, Some(&key("operator"))), "/api/clients").await, 401);
    assert_eq!(knock(outside, &token("device"), &[]).await.err(), Some(403));
}

#[tokio::test]
async fn s20_web_pages_of_others_cannot_drive_the_server() {
    let stage = Stage::new().await;
    let address = stage.address();
    let port = address.port();
    let own = [format!("http://127.0.0.1:{port}"), format!("http://localhost:{port}")];
    let api = stage.api();
    for (name, value) in [
        ("host", "evil.example"),
        ("host", "evil.example:5000"),
        ("host", "127.0.0.1.evil.example"),
        ("origin", "http://evil.example"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1.evil.example"),
        ("origin", "http://localhost:1"),
        ("sec-fetch-site", "cross-site"),
    ] {
        assert_eq!(knock(address, "", &[(name, value)]).await.err(), Some(403), "{name}: {value}");
        for path in ["/api/clients", "/api/health", "/metrics"] {
            let (status, body) = api.answer(api.request(Method::GET, path).header(name, value)).await;
            assert!(status == 403 && body["detail"].is_string(), "{name}: {value} at {path}: {status} {body}");
        }
        let request = api.request(Method::POST, "/api/dispatch").header(name, value).body("{}");
        assert_eq!(api.send(request).await.status().as_u16(), 403, "{name}: {value}");
    }
    for (name, value) in [
        ("host", format!("localhost:{port}")),
        ("host", format!("127.0.0.1:{port}")),
        ("host", format!("[::1]:{port}")),
        ("origin", own[0].clone()),
        ("sec-fetch-site", "same-origin".into()),
        ("sec-fetch-site", "none".into()),
    ] {
        knock(address, "", &[(name, &value)]).await.unwrap();
        let answer = api.send(api.request(Method::GET, "/api/clients").header(name, &value)).await;
        assert_eq!(answer.status().as_u16(), 200, "{name}: {value}");
    }
    let host = format!("localhost:{port}");
    knock(address, "", &[("host", &host), ("origin", &own[1])]).await.unwrap();
}

#[tokio::test]
async fn only_the_one_path_upgrades() {
    let stage = Stage::new().await;
    let api = stage.api();
    let plain = status(&api, "/ws").await;
    assert!(matches!(plain, 400 | 426), "a plain GET is told what to do: {plain}");
    for path in ["/", "/ws/", "/api/ws", "/socket"] {
        let request = format!("ws://{}{path}", stage.address()).into_client_request().unwrap();
        let refused = Peer::connect_with(stage.address(), request).await;
        assert!(refused.is_err(), "{path}");
    }
}
