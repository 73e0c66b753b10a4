//! A plugin of either world.

use crate::behaviour::Behaviour;
use crate::handler::HandlerPlugin;
use crate::load_error::LoadError;
use crate::outline::Outline;

/// One version of one plugin, of whichever world; cheap to clone.
#[derive(Clone)]
pub enum Plugin {
    /// It drives runs.
    Behaviour(Behaviour),
    /// It gives verdicts.
    Handler(HandlerPlugin),
}

impl Plugin {
    /// The hash of the component's bytes, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> &str {
        match self {
            Self::Behaviour(behaviour) => behaviour.hash(),
            Self::Handler(handler) => handler.hash(),
        }
    }

    /// How many bytes the component has.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Behaviour(behaviour) => behaviour.size(),
            Self::Handler(handler) => handler.size(),
        }
    }

    /// What it is on the outside.
    #[must_use]
    pub fn outline(&self) -> &Outline {
        match self {
            Self::Behaviour(behaviour) => behaviour.outline(),
            Self::Handler(handler) => handler.outline(),
        }
    }

    /// What it says about itself: a JSON object.
    #[must_use]
    pub fn description(&self) -> &str {
        match self {
            Self::Behaviour(behaviour) => behaviour.description(),
            Self::Handler(handler) => handler.description(),
        }
    }

    /// Lets the plugin check itself.
    pub async fn self_test(&self) -> Result<(), LoadError> {
        match self {
            Self::Behaviour(behaviour) => behaviour.self_test().await,
            Self::Handler(handler) => handler.self_test().await,
        }
    }
}
