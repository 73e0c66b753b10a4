//! What is published: the live version of each plugin, and which of them serves what. A catalog never changes; the
//! library exchanges it for another one in one step.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::generation::Generation;

/// The live generations.
#[derive(Debug, Default)]
pub struct Catalog {
    by_id: BTreeMap<String, Arc<Generation>>,
    platforms: HashMap<String, Arc<Generation>>,
    /// By id.
    kinds: HashMap<String, Vec<Arc<Generation>>>,
}

impl Catalog {
    /// Of these generations, of each plugin one, where each platform is served by the plugin of this id. A platform
    /// whose plugin is not among them is served by none.
    pub(crate) fn of(live: Vec<Arc<Generation>>, served: &BTreeMap<String, String>) -> Self {
        let by_id: BTreeMap<_, _> = live.into_iter().map(|generation| (generation.id.clone(), generation)).collect();
        let serving = |(platform, id): (&String, &String)| Some((platform.clone(), Arc::clone(by_id.get(id)?)));
        let platforms = served.iter().filter_map(serving).collect();
        let mut kinds = HashMap::<String, Vec<_>>::new();
        for generation in by_id.values() {
            for kind in &generation.kinds {
                kinds.entry(kind.clone()).or_default().push(Arc::clone(generation));
            }
        }
        Self { by_id, platforms, kinds }
    }

    /// The live version of this plugin.
    #[must_use]
    pub fn plugin(&self, id: &str) -> Option<&Arc<Generation>> {
        self.by_id.get(id)
    }

    /// The behaviour that drives the devices of this platform.
    #[must_use]
    pub fn behaviour_for(&self, platform: &str) -> Option<&Arc<Generation>> {
        self.platforms.get(platform)
    }

    /// The handlers that are asked about messages of this kind, by id.
    #[must_use]
    pub fn handlers_of(&self, kind: &str) -> &[Arc<Generation>] {
        self.kinds.get(kind).map(Vec::as_slice).unwrap_or_default()
    }

    /// All of them, by id.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Generation>> {
        self.by_id.values()
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::Library;
    use super::*;

    #[tokio::test]
    async fn each_is_found_by_what_it_is_for() {
        let library = Library::new();
        let (behaviour, handler) = (library.behaviour("panics").await, library.handler("handler-panics").await);
        let served = [("linux", "panics"), ("windows", "gone")].map(|(platform, id)| (platform.into(), id.into()));
        let catalog = Catalog::of(vec![Arc::clone(&behaviour), Arc::clone(&handler)], &served.into());
        assert!(Arc::ptr_eq(catalog.plugin("panics").unwrap(), &behaviour));
        assert!(Arc::ptr_eq(catalog.behaviour_for("linux").unwrap(), &behaviour));
        assert!(catalog.behaviour_for("windows").is_none() && catalog.plugin("gone").is_none());
        assert_eq!(ids(catalog.handlers_of("chat").iter()), ["handler-panics"]);
        assert!(catalog.handlers_of("task").is_empty());
        assert_eq!(ids(catalog.all()), ["handler-panics", "panics"]);
    }

    fn ids<'a>(generations: impl Iterator<Item = &'a Arc<Generation>>) -> Vec<&'a str> {
        generations.map(|generation| generation.id.as_str()).collect()
    }
}
