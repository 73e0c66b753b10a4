//! Time: retries and their pauses, timeouts, calls in line, calls that are given up.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hangar_runtime::Blobs;
use serde_json::json;

use super::model_server::{ModelServer, Reply};
use super::{answer, ask, config, error, models, served};

#[tokio::test]
async fn what_passes_is_not_noticed() {
    let (server, models) = served().await;
    server.will(Reply::fails(503, "busy")).will(Reply::Close).will(Reply::says("Here."));
    assert_eq!(answer(&models, &json!({})).await.content, "Here.");
    let asked = server.asked();
    assert!(asked.len() == 3 && asked.iter().all(|again| again.body == asked[0].body), "{asked:?}");
}

#[tokio::test]
async fn an_endpoint_is_left_alone_as_long_as_it_asks() {
    let (server, models) = served().await;
    server.will(Reply::fails(429, "slow down").with_header("retry-after-ms", "300")).will(Reply::says("Here."));
    assert_eq!(answer(&models, &json!({})).await.content, "Here.");
    let asked = server.asked();
    assert!(asked[1].at - asked[0].at >= Duration::from_millis(300));
}

#[tokio::test]
async fn whoever_asks_for_too_long_a_pause_is_asked_by_the_plugin_again() {
    let (server, models) = served().await;
    server.otherwise(Reply::fails(429, "come back tomorrow").with_header("retry-after", "86400"));
    let error = error(&models, &json!({})).await;
    assert_eq!((error.code.as_str(), error.retry_after_ms), ("rate-limited", Some(86_400_000)));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn an_attempt_has_its_time_and_no_more() {
    let server = ModelServer::start().await;
    let mut config = config(&server.base_url());
    config.timeout = Duration::from_millis(300);
    server.otherwise(Reply::Hang);
    let began = Instant::now();
    let error = error(&models(&[config]), &json!({})).await;
    assert!(error.code == "unreachable" && error.text.contains("did not answer within 300 ms"), "{error:?}");
    assert!(began.elapsed() >= Duration::from_millis(300));
    server.was_left(1).await;
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_call_that_is_given_up_closes_its_connection() {
    let (server, models) = served().await;
    server.will(Reply::Hang);
    let call = tokio::spawn(async move { models.ask(&ask(&json!({})), &Blobs::default()).await });
    server.was_asked(1).await;
    call.abort();
    server.was_left(1).await;
}

#[tokio::test]
async fn no_more_are_under_way_than_may() {
    let server = ModelServer::start().await;
    let mut config = config(&server.base_url());
    config.parallel = 2;
    server.otherwise(Reply::says("Here.").later(Duration::from_millis(30)));
    let models = models(&[config]);
    let nothing = json!({});
    join_all((0..8).map(|_| answer(&models, &nothing))).await;
    assert_eq!((server.asked().len(), server.most_under_way()), (8, 2));
}

#[tokio::test]
async fn waiting_in_line_has_an_end_and_the_line_too() {
    let server = ModelServer::start().await;
    let mut config = config(&server.base_url());
    (config.parallel, config.timeout) = (1, Duration::from_secs(1));
    let models = models(&[config]);
    // It keeps its seat until it has been answered, also while it leaves the endpoint alone.
    server.will(Reply::fails(429, "slow down").with_header("retry-after", "60"));
    let first = models.clone();
    let first = tokio::spawn(async move { first.ask(&ask(&json!({})), &Blobs::default()).await });
    server.was_asked(1).await;

    let nothing = json!({});
    let errors = join_all((0..1_030).map(|_| error(&models, &nothing))).await;
    assert!(errors.iter().all(|error| error.code == "rate-limited"), "{errors:?}");
    let told = |text: &str| errors.iter().filter(|error| error.text.contains(text)).count();
    assert_eq!((told("none of them was done within 1 s"), told("by too many at once")), (1_024, 6));

    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    server.will(Reply::says("Here."));
    assert_eq!(answer(&models, &nothing).await.content, "Here.");
}
