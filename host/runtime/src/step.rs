//! What came of one event: the plugin's actions, and which of them are refused.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::blobs::hex;
use crate::contract::actions::{Action, ActionBody};
use crate::contract::values::Failure;

/// What a plugin answered to one event.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Everything that it asked for, in order.
    pub(crate) returned: Vec<Action>,
    /// Which of it is refused, by position, in order.
    pub(crate) refused: Vec<(usize, Failure)>,
}

impl Step {
    /// What is to be carried out, in order.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.answers().filter(|(_, refused)| refused.is_none()).map(|(action, _)| action)
    }

    /// Everything that the plugin asked for, in order, with the reason where it is refused.
    pub fn answers(&self) -> impl Iterator<Item = (&Action, Option<&Failure>)> {
        let refusal = |at: usize| self.refused.iter().find(|(refused, _)| *refused == at).map(|(_, why)| why);
        self.returned.iter().enumerate().map(move |(at, action)| (action, refusal(at)))
    }

    /// What is to be carried out, in order, to keep.
    #[must_use]
    pub fn into_actions(self) -> Vec<Action> {
        if self.refused.is_empty() {
            return self.returned;
        }
        let refused: HashSet<usize> = self.refused.iter().map(|(at, _)| *at).collect();
        let kept = self.returned.into_iter().enumerate().filter(|(at, _)| !refused.contains(at));
        kept.map(|(_, action)| action).collect()
    }

    /// What the plugin is to be told it cannot have: token and reason, each for a `refused` event of its own.
    pub fn refusals(&self) -> impl Iterator<Item = (u32, &Failure)> {
        self.refused_by_token().filter(|(token, _)| *token != 0)
    }

    /// Why actions were refused that have no token to answer to; the plugin's log is told.
    pub(crate) fn unheard(&self) -> impl Iterator<Item = &Failure> {
        self.refused_by_token().filter(|(token, _)| *token == 0).map(|(_, why)| why)
    }

    fn refused_by_token(&self) -> impl Iterator<Item = (u32, &Failure)> {
        self.refused.iter().map(|(at, why)| (self.returned.get(*at).map_or(0, |action| action.token), why))
    }

    /// Whether the run ends with this step.
    #[must_use]
    pub fn ends(&self) -> bool {
        self.returned.last().is_some_and(|action| ends(&action.body))
    }

    /// How many actions the plugin returned.
    #[must_use]
    pub fn count(&self) -> usize {
        self.returned.len()
    }

    /// The hash of everything returned, for the journal: of the JSON form, a line for each action.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        for action in &self.returned {
            // The JSON form is total: no action is without one, and a hasher takes every byte.
            if serde_json::to_writer(HashWriter(&mut hasher), action).is_err() {
                hasher.update(b"?");
            }
            hasher.update(b"\n");
        }
        hex(&hasher.finalize())
    }
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Whether an action is the last one of its run.
pub(crate) fn ends(body: &ActionBody) -> bool {
    matches!(body, ActionBody::Finish(_) | ActionBody::Fail(_))
}
