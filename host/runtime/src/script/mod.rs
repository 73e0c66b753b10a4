//! Scripts: what a plugin is to be told, and what is expected of it, in a text file with an entry in each line.
//!
//! A [`Script`] is read, a [`Player`] plays it with a plugin, cue by cue, and says what came of each; see
//! `wit/v1/README.md` for the format.

mod clients;
mod entries;
mod pattern;
mod play;
mod read;
mod update;
mod waiting;

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::blobs::Blobs;
use crate::contract::events::Event;
use crate::contract::messages::Envelope;
use crate::contract::session::RunInfo;
use crate::outline::World;

pub use clients::Clients;
pub use pattern::Difference;
pub use play::{Answer, Check, PlayError, Player, Turn};
pub use read::ScriptError;

/// A script that was read.
#[derive(Debug)]
pub struct Script {
    /// The file, to the letter.
    source: String,
    world: World,
    /// What a run is given. A handler gets none of it.
    info: RunInfo,
    /// What a handler is set to. A run's settings are in its info.
    settings: Map<String, Json>,
    blobs: Blobs,
    cues: Vec<Cue>,
}

/// One thing that the plugin is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Cue {
    /// Its line, from 1.
    pub line: usize,
    /// What it is told.
    pub told: Told,
    /// What it is to answer, if the script says so.
    pub expected: Option<Expected>,
}

/// What a plugin is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// A run: an event.
    Event(Box<Event>),
    /// A run: nothing, but it is saved and restored, as a reload would do it.
    Move {
        /// What its clocks show then.
        time_ms: u64,
    },
    /// A handler: the messages of one call.
    Envelopes {
        /// The messages.
        envelopes: Vec<Envelope>,
        /// Who is there then.
        clients: Clients,
    },
}

/// What a plugin is to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The line, from 1.
    pub line: usize,
    /// What is expected.
    pub what: Expectation,
}

/// What is expected of a plugin.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// These actions or verdicts: each a JSON form with parts left out.
    Answer(Vec<Json>),
    /// That it ends with the fault of this code.
    Fault(String),
    /// That it cannot be moved, for the reason of this code, and goes on where it is.
    Refused(String),
}

impl Script {
    /// The world of the plugins that it is for.
    #[must_use]
    pub fn world(&self) -> World {
        self.world
    }

    /// What a run is given that plays it.
    #[must_use]
    pub fn info(&self) -> &RunInfo {
        &self.info
    }

    /// The blobs in it, for a session of their own: a plugin that plays it may add to them.
    #[must_use]
    pub fn blobs(&self) -> Arc<Blobs> {
        let blobs = Blobs::default();
        for (_, blob) in self.blobs.all() {
            // They were kept once within the same bounds.
            let _ = blobs.put(&blob.mime, blob.bytes);
        }
        Arc::new(blobs)
    }

    /// What a run is told, in order; a handler is told no events.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.cues.iter().filter_map(|cue| match &cue.told {
            Told::Event(event) => Some(&**event),
            Told::Move { .. } | Told::Envelopes { .. } => None,
        })
    }

    /// What the plugin is told, in order.
    #[must_use]
    pub fn cues(&self) -> &[Cue] {
        &self.cues
    }
}
