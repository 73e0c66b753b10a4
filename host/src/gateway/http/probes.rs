//! For monitoring, and for those who want to know what the API has.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::Api;
use super::error::Detail;
use crate::telemetry::Standing;

/// Whether the server is there
#[utoipa::path(get, path = "/healthz", tag = "probes", responses((status = 200, description = "It is", content_type = "text/plain")))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Figures for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "probes", responses(
    (status = 200, description = "All figures", content_type = "text/plain"),
    (status = 401, description = "The key is missing or wrong", body = Detail)))]
pub(super) async fn metrics(State(Api(api)): State<Api>) -> Response {
    let (devices, constellations) = api.clients.count();
    let text = api.metrics.text(Standing {
        devices,
        constellations,
        sessions: api.sessions.count(),
        instances: api.runtime.live_instances(),
        large_bytes: api.upgrades.reserved(),
        accepted: api.counters.accepted(),
        turned_away: api.counters.turned_away(),
        failed: api.counters.failed(),
        tls_failed: api.counters.tls_failed(),
    });
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
}

/// The description of the API itself.
pub(super) async fn openapi(text: Arc<str>) -> Response {
    ([(CONTENT_TYPE, "application/json")], text.to_string()).into_response()
}
