//! A run and its place: on which version it is, how that is told what becomes of it, and how it moves on to a newer one.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::catalog::Catalog;
use super::generation::Generation;
use super::service::{Lease, Standing};
use crate::contract::events::{Event, EventBody};
use crate::fault::Fault;
use crate::handover::Handover;
use crate::manifest::OnReload;
use crate::plugin::Plugin;
use crate::run::Run;
use crate::step::Step;

/// The code of a plugin's failure that says "not now" when it is asked for a snapshot.
const NOT_NOW: &str = "unsupported";

/// One run on one generation. Dropped before it is over, it says nothing about the plugin.
pub struct PlacedRun {
    // The instance goes first: the place is free when nothing is left of it.
    run: Run,
    lease: Lease,
    generation: Arc<Generation>,
    catalog: Arc<ArcSwap<Catalog>>,
    /// The generation that it could not move to, and does not try again.
    unreachable: Option<u64>,
}

/// A run is on another generation now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The number of the generation that it was on.
    pub from: u64,
    /// The number of the generation that it is on.
    pub to: u64,
    /// What was handed over, for the run's journal.
    pub handover: Handover,
}

impl PlacedRun {
    pub(crate) fn new(run: Run, generation: Arc<Generation>, lease: Lease, catalog: Arc<ArcSwap<Catalog>>) -> Self {
        lease.began();
        Self { run, lease, generation, catalog, unreachable: None }
    }

    /// The event that comes next in this run; see [`Run::event`].
    #[must_use]
    pub fn event(&self, time_ms: u64, token: u32, body: EventBody) -> Event {
        self.run.event(time_ms, token, body)
    }

    /// Tells the plugin an event and gives what it answers; see [`Run::feed`]. How the run ends goes on the record of
    /// its generation.
    pub async fn feed(&mut self, event: Event) -> Result<Step, Fault> {
        let fed = self.run.feed(event).await;
        match &fed {
            Ok(step) if step.ends() => self.lease.ended(),
            // What left the run unharmed, such as a machine that is too busy, says nothing.
            Err(fault) if self.run.is_over() => self.lease.faulted(fault),
            _ => {}
        }
        fed
    }

    /// The run.
    #[must_use]
    pub fn run(&self) -> &Run {
        &self.run
    }

    /// The version that it is on.
    #[must_use]
    pub fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }

    /// Whether it takes no more events.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.run.is_over()
    }

    /// Resolves when the run has to end because the time of its version is over. After a move this is to be asked anew.
    pub fn told_to_end(&self) -> impl Future<Output = ()> + Send + use<> {
        self.generation.service.told_to_end()
    }

    /// To be called between two steps: moves the run to the version that is live now, if its own is not, if the operator
    /// wants runs to move and if both have the same snapshot format. Whatever stands in the way, the run goes on where it
    /// is, unless it dies while it is saved: that is the error, and it is over.
    ///
    /// If the returned future is dropped, the run is over.
    pub async fn move_along(&mut self, time_ms: u64) -> Result<Option<Moved>, Fault> {
        let Some(target) = self.target() else { return Ok(None) };
        let Plugin::Behaviour(behaviour) = &target.plugin else { return Ok(None) };
        // Whom the other version refuses asks again after the next step.
        let Ok(Some(mut lease)) = target.service.enter_live(self.lease.client()) else { return Ok(None) };
        let granted = Arc::clone(&target.terms.granted);
        match self.run.move_to(behaviour, granted, time_ms).await {
            Ok(handover) => {
                lease.began();
                let moved = Moved { from: self.generation.number, to: target.number, handover };
                self.lease = lease;
                self.generation = target;
                Ok(Some(moved))
            }
            Err(fault) if self.run.is_over() => {
                self.lease.faulted(&fault);
                Err(fault)
            }
            Err(fault) => {
                // A run that lives on was saved, so what crashed is the other version, which could not take it.
                if fault.is_strike() {
                    lease.faulted(&fault);
                }
                self.stay(&target, &fault);
                Ok(None)
            }
        }
    }

    /// Where it ought to be.
    fn target(&self) -> Option<Arc<Generation>> {
        let here = &self.generation;
        if here.standing() == Standing::Live || here.snapshot.is_none() || self.is_over() {
            return None;
        }
        let catalog = self.catalog.load();
        let target = catalog.plugin(&here.id)?;
        let wanted = target.number != here.number
            && target.on_reload == OnReload::Move
            && target.snapshot == here.snapshot
            && self.unreachable != Some(target.number);
        wanted.then(|| Arc::clone(target))
    }

    fn stay(&mut self, target: &Generation, fault: &Fault) {
        let not_now = matches!(fault, Fault::Guest(failure) if failure.code == NOT_NOW);
        let (plugin, run, to) = (&*target.id, &*self.run.setup().info.run_id, target.number);
        if not_now || fault.is_of_host() {
            tracing::debug!(plugin, run, to, "a run does not move yet: {fault}");
            return;
        }
        self.unreachable = Some(target.number);
        tracing::warn!(plugin, run, to, "a run stays on its version, as it cannot move: {fault}");
    }
}

#[cfg(test)]
mod tests;
