//! Playing a script with a plugin, and holding what comes of it against what was expected.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::pattern::{Difference, differences};
use super::waiting::Waiting;
use super::{Cue, Expectation, Script, Told};
use crate::blobs::Blobs;
use crate::contract::events::Event;
use crate::contract::messages::Verdict;
use crate::contract::session::RunInfo;
use crate::contract::values::Failure;
use crate::described::Description;
use crate::directory::Directory;
use crate::fault::Fault;
use crate::handler::{Handler, HandlerSetup, Scope};
use crate::handover::Handover;
use crate::live::RunSetup;
use crate::log::{LogSink, clean};
use crate::manifest::{SettingsError, Terms};
use crate::outline::World;
use crate::plugin::Plugin;
use crate::run::Run;
use crate::step::Step;

/// What seeds a handler's random numbers; a run's seed is in its info.
const SEED: &str = "script";

/// Plays a script, cue by cue.
pub struct Player<'s> {
    cues: std::slice::Iter<'s, Cue>,
    part: Part,
}

/// What is played.
enum Part {
    Run { run: Box<Run>, waiting: Waiting },
    Handler { handler: Handler, blobs: Arc<Blobs> },
}

/// What came of one cue.
#[derive(Debug)]
pub struct Turn<'s> {
    /// What the plugin was told.
    pub cue: &'s Cue,
    /// Why that does not fit what the run waits for, so that no host would tell it.
    pub misfit: Option<String>,
    /// What it answered, or how it ended.
    pub outcome: Result<Answer, Fault>,
    /// Whether that is as expected.
    pub check: Check,
}

/// What a plugin answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// A run: actions.
    Step(Step),
    /// A handler: verdicts.
    Verdicts(Vec<Verdict>),
    /// A run that was to be moved: it was, and took so many bytes along.
    Moved(usize),
    /// A run that was to be moved: it stays where it is and goes on there, and why.
    Stayed(Failure),
}

/// Whether an outcome is as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// Nothing was expected.
    Unchecked,
    /// It is.
    Met,
    /// It is not, or it is a fault that nobody expected.
    Missed(Vec<Difference>),
}

/// Why a script cannot be played with a plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlayError {
    /// It is for another kind of plugin.
    #[error("the script is for a {}, and the plugin is a {}", script.name(), plugin.name())]
    OtherWorld {
        /// The world that the script is for.
        script: World,
        /// The plugin's.
        plugin: World,
    },
    /// The plugin does not take its settings.
    #[error("the settings do not fit the plugin: {0}")]
    Settings(#[from] SettingsError),
    /// They are no JSON object.
    #[error("`settings` in the `info` of the script must be a JSON object: {0}")]
    NoSettings(#[from] serde_json::Error),
    /// There is no room for a run.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl<'s> Player<'s> {
    /// Gets ready to play, on these terms. The settings of the script go over those of the terms.
    pub fn new(script: &'s Script, plugin: &Plugin, terms: &Terms, log: Arc<dyn LogSink>) -> Result<Self, PlayError> {
        let (blobs, granted) = (script.blobs(), Arc::clone(&terms.granted));
        let part = match (script.world, plugin) {
            (World::Behaviour, Plugin::Behaviour(behaviour)) => {
                let settings = terms.settings(&object(&script.info.settings)?)?;
                let info = RunInfo { settings, ..script.info.clone() };
                let run = Box::new(behaviour.start(RunSetup { info, blobs, log, granted })?);
                Part::Run { run, waiting: Waiting::default() }
            }
            (World::Handler, Plugin::Handler(handler)) => {
                let settings = terms.settings(&script.settings)?;
                let handler = handler.start(HandlerSetup { settings, log, seed: SEED.into(), granted });
                Part::Handler { handler, blobs }
            }
            (script, plugin) => return Err(PlayError::OtherWorld { script, plugin: plugin.outline().world }),
        };
        Ok(Self { cues: script.cues.iter(), part })
    }

    /// Gives the next cue; none at the end of the script.
    pub async fn next(&mut self) -> Option<Turn<'s>> {
        let cue = self.cues.next()?;
        let misfit = self.part.misfit(&cue.told);
        let outcome = self.part.tell(&cue.told).await;
        let check = check(cue.expected.as_ref().map(|expected| &expected.what), &outcome);
        Some(Turn { cue, misfit, outcome, check })
    }

    /// Gives all cues that are left.
    pub async fn play(mut self) -> Vec<Turn<'s>> {
        let mut turns = Vec::new();
        while let Some(turn) = self.next().await {
            turns.push(turn);
        }
        turns
    }
}

impl Part {
    fn misfit(&self, told: &Told) -> Option<String> {
        match (self, told) {
            (Self::Run { run, waiting }, Told::Event(event)) if !run.is_over() => waiting.misfit(event),
            _ => None,
        }
    }

