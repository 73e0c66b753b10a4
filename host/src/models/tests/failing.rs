//! What goes wrong: each failure with its word, its sentence, and how often it was tried.

use std::sync::Arc;

use bytes::Bytes;
use hangar_runtime::Blobs;
use serde_json::{Value, json};

use super::model_server::{ModelServer, Reply};
use super::{KEY, answer, config, error, error_with, message, models, served, user};
use crate::models::Models;

/// The reply, the word, a part of the sentence, and how often it is asked with two retries.
async fn fails(reply: Reply, code: &str, text: &str, times: usize) {
    let (server, models) = served().await;
    server.otherwise(reply.clone());
    let error = error(&models, &json!({})).await;
    assert_eq!((error.code.as_str(), server.asked().len()), (code, times), "{reply:?}: {error:?}");
    assert!(error.text.contains(text) && error.text.contains("`small-1`"), "{reply:?}: {error:?}");
    assert_eq!((error.partial.as_str(), error.retry_after_ms), ("", None));
}

#[tokio::test]
async fn a_status_is_told_with_the_endpoints_words() {
    fails(Reply::fails(400, "context is too long"), "invalid", "400 Bad Request: context is too long", 1).await;
    fails(Reply::fails(403, "not in your country"), "refused", "403 Forbidden: not in your country", 1).await;
    fails(
        Reply::fails(404, "no such model"),
        "invalid",
        "no such model; are its base URL and its name there right?",
        1,
    )
    .await;
    fails(Reply::fails(408, "slow"), "unreachable", "408", 3).await;
    fails(Reply::fails(429, "too many"), "rate-limited", "429 Too Many Requests: too many", 3).await;
    fails(Reply::fails(500, "oh"), "unreachable", "500 Internal Server Error: oh", 3).await;
    let moved = Reply::fails(307, "").with_header("location", "http://localhost:1/");
    fails(moved, "invalid", "without a detour", 1).await;
    let no_credit = json!({"error": {"message": "no credit", "code": "insufficient_quota"}}).to_string();
    fails(Reply::Http { status: 429, headers: Vec::new(), body: no_credit }, "refused", "no credit", 1).await;
    let page = Reply::Http { status: 502, headers: Vec::new(), body: "<html>nginx</html>".to_owned() };
    fails(page, "unreachable", "answered with 502 Bad Gateway", 3).await;
}

#[tokio::test]
async fn an_error_under_the_status_of_success_is_one() {
    fails(Reply::json(&json!({"error": {"message": "overloaded", "code": 503}})), "unreachable", "overloaded", 3).await;
    fails(Reply::json(&json!({"error": {"message": "bad", "code": "x"}})), "invalid", "bad", 1).await;
}

#[tokio::test]
async fn garbage_is_no_answer() {
    let http = |body: &str| Reply::Http { status: 200, headers: Vec::new(), body: body.to_owned() };
    let message = |message: Value| Reply::message(&message, "stop");
    let call = |call: Value| Reply::message(&json!({"content": "Hm.", "tool_calls": [call]}), "tool_calls");
    for (reply, text) in [
        (http("<html>hello</html>"), "it is no JSON"),
        (http(""), "it is no JSON"),
        (http("{\"choices\": [{\"mess"), "it is no JSON"),
        (http("[]"), "its fields have other types"),
        (http(&("[".repeat(100_000) + &"]".repeat(100_000))), "(it"),
        (Reply::json(&json!({})), "it has no choices"),
        (Reply::json(&json!({"choices": []})), "it has no choices"),
        (Reply::json(&json!({"choices": null})), "it has no choices"),
        (Reply::json(&json!({"choices": "many"})), "its fields have other types"),
        (Reply::json(&json!({"choices": [{"text": "old"}]})), "its choice has no message"),
        (message(json!({"content": 7})), "its content is neither text nor parts"),
        (message(json!({"tool_calls": {}})), "its tool calls are no list"),
        (call(json!({"id": "1"})), "a tool call has no function"),
        (call(json!({"function": {"name": ""}})), "a tool call names no tool"),
        (
            call(json!({"function": {"name": "look", "arguments": "{\"a\": "}})),
            "calls the tool `look` with parameters that are no JSON object",
        ),
        (call(json!({"function": {"name": "look", "arguments": "[1]"}})), "no JSON object"),
    ] {
        fails(reply, "invalid", text, 1).await;
    }
    fails(
        message(json!({"content": null, "refusal": "I would rather not."})),
        "refused",
        "declines to answer: I would rather not.",
        1,
    )
    .await;
}

