//! What may change while the server works: its configuration, its keys, its certificate. Each is looked at again and again,
//! and what cannot be used leaves the former in place.

use std::sync::Arc;
use std::time::Duration;

use hangar_runtime::library::Library;
use tokio::time::{MissedTickBehavior, interval};

use crate::access::Access;
use crate::config::{DeviceMetadata, KeyFile, Loaded, Loader};
use crate::server::TlsReloader;
use crate::sessions::Sessions;

/// How often is looked.
const LOOKS: Duration = Duration::from_millis(500);

/// What is looked at.
pub(super) struct Refresh {
    loaded: Loaded,
    loader: Loader,
    keys: Option<KeyFile>,
    tls: Option<TlsReloader>,
}

impl Refresh {
    /// Looks at what the configuration names.
    pub fn new(loaded: Loaded, loader: Loader, keys: Option<KeyFile>, tls: Option<TlsReloader>) -> Self {
        Self { loaded, loader, keys, tls }
    }

    /// Looks until it is dropped.
    pub async fn run(mut self, library: Library, sessions: Sessions, access: Arc<Access>) {
        match self.tls.take() {
            Some(tls) => drop(tokio::join!(tls.run(), self.look(library, sessions, access))),
            None => self.look(library, sessions, access).await,
        }
    }

    async fn look(&mut self, library: Library, sessions: Sessions, access: Arc<Access>) {
        let mut looks = interval(LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            match self.keys.as_mut().and_then(KeyFile::read_again) {
                Some(Ok(keys)) => {
                    tracing::warn!(keys = keys.len(), "the keys were read again");
                    access.replace_keys(&keys);
                }
                Some(Err(error)) => tracing::error!("the keys cannot be read again, the former hold: {error}"),
                None => {}
            }
            match self.loader.load_again() {
                Some(Ok(loaded)) => self.take(loaded, &library, &sessions).await,
                Some(Err(error)) => {
                    tracing::error!("the configuration cannot be read again, the former holds: {error}");
                }
                None => {}
            }
        }
    }

    /// Takes what can be changed while the server works, and says what cannot.
    async fn take(&mut self, loaded: Loaded, library: &Library, sessions: &Sessions) {
        const TAKEN: [&str; 3] = ["plugins", "platforms", "inject"];
        library.configure(loaded.config.plugins.host.clone()).await;
        let metadata = loaded.config.devices.metadata.as_deref().map(DeviceMetadata::read).transpose();
        match metadata {
            Ok(metadata) => {
                sessions.replace_secrets(&super::injections(&loaded.config, &metadata.unwrap_or_default()));
            }
            Err(error) => tracing::error!("the secrets stay as they are: {error}"),
        }
        let waits = |entry: &String| {
            !TAKEN
                .iter()
                .any(|section| entry.contains(&format!("[{section}")) || entry.contains(&format!("[[{section}")))
        };
        let waiting: Vec<String> = self.loaded.changed(&loaded).into_iter().filter(waits).collect();
        if waiting.is_empty() {
            tracing::warn!("the configuration was read again");
        } else {
            tracing::warn!("the configuration was read again; this waits for a restart: {}", waiting.join(", "));
        }
        self.loaded = loaded;
    }
}
