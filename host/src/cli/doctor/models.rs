//! Whether the endpoints of models answer. Only those that are configured are asked.

use std::error::Error;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Client, StatusCode};
use serde_json::Value as Json;

use super::findings::{Findings, Outcome};
use crate::config::ModelConfig;

const CHECK: &str = "models";

/// How long an endpoint may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Endpoints that are asked at once.
const AT_ONCE: usize = 8;

/// The longest list of models that is read, in bytes.
const BYTES: usize = 1 << 20;

/// What an endpoint said: how that is, what was found, and what to do.
type Answer = (Outcome, String, String);

/// Asks each endpoint which models it has.
pub async fn check(models: &[ModelConfig], findings: &mut Findings) {
    if models.is_empty() {
        let fix =
            "name one under [models.NAME] in hangar.toml, or set HANGAR_MODEL with OPENAI_API_KEY or OPENAI_BASE_URL";
        return findings.warn(
            CHECK,
            "no model is configured, so that only requests such as `$ uname -a` can be carried out",
            fix,
        );
    }
    // It is installed already if anything else of this process has needed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return findings.bad(CHECK, format!("nothing can be asked: {error}"), "see what the text says"),
    };
    let asked = futures_util::stream::iter(models.iter().map(|model| ask(&client, model)));
    let answers: Vec<Answer> = asked.buffered(AT_ONCE).collect().await;
    for (outcome, found, fix) in answers {
        match outcome {
            Outcome::Ok => findings.ok(CHECK, found),
            Outcome::Warn => findings.warn(CHECK, found, fix),
            Outcome::Bad => findings.bad(CHECK, found, fix),
        }
    }
}

async fn ask(client: &Client, model: &ModelConfig) -> Answer {
    let ModelConfig { name, base_url, .. } = model;
    let request = client.get(format!("{base_url}/models"));
    let request = match &model.api_key {
        Some(key) => request.bearer_auth(key.expose()),
        None => request,
    };
    let mut response = match request.send().await {
        Ok(response) => response,
        Err(error) => {
            let what = format!("`{name}` is not reached at {base_url}: {}", why(&error));
            let fix = format!("start what should answer there, or mend `base-url` in [models.{name}]");
            return (Outcome::Bad, what, fix);
        }
    };
    let status = response.status();
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        let what = format!("`{name}`: {base_url} does not take the key that it is asked with ({status})");
        return (Outcome::Bad, what, format!("mend `api-key` in [models.{name}], or OPENAI_API_KEY"));
    }
    if !status.is_success() {
        let what = format!("`{name}`: {base_url} answers, and does not say which models it has ({status})");
        let fix =
            "nothing, if the endpoint has no such list; else see that `base-url` ends where `/chat/completions` begins";
        return (Outcome::Warn, what, fix.to_owned());
    }
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        if body.len() + chunk.len() > BYTES {
            break;
        }
        body.extend_from_slice(&chunk);
    }
    let known = serde_json::from_slice::<Json>(&body).ok();
    let known = known.as_ref().and_then(|list| list.get("data")).and_then(Json::as_array);
    let has = |list: &Vec<Json>| list.iter().any(|item| item.get("id").and_then(Json::as_str) == Some(&model.model));
    match known.map(has) {
        Some(true) => (Outcome::Ok, format!("`{name}`: {base_url} has {}", model.model), String::new()),
        Some(false) => {
            let what = format!("`{name}`: {base_url} answers, and does not list {}", model.model);
            (Outcome::Warn, what, format!("mend `model` in [models.{name}], unless the endpoint lists not all it has"))
        }
        None => {
            let what = format!("`{name}`: {base_url} answers, and not with a list of models");
            (Outcome::Warn, what, "see that `base-url` ends where `/chat/completions` begins".to_owned())
        }
    }
}

/// The innermost cause, which says most.
fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("it did not answer within {} s", PATIENCE.as_secs());
    }
    let mut cause: &dyn Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
