//! The time that a version spends in service: its standing, who is there, and how they fare.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, watch};

use super::breaker::{BreakerPhase, BreakerRules};
use super::client_name::ClientName;
use super::clock::{Clock, Moment};
use super::record::{Pass, Record, RecordSurvey, Refusal};
use crate::fault::Fault;

/// What a version stands for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is published: new runs begin on it.
    Live,
    /// It is not, or no longer, published; the runs that are on it go on.
    Draining,
    /// Its time is over: runs have to end now.
    Ending,
}

/// What changes about a version while it is there. A version comes as live; the lifecycle, which looks at all this when
/// the bell rings, says otherwise.
#[derive(Debug)]
pub(crate) struct Service {
    record: Record,
    runs: AtomicUsize,
    standing: watch::Sender<Standing>,
    bell: Arc<Notify>,
    clock: Clock,
}

impl Service {
    /// For the version of this plugin that has this number. The clients named had strikes on the version before it.
    pub(crate) fn new(
        plugin: &str,
        number: u64,
        rules: BreakerRules,
        struck_before: HashSet<ClientName>,
        bell: Arc<Notify>,
        clock: Clock,
    ) -> Arc<Self> {
        // Its number makes a good seed: all that matters is that two versions differ.
        let record = Record::new(plugin, rules, number, struck_before, Arc::clone(&bell));
        Arc::new(Self { record, runs: AtomicUsize::new(0), standing: watch::Sender::new(Standing::Live), bell, clock })
    }

    /// A place for one run or call of this client, whatever the standing is.
    pub(crate) fn enter(self: &Arc<Self>, client: impl Into<ClientName>) -> Result<Lease, Refusal> {
        Place::take(self).admit(client)
    }

    /// A place for one run of this client; none if this is not the live version.
    pub(crate) fn enter_live(self: &Arc<Self>, client: impl Into<ClientName>) -> Result<Option<Lease>, Refusal> {
        // First the place, then the look: who ends the standing sees the place, or else the look sees the end.
        let place = Place::take(self);
        if self.standing() != Standing::Live {
            return Ok(None);
        }
        place.admit(client).map(Some)
    }

    pub(crate) fn standing(&self) -> Standing {
        *self.standing.borrow()
    }

    pub(crate) fn set_standing(&self, standing: Standing) {
        self.standing.send_replace(standing);
    }

    /// Resolves when runs have to end. It holds nothing but the standing.
    pub(crate) fn told_to_end(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut standing = self.standing.subscribe();
        async move {
            if standing.wait_for(|standing| *standing == Standing::Ending).await.is_err() {
                // It is gone without having been told to end, and nobody will be any more.
                std::future::pending::<()>().await;
            }
        }
    }

    /// How many places are taken.
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    pub(crate) fn survey(&self, now: Moment) -> RecordSurvey {
        self.record.survey(now)
    }

    pub(crate) fn breaker(&self, now: Moment) -> BreakerPhase {
        self.record.breaker(now)
    }

    pub(crate) fn struck_clients(&self) -> HashSet<ClientName> {
        self.record.struck_clients()
    }
}

/// One taken place, which is free again when this is dropped.
#[derive(Debug)]
struct Place {
    service: Arc<Service>,
}

impl Place {
    fn take(service: &Arc<Service>) -> Self {
        service.runs.fetch_add(1, Ordering::SeqCst);
        Self { service: Arc::clone(service) }
    }

    fn admit(self, client: impl Into<ClientName>) -> Result<Lease, Refusal> {
        let pass = self.service.record.admit(client, self.service.clock.now())?;
        Ok(Lease { place: Some(self), pass })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let was_last = self.service.runs.fetch_sub(1, Ordering::SeqCst) == 1;
        if was_last && self.service.standing() != Standing::Live {
            self.service.bell.notify_one();
        }
    }
}

/// The place of one run, or of one call of a handler, and its part in the record. It is given back when it is said how
/// it went, and at the latest when this is dropped; then nothing is said about the plugin.
#[derive(Debug)]
pub(crate) struct Lease {
    place: Option<Place>,
    pass: Pass,
}

impl Lease {
    /// Whose run it is.
    pub(crate) fn client(&self) -> &ClientName {
        &self.pass.client
    }

    /// What the lease was taken for is there.
    pub(crate) fn began(&self) {
        if let Some(place) = &self.place {
            place.service.record.began();
        }
    }

    /// It ended in order.
    pub(crate) fn ended(&mut self) {
        self.give_back(Record::ended);
    }

    /// This fault ended it.
    pub(crate) fn faulted(&mut self, fault: &Fault) {
        self.give_back(|record, pass, now| record.faulted(pass, fault, now));
    }

    fn give_back(&mut self, how: impl FnOnce(&Record, &Pass, Moment)) {
        if let Some(Place { service }) = self.place.as_ref() {
            how(&service.record, &self.pass, service.clock.now());
        }
        self.place = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.give_back(Record::abandoned);
    }
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use super::super::breaker::BreakerPhase;
    use super::*;

