//! What `hangar plugin run --json` prints.

use hangar_runtime::contract::actions::Action;
use hangar_runtime::contract::events::Event;
use hangar_runtime::contract::messages::{Envelope, Verdict};
use hangar_runtime::contract::values::Failure;
use hangar_runtime::journal::FaultEntry;
use hangar_runtime::script::Difference;
use serde::Serialize;

use super::grants::NotGranted;

/// A line for programs. Events, envelopes, actions and verdicts stand in it in their canonical form.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Line<'a> {
    /// What is played: the first line.
    Plugin {
        /// Its id.
        id: &'a str,
        /// Its version; empty for a component alone.
        version: String,
        /// Its world.
        world: &'static str,
        /// What it asks for and a host would not grant.
        not_granted: &'a NotGranted,
    },
    /// What a run is told.
    Event(&'a Event),
    /// A run is to be moved.
    Move {
        /// What its clocks show then.
        time_ms: u64,
    },
    /// It was.
    Moved {
        /// What it took along, in bytes.
        bytes: usize,
    },
    /// It was not, and goes on where it is.
    Stayed(&'a Failure),
    /// What a handler is told.
    Envelopes(&'a [Envelope]),
    /// Why no host would tell a run this.
    Misfit(&'a str),
    /// What the plugin wrote to its log.
    Log {
        /// The contract's word.
        level: &'static str,
        /// The line.
        line: &'a str,
    },
    /// How a call ended that went wrong.
    Fault(&'a FaultEntry),
    /// Where a replay answered otherwise.
    Divergence {
        /// The event.
        seq: u32,
        /// What was different.
        text: String,
    },
    /// The last line.
    End {
        /// Whether all is as expected.
        ok: bool,
        /// Whether the run is over.
        over: bool,
        /// The tokens of actions without an answer.
        waits_for: Vec<u32>,
    },
    /// What a run asked for.
    #[serde(untagged)]
    Action {
        /// The action.
        action: &'a Action,
        /// Why the host refuses it.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<&'a Failure>,
    },
    /// What a handler said.
    #[serde(untagged)]
    Verdict {
        /// The verdict.
        verdict: &'a Verdict,
        /// The id of the message.
        on: &'a str,
    },
    /// Whether an answer is as expected.
    #[serde(untagged)]
    Expected {
        /// Whether it is.
        expected: bool,
        /// Where it is not.
        differences: Vec<Differing<'a>>,
    },
}

/// Where an answer is not as expected.
#[derive(Serialize)]
pub struct Differing<'a> {
    path: &'a str,
    expected: &'a str,
    found: &'a str,
}

impl<'a> From<&'a Difference> for Differing<'a> {
    fn from(difference: &'a Difference) -> Self {
        let Difference { path, expected, found } = difference;
        Self { path, expected, found }
    }
}
