//! How a session stands and what it has shown so far, for those who look at it.

use std::collections::VecDeque;

use hangar_runtime::contract::actions::{Emit, Progress};
use jiff::Timestamp;
use serde::Serialize;

/// The newest emissions that are kept.
const KEPT: usize = 100;

/// The longest text that is kept of one of them, in bytes.
const TEXT: usize = 4 << 10;

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It waits for its turn on the device.
    #[default]
    Queued,
    /// The device was sent the task and has not taken it up yet.
    Offered,
    /// Its run goes on.
    Running,
    /// It was told to end.
    Ending,
    /// It is over and was done.
    Completed,
    /// It is over and was not.
    Failed,
}

/// How a session stands.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// How far it is.
    pub state: State,
    /// The plugin that drives it, and its version.
    pub plugin: Option<PluginName>,
    /// Since when its run goes on.
    pub started_at: Option<Timestamp>,
    /// The number of the agent step that was declared last.
    pub agent_step: u32,
    /// What it said of it.
    pub summary: String,
    /// Commands that were sent.
    pub commands: u32,
    /// Events that its run was told.
    pub events: u32,
    /// What it has shown, the newest of it.
    pub feed: VecDeque<Item>,
}

/// A version of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PluginName {
    /// Its id.
    pub id: String,
    /// Its version, if it says one.
    pub version: Option<String>,
    /// The beginning of its hash.
    pub hash: String,
}

/// One thing that a session has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Item {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What it is.
    pub kind: &'static str,
    /// It, in words.
    pub text: String,
}

impl Shown {
    /// The run shows something.
    pub fn emitted(&mut self, at_ms: u64, emit: &Emit) {
        let Some((kind, text)) = in_words(emit) else { return };
        if self.feed.len() >= KEPT {
            self.feed.pop_front();
        }
        self.feed.push_back(Item { at_ms, kind, text: cut(text) });
    }

    /// The run has done a step.
    pub fn progressed(&mut self, progress: &Progress) {
        self.agent_step = progress.agent_step;
        self.summary = cut(progress.summary.clone());
    }
}

fn in_words(emit: &Emit) -> Option<(&'static str, String)> {
    let plan = |steps: &[hangar_runtime::contract::actions::PlanStep]| {
        steps.iter().map(|step| format!("[{}] {}", if step.done { 'x' } else { ' ' }, step.text)).collect::<Vec<_>>()
    };
    Some(match emit {
        Emit::Thinking(text) => ("thinking", text.clone()),
        Emit::PlanStart(steps) | Emit::PlanUpdate(steps) => ("plan", plan(steps).join("\n")),
        Emit::PlanFinish(text) => ("plan", text.clone()),
        Emit::FinalAnswer(answer) => ("answer", answer.text.clone()),
        Emit::EnvironmentInput(input) => ("environment", input.description.clone()),
        Emit::System(notice) => ("system", notice.text.clone()),
        Emit::Status(text) => ("status", text.clone()),
        // Pieces are followed by their whole, and what is a plugin's own is for its own watchers.
        Emit::FinalAnswerDelta(_) | Emit::Raw(_) | Emit::Extension(_) => return None,
    })
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT {
        text.truncate(text.floor_char_boundary(TEXT));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_kept_and_cut() {
        let mut shown = Shown::default();
        for at in 0..=KEPT as u64 {
            shown.emitted(at, &Emit::Status("é".repeat(TEXT)));
        }
        assert_eq!((shown.feed.len(), shown.feed[0].at_ms), (KEPT, 1));
        assert_eq!(shown.feed[0].text.len(), TEXT);
    }
}
