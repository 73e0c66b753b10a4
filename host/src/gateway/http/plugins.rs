//! What drives sessions: how the plugins stand, and what can be ordered of them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hangar_runtime::library::{Order, OrderError, PluginStatus};
use serde::{Deserialize, Serialize};

use super::Api;
use super::error::{ApiError, Detail};

/// How the plugins stand.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct PluginsView {
    #[schema(value_type = Vec<Object>)]
    plugins: Vec<PluginStatus>,
    /// What lies in the plugin directory and is no plugin, with the reason.
    strays: Vec<StrayView>,
    /// Why the plugin directory cannot be read.
    unreadable: Option<String>,
}

/// Something that is no plugin.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct StrayView {
    place: String,
    why: String,
}

/// How the plugins stand
#[utoipa::path(get, path = "/api/plugins", tag = "plugins", responses(
    (status = 200, description = "All plugins", body = PluginsView),
    (status = 401, description = "The key is missing or wrong", body = Detail)))]
pub(super) async fn list(State(Api(api)): State<Api>) -> Result<Json<PluginsView>, ApiError> {
    let closed = || ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "The plugins are being put away");
    let status = api.library.status().await.ok_or_else(closed)?;
    let strays = status.strays.into_iter().map(|stray| StrayView { place: stray.place, why: stray.why }).collect();
    Ok(Json(PluginsView { plugins: status.plugins, strays, unreadable: status.unreadable }))
}

/// The order was taken.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct OrderedView {
    status: &'static str,
    /// How the plugin stands right after it; what an order brings about may take a moment.
    #[schema(value_type = Option<Object>)]
    plugin: Option<PluginStatus>,
}

/// Which version to pin.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
struct PinBody {
    /// The beginning of its hash, 8 digits or more; null or absent takes the pin away.
    hash: Option<String>,
}

type Ordered = Result<Json<OrderedView>, ApiError>;

/// Look at the plugin's files again
#[utoipa::path(post, path = "/api/plugins/{id}/reload", tag = "plugins", params(("id" = String, Path, description = "The plugin")),
    responses((status = 200, description = "Taken", body = OrderedView), (status = 404, description = "There is no such plugin", body = Detail)))]
pub(super) async fn reload(State(api): State<Api>, Path(id): Path<String>) -> Ordered {
    order(&api, &id, Order::Reload).await
}

/// Serve the version before this one
#[utoipa::path(post, path = "/api/plugins/{id}/rollback", tag = "plugins", params(("id" = String, Path, description = "The plugin")),
    responses((status = 200, description = "Taken", body = OrderedView), (status = 404, description = "There is no such plugin", body = Detail),
        (status = 409, description = "It cannot be done now", body = Detail)))]
pub(super) async fn rollback(State(api): State<Api>, Path(id): Path<String>) -> Ordered {
    order(&api, &id, Order::Rollback).await
}

/// Serve one version, whatever lies in the directory
#[utoipa::path(post, path = "/api/plugins/{id}/pin", tag = "plugins", params(("id" = String, Path, description = "The plugin")),
    request_body(content = PinBody),
    responses((status = 200, description = "Taken", body = OrderedView), (status = 404, description = "There is no such plugin", body = Detail),
        (status = 409, description = "It cannot be done now", body = Detail)))]
pub(super) async fn pin(State(api): State<Api>, Path(id): Path<String>, body: Bytes) -> Ordered {
    let hash = match body.is_empty() {
        true => None,
        false => {
            let wrong = |_| ApiError::bad("The body must be a JSON object like {\"hash\": \"0123abcd\"}");
            serde_json::from_slice::<PinBody>(&body).map_err(wrong)?.hash
        }
    };
    order(&api, &id, hash.map_or(Order::Unpin, Order::Pin)).await
}

/// Serve it again
#[utoipa::path(post, path = "/api/plugins/{id}/enable", tag = "plugins", params(("id" = String, Path, description = "The plugin")),
    responses((status = 200, description = "Taken", body = OrderedView), (status = 404, description = "There is no such plugin", body = Detail),
        (status = 409, description = "It cannot be done now", body = Detail)))]
pub(super) async fn enable(State(api): State<Api>, Path(id): Path<String>) -> Ordered {
    order(&api, &id, Order::Enable).await
}

/// Serve it no more
#[utoipa::path(post, path = "/api/plugins/{id}/disable", tag = "plugins", params(("id" = String, Path, description = "The plugin")),
    responses((status = 200, description = "Taken", body = OrderedView), (status = 404, description = "There is no such plugin", body = Detail),
        (status = 409, description = "It cannot be done now", body = Detail)))]
pub(super) async fn disable(State(api): State<Api>, Path(id): Path<String>) -> Ordered {
    order(&api, &id, Order::Disable).await
}

async fn order(Api(api): &Api, id: &str, order: Order) -> Ordered {
    tracing::info!(plugin = id, ?order, "an operator orders something of a plugin");
    api.library.order(id, order).await.map_err(|error| {
        let status = match error {
            OrderError::Unknown { .. } => StatusCode::NOT_FOUND,
            OrderError::Closed => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::CONFLICT,
        };
        ApiError::new(status, error.to_string())
    })?;
    let status = api.library.status().await;
    let plugin = status.and_then(|status| status.plugins.into_iter().find(|plugin| plugin.id == id));
    Ok(Json(OrderedView { status: "ordered", plugin }))
}
