//! The terms on which a plugin runs: its manifest and the host's configuration, brought together.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::capabilities::Capabilities;
use super::configuration::PluginConfig;
use super::granted::Granted;
use super::limit_requests::LimitRequests;
use super::plugin_toml::Manifest;
use super::settings::{Declarations, SettingsError};
use crate::limits::Limits;

/// The terms on which a plugin runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Terms {
    /// What it may do.
    pub granted: Arc<Granted>,
    /// What it may use up.
    pub limits: Limits,
    /// What settings there are; a component without a manifest does not say.
    declarations: Option<Declarations>,
    configured: Map<String, Json>,
}

impl Terms {
    /// For a plugin of this id. Without a manifest it requests the safe set.
    #[must_use]
    pub fn of(id: &str, manifest: Option<&Manifest>, config: &PluginConfig) -> Self {
        let requested = manifest.map_or_else(Capabilities::safe, |manifest| manifest.capabilities.clone());
        let limits = manifest.map(|manifest| manifest.limits.clone()).unwrap_or_default();
        Self {
            granted: Arc::new(Granted::new(id, requested, config.grants.clone())),
            limits: LimitRequests::effective(&limits, &config.limits),
            declarations: manifest.map(|manifest| manifest.settings.clone()),
            configured: config.settings.clone(),
        }
    }

    /// No bounds but the default limits, and any settings: for tests and examples.
    #[must_use]
    pub fn everything() -> Self {
        let limits = Limits::default();
        Self { granted: Granted::everything(), limits, declarations: None, configured: Map::new() }
    }

    /// The plugin's settings, a JSON object: defaults, over them what is configured, over that what is given here.
    pub fn settings(&self, given: &Map<String, Json>) -> Result<String, SettingsError> {
        let mut all = self.configured.clone();
        all.extend(given.clone());
        match &self.declarations {
            Some(declarations) => declarations.resolve(&all),
            None => Ok(Json::Object(all).to_string()),
        }
    }

    /// The settings that the operator must give and did not, as TOML to be filled in; empty if there are all.
    #[must_use]
    pub fn missing_settings(&self) -> String {
        let missing = self.declarations.as_ref().map(|declarations| declarations.to_be_given(&self.configured));
        missing.unwrap_or_default()
    }
}