#[tokio::test]
async fn broken_connections_are_tried_again() {
    fails(Reply::Close, "unreachable", "closed the connection", 3).await;
    fails(Reply::Bytes(b"this is no HTTP\r\n\r\n".to_vec()), "unreachable", "did not answer", 3).await;
    fails(Reply::Cut("{\"choices\": [".to_owned()), "cut", "cut off within its answer", 3).await;
}

#[tokio::test]
async fn too_much_is_not_read() {
    let huge = |headers: &str| {
        let mut bytes = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}\r\n").into_bytes();
        bytes.resize((16 << 20) + 1_000, b' ');
        Reply::Bytes(bytes)
    };
    fails(huge("content-length: 16777217\r\n"), "invalid", "more than 16 MiB", 1).await;
    fails(huge(""), "invalid", "more than 16 MiB", 1).await;
}

#[tokio::test]
async fn who_is_not_there_cannot_be_reached() {
    // Bound, so that nobody else gets the port, and not listening.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let base = format!("http://{}/v1", socket.local_addr().unwrap());
    let error = error(&models(&[config(&base)]), &json!({})).await;
    assert_eq!(error.code, "unreachable");
    assert!(error.text.starts_with("the model `small-1` cannot be reached: Connection refused"), "{error:?}");
    assert!(!error.text.contains("/v1"), "{error:?}");
}

