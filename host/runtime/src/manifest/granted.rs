//! What one plugin may do: what it requested and what it was granted, kept apart so that a refusal can say which of both
//! is missing.

use std::sync::Arc;

use super::capabilities::Capabilities;

/// What one plugin requested and what it was granted. It may do what both allow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    plugin: String,
    requested: Capabilities,
    granted: Capabilities,
}

impl Granted {
    /// For the plugin of this id.
    #[must_use]
    pub fn new(plugin: &str, requested: Capabilities, granted: Capabilities) -> Self {
        Self { plugin: plugin.to_owned(), requested, granted }
    }

    /// No bounds: for tests and benches.
    #[must_use]
    pub fn everything() -> Arc<Self> {
        Arc::new(Self::new("", Capabilities::everything(), Capabilities::everything()))
    }

    /// What it requested.
    #[must_use]
    pub fn requested(&self) -> &Capabilities {
        &self.requested
    }

    /// What it was granted, requested or not.
    #[must_use]
    pub fn granted(&self) -> &Capabilities {
        &self.granted
    }

    /// What it may do.
    #[must_use]
    pub fn effective(&self) -> Capabilities {
        self.requested.intersection(&self.granted)
    }

    /// Whether it may see who is there.
    pub(crate) fn sees_directory(&self) -> bool {
        self.requested.directory && self.granted.directory
    }

    /// Why it may not do what these capabilities must allow, with the way to change that; none if it may. What it is and
    /// the line of TOML that allows it are only asked for when they are needed.
    pub(crate) fn denial(
        &self,
        allows: impl Fn(&Capabilities) -> bool,
        say: impl FnOnce() -> (String, String),
    ) -> Option<String> {
        let (requested, granted) = (allows(&self.requested), allows(&self.granted));
        if requested && granted {
            return None;
        }
        let (what, entry) = say();
        let request = format!("request it with `{entry}` under [capabilities] in plugin.toml");
        let place = format!("under [plugins.{}.grants] in the host's configuration", self.plugin);
        let fix = match (requested, granted) {
            (true, _) => format!("grant it with `{entry}` {place}"),
            (false, true) => request,
            (false, false) => format!("{request} and grant it {place}"),
        };
        Some(format!("{what} is not granted: {fix}"))
    }
}
