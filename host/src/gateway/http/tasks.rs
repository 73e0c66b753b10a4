//! Giving tasks to devices, and asking what became of them.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use hangar_aip::ClientType;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Api;
use super::error::{ApiError, Detail, Unreadable};
use crate::access::Admitted;
use crate::sessions::{Dispatch, Reason, is_safe};

const UNSAFE_NAME: &str =
    "Invalid task_name: must be a non-empty string of characters [A-Za-z0-9._-] and must not start with '.'";

/// A task for a device.
#[derive(Debug, utoipa::ToSchema)]
#[allow(dead_code, reason = "it is here for the description; the body is read more leniently")]
struct DispatchBody {
    /// The device; `target_id` and `device_id` are read as well.
    client_id: String,
    /// What is to be done.
    request: String,
    /// What it is to be called; a fresh name otherwise.
    task_name: Option<String>,
}

/// The task was taken; what becomes of it is found under its name or its session.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct DispatchedView {
    status: &'static str,
    task_name: String,
    client_id: String,
    session_id: String,
}

/// Give a task to a device
#[utoipa::path(post, path = "/api/dispatch", tag = "tasks", request_body(content = DispatchBody), responses(
    (status = 200, description = "The task was taken", body = DispatchedView),
    (status = 400, description = "Something is missing or cannot be", body = Detail),
    (status = 401, description = "The key is missing or wrong", body = Detail),
    (status = 403, description = "A plugin of the operator does not want it", body = Detail),
    (status = 404, description = "The device is not connected", body = Detail),
    (status = 422, description = "The body is no JSON object"),
    (status = 429, description = "Too many tasks wait", body = Detail)))]
pub(super) async fn dispatch(
    State(Api(api)): State<Api>,
    Extension(admitted): Extension<Admitted>,
    body: Bytes,
) -> Result<Json<DispatchedView>, Response> {
    let body: Map<String, Value> = serde_json::from_slice(&body)
        .map_err(|error| Unreadable(format!("the body must be a JSON object: {error}")).into_response())?;
    let order = order(&body).map_err(IntoResponse::into_response)?;
    let client =
        api.clients.get(order.client_id).ok_or_else(|| ApiError::unknown("Client not online").into_response())?;
    if client.kind != ClientType::Device {
        return Err(ApiError::bad("Client is not a device").into_response());
    }
    let dispatch = Dispatch {
        device: Arc::clone(&client),
        request: order.request.to_owned(),
        task_name: order.task_name.map(str::to_owned),
        key: admitted.key_name,
    };
    let dispatched =
        api.sessions.dispatch(dispatch).await.map_err(|refusal| ApiError::from(refusal).into_response())?;
    Ok(Json(DispatchedView {
        status: "dispatched",
        task_name: dispatched.task_name,
        client_id: client.id.to_string(),
        session_id: dispatched.session_id.to_string(),
    }))
}

/// What the body asks for.
#[derive(Debug)]
struct Order<'a> {
    client_id: &'a str,
    request: &'a str,
    task_name: Option<&'a str>,
}

/// Checks the body, in the order that callers know.
fn order(body: &Map<String, Value>) -> Result<Order<'_>, ApiError> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    let request = text("request").ok_or_else(|| ApiError::bad("Empty task content"))?;
    if request.len() > hangar_aip::limits::REQUEST_BYTES {
        let limit = hangar_aip::limits::REQUEST_BYTES;
        return Err(ApiError::bad(format!("request has {} bytes; {limit} are allowed", request.len())));
    }
    let client_id = text("client_id").or_else(|| text("target_id")).or_else(|| text("device_id"));
    let client_id = client_id.ok_or_else(|| ApiError::bad("Empty client ID"))?;
    let task_name = match body.get("task_name") {
        None => None,
        Some(Value::String(name)) if is_safe(name) => Some(name.as_str()),
        Some(_) => return Err(ApiError::bad(UNSAFE_NAME)),
    };
    Ok(Order { client_id, request, task_name })
}

/// What became of a task.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(super) enum ResultView {
    /// It goes on, or nobody knows of it.
    Pending {
        /// `pending`
        status: &'static str,
    },
    /// It is over.
    Done {
        /// `done`
        status: &'static str,
        /// What came of it.
        #[schema(value_type = Option<Object>)]
        result: Option<Box<RawValue>>,
        /// `completed` or `failed`.
        task_status: &'static str,
        /// Why it failed.
        error: Option<String>,
        /// The session.
        session_id: String,
    },
}

/// What became of a task
#[utoipa::path(get, path = "/api/task_result/{task_name}", tag = "tasks",
    params(("task_name" = String, Path, description = "The name of the task, or the id of its session")),
    responses(
        (status = 200, description = "`pending` or `done`; names that nobody knows are pending", body = ResultView),
        (status = 401, description = "The key is missing or wrong", body = Detail)))]
pub(super) async fn result(State(Api(api)): State<Api>, Path(name): Path<String>) -> Json<ResultView> {
    Json(match api.sessions.outcome(&name) {
        None => ResultView::Pending { status: "pending" },
        Some(past) => ResultView::Done {
            status: "done",
            result: past.outcome.result().cloned().map(Into::into),
            task_status: past.outcome.status().as_str(),
            error: past.outcome.error().map(str::to_owned),
            session_id: past.id.to_string(),
        },
    })
}

/// A session was told to end.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct CancelledView {
    status: &'static str,
}

/// Cancel a task
#[utoipa::path(post, path = "/api/cancel/{task_name}", tag = "tasks",
    params(("task_name" = String, Path, description = "The name of the task, or the id of its session")),
    responses(
        (status = 200, description = "It was told to end", body = CancelledView),
        (status = 401, description = "The key is missing or wrong", body = Detail),
        (status = 404, description = "No such task goes on", body = Detail)))]
pub(super) async fn cancel(
    State(Api(api)): State<Api>,
    Path(name): Path<String>,
) -> Result<Json<CancelledView>, ApiError> {
    match api.sessions.cancel(&name, Reason::UserRequested) {
        true => Ok(Json(CancelledView { status: "cancelling" })),
        false => Err(ApiError::unknown("No task of this name and no session of this id goes on")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(body: Value) -> Result<(String, Option<String>), ApiError> {
        let body = body.as_object().unwrap().clone();
        order(&body).map(|order| (order.client_id.to_owned(), order.task_name.map(str::to_owned)))
    }

    #[test]
    fn what_is_wrong_is_told_in_the_order_that_callers_know() {
        for (body, text) in [
            (json!({}), "Empty task content"),
            (json!({"request": " ", "client_id": ""}), "Empty task content"),
            (json!({"request": "do", "task_name": ".."}), "Empty client ID"),
            (json!({"request": "do", "client_id": "d", "task_name": ""}), UNSAFE_NAME),
            (json!({"request": "do", "client_id": "d", "task_name": null}), UNSAFE_NAME),
            (json!({"request": "do", "client_id": "d", "task_name": "../escape"}), UNSAFE_NAME),
            (json!({"request": "do", "client_id": "d", "task_name": 7}), UNSAFE_NAME),
        ] {
            assert_eq!(checked(body.clone()).unwrap_err(), ApiError::bad(text), "{body}");
        }
    }

    #[test]
    fn a_device_has_three_names() {
        for key in ["client_id", "target_id", "device_id"] {
            assert_eq!(
                checked(json!({"request": "do", key: "d", "task_name": "n-1"})),
                Ok(("d".into(), Some("n-1".into())))
            );
        }
        assert_eq!(checked(json!({"request": "do", "client_id": "d"})), Ok(("d".into(), None)));
    }
}