    fn service() -> (Arc<Service>, Arc<Notify>) {
        let bell = Arc::new(Notify::new());
        let rules = BreakerRules::default();
        (Service::new("greeter", 1, rules, HashSet::new(), Arc::clone(&bell), Clock::start()), bell)
    }

    fn survey(service: &Service) -> RecordSurvey {
        service.survey(service.clock.now())
    }

    /// Whether the bell has rung since it was last asked.
    async fn rang(bell: &Notify) -> bool {
        poll_once(bell.notified()).await.is_ready()
    }

    async fn poll_once<T>(future: impl Future<Output = T>) -> Poll<T> {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await
    }

    fn strike(service: &Arc<Service>, client: &str) {
        service.enter(client).unwrap().faulted(&Fault::StackOverflow);
    }

    #[tokio::test]
    async fn the_last_to_leave_a_draining_version_rings() {
        let (service, bell) = service();
        drop(service.enter_live("a").unwrap().unwrap());
        assert!(!rang(&bell).await, "it is live");
        let [first, mut second] = ["a", "b"].map(|client| service.enter_live(client).unwrap().unwrap());
        assert_eq!(service.runs(), 2);
        service.set_standing(Standing::Draining);
        assert!(service.enter_live("c").unwrap().is_none());
        assert_eq!(service.runs(), 2);
        drop(first);
        assert!(!rang(&bell).await);
        second.ended();
        assert_eq!(service.runs(), 0, "a run that is over takes no place");
        assert!(rang(&bell).await);
        drop(second);
        assert!(!rang(&bell).await, "it is given back once");
        assert_eq!((service.runs(), survey(&service).ended_well), (0, 1));
    }

    #[tokio::test]
    async fn those_who_are_there_are_told_to_end() {
        let (service, _) = service();
        let mut told = std::pin::pin!(service.told_to_end());
        assert!(poll_once(told.as_mut()).await.is_pending());
        service.set_standing(Standing::Draining);
        assert!(poll_once(told.as_mut()).await.is_pending());
        service.set_standing(Standing::Ending);
        assert!(poll_once(told).await.is_ready());
        assert!(poll_once(service.told_to_end()).await.is_ready(), "also who asks late");
    }

    #[tokio::test]
    async fn strikes_and_changes_of_the_breaker_ring() {
        let rules = BreakerRules { first_pause: std::time::Duration::ZERO, ..BreakerRules::default() };
        let bell = Arc::new(Notify::new());
        let service = Service::new("greeter", 1, rules, HashSet::new(), Arc::clone(&bell), Clock::start());
        for client in ["a", "b", "c"] {
            strike(&service, client);
            assert!(rang(&bell).await);
        }
        assert!(matches!(survey(&service).breaker, BreakerPhase::Open { .. }));
        let mut probe = service.enter("d").unwrap();
        assert!(rang(&bell).await);
        assert_eq!(survey(&service).breaker, BreakerPhase::HalfOpen);
        probe.ended();
        assert!(rang(&bell).await);
        assert_eq!(survey(&service).breaker, BreakerPhase::Closed);
        service.enter("d").unwrap().ended();
        assert!(!rang(&bell).await);
    }

    #[test]
    fn who_is_refused_is_told_all_and_takes_no_place() {
        let (service, _) = service();
        (0..3).for_each(|_| strike(&service, "a"));
        let refusal = service.enter("a").unwrap_err();
        let [head, tail] = [
            "plugin `greeter` pauses for this client: its runs failed, the last one so: ",
            "the plugin ran out of stack: it calls itself too deeply; try again in ",
        ];
        let why = refusal.to_string();
        assert!(why.starts_with(&format!("{head}{tail}")) && why.ends_with(" s"), "{why}");
        assert_eq!((refusal.plugin.as_str(), service.runs()), ("greeter", 0));
        ["b", "c"].iter().for_each(|client| strike(&service, client));
        let why = service.enter("d").unwrap_err().why;
        assert!(why.starts_with("plugin `greeter` pauses: runs of several clients failed, the last one so: "), "{why}");
    }

    #[test]
    fn only_strikes_speak_against_a_plugin() {
        let (service, _) = service();
        let failure = crate::contract::values::Failure { code: "c".into(), text: "t".into(), extra: String::new() };
        for fault in [Fault::Guest(failure), Fault::Overloaded { live: 1 }, Fault::StackOverflow] {
            service.enter("a").unwrap().faulted(&fault);
        }
        drop(service.enter("a").unwrap());
        let survey = survey(&service);
        assert_eq!((survey.ended_well, survey.strikes), (1, 1));
    }

    #[test]
    fn a_dropped_probe_makes_room_for_another() {
        let rules = BreakerRules { first_pause: std::time::Duration::ZERO, ..BreakerRules::default() };
        let service = Service::new("greeter", 1, rules, HashSet::new(), Arc::default(), Clock::start());
        ["a", "b", "c"].iter().for_each(|client| strike(&service, client));
        let probe = service.enter("d").unwrap();
        drop(probe);
        service.enter("e").unwrap().ended();
        assert_eq!(survey(&service).breaker, BreakerPhase::Closed);
    }
}
