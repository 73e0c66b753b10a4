//! The HTTP API for CI jobs, scripts and operators. It is described by the OpenAPI document that is made from this code.

mod clients;
mod error;
mod plugins;
mod probes;
mod request_id;
mod sessions;
mod tasks;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use hangar_runtime::Runtime;
use hangar_runtime::library::Library;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::{self, Access, Door};
use crate::clients::Clients;
use crate::config::Scope;
use crate::gateway::Upgrades;
use crate::server::Counters;
use crate::sessions::Sessions;
use crate::telemetry::Metrics;

/// Bytes of a request's body; a request text may have a megabyte.
const BODY: usize = 2 << 20;

/// What the API stands on; cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Inner>);

struct Inner {
    clients: Arc<Clients>,
    sessions: Sessions,
    library: Library,
    runtime: Runtime,
    metrics: Arc<Metrics>,
    upgrades: Upgrades,
    counters: Arc<Counters>,
    started: Instant,
    online: clients::Online,
}

impl Api {
    /// An API for these.
    pub fn new(
        clients: Arc<Clients>,
        sessions: Sessions,
        library: Library,
        runtime: Runtime,
        metrics: Arc<Metrics>,
        upgrades: Upgrades,
        counters: Arc<Counters>,
    ) -> Self {
        let (started, online) = (Instant::now(), clients::Online::default());
        Self(Arc::new(Inner { clients, sessions, library, runtime, metrics, upgrades, counters, started, online }))
    }
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Hangar",
        description = "The HTTP API of a Hangar agent server: give tasks to devices, ask what became of them, see who is \
            connected and what goes on, and look after plugins. Where a key is needed, it comes as `X-API-Key` or as a \
            bearer token. Every refusal has the form `{\"detail\": \"...\"}`."
    ),
    tags(
        (name = "tasks", description = "Give tasks to devices"),
        (name = "clients", description = "Who is connected"),
        (name = "sessions", description = "What goes on, and what went on"),
        (name = "plugins", description = "What drives sessions"),
        (name = "probes", description = "For monitoring")
    )
)]
struct Description;

/// All routes of the API, each behind what it takes to use it.
pub fn router(api: Api, access: &Arc<Access>) -> Router {
    let looking = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(clients::online))
        .routes(routes!(clients::health))
        .routes(routes!(clients::device))
        .routes(routes!(tasks::result))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::one))
        .routes(routes!(plugins::list))
        .layer(access::guard(access, Door::AipHttp, &[Scope::ReadOnly]));
    let acting = OpenApiRouter::new()
        .routes(routes!(tasks::dispatch))
        .routes(routes!(tasks::cancel))
        .routes(routes!(plugins::reload))
        .routes(routes!(plugins::rollback))
        .routes(routes!(plugins::pin))
        .routes(routes!(plugins::enable))
        .routes(routes!(plugins::disable))
        .layer(access::guard(access, Door::AipHttp, &[Scope::Operator]));
    let watching = OpenApiRouter::new().routes(routes!(probes::metrics)).layer(access::guard(
        access,
        Door::Metrics,
        &[Scope::ReadOnly],
    ));
    let open = OpenApiRouter::new().routes(routes!(probes::healthz)).layer(access::guard(access, Door::Healthz, &[]));
    let (routes, mut description) = looking
        .merge(acting)
        .merge(watching)
        .merge(open)
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(api)
        .split_for_parts();
    description.info.version = env!("CARGO_PKG_VERSION").to_owned();
    let text: Arc<str> = description.to_json().unwrap_or_default().into();
    let document = Router::new()
        .route("/api/openapi.json", axum::routing::get(move || probes::openapi(Arc::clone(&text))))
        .layer(access::guard(access, Door::Metrics, &[Scope::ReadOnly]));
    routes
        .merge(document)
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(axum::middleware::from_fn(request_id::number))
}
