//! Every refusal of the API has one shape, and the texts that callers know.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use hangar_aip::Refusal;
use serde::Serialize;

/// Why a request is not answered as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ApiError {
    status: StatusCode,
    detail: String,
}

/// The shape of a refusal.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Detail {
    /// What was wrong, and what to do about it.
    detail: String,
}

impl ApiError {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    pub fn bad(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub fn unknown(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(Detail { detail: self.detail })).into_response()
    }
}

/// A task that the server does not take.
impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::TargetAbsent(_) => return Self::unknown("Client not online"),
            Refusal::DeviceBusy(_) | Refusal::TooManyTasks => StatusCode::TOO_MANY_REQUESTS,
            Refusal::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Rejected(_) => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, refusal.to_string())
    }
}

/// A body that is no JSON object.
#[derive(Debug)]
pub(super) struct Unreadable(pub String);

#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    loc: [&'static str; 1],
    msg: String,
}

#[derive(Serialize)]
struct Problems {
    detail: [Problem; 1],
}

impl IntoResponse for Unreadable {
    fn into_response(self) -> Response {
        let problem = Problem { r#type: "json_invalid", loc: ["body"], msg: self.0 };
        (StatusCode::UNPROCESSABLE_ENTITY, Json(Problems { detail: [problem] })).into_response()
    }
}

/// There is no such path.
pub(super) async fn not_found() -> ApiError {
    ApiError::unknown("Not Found")
}

/// There is, but not for this method.
pub(super) async fn method_not_allowed() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
}
