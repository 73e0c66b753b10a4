//! Bringing the server together: what it is made of, in the order in which it stands on each other, and its end.

mod banner;
mod refresh;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use hangar_runtime::library::{Library, LibraryConfig, Watching};
use hangar_runtime::{Runtime, RuntimeConfig};
use tokio::sync::watch;

use crate::access::{self, Access, Door};
use crate::clients::Clients;
use crate::config::{Config, DeviceMetadata, Injection, KeyFile, Loaded, Loader, Scope, read_keys};
use crate::gateway::Upgrades;
use crate::gateway::aip::{Aip, RESTART};
use crate::gateway::http::{self, Api};
use crate::handlers::Handlers;
use crate::models::Models;
use crate::server::{Listener, Tls};
use crate::sessions::{Services, Sessions};
use crate::telemetry::Metrics;

pub use banner::Banner;
use refresh::Refresh;

/// How long connections have to say good-bye.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long the directory of plugins is waited for at the start; what is not there by then comes later.
const PLUGINS: Duration = Duration::from_secs(30);

/// A server that listens.
pub struct App {
    config: Config,
    library: Library,
    clients: Arc<Clients>,
    sessions: Sessions,
    listener: Listener,
    router: Router,
    access: Arc<Access>,
    refresh: Refresh,
    drain: watch::Sender<bool>,
}

impl App {
    /// Puts the server together. When it comes back, the server listens and its plugins were looked at; nobody is let in
    /// until [`App::run`].
    pub async fn start(loaded: Loaded, loader: Loader) -> Result<Self> {
        let config = loaded.config.clone();
        let keys = config.keys.file.as_deref().map(|path| KeyFile::open(path, read_keys)).transpose()?;
        let (key_file, named) = keys.unzip();
        let named = named.unwrap_or_default();
        let metadata = config.devices.metadata.as_deref().map(DeviceMetadata::read).transpose()?.unwrap_or_default();
        let tls = config.server.tls.as_ref().map(Tls::read).transpose()?;
        let (tls, tls_reloader) = tls.unzip();
        // First of all: what listens already is told at once, and not after a minute of compiling.
        let listener = Listener::bind(&config.server, &config.connections, tls)?;
        let access = Arc::new(Access::new(&config.keys, &named, &config.server, listener.address())?);

        let runtime = RuntimeConfig { cache: config.plugins.cache.clone(), ..RuntimeConfig::default() };
        let runtime = Runtime::new(&runtime)?;
        let journals = config.plugins.state.join("journals");
        let library = Library::open(runtime.clone(), library_config(&config, &journals));
        let library = library.map_err(|error| cannot_open(&error, &config))?;
        let models = Models::new(&config.models)?;
        let drain = watch::Sender::new(false);
        let (clients, metrics) = (Arc::<Clients>::default(), Arc::<Metrics>::default());
        let handlers = Handlers::new(library.clone(), config.handlers.clone());
        let services = Services {
            library: library.clone(),
            clients: Arc::clone(&clients),
            handlers: handlers.clone(),
            models,
            metrics: Arc::clone(&metrics),
        };
        let injections = injections(&config, &metadata);
        let sessions = Sessions::new(services, config.sessions.clone(), &injections, &journals)
            .with_context(|| format!("journals cannot be kept in {}", journals.display()))?;
        let upgrades = Upgrades::new(&config.connections);
        let aip = Aip {
            clients: Arc::clone(&clients),
            sessions: sessions.clone(),
            handlers,
            limits: Arc::new(config.connections.clone()),
            devices: Arc::new(config.devices.clone()),
            metadata: Arc::new(metadata),
            metrics: Arc::clone(&metrics),
            room: Arc::clone(upgrades.room()),
            draining: drain.subscribe(),
        };
        let api = Api::new(
            Arc::clone(&clients),
            sessions.clone(),
            library.clone(),
            runtime,
            metrics,
            upgrades.clone(),
            listener.counters(),
        );
        let router = router(aip, api, &access, upgrades);
        let refresh = Refresh::new(loaded, loader, key_file, tls_reloader);
        let _ = tokio::time::timeout(PLUGINS, library.settled()).await;
        Ok(Self { config, library, clients, sessions, listener, router, access, refresh, drain })
    }

    /// What is shown at the start.
    pub fn banner(&self) -> Banner {
        Banner::of(&self.config, self.listener.address(), &self.library.catalog(), self.access.generated_key())
    }

    /// Serves until this says that it is enough, then ends in order: nobody new is let in, sessions may come to their end,
    /// clients are told that the server comes back.
    pub async fn run(self, enough: impl Future<Output = ()>) {
        let Self { config, library, clients, sessions, listener, router, access, refresh, drain } = self;
        let patience = config.server.drain;
        let serving = tokio::spawn(listener.serve(router, drain.subscribe(), patience));
        let refreshing = tokio::spawn(refresh.run(library.clone(), sessions.clone(), access));
        enough.await;
        tracing::info!(sessions = sessions.count(), "the server is about to stop");
        drain.send_replace(true);
        refreshing.abort();
        sessions.drain(patience).await;
        for client in clients.all() {
            client.outbox().close(RESTART, "the server restarts");
        }
        let _ = tokio::time::timeout(FAREWELL, all_gone(&clients)).await;
        library.close().await;
        let _ = tokio::time::timeout(FAREWELL, serving).await;
    }
}

/// Everything that is served, by its path.
fn router(aip: Aip, api: Api, access: &Arc<Access>, upgrades: Upgrades) -> Router {
    let socket = move |request: Request| {
        let aip = aip.clone();
        let answer = upgrades.answer(request, move |socket, _peer, admitted| aip.serve(socket, admitted));
        std::future::ready(answer)
    };
    let sockets = Router::new().route("/ws", any(socket)).layer(access::guard(
        access,
        Door::AipSocket,
        &[Scope::Device, Scope::Constellation],
    ));
    http::router(api, access).merge(sockets)
}

fn library_config(config: &Config, journals: &std::path::Path) -> LibraryConfig {
    let plugins = &config.plugins;
    LibraryConfig {
        host: plugins.host.clone(),
        watching: plugins.poll.map_or(Watching::Native, Watching::Polling),
        state: Some(plugins.state.clone()),
        journals: Some(journals.to_owned()),
        ..LibraryConfig::of(&plugins.directory)
    }
}

/// Mostly another server is at work on this directory.
fn cannot_open(error: &io::Error, config: &Config) -> anyhow::Error {
    let state = config.plugins.state.display();
    if error.kind() == io::ErrorKind::ResourceBusy {
        return anyhow::anyhow!("{state} is in use by another server; stop that, or name another folder with --state");
    }
    anyhow::anyhow!("what must outlast the server cannot be kept in {state}: {error}; name another folder with --state")
}

/// The secrets of the configuration, and those of single devices.
fn injections(config: &Config, metadata: &DeviceMetadata) -> Vec<Injection> {
    config.inject.iter().chain(metadata.injections()).cloned().collect()
}

async fn all_gone(clients: &Clients) {
    // The last to leave does not ring; it is looked for.
    while clients.count() != (0, 0) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