    async fn tell(&mut self, told: &Told) -> Result<Answer, Fault> {
        match (self, told) {
            (Self::Run { run, waiting }, Told::Event(event)) => {
                let outcome = run.feed(Event::clone(event)).await;
                waiting.note(event, outcome.as_ref().ok());
                outcome.map(Answer::Step)
            }
            (Self::Run { run, .. }, Told::Move { time_ms }) => move_on_the_spot(run, *time_ms).await,
            (Self::Handler { handler, blobs }, Told::Envelopes { envelopes, clients }) => {
                let directory: Arc<dyn Directory> = Arc::new(clients.clone());
                let scope = Scope { directory, blobs: Arc::clone(blobs) };
                handler.handle(envelopes.clone(), scope).await.map(Answer::Verdicts)
            }
            _ => Err(Fault::Host { what: "the script mixes events and envelopes".into() }),
        }
    }
}

/// Saves a run and restores it into the component that it runs on, as a reload would move it to another one.
async fn move_on_the_spot(run: &mut Run, time_ms: u64) -> Result<Answer, Fault> {
    let behaviour = run.behaviour().clone();
    if !run.is_over() && Description::of(behaviour.description()).snapshot.is_none() {
        let why = "`describe` names no `snapshot` format, so no host moves its runs";
        return Ok(Answer::Stayed(failure("unsupported", why)));
    }
    let granted = Arc::clone(&run.setup().granted);
    match run.move_to(&behaviour, granted, time_ms).await {
        Ok(Handover { snapshot, .. }) => Ok(Answer::Moved(snapshot.map_or(0, |snapshot| snapshot.len()))),
        Err(fault) if run.is_over() || fault.is_of_host() => Err(fault),
        Err(Fault::Guest(why)) => Ok(Answer::Stayed(why)),
        Err(fault) => Ok(Answer::Stayed(failure(fault.code(), &fault.to_string()))),
    }
}

fn failure(code: &str, text: &str) -> Failure {
    Failure { code: code.to_owned(), text: text.to_owned(), extra: String::new() }
}

impl Turn<'_> {
    /// Whether the plugin did what it should not, or was told what it cannot be told.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.misfit.is_some() || matches!(self.check, Check::Missed(_))
    }
}

impl Answer {
    /// Each action or verdict in its JSON form, refused actions among them.
    #[must_use]
    pub fn json(&self) -> Vec<String> {
        // The JSON form is total: no action and no verdict is without one.
        match self {
            Self::Step(step) => {
                step.answers().map(|(action, _)| serde_json::to_string(action).unwrap_or_default()).collect()
            }
            Self::Moved(_) | Self::Stayed(_) => Vec::new(),
            Self::Verdicts(verdicts) => {
                verdicts.iter().map(|verdict| serde_json::to_string(verdict).unwrap_or_default()).collect()
            }
        }
    }

    /// What it is, in words: how many there are, or whether it was moved.
    fn in_words(&self) -> String {
        let (count, what) = match self {
            Self::Step(step) => (step.count(), "action"),
            Self::Verdicts(verdicts) => (verdicts.len(), "verdict"),
            Self::Moved(_) => return MOVED.to_owned(),
            Self::Stayed(why) => return format!("{}: {}", the_refusal(&why.code), clean(&why.text, 400)),
        };
        if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
    }
}

pub(super) fn check(expected: Option<&Expectation>, outcome: &Result<Answer, Fault>) -> Check {
    let (expected, found) = match (expected, outcome) {
        // Whoever moves a run wants it to move.
        (None | Some(Expectation::Answer(_)), Ok(stayed @ Answer::Stayed(_))) => (MOVED.to_owned(), stayed.in_words()),
        (Some(Expectation::Refused(code)), Ok(Answer::Stayed(why))) if why.code == *code => return Check::Met,
        (None, Ok(Answer::Moved(_))) => return Check::Met,
        (None, Ok(_)) => return Check::Unchecked,
        (Some(Expectation::Answer(patterns)), Ok(answer)) => {
            let differences = differences(patterns, &answer.json());
            return if differences.is_empty() { Check::Met } else { Check::Missed(differences) };
        }
        (Some(Expectation::Fault(code)), Err(fault)) if fault.code() == code => return Check::Met,
        (Some(Expectation::Fault(code)), Ok(answer)) => (the_fault(code), answer.in_words()),
        (Some(Expectation::Refused(code)), Ok(answer)) => (the_refusal(code), answer.in_words()),
        (Some(Expectation::Refused(code)), Err(fault)) => (the_refusal(code), described(fault)),
        (Some(Expectation::Fault(code)), Err(fault)) => (the_fault(code), described(fault)),
        (None | Some(Expectation::Answer(_)), Err(fault)) => ("an answer".to_owned(), described(fault)),
    };
    Check::Missed(vec![Difference { path: String::new(), expected, found }])
}

fn the_fault(code: &str) -> String {
    format!("the fault `{}`", clean(code, 64))
}

/// What is said of a run that was moved.
const MOVED: &str = "a move";

fn the_refusal(code: &str) -> String {
    format!("the refusal `{}`", clean(code, 64))
}

fn described(fault: &Fault) -> String {
    format!("the fault `{}`: {fault}", fault.code())
}

/// The object in a JSON text that may be empty.
fn object(text: &str) -> serde_json::Result<Map<String, Json>> {
    if text.is_empty() { Ok(Map::new()) } else { serde_json::from_str(text) }
}
