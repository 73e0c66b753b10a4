//! A behaviour: one version of one plugin that drives runs.

use std::sync::Arc;

use crate::component::Component;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::live::RunSetup;
use crate::load_error::LoadError;
use crate::outline::Outline;
use crate::run::Run;

/// One version of one plugin that drives runs; cheap to clone.
#[derive(Clone)]
pub struct Behaviour {
    pub(crate) component: Arc<Component>,
}

impl Behaviour {
    pub(crate) fn new(component: Arc<Component>) -> Self {
        Self { component }
    }

    /// A new run, waiting for its `start` event. Refused at once when too many instances live.
    pub fn start(&self, setup: RunSetup) -> Result<Run, Fault> {
        Run::new(self.clone(), setup)
    }

    /// The same behaviour, its instances within other limits.
    pub(crate) fn within(&self, limits: Limits) -> Self {
        Self::new(Arc::new(self.component.within(limits)))
    }

    /// The hash of the component's bytes, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.component.hash
    }

    /// How many bytes the component has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.component.size
    }

    /// What it is on the outside.
    #[must_use]
    pub fn outline(&self) -> &Outline {
        &self.component.outline
    }

    /// What it says about itself: a JSON object.
    #[must_use]
    pub fn description(&self) -> &str {
        self.component.description.get()
    }

    /// Lets the plugin check itself.
    pub async fn self_test(&self) -> Result<(), LoadError> {
        let component = Arc::clone(&self.component);
        let turn = self.component.turn().await.map_err(LoadError::Probe)?;
        turn.run(move || component.self_test()).await.map_err(LoadError::Probe)?
    }
}
