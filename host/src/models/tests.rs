//! The models against an endpoint that does what the test says, over real sockets.

mod asking;
mod failing;
#[path = "../../tests/support/model_server.rs"]
mod model_server;
mod waiting;

use std::time::Duration;

use hangar_runtime::Blobs;
use hangar_runtime::contract::actions::AskModel;
use hangar_runtime::contract::events::{ModelAnswer, ModelError, ModelOutcome};
use serde_json::{Value, json};

use crate::config::{ModelConfig, Secret};

use self::model_server::ModelServer;
use super::Models;
use super::pauses::Pauses;

/// No text may ever have it.
const KEY: &str = "sk-hangar-0123456789abcdef";

fn config(base_url: &str) -> ModelConfig {
    ModelConfig {
        name: "small-1".to_owned(),
        role: "cheap".to_owned(),
        model: "provider/small-1-high".to_owned(),
        base_url: base_url.to_owned(),
        api_key: Some(Secret::new(KEY)),
        vision: true,
        tools: true,
        timeout: Duration::from_secs(20),
        retries: 2,
        parallel: 4,
    }
}

/// Models that do not wait long between two tries.
fn models(configs: &[ModelConfig]) -> Models {
    let mut models = Models::new(configs).unwrap();
    for model in std::sync::Arc::get_mut(&mut models.all).unwrap() {
        model.pauses = Pauses { first: Duration::from_millis(2), ..Pauses::default() };
    }
    models
}

async fn served() -> (ModelServer, Models) {
    let server = ModelServer::start().await;
    let models = models(&[config(&server.base_url())]);
    (server, models)
}

/// The action with these fields, `response_format` and a message filled in.
fn ask(fields: &Value) -> AskModel {
    let mut all = json!({"response_format": "text", "messages": [user("Hello?")]});
    all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

fn user(text: &str) -> Value {
    message("user", &json!([{"text": text}]))
}

fn message(role: &str, parts: &Value) -> Value {
    json!({"message": {"role": role, "parts": parts}})
}

async fn answer(models: &Models, fields: &Value) -> ModelAnswer {
    match models.ask(&ask(fields), &Blobs::default()).await {
        ModelOutcome::Answer(answer) => answer,
        other => panic!("no answer: {other:?}"),
    }
}

/// The error, which has no secret in it and is one bounded line, whatever it is.
async fn error(models: &Models, fields: &Value) -> ModelError {
    error_with(models, fields, &Blobs::default()).await
}

async fn error_with(models: &Models, fields: &Value, blobs: &Blobs) -> ModelError {
    match models.ask(&ask(fields), blobs).await {
        ModelOutcome::Error(error) => {
            assert!(!format!("{error:?}").contains(KEY), "{error:?}");
            assert!(error.text.chars().count() < 500 && !error.text.contains(char::is_control), "{error:?}");
            error
        }
        other => panic!("no error: {other:?}"),
    }
}
