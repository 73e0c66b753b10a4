//! Every request has a number, and every refusal one form. The number stands in the log lines of the request and in its
//! answer, so that a caller's report finds the lines.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, X_CONTENT_TYPE_OPTIONS};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::access::redacted_uri;
use crate::server::detail;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest number of a caller's own that is kept, in bytes.
const LONGEST: usize = 64;

/// Numbers a request, and says in the answer that nothing of it may be kept or taken for something else.
pub(super) async fn number(request: Request, next: Next) -> Response {
    let id = request.headers().get(REQUEST_ID).filter(|id| is_fit(id)).cloned().or_else(fresh);
    let shown = id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
    let span = tracing::info_span!("request", request = shown, method = %request.method());
    let uri = tracing::enabled!(tracing::Level::DEBUG).then(|| redacted_uri(request.uri()));
    let mut response = in_one_form(next.run(request).instrument(span.clone()).await).await;
    if let Some(uri) = uri {
        let _in_span = span.enter();
        tracing::debug!(uri, status = response.status().as_u16(), "a request was answered");
    }
    let headers = response.headers_mut();
    headers.extend(id.map(|id| (REQUEST_ID, id)));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// What the framework refuses by itself comes as plain text; callers are promised one form.
async fn in_one_form(response: Response) -> Response {
    let status = response.status();
    let is_plain = response.headers().get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || !is_plain {
        return response;
    }
    let text = axum::body::to_bytes(response.into_body(), REFUSAL).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let said = if text.trim().is_empty() { status.canonical_reason().unwrap_or("Refused") } else { text.trim() };
    detail(status, said)
}

/// Bytes of a refusal's text.
const REFUSAL: usize = 4 << 10;

/// What callers call it must not break lines of a log, nor fill it.
fn is_fit(id: &HeaderValue) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(allowed)
}

fn fresh() -> Option<HeaderValue> {
    HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_numbers_of_callers_are_kept() {
        for (id, fit) in [("ci-7.2_a", true), ("", false), ("a b", false), ("a\u{e9}", false), (&"x".repeat(65), false)]
        {
            assert_eq!(HeaderValue::from_bytes(id.as_bytes()).is_ok_and(|id| is_fit(&id)), fit, "{id}");
        }
    }
}
