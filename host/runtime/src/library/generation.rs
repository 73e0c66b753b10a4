//! A generation: one version of one plugin, examined and loaded. It never changes; what does is its time in service.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use semver::Version;

use super::breaker::BreakerPhase;
use super::catalog::Catalog;
use super::client_name::ClientName;
use super::clock::Moment;
use super::placed_run::PlacedRun;
use super::record::{RecordSurvey, Refusal};
use super::service::{Service, Standing};
use crate::blobs::Blobs;
use crate::contract::messages::{Envelope, Verdict};
use crate::contract::session::RunInfo;
use crate::fault::Fault;
use crate::handler::{Handler, Scope};
use crate::live::RunSetup;
use crate::log::LogSink;
use crate::manifest::{Manifest, Mode, OnReload, Terms};
use crate::plugin::Plugin;

/// How often a run that is to begin on a version that is just being replaced looks for the newer one.
const ATTEMPTS: usize = 16;

/// One version of one plugin, examined and loaded.
pub struct Generation {
    /// Its number, unique in this process; a later one is greater.
    pub number: u64,
    /// The plugin's name on this host.
    pub id: String,
    /// Its version, if it says so.
    pub version: Option<Version>,
    /// The hash of its package: of component and manifest together. That of the component alone is the plugin's.
    pub hash: String,
    /// The component.
    pub plugin: Plugin,
    /// Its manifest; a bare component has none.
    pub manifest: Option<Manifest>,
    /// On which terms it runs.
    pub terms: Terms,
    /// The platforms that a behaviour is for.
    pub platforms: Vec<String>,
    /// The kinds of messages that a handler is asked about.
    pub kinds: Vec<String>,
    /// The part that a handler has in them.
    pub mode: Mode,
    /// The format of its snapshots, if it has any.
    pub snapshot: Option<u64>,
    /// What becomes of the runs of the version before it.
    pub on_reload: OnReload,
    /// The handler, if it is one.
    pub handler: Option<Handler>,
    /// What changes about it.
    pub(crate) service: Arc<Service>,
}

/// How a generation fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// Which one.
    pub number: u64,
    /// How many runs, or calls of a handler, are on it.
    pub runs: usize,
    /// How they went so far.
    pub record: RecordSurvey,
}

/// Why a run does not begin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The plugin takes no run now.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The runtime cannot begin it.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The plugin drives no runs.
    #[error("plugin `{plugin}` is a handler: it judges messages and drives no runs")]
    NoBehaviour {
        /// Which plugin.
        plugin: String,
    },
    /// It was taken out of service just now, and no other version took its place.
    #[error("plugin `{plugin}` is not in service any more")]
    Gone {
        /// Which plugin.
        plugin: String,
    },
}

/// Why there are no verdicts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandleError {
    /// The plugin takes no call now.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The call failed.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The plugin gives no verdicts.
    #[error("plugin `{plugin}` is a behaviour: it drives runs and judges no messages")]
    NoHandler {
        /// Which plugin.
        plugin: String,
    },
}

impl Generation {
    /// Begins a run for this client, which waits for its `start` event. If a newer version took this one's place just
    /// now, it begins on that.
    pub fn start(
        self: &Arc<Self>,
        client: &str,
        info: RunInfo,
        blobs: Arc<Blobs>,
        log: Arc<dyn LogSink>,
        catalog: &Arc<ArcSwap<Catalog>>,
    ) -> Result<PlacedRun, StartError> {
        let mut generation = Arc::clone(self);
        for _ in 0..ATTEMPTS {
            let Plugin::Behaviour(behaviour) = &generation.plugin else {
                return Err(StartError::NoBehaviour { plugin: generation.id.clone() });
            };
            if let Some(lease) = generation.service.enter_live(client)? {
                let granted = Arc::clone(&generation.terms.granted);
                let run = behaviour.start(RunSetup { info, blobs, log, granted })?;
                return Ok(PlacedRun::new(run, generation, lease, Arc::clone(catalog)));
            }
            match catalog.load().plugin(&generation.id) {
                Some(successor) => generation = Arc::clone(successor),
                None => break,
            }
        }
        Err(StartError::Gone { plugin: self.id.clone() })
    }

    /// Lets the handler judge messages that this client sent, or that are sent for it: one verdict for each, in the same
    /// order. A version that was replaced just now still may.
    pub async fn handle(
        self: &Arc<Self>,
        client: &str,
        envelopes: Vec<Envelope>,
        scope: Scope,
    ) -> Result<Vec<Verdict>, HandleError> {
        let Some(handler) = &self.handler else {
            return Err(HandleError::NoHandler { plugin: self.id.clone() });
        };
        if envelopes.is_empty() {
            return Ok(Vec::new());
        }
        let mut lease = self.service.enter(client)?;
        lease.began();
        let verdicts = handler.handle(envelopes, scope).await;
        match &verdicts {
            Ok(_) => lease.ended(),
            Err(fault) => lease.faulted(fault),
        }
        Ok(verdicts?)
    }

