//! The record of one version: its account, kept by all its runs together, and the bell that tells of changes.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

pub(crate) use super::account::Pass;
pub use super::account::RecordSurvey;
use super::account::{Account, Refused};
use super::breaker::{BreakerPhase, BreakerRules};
use super::client_name::ClientName;
use super::clock::Moment;
use crate::fault::Fault;

/// Why a plugin takes no run now, fit for whoever asked for one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Refusal {
    /// Which plugin.
    pub plugin: String,
    /// The whole sentence: what happened, and when to come again.
    pub why: String,
    /// When to come again.
    pub retry_after: Duration,
}

/// The record of one version. The bell rings whenever the lifecycle should look at it.
#[derive(Debug)]
pub(crate) struct Record {
    plugin: String,
    account: Mutex<Account>,
    bell: Arc<Notify>,
}

impl Record {
    /// A clean one, for a version of this plugin. The clients named had strikes on the version before it.
    pub(crate) fn new(
        plugin: &str,
        rules: BreakerRules,
        seed: u64,
        struck_before: HashSet<ClientName>,
        bell: Arc<Notify>,
    ) -> Self {
        let account = Mutex::new(Account::new(rules, seed, struck_before));
        Self { plugin: plugin.to_owned(), account, bell }
    }

    /// Lets a run of this client in, or says why not.
    pub(crate) fn admit(&self, client: impl Into<ClientName>, now: Moment) -> Result<Pass, Refusal> {
        self.watched(now, |account| account.admit(client, now)).map_err(|refused| self.refusal(refused))
    }

    /// A run that was let in is there.
    pub(crate) fn began(&self) {
        self.account().began();
    }

    /// A run was ended by this fault.
    pub(crate) fn faulted(&self, pass: &Pass, fault: &Fault, now: Moment) {
        match fault {
            strike if strike.is_strike() => {
                self.account().struck(pass, strike, now);
                // Each one is worth a look: they are rare, or soon will be.
                self.bell.notify_one();
            }
            // A plugin that says in its own words that it cannot go on is at its senses.
            Fault::Guest(_) | Fault::Denied { .. } => self.ended(pass, now),
            _ => self.abandoned(pass, now),
        }
    }

    /// A run ended in order.
    pub(crate) fn ended(&self, pass: &Pass, now: Moment) {
        self.watched(now, |account| account.ended(pass, now));
    }

    /// A run is gone, and nothing is said about the plugin.
    pub(crate) fn abandoned(&self, pass: &Pass, now: Moment) {
        self.watched(now, |account| account.abandoned(pass, now));
    }

    /// How the version fares.
    pub(crate) fn survey(&self, now: Moment) -> RecordSurvey {
        self.account().survey(now)
    }

    /// What the version's breaker does with those who come now.
    pub(crate) fn breaker(&self, now: Moment) -> BreakerPhase {
        self.account().phase(now)
    }

    /// The clients that had strikes, for the record of the next version.
    pub(crate) fn struck_clients(&self) -> HashSet<ClientName> {
        self.account().struck_clients()
    }

    /// Does something, and rings when the breaker does with those who come something else than before.
    fn watched<T>(&self, now: Moment, deed: impl FnOnce(&mut Account) -> T) -> T {
        let mut account = self.account();
        let before = account.phase(now);
        let done = deed(&mut account);
        let after = account.phase(now);
        drop(account);
        if before != after {
            self.bell.notify_one();
        }
        done
    }

    fn refusal(&self, refused: Refused) -> Refusal {
        let Refused { alone, died_of, retry_after } = refused;
        let plugin = &self.plugin;
        let seconds = retry_after.as_millis().div_ceil(1_000).max(1);
        let (whom, what) =
            if alone { (" for this client", "its runs failed") } else { ("", "runs of several clients failed") };
        let why =
            format!("plugin `{plugin}` pauses{whom}: {what}, the last one so: {died_of}; try again in {seconds} s");
        Refusal { plugin: plugin.clone(), why, retry_after }
    }

    /// What panicked while it held the lock left nothing half done that matters more than going on.
    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
