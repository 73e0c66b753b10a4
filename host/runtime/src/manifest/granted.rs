//! What one plugin may do: what it requested and what it was granted, kept apart so that a refusal can say which of both
//! is missing.

use std::sync::Arc;

use super::capabilities::Capabilities;
use crate::outline::World;

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

    /// What it requested and does not get in full: key and requested value, as in TOML.
    #[must_use]
    pub fn missing(&self, world: World) -> Vec<(&'static str, String)> {
        let effective = self.effective().entries(world);
        self.requested.entries(world).into_iter().filter(|entry| !effective.contains(entry)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Names;

    #[test]
    fn what_is_not_granted_in_full_is_missing() {
        let requested = Capabilities {
            models: Names::of(["default", "vision"]),
            host_tools: Names::of(["search.web"]),
            store: true,
            ask_user: true,
            ..Capabilities::none()
        };
        let granted = Capabilities {
            models: Names::of(["default"]),
            host_tools: Names::of(["search.*"]),
            store: true,
            ..Capabilities::none()
        };
        let missing = Granted::new("greeter", requested, granted).missing(World::Behaviour);
        assert_eq!(missing, [("models", r#"["default", "vision"]"#.to_owned()), ("ask-user", "true".to_owned())]);
        assert_eq!(Granted::everything().missing(World::Handler), []);
    }
}