#[tokio::test]
async fn the_key_is_in_no_text_whoever_repeats_it() {
    let server = ModelServer::start().await;
    let query = "version=7&secret=query-secret-1234";
    let models = models(&[config(&format!("{}?{query}", server.base_url()))]);
    let echo = format!("{} {KEY} http://a.example/?{query} query-secret-1234 {KEY}", "x".repeat(180));
    for status in [400, 401, 403, 429, 500] {
        server.otherwise(Reply::fails(status, &echo));
        let error = error(&models, &json!({})).await;
        assert!(!error.text.contains("sk-hangar") && !error.text.contains("query-secret"), "{error:?}");
        server.otherwise(Reply::Http { status, headers: Vec::new(), body: echo.clone() });
        let error = super::error(&models, &json!({})).await;
        assert!(!error.text.contains("sk-hangar") && !error.text.contains("query-secret"), "{error:?}");
    }
    let refusal = json!({"content": null, "refusal": echo});
    server.otherwise(Reply::message(&refusal, "stop"));
    assert!(error(&models, &json!({})).await.text.contains("declines"));
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_and_nobody_is_asked() {
    let server = ModelServer::start().await;
    let mut blind = config(&server.base_url());
    (blind.name, blind.vision, blind.tools) = ("blind".to_owned(), false, false);
    let models = models(&[config(&server.base_url()), blind]);
    let blobs = Blobs::default();
    let picture = json!([{"image": {"blob": blobs.put("image/png", Bytes::from_static(b"fox")).unwrap()}}]);
    let no_picture = json!([{"image": {"blob": blobs.put("text/plain", Bytes::from_static(b"text")).unwrap()}}]);
    let sly = json!([{"image": {"blob": blobs.put("image/png,x", Bytes::from_static(b"sly")).unwrap()}}]);
    let says = |role: &str, parts: &Value| json!({"messages": [message(role, parts)]});
    let result = json!([{"tool_result": {"call_id": "1", "content": [{"file": {"blob": ""}}]}}]);
    for (fields, text) in [
        (
            json!({"model": "nobody"}),
            "no model goes by `nobody`, neither as a name nor as a role; there are small-1, blind",
        ),
        (json!({"engine": "prompt"}), "the engine `prompt` is not there yet"),
        (json!({"engine": "structured"}), "use `native`, or leave it empty"),
        (json!({"messages": []}), "the request has no message"),
        (json!({"messages": [{"history": {}}]}), "the request has no message"),
        (json!({"messages": [{"extension": {"kind": "hangar.x"}}]}), "does not know the message input `hangar.x`"),
        (
            json!({"response_format": {"extension": {"kind": "hangar.y"}}}),
            "does not know the response format `hangar.y`",
        ),
        (json!({"response_format": {"schema": {"$text": "{"}}}), "the schema of the response format must be JSON"),
        (json!({"tools": [{"name": "a", "schema": {"$text": "{"}}]}), "the schema of a tool must be JSON"),
        (json!({"tools": [{"name": "a"}, {"name": "a"}]}), "two tools are called `a`"),
        (json!({"tools": [{"name": "a"}], "tool_choice": "tool:b"}), "names `b`, which is not among the tools"),
        (json!({"tools": [{"name": "a"}], "tool_choice": "any"}), "the tool choice `any` is not known"),
        (json!({"tool_choice": "required"}), "the request has no tools"),
        (json!({"model": "blind", "tools": [{"name": "a"}]}), "does not call tools natively"),
        (json!({"model": "blind", "messages": [message("user", &picture)]}), "does not understand pictures"),
        (says("system", &picture), "of role `system` cannot have pictures"),
        (says("user", &no_picture), "a blob of type `text/plain` is no picture"),
        (says("user", &sly), "is no picture"),
        (says("user", &json!([{"image": {"blob": "f00"}}])), "the session has no blob `f00`"),
        (says("user", &json!([{"file": {"blob": "f00", "name": "a.pdf"}}])), "files cannot be shown to a model"),
        (says("tool", &result), "files cannot be shown to a model"),
        (says("user", &result), "of role `user` cannot have tool results"),
        (says("user", &json!([{"tool_call": {"tool": "a"}}])), "of role `user` cannot have tool calls"),
        (says("tool", &json!([{"text": "a"}])), "consists of tool results only"),
        (says("", &json!([{"text": "a"}])), "needs a role"),
        (json!({"model": "n".repeat(5_000)}), "n…`"),
    ] {
        let error = error_with(&models, &fields, &blobs).await;
        assert!(error.code == "invalid" && error.text.contains(text), "{text}: {error:?}");
    }
    assert_eq!(server.asked().len(), 0);

    let none = error(&Models::new(&[]).unwrap(), &json!({})).await;
    assert!(none.text.contains("HANGAR_MODEL"), "{none:?}");
}

#[tokio::test]
async fn a_request_has_a_largest_size_whatever_small_thing_it_repeats() {
    let (server, models) = served().await;
    let blobs = Blobs::default();
    let picture = json!({"image": {"blob": blobs.put("image/png", vec![7; 4 << 20].into()).unwrap()}});
    let error = error_with(&models, &json!({"messages": [message("user", &json!(vec![picture; 10]))]}), &blobs).await;
    assert!(error.code == "invalid" && error.text.contains("more than 48 MiB"), "{error:?}");
    assert_eq!(server.asked().len(), 0);
    server.will(Reply::says("Hi."));
    answer(&models, &json!({"messages": [user("Still there?")]})).await;
}

#[tokio::test]
async fn an_endpoint_that_nobody_vouches_for_is_told_nothing() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let tls = tls.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = tokio::net::TcpListener::bind("localhost:0").await.unwrap();
    let base = format!("https://localhost:{}/v1", listener.local_addr().unwrap().port());
    let shaken = tokio::spawn(async move {
        for _ in 0..3 {
            let (socket, _) = listener.accept().await.unwrap();
            assert!(acceptor.accept(socket).await.is_err());
        }
    });

    let error = error(&models(&[config(&base)]), &json!({})).await;
    assert!(error.code == "unreachable" && error.text.contains("certificate"), "{error:?}");
    shaken.await.unwrap();
}
