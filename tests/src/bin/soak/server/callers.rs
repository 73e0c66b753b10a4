//! Callers over HTTP: they dispatch, ask for the result until there is one, and cancel, their own tasks and those of others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hangar_bench::http::Http;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::time::sleep;

use super::book::{End, TOLD_WITHIN};
use super::scene::{Scene, device_id, one_in, some};
use super::tally::Excuse;

/// How long a caller rests between two tasks, at most.
const REST: Duration = Duration::from_secs(1);

/// How long it waits until it asks again.
const AGAIN: Duration = Duration::from_millis(200);

/// Lives for ever.
pub async fn live(scene: Arc<Scene>, number: usize) {
    for call in 0.. {
        scene.storm(REST).await;
        let name = format!("call-{number}-{call}");
        if let Err(error) = dispatch(&scene, &name).await {
            scene.wrong(format!("the caller of {name}: {error:#}"));
        }
        scene.book().dispatch_over(&name, Instant::now());
    }
}

/// Cancels whatever goes on.
pub async fn meddle(scene: Arc<Scene>) {
    loop {
        scene.storm(REST).await;
        let Some(session) = scene.book().some_session() else { continue };
        if let Err(error) = cancel(&scene, &session, &session).await {
            scene.wrong(format!("whoever cancels {session}: {error:#}"));
        }
    }
}

/// An answer to `/api/task_result`.
#[derive(Deserialize)]
struct Outcome<'a> {
    status: &'a str,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    task_status: Option<&'a str>,
    session_id: Option<String>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Dispatched {
    status: String,
    task_name: String,
    client_id: String,
    session_id: String,
}

async fn dispatch(scene: &Scene, name: &str) -> Result<()> {
    let mut http = Http::open(scene.server).await?;
    let device = scene.some_device();
    let id = device_id(device);
    let before = {
        let mut book = scene.book();
        book.dispatching(name, device);
        book.is_ready(device)
    };
    let body = json!({ "client_id": id, "request": "$ true", "task_name": name }).to_string();
    let (status, body) = http.post("/api/dispatch", body).await?;
    if status != 200 {
        let mut book = scene.book();
        let text = format!("{status}: {}", body.escape_ascii());
        if before.is_some() && before == book.is_ready(device) {
            book.wrong(format!("{id} is there, and the dispatch {name} is refused with {text}"));
        }
        book.not_dispatched(name, text);
        return Ok(());
    }
    let answer: Dispatched = serde_json::from_slice(&body).context("the answer to a dispatch")?;
    ensure!(
        answer.status == "dispatched" && answer.task_name == name && answer.client_id == id,
        "the dispatch is answered with {}",
        body.escape_ascii()
    );
    let session = answer.session_id;
    {
        let (mut book, now) = (scene.book(), Instant::now());
        book.dispatched(name, &session, now);
        if before.is_none() || before != book.is_ready(device) {
            // It went away and came back before this answer did.
            book.excuse(&session, Excuse::DeviceLost, now);
        }
    }
    if one_in(8) {
        sleep(some(Duration::from_millis(300))).await;
        cancel(scene, &session, if fastrand::bool() { name } else { &session }).await?;
    }
    wait(scene, &mut http, name, &session).await
}

async fn wait(scene: &Scene, http: &mut Http, name: &str, session: &str) -> Result<()> {
    let until = Instant::now() + TOLD_WITHIN;
    let mut called = if fastrand::bool() { name } else { session };
    loop {
        let path = format!("/api/task_result/{called}");
        let (status, body) = http.get(&path).await?;
        ensure!(status == 200, "the result is {status}: {}", body.escape_ascii());
        let outcome: Outcome<'_> = serde_json::from_slice(&body).context("the result")?;
        if outcome.status == "done" {
            if outcome.session_id.as_deref() != Some(session) {
                // Taken up too late, the task has become another session under its name.
                let other = called == name && scene.book().is_excused(session);
                ensure!(other, "the result is that of {:?}", outcome.session_id);
                called = session;
                continue;
            }
            let completed = outcome.task_status == Some("completed");
            let (error, result) = (outcome.error.unwrap_or_default(), outcome.result.map_or("null", RawValue::get));
            scene.book().reported(&End { session, completed, error: &error, result }, Instant::now());
            // Under its name there may be a newer one by now.
            if called == session && one_in(4) {
                let (_, again) = http.get(&path).await?;
                ensure!(again == body, "the result was {} and is {}", body.escape_ascii(), again.escape_ascii());
            }
            return Ok(());
        }
        ensure!(outcome.status == "pending", "the result is {}", body.escape_ascii());
        ensure!(Instant::now() < until, "there is no result");
        sleep(AGAIN).await;
    }
}

async fn cancel(scene: &Scene, session: &str, called: &str) -> Result<()> {
    scene.book().excuse(session, Excuse::Cancelled, Instant::now());
    let mut http = Http::open(scene.server).await?;
    let path = format!("/api/cancel/{}", called.replace('@', "%40"));
    let (status, body) = http.post(&path, "").await?;
    // It may have ended by itself in this moment.
    ensure!(status == 200 || status.is_client_error(), "cancelling is answered with {status}: {}", body.escape_ascii());
    scene.did(if status == 200 { "sessions cancelled" } else { "sessions that were over before they were cancelled" });
    Ok(())
}