    /// What it stands for now.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.service.standing()
    }

    /// Says what it stands for from now on. A successor has to be live and in the catalog before this one is not, so
    /// that whoever still comes finds it.
    pub(crate) fn set_standing(&self, standing: Standing) {
        self.service.set_standing(standing);
    }

    /// How many runs, or calls of a handler, are on it.
    #[must_use]
    pub fn runs(&self) -> usize {
        self.service.runs()
    }

    /// How it fares.
    pub(crate) fn survey(&self, now: Moment) -> Survey {
        Survey { number: self.number, runs: self.runs(), record: self.service.survey(now) }
    }

    /// What it does with those who come, as far as they all are concerned.
    pub(crate) fn breaker(&self, now: Moment) -> BreakerPhase {
        self.service.breaker(now)
    }

    /// The clients that had strikes on it, for the record of the version after it.
    pub(crate) fn struck_clients(&self) -> HashSet<ClientName> {
        self.service.struck_clients()
    }
}

impl fmt::Debug for Generation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, id, version, hash, service, .. } = self;
        let mut fields = formatter.debug_struct("Generation");
        fields.field("number", number).field("id", id).field("version", version).field("hash", hash);
        fields.field("service", service).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::stage::{self, Library};
    use super::*;
    use crate::script::Clients;

    fn envelope(body: &str) -> Vec<Envelope> {
        let sender = json!({"id": "desk", "kind": "device"});
        let envelope =
            json!({"id": "m-1", "kind": "chat", "time_ms": 1, "sender": sender, "door": "aip", "body": body});
        vec![serde_json::from_value(envelope).unwrap()]
    }

    fn scope() -> Scope {
        Scope { directory: Arc::new(Clients::default()), blobs: Arc::default() }
    }

    #[tokio::test]
    async fn a_handler_that_fails_for_one_is_there_for_others() {
        let library = Library::new();
        let handler = library.handler("handler-panics").await;
        for _ in 0..3 {
            let error = handler.handle("hostile", envelope("panic"), scope()).await.unwrap_err();
            assert!(matches!(error, HandleError::Fault(Fault::Panic { .. })), "{error}");
        }
        let refused = handler.handle("hostile", envelope("{}"), scope()).await.unwrap_err();
        assert!(matches!(refused, HandleError::Refused(_)), "{refused}");
        assert_eq!(handler.handle("desk", envelope("{}"), scope()).await.unwrap(), [Verdict::Pass]);
        assert_eq!(handler.handle("desk", Vec::new(), scope()).await.unwrap(), []);
        let Survey { runs, record, .. } = library.survey(&handler);
        assert_eq!((runs, record.began, record.ended_well, record.strikes), (0, 4, 1, 3));
    }

    #[tokio::test]
    async fn a_handler_that_was_replaced_judges_what_is_on_its_way() {
        let library = Library::new();
        let handler = library.handler("handler-panics").await;
        handler.set_standing(Standing::Draining);
        assert_eq!(handler.handle("desk", envelope("{}"), scope()).await.unwrap(), [Verdict::Pass]);
        library.rang().await;
    }

    #[tokio::test]
    async fn each_world_says_what_it_is_not() {
        let library = Library::new();
        let (handler, behaviour) = (library.handler("handler-panics").await, library.behaviour("panics").await);
        library.publish(&[&handler, &behaviour]);
        let error = library.start(&handler, "desk").err().unwrap();
        assert_eq!(error.to_string(), "plugin `handler-panics` is a handler: it judges messages and drives no runs");
        let error = behaviour.handle("desk", envelope("{}"), scope()).await.unwrap_err();
        assert_eq!(error.to_string(), "plugin `panics` is a behaviour: it drives runs and judges no messages");
    }

    #[tokio::test]
    async fn a_run_begins_on_the_version_that_took_the_place_of_its_own() {
        let library = Library::new();
        let [first, second] = library.versions(["well-behaved", "well-behaved-changed"]).await;
        library.publish(&[&first]);
        assert_eq!(library.start(&first, "desk").unwrap().generation().number, first.number);
        library.publish(&[&second]);
        first.set_standing(Standing::Draining);
        assert_eq!(library.start(&first, "desk").unwrap().generation().number, second.number);
        library.publish(&[]);
        second.set_standing(Standing::Draining);
        let error = library.start(&first, "desk").err().unwrap();
        assert_eq!(error.to_string(), "plugin `plugin` is not in service any more");
        assert_eq!((first.runs(), second.runs()), (0, 0));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_who_comes_during_a_reload_is_turned_away() {
        let library = Arc::new(Library::new());
        let versions = library.versions(["well-behaved", "well-behaved-changed"]).await;
        library.publish(&[&versions[0]]);
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let (library, first) = (Arc::clone(&library), Arc::clone(&versions[0]));
                tokio::spawn(async move {
                    for _ in 0..500 {
                        library.start(&first, &format!("client-{client}")).unwrap();
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for reload in 0..200 {
            let [former, next] = [&versions[reload % 2], &versions[(reload + 1) % 2]];
            next.set_standing(Standing::Live);
            library.publish(&[next]);
            former.set_standing(Standing::Draining);
            tokio::task::yield_now().await;
        }
        for client in clients {
            client.await.unwrap();
        }
        assert_eq!(versions.map(|version| version.runs()), [0, 0]);
    }

    #[tokio::test]
    async fn a_crowded_machine_says_nothing_about_the_plugin() {
        let library = Library::with_runtime(stage::runtime(1));
        let generation = library.behaviour("panics").await;
        let _run = library.start(&generation, "desk").unwrap();
        let error = library.start(&generation, "lab").err().unwrap();
        assert!(matches!(error, StartError::Fault(Fault::Overloaded { live: 1 })), "{error}");
        let Survey { runs, record, .. } = library.survey(&generation);
        assert_eq!((runs, record.began, record.strikes), (1, 1, 0));
    }
}
