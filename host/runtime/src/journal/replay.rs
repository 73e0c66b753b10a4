//! Bringing a run back from its journal.

use std::sync::Arc;
use std::time::Duration;

use super::{ActionsEntry, FaultEntry, Journal, MovedEntry};
use crate::behaviour::Behaviour;
use crate::fault::Fault;
use crate::live::RunSetup;
use crate::log::LogSink;
use crate::manifest::Granted;
use crate::run::Run;
use crate::step::Step;

/// A replay has more time, because this machine may be slower than that one was. It has not all the time in the world:
/// the journal may be wrong, and the component another.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came of a replay.
pub struct Replay {
    /// The run as it is now, to go on with unless it is over.
    pub run: Run,
    /// How many steps of the journal were not replayed, because the run was moved after them: it begins at the last
    /// move.
    pub skipped: usize,
    /// What it answered this time, step by step, from there on. The last one may be one whose outcome the journal does
    /// not have: then its actions were never carried out.
    pub steps: Vec<Step>,
    /// How the run ended, if the journal or the replay says that it faulted.
    pub fault: Option<FaultEntry>,
    /// Where it answered otherwise than the journal says. The run is over then.
    pub divergence: Option<Divergence>,
    /// The component is not the one that the journal was written with. As long as it answers the same, it may go on.
    pub component_changed: bool,
}

/// A run that does otherwise than it once did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Divergence {
    /// It gives another answer.
    #[error("event {seq} was answered otherwise than before: {}, not {}", described(found), described(expected))]
    Answer {
        /// The event.
        seq: u32,
        /// What the journal has.
        expected: Result<ActionsEntry, FaultEntry>,
        /// What the component answers now.
        found: Result<ActionsEntry, FaultEntry>,
    },
    /// It does not take the snapshot that it was moved with.
    #[error("the snapshot before event {seq} was taken before, and is not now: {}", .why.text)]
    Snapshot {
        /// The event that comes next.
        seq: u32,
        /// What it says to it now.
        why: FaultEntry,
    },
}

impl Divergence {
    /// The event where it shows.
    #[must_use]
    pub fn seq(&self) -> u32 {
        match self {
            Self::Answer { seq, .. } | Self::Snapshot { seq, .. } => *seq,
        }
    }
}

fn described(outcome: &Result<ActionsEntry, FaultEntry>) -> String {
    match outcome {
        Ok(actions) => format!("{} actions with hash {}", actions.count, actions.hash),
        Err(fault) => format!("the fault {}", fault.code),
    }
}

/// Brings a fresh run to where the journal begins with it, which is at its last move, feeds it what the journal says from
/// there on, and compares what it answers.
///
/// What was once answered in time gets more time now, since this machine may be slower or busier than that one was; all
/// other limits are those of then. A fault in the journal is taken as it stands and not provoked again. Stops at the
/// first divergence. What the host cannot do is an error, and no fault of the run. What the plugin may do now need not
/// be what it could do then: its actions are compared, not what became of them.
pub async fn replay(
    journal: &Journal,
    behaviour: &Behaviour,
    granted: Arc<Granted>,
    log: Arc<dyn LogSink>,
) -> Result<Replay, Fault> {
    replay_within(journal, behaviour, granted, log, PATIENCE).await
}

/// The same with so much time for each step, or what the behaviour has anyhow.
pub(crate) async fn replay_within(
    journal: &Journal,
    behaviour: &Behaviour,
    granted: Arc<Granted>,
    log: Arc<dyn LogSink>,
    patience: Duration,
) -> Result<Replay, Fault> {
    let setup = RunSetup { info: journal.info.clone(), blobs: Arc::clone(&journal.blobs), log, granted };
    let mut replay = begin(journal, behaviour, setup, patience).await?;
    if replay.divergence.is_some() {
        return Ok(replay);
    }
    for step in journal.steps.iter().skip(replay.skipped) {
        if let Some(Err(fault)) = &step.outcome {
            replay.run.give_up(&fault.text);
            replay.fault = Some(fault.clone());
            break;
        }
        let seq = step.event.seq;
        let event = step.event.clone();
        let found = match &step.outcome {
            Some(_) => replay.run.feed_again(event, patience).await,
            None => replay.run.feed(event).await,
        };
        if let Err(fault) = &found
            && fault.is_of_host()
        {
            return Err(fault.clone());
        }
        let summary = found.as_ref().map(ActionsEntry::of).map_err(FaultEntry::of);
        match (&step.outcome, found) {
            (Some(expected), _) if *expected != summary => {
                replay.run.give_up("it diverged from its journal");
                replay.divergence = Some(Divergence::Answer { seq, expected: expected.clone(), found: summary });
                break;
            }
            (_, Ok(step)) => replay.steps.push(step),
            (_, Err(fault)) => {
                replay.fault = Some(FaultEntry::of(&fault));
                break;
            }
        }
    }
    Ok(replay)
}

/// The run as it was at its birth or after its last move.
async fn begin(journal: &Journal, behaviour: &Behaviour, setup: RunSetup, patience: Duration) -> Result<Replay, Fault> {
    let moved = journal.last_move();
    let component = moved.map_or(&journal.header.component, |(_, entry)| &entry.component);
    let limits = moved.map_or(&journal.header.limits, |(_, entry)| &entry.limits);
    let behaviour = limits.as_ref().map_or_else(|| behaviour.clone(), |limits| limits.hold(behaviour));
    let (skipped, mut divergence) = (moved.map_or(0, |(at, _)| at), None);
    let component_changed = component != behaviour.hash();
    let run = match moved {
        None => behaviour.start(setup)?,
        Some((at, entry)) => {
            let seq = u32::try_from(at).unwrap_or(u32::MAX);
            match take_over(&behaviour, setup.clone(), entry, seq, patience).await {
                Ok(run) => run,
                Err(fault) if fault.is_of_host() => return Err(fault),
                Err(fault) => {
                    divergence = Some(Divergence::Snapshot { seq, why: FaultEntry::of(&fault) });
                    Run::over(behaviour, setup, "it diverged from its journal")
                }
            }
        }
    };
    Ok(Replay { run, skipped, steps: Vec::new(), fault: None, divergence, component_changed })
}

async fn take_over(
    behaviour: &Behaviour,
    setup: RunSetup,
    entry: &MovedEntry,
    events: u32,
    patience: Duration,
) -> Result<Run, Fault> {
    let handover = entry.handover().map_err(|what| Fault::Host { what })?;
    Run::taken_over(behaviour.clone(), setup, handover, events, patience).await
}
