//! One proven version of one plugin, with the runs that are on it.

use std::sync::Arc;

use semver::Version;
use tokio::sync::Notify;

use super::breaker::BreakerRules;
use super::clock::Clock;
use crate::handler::Handler;
use crate::manifest::{Manifest, Mode, OnReload, Terms};
use crate::plugin::Plugin;

/// One proven version of one plugin.
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) version: Option<Version>,
    pub(crate) hash: String,
    pub(crate) plugin: Plugin,
    pub(crate) manifest: Option<Manifest>,
    pub(crate) terms: Terms,
    pub(crate) platforms: Vec<String>,
    pub(crate) kinds: Vec<String>,
    pub(crate) mode: Mode,
    pub(crate) snapshot: Option<u64>,
    pub(crate) on_reload: OnReload,
    pub(crate) handler: Option<Handler>,
}

/// What a generation is made of.
pub(crate) struct GenerationParts {
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) version: Option<Version>,
    pub(crate) hash: String,
    pub(crate) plugin: Plugin,
    pub(crate) manifest: Option<Manifest>,
    pub(crate) terms: Terms,
    pub(crate) platforms: Vec<String>,
    pub(crate) kinds: Vec<String>,
    pub(crate) mode: Mode,
    pub(crate) snapshot: Option<u64>,
    pub(crate) on_reload: OnReload,
    pub(crate) handler: Option<Handler>,
    /// The version before it, for who struck there.
    pub(crate) former: Option<Arc<Generation>>,
    pub(crate) breaker: BreakerRules,
    pub(crate) bell: Arc<Notify>,
    pub(crate) clock: Clock,
}

impl Generation {
    /// Puts the parts together.
    pub(crate) fn new(parts: GenerationParts) -> Self {
        let GenerationParts { number, id, version, hash, plugin, manifest, terms, .. } = parts;
        let GenerationParts { platforms, kinds, mode, snapshot, on_reload, handler, .. } = parts;
        Self {
            number,
            id,
            version,
            hash,
            plugin,
            manifest,
            terms,
            platforms,
            kinds,
            mode,
            snapshot,
            on_reload,
            handler,
        }
    }
}
