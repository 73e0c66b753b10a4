//! What goes out, and what is made of what comes back.

use bytes::Bytes;
use hangar_runtime::Blobs;
use hangar_runtime::contract::events::ModelOutcome;
use hangar_runtime::contract::session::ModelInfo;
use serde_json::{Value, json};

use super::model_server::{ModelServer, Reply};
use super::{KEY, answer, ask, config, message, models, served, user};
use crate::models::{Misconfigured, Models};

#[tokio::test]
async fn a_plain_question_asks_for_nothing_that_was_not_asked_for() {
    let (server, models) = served().await;
    server.will(Reply::says("Yes, 7 GB are free."));
    let answer = answer(
        &models,
        &json!({"messages": [message("system", &json!([{"text": "Be brief."}])), user("Is there room?")]}),
    )
    .await;

    let asked = server.last();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(asked.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(
        asked.body,
        json!({
            // To the letter: no part of a name is an option.
            "model": "provider/small-1-high",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is there room?"}],
        })
    );
    assert_eq!((answer.content.as_str(), answer.raw.as_str()), ("Yes, 7 GB are free.", "Yes, 7 GB are free."));
    assert_eq!((answer.finish_reason.as_str(), answer.model.as_str()), ("stop", "scripted-1"));
    assert_eq!((answer.usage.input_tokens, answer.usage.cached_tokens, answer.usage.output_tokens), (61, 0, 9));
    assert!(answer.message_id.starts_with("msg_") && answer.tool_calls.is_empty() && answer.reasoning.is_empty());
}

#[tokio::test]
async fn without_a_key_none_is_sent() {
    let server = ModelServer::start().await;
    let mut config = config(&format!("{}/?api-version=7", server.base_url()));
    config.api_key = None;
    server.will(Reply::says("Hi."));
    answer(&models(&[config]), &json!({})).await;
    assert_eq!(
        (server.last().header("authorization"), server.last().path.as_str()),
        (None, "/v1/chat/completions?api-version=7")
    );
}

#[tokio::test]
async fn what_is_asked_for_is_sent() {
    let (server, models) = served().await;
    server.otherwise(Reply::says("{}"));
    let fields =
        json!({"temperature": 0, "top_p": 0.5, "stop": ["END"], "max_output_tokens": 200, "response_format": "json"});
    answer(&models, &fields).await;
    let body = server.last().body;
    assert_eq!((&body["temperature"], &body["top_p"], &body["stop"]), (&json!(0.0), &json!(0.5), &json!(["END"])));
    assert_eq!((&body["max_tokens"], &body["response_format"]), (&json!(200), &json!({"type": "json_object"})));

    let schema = json!({"type": "object", "properties": {"ok": {"type": "boolean"}}});
    answer(&models, &json!({"response_format": {"schema": schema}})).await;
    let format = json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
    assert_eq!(server.last().body["response_format"], format);
}

#[tokio::test]
async fn a_model_that_wants_the_newer_bound_gets_it_from_then_on() {
    let (server, models) = served().await;
    let text =
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    server.will(Reply::fails(400, text)).otherwise(Reply::says("Hi."));
    for _ in 0..2 {
        answer(&models, &json!({"max_output_tokens": 5})).await;
    }
    let bounds = |name: &str| server.asked().iter().map(|asked| asked.body[name].clone()).collect::<Vec<_>>();
    assert_eq!(bounds("max_tokens"), [json!(5), Value::Null, Value::Null]);
    assert_eq!(bounds("max_completion_tokens"), [Value::Null, json!(5), json!(5)]);
}

#[tokio::test]
async fn pictures_go_along_as_data() {
    let (server, models) = served().await;
    server.will(Reply::says("A fox."));
    let blobs = Blobs::default();
    let id = blobs.put("image/png", Bytes::from_static(b"\x89PNG fox")).unwrap();
    let parts = json!([{"text": "What is it?"}, {"image": {"blob": id}}]);
    let outcome = models.ask(&ask(&json!({"messages": [message("user", &parts)]})), &blobs).await;
    assert!(matches!(outcome, ModelOutcome::Answer(_)), "{outcome:?}");
    let picture = json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORyBmb3g="}});
    let content = json!([{"type": "text", "text": "What is it?"}, picture]);
    assert_eq!(server.last().body["messages"], json!([{"role": "user", "content": content}]));
}

#[tokio::test]
async fn tools_are_offered_called_and_told_of() {
    let (server, models) = served().await;
    let schema = json!({"type": "object", "properties": {"command": {"type": "string"}}});
    let tools = json!([{"name": "shell.run", "description": "Runs it.", "schema": schema}, {"name": "look"}]);
    server.will(Reply::calls("call_7", "shell_run", &json!({"command": "df"})));
    let first = answer(&models, &json!({"tools": tools, "tool_choice": "tool:shell.run"})).await;

    let body = server.last().body;
    let nothing = json!({"type": "object", "properties": {}});
    assert_eq!(
        body["tools"],
        json!([
            {"type": "function", "function": {"name": "shell_run", "description": "Runs it.", "parameters": schema}},
            {"type": "function", "function": {"name": "look", "parameters": nothing}},
        ])
    );
    assert_eq!(body["tool_choice"], json!({"type": "function", "function": {"name": "shell_run"}}));
    assert_eq!((first.finish_reason.as_str(), first.content.as_str(), first.raw.as_str()), ("tool_calls", "", ""));
    let call = &first.tool_calls[0];
    assert_eq!((call.call_id.as_str(), call.tool.as_str()), ("call_7", "shell.run"));
    assert_eq!(call.parameters, r#"{"command":"df"}"#);

    let blobs = Blobs::default();
    let id = blobs.put("image/png", Bytes::from_static(b"\x89PNG fox")).unwrap();
    let result = |call_id: &str, content: Value, failed: bool| json!({"tool_result": {"call_id": call_id, "tool": "shell.run", "content": content, "failed": failed}});
    let messages = json!([
        user("Is there room?"),
        message("assistant", &json!([
            {"tool_call": {"call_id": "call_7", "tool": "shell.run", "parameters": {"command": "df"}}},
            {"tool_call": {"call_id": "call_8", "tool": "look"}},
        ])),
        message("tool", &json!([result("call_7", json!([{"text": "82%"}, {"image": {"blob": id}}]), false)])),
        message("tool", &json!([result("call_8", json!([{"text": "no display"}]), true)])),
        {"history": {"first_turn": 0}},
        user("And?"),
    ]);
    server.will(Reply::says("Yes."));
    let outcome =
        models.ask(&ask(&json!({"messages": messages, "tools": tools, "tool_choice": "required"})), &blobs).await;
    assert!(matches!(outcome, ModelOutcome::Answer(_)), "{outcome:?}");
    let body = server.last().body;
    assert_eq!(body["tool_choice"], "required");
    let called = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    assert_eq!(
        body["messages"],
        json!([
            {"role": "user", "content": "Is there room?"},
            {"role": "assistant", "content": null, "tool_calls": [called("call_7", "shell_run", r#"{"command":"df"}"#), called("call_8", "look", "{}")]},
            {"role": "tool", "content": "82%\n(Its pictures follow.)", "tool_call_id": "call_7"},
            {"role": "tool", "content": "Error: no display", "tool_call_id": "call_8"},
            {"role": "user", "content": [
                {"type": "text", "text": "The pictures that the call call_7 of shell_run gave:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORyBmb3g="}},
            ]},
            {"role": "user", "content": "And?"},
        ])
    );
}

#[tokio::test]
async fn a_choice_goes_only_where_there_are_tools() {
    let (server, models) = served().await;
    server.otherwise(Reply::says("Hi."));
    for (tools, choice, sent) in [
        (json!([]), "none", Value::Null),
        (json!([]), "auto", Value::Null),
        (json!([{"name": "a"}]), "", Value::Null),
        (json!([{"name": "a"}]), "none", json!("none")),
        (json!([{"name": "a"}]), "auto", json!("auto")),
    ] {
        answer(&models, &json!({"tools": tools, "tool_choice": choice})).await;
        assert_eq!(server.last().body["tool_choice"], sent, "{choice}");
    }
}

#[tokio::test]
async fn answers_come_in_many_shapes() {
    let (server, models) = served().await;
    let think = "<think>\nHm.\n</think>\n\n42";
    let chunks =
        json!([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "42"}]);
    for (message, content, reasoning, raw) in [
        (json!({"content": "42", "reasoning_content": "Hm."}), "42", "Hm.", "42"),
        (json!({"content": "42", "reasoning": "Hm."}), "42", "Hm.", "42"),
        (json!({"content": "42", "reasoning": {"odd": true}, "tool_calls": null}), "42", "", "42"),
        (json!({"content": think}), "42", "Hm.", think),
        (json!({"content": "<think>Hm"}), "", "Hm", "<think>Hm"),
        (json!({"content": "so <think> is a tag"}), "so <think> is a tag", "", "so <think> is a tag"),
        (json!({"content": chunks}), "42", "Hm.", "42"),
        (json!({"content": null}), "", "", ""),
        (json!({}), "", "", ""),
    ] {
        server.will(Reply::message(&message, "length"));
        let answer = answer(&models, &json!({})).await;
        assert_eq!(
            (answer.content.as_str(), answer.reasoning.as_str(), answer.raw.as_str()),
            (content, reasoning, raw)
        );
        assert_eq!(answer.finish_reason, "length");
    }
}

#[tokio::test]
async fn what_endpoints_leave_out_is_made_up_for() {
    let (server, models) = served().await;
    let call = |arguments: Value| json!({"id": "0", "function": {"name": "look", "arguments": arguments}});
    let calls = json!([call(json!("")), call(json!({"a": 1})), {"function": {"name": "made_up"}}]);
    let choices = json!([{"message": {"content": "Looking.", "tool_calls": calls}, "finish_reason": "stop"}]);
    let usage = json!({"prompt_tokens": 10.0, "completion_tokens": -1, "prompt_tokens_details": {"cached_tokens": 99_999_999_999_u64}});
    server.will(Reply::json(&json!({"choices": choices, "usage": usage, "model": 7})));
    let answer = answer(&models, &json!({"tools": [{"name": "look"}]})).await;
    assert_eq!((answer.finish_reason.as_str(), answer.model.as_str()), ("tool_calls", "provider/small-1-high"));
    assert_eq!((answer.usage.input_tokens, answer.usage.cached_tokens, answer.usage.output_tokens), (10, u32::MAX, 0));
    let parameters: Vec<_> = answer.tool_calls.iter().map(|call| call.parameters.as_str()).collect();
    assert_eq!(parameters, ["{}", r#"{"a":1}"#, "{}"]);
    let ids: std::collections::HashSet<_> = answer.tool_calls.iter().map(|call| call.call_id.as_str()).collect();
    assert!(ids.len() == 3 && ids.contains("0") && !ids.contains(""), "{ids:?}");
}

#[tokio::test]
async fn a_model_is_found_by_its_name_then_by_its_role() {
    let (first, second) = (ModelServer::start().await, ModelServer::start().await);
    first.otherwise(Reply::says("first"));
    second.otherwise(Reply::says("second"));
    let other = crate::config::ModelConfig {
        name: "big".to_owned(),
        role: "vision".to_owned(),
        tools: false,
        ..config(&second.base_url())
    };
    let models = models(&[config(&first.base_url()), other]);
    for (asked, by) in [
        ("", "first"),
        ("default", "first"),
        ("small-1", "first"),
        ("cheap", "first"),
        ("big", "second"),
        ("vision", "second"),
    ] {
        assert_eq!(answer(&models, &json!({"model": asked})).await.content, by, "{asked}");
    }
    let info = |name: &str, role: &str, tools| ModelInfo {
        name: name.to_owned(),
        role: role.to_owned(),
        vision: true,
        tools,
        extra: String::new(),
    };
    assert_eq!(models.infos(), [info("small-1", "cheap", true), info("big", "vision", false)]);
}

#[test]
fn a_mistake_in_the_configuration_is_told_without_its_secrets() {
    let told = |change: fn(&mut crate::config::ModelConfig)| {
        let mut config = config("http://localhost:1/v1");
        change(&mut config);
        Models::new(&[config]).unwrap_err().to_string()
    };
    assert!(told(|config| config.name.clear()).contains("needs a name"));
    assert!(told(|config| config.model.clear()).contains("set its `model`"));
    assert!(told(|config| config.timeout = std::time::Duration::ZERO).contains("timeout"));
    assert!(told(|config| config.parallel = 0).contains("`parallel`"));
    let url = told(|config| config.base_url = format!("https://{KEY}@api.example/v1?key={KEY}"));
    assert!(url.contains("set the key beside it") && !url.contains(KEY), "{url}");
    let key = told(|config| config.api_key = Some(crate::config::Secret::new(format!("{KEY}\n"))));
    assert!(key.contains("copy it again") && !key.contains(KEY), "{key}");
    let same = [config("http://localhost:1"), config("http://localhost:2")];
    assert_eq!(Models::new(&same).unwrap_err(), Misconfigured::SameName { model: "small-1".to_owned() });
}

#[test]
fn nothing_shows_the_key() {
    let config = config(&format!("http://localhost:1/v1?key={KEY}"));
    let models = Models::new(std::slice::from_ref(&config)).unwrap();
    assert_eq!(format!("{models:?}"), r#"["small-1"]"#);
    assert!(!format!("{:?}", models.all[0].endpoint.headers).contains(KEY));
}
