//! placeholder
use hangar_runtime::Blobs;
use hangar_runtime::contract::actions::AskModel;
use hangar_runtime::contract::events::*;
use hangar_runtime::contract::session::ModelInfo;
#[derive(Clone)]
pub struct Models;
impl Models {
    pub fn new(_: &[crate::config::ModelConfig]) -> anyhow::Result<Self> { Ok(Self) }
    pub fn infos(&self) -> Vec<ModelInfo> { Vec::new() }
    pub async fn ask(&self, _ask: &AskModel, _blobs: &Blobs) -> ModelOutcome {
        ModelOutcome::Error(ModelError { code: "unreachable".into(), text: String::new(), partial: String::new(), retry_after_ms: None, extra: String::new() })
    }
}
