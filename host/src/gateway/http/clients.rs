//! Who is connected.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arc_swap::ArcSwapOption;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use hangar_aip::ClientType;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Api;
use super::error::{ApiError, Detail};
use crate::clients::{Client, Clients};

/// The ids of all clients as JSON, kept until somebody comes or goes: with tens of thousands of them it is long.
#[derive(Debug, Default)]
pub(super) struct Online(ArcSwapOption<(u64, String)>);

impl Online {
    fn ids(&self, clients: &Clients) -> Arc<(u64, String)> {
        let version = clients.version();
        if let Some(kept) = self.0.load_full()
            && kept.0 == version
        {
            return kept;
        }
        let all = clients.all();
        let ids: Vec<&str> = all.iter().map(|client| &*client.id).collect();
        let fresh = Arc::new((version, serde_json::to_string(&ids).unwrap_or_default()));
        self.0.store(Some(Arc::clone(&fresh)));
        fresh
    }
}

/// A client as it is shown.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ClientView {
    client_id: String,
    /// `device` or `constellation`.
    r#type: String,
    platform: Option<String>,
    #[schema(value_type = String)]
    connected_at: Timestamp,
    /// `idle`, or `busy` while a session runs on it.
    status: &'static str,
    /// Sessions that run on it.
    running: usize,
    /// Sessions that wait for it.
    waiting: usize,
    /// The device that a constellation comes for.
    target_id: Option<String>,
    /// The name of the key that it came in with.
    key: Option<String>,
}

impl ClientView {
    fn of(client: &Client) -> Self {
        let running = client.work.running.load(Ordering::Relaxed);
        Self {
            client_id: client.id.to_string(),
            r#type: client.kind.to_string(),
            platform: client.platform.as_ref().map(ToString::to_string),
            connected_at: client.connected_at,
            status: if running > 0 { "busy" } else { "idle" },
            running,
            waiting: client.work.waiting.load(Ordering::Relaxed),
            target_id: client.target.as_ref().map(ToString::to_string),
            key: client.key.as_deref().map(str::to_owned),
        }
    }
}

/// All clients.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ClientsView {
    /// Their ids, in the order in which they registered.
    online_clients: Vec<String>,
    clients: Vec<ClientView>,
    total: usize,
}

/// Who is connected
#[utoipa::path(get, path = "/api/clients", tag = "clients", responses(
    (status = 200, description = "All clients, in the order in which they registered", body = ClientsView),
    (status = 401, description = "The key is missing or wrong", body = Detail)))]
pub(super) async fn online(State(Api(api)): State<Api>) -> Json<ClientsView> {
    let all = api.clients.all();
    let clients: Vec<ClientView> = all.iter().map(|client| ClientView::of(client)).collect();
    let online_clients = all.iter().map(|client| client.id.to_string()).collect();
    Json(ClientsView { online_clients, total: clients.len(), clients })
}

/// How the server is
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Health {
    status: &'static str,
    #[schema(value_type = Vec<String>)]
    online_clients: Box<RawValue>,
    connected_clients: usize,
    sessions: usize,
    uptime_seconds: u64,
    version: &'static str,
}

/// How the server is
#[utoipa::path(get, path = "/api/health", tag = "clients", responses(
    (status = 200, description = "It is well", body = Health),
    (status = 401, description = "The key is missing or wrong", body = Detail)))]
pub(super) async fn health(State(Api(api)): State<Api>) -> Response {
    let ids = api.online.ids(&api.clients);
    let (devices, constellations) = api.clients.count();
    // Written by hand, because the ids are by far the most of it and are there already.
    let text = format!(
        r#"{{"status":"healthy","online_clients":{},"connected_clients":{},"sessions":{},"uptime_seconds":{},"version":"{}"}}"#,
        ids.1,
        devices + constellations,
        api.sessions.count(),
        api.started.elapsed().as_secs(),
        env!("CARGO_PKG_VERSION"),
    );
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}

/// A device with all that is known of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct DeviceView {
    #[serde(flatten)]
    client: ClientView,
    /// What it says of itself, and what the operator adds.
    #[schema(value_type = Option<Object>)]
    system_info: Option<Box<RawValue>>,
}

/// One device
#[utoipa::path(get, path = "/api/devices/{id}", tag = "clients", params(("id" = String, Path, description = "The device")),
    responses(
        (status = 200, description = "The device", body = DeviceView),
        (status = 401, description = "The key is missing or wrong", body = Detail),
        (status = 404, description = "It is not connected", body = Detail)))]
pub(super) async fn device(State(Api(api)): State<Api>, Path(id): Path<String>) -> Result<Json<DeviceView>, ApiError> {
    let client = api.clients.get(&id).filter(|client| client.kind == ClientType::Device);
    let client = client.ok_or_else(|| ApiError::unknown("Device not online"))?;
    Ok(Json(DeviceView { client: ClientView::of(&client), system_info: client.info().map(Into::into) }))
}
