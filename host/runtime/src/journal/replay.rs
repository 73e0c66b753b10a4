//! Bringing a run back from its journal.

use std::sync::Arc;

use super::{ActionsEntry, FaultEntry, Journal};
use crate::behaviour::Behaviour;
use crate::fault::Fault;
use crate::live::RunSetup;
use crate::log::LogSink;
use crate::manifest::Granted;
use crate::run::Run;
use crate::step::Step;

/// What came of a replay.
pub struct Replay {
    /// The run as it is now, to go on with unless it is over.
    pub run: Run,
    /// What it answered this time, step by step. The last one may be one whose outcome the journal does not have: then
    /// its actions were never carried out.
    pub steps: Vec<Step>,
    /// How the run ended, if the journal or the replay says that it faulted.
    pub fault: Option<FaultEntry>,
    /// Where it answered otherwise than the journal says. The run is over then.
    pub divergence: Option<Divergence>,
    /// The component is not the one that the journal was written with. As long as it answers the same, it may go on.
    pub component_changed: bool,
}

/// A run that answered otherwise than it once did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} was answered otherwise than before: {}, not {}", described(found), described(expected))]
pub struct Divergence {
    /// The event.
    pub seq: u32,
    /// What the journal has.
    pub expected: Result<ActionsEntry, FaultEntry>,
    /// What the component answers now.
    pub found: Result<ActionsEntry, FaultEntry>,
}

fn described(outcome: &Result<ActionsEntry, FaultEntry>) -> String {
    match outcome {
        Ok(actions) => format!("{} actions with hash {}", actions.count, actions.hash),
        Err(fault) => format!("the fault {}", fault.code),
    }
}

/// Feeds a fresh run what the journal says and compares what it answers.
///
/// What was once answered in time gets more time now, since this machine may be slower or busier than that one was; a
/// fault in the journal is taken as it stands and not provoked again. Stops at the first divergence. What the host
/// cannot do is an error, and no fault of the run. What the plugin may do now need not be what it could do then: its
/// actions are compared, not what became of them.
pub async fn replay(
    journal: &Journal,
    behaviour: &Behaviour,
    granted: Arc<Granted>,
    log: Arc<dyn LogSink>,
) -> Result<Replay, Fault> {
    let setup = RunSetup { info: journal.info.clone(), blobs: Arc::clone(&journal.blobs), log, granted };
    let run = behaviour.start(setup)?;
    let component_changed = journal.header.as_ref().is_some_and(|header| header.component != behaviour.hash());
    let mut replay = Replay { run, steps: Vec::new(), fault: None, divergence: None, component_changed };
    for step in &journal.steps {
        if let Some(Err(fault)) = &step.outcome {
            replay.run.give_up(&fault.text);
            replay.fault = Some(fault.clone());
            break;
        }
        let seq = step.event.seq;
        let event = step.event.clone();
        let found = match &step.outcome {
            Some(_) => replay.run.feed_again(event).await,
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
                replay.divergence = Some(Divergence { seq, expected: expected.clone(), found: summary });
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
