//! The models that plugins may ask: any endpoint that speaks OpenAI's chat completions, at any base URL.
//!
//! [`Models::ask`] carries out an `ask-model` of the contract and gives what `model-reply` says: an answer, or an error
//! with one of the contract's words. It knows the contract, a session's blobs and the configuration, and nothing of
//! sessions; who may ask which model, and how often, was decided before.
//!
//! It speaks HTTP itself rather than through a library for many providers: those at hand read bodies of any size, take
//! endings of a model's name for options, give up an answer whose media type is off, and quote whole bodies in errors.

mod endpoint;
mod failure;
mod flaw;
mod misconfigured;
mod model;
mod pauses;
mod post;
mod prompt;
mod quote;
mod reply;
mod request;
mod tool_names;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use hangar_runtime::Blobs;
use hangar_runtime::contract::actions::AskModel;
use hangar_runtime::contract::events::{ModelError, ModelOutcome};
use hangar_runtime::contract::session::ModelInfo;

use crate::config::ModelConfig;

use self::flaw::Flaw;
use self::model::Model;

pub use misconfigured::Misconfigured;

/// The word that the first model goes by, whatever its name and its role.
const DEFAULT: &str = "default";

/// All models of this host; cheap to clone.
#[derive(Clone)]
pub struct Models {
    all: Arc<[Model]>,
}

impl Models {
    /// Those that are configured. Nobody is asked anything yet.
    pub fn new(configs: &[ModelConfig]) -> Result<Self, Misconfigured> {
        let mut all: Vec<Model> = Vec::with_capacity(configs.len());
        for config in configs {
            if all.iter().any(|model| model.name() == config.name) {
                return Err(Misconfigured::SameName { model: config.name.clone() });
            }
            all.push(Model::new(config)?);
        }
        Ok(Self { all: all.into() })
    }

    /// What a run is told of them; the first one is the default.
    pub fn infos(&self) -> Vec<ModelInfo> {
        self.all.iter().map(Model::info).collect()
    }

    /// Asks a model, and tries again what may pass. Dropping the future gives the call up and closes its connection.
    pub async fn ask(&self, ask: &AskModel, blobs: &Blobs) -> ModelOutcome {
        let model = match self.find(&ask.model) {
            Ok(model) => model,
            Err(flaw) => return ModelOutcome::Error(error("invalid", flaw.to_string())),
        };
        match model.ask(ask, blobs).await {
            Ok(answer) => ModelOutcome::Answer(answer),
            Err(failure) => ModelOutcome::Error(failure.told_of(model.name())),
        }
    }

    /// By name, else by role; the first one where nothing is said. The same as the check of what a run may ask.
    fn find(&self, asked: &str) -> Result<&Model, Flaw> {
        let word = if asked.is_empty() { DEFAULT } else { asked };
        let first = self.all.first().ok_or(Flaw::NoModels)?;
        let named = || self.all.iter().find(|model| model.name() == word);
        let of_role = || self.all.iter().find(|model| model.role() == word);
        let found = if asked.is_empty() { None } else { named().or_else(of_role) };
        found.or((word == DEFAULT).then_some(first)).ok_or_else(|| Flaw::UnknownModel {
            asked: asked.to_owned(),
            known: self.all.iter().map(|model| model.name().to_owned()).collect(),
        })
    }
}

/// Their names only: the rest has keys in it.
impl fmt::Debug for Models {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.all.iter().map(Model::name)).finish()
    }
}

/// An error without what only few have.
fn error(code: &str, text: String) -> ModelError {
    let code = code.to_owned();
    ModelError { code, text, partial: String::new(), retry_after_ms: None, extra: String::new() }
}
