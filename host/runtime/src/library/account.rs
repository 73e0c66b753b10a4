//! How the runs of one version fare, client by client, and what follows from it: who may begin a run, and whether the
//! version should be the one in service at all.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use fastrand::Rng;

use super::breaker::{Breaker, BreakerPhase, BreakerRules};
use super::client_name::ClientName;
use super::clock::Moment;
use crate::fault::Fault;
use crate::log::clean;

/// How many strikes are counted within one window.
const STRIKES_COUNTED: usize = 1_000;

/// How many clients are named to those who ask.
const CLIENTS_NAMED: usize = 8;

/// The longest words about a strike that are told, in bytes.
const WORDS_BYTES: usize = 512;

/// The right of one run of one client to be there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    number: u64,
    pub(crate) client: ClientName,
}

/// Why a client may not begin a run now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Whether it is refused for its own strikes; otherwise all are.
    pub(crate) alone: bool,
    /// What the last of these strikes was, in words that this client may read.
    pub(crate) died_of: String,
    /// When to come again.
    pub(crate) retry_after: Duration,
}

/// How a version fares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSurvey {
    /// Strikes within the last window, up to a thousand.
    pub strikes: usize,
    /// Strikes since it was loaded.
    pub strikes_in_all: u64,
    /// Runs that began on it or moved to it.
    pub began: u64,
    /// Runs that ended in order.
    pub ended_well: u64,
    /// Whether it takes new runs.
    pub breaker: BreakerPhase,
    /// Some of the clients that are refused for their own strikes.
    pub refused_clients: Vec<String>,
    /// Why it should not be the version in service, if so; this is never taken back.
    pub alarm: Option<String>,
    /// The last strike: whose run, and what it died of.
    pub last_strike: Option<String>,
}

/// The account of one version, decided by what it is told and when. A strike always counts for its client; for the
/// version each client counts once per window, so that one that is hostile never opens the version's breaker.
#[derive(Debug)]
pub(crate) struct Account {
    rules: BreakerRules,
    breaker: Breaker<ClientName>,
    /// Those that had strikes.
    clients: HashMap<ClientName, Client>,
    /// Those that had strikes on the version before.
    struck_before: HashSet<ClientName>,
    /// Two that had runs end well: enough to know for each client whether another had.
    well: Vec<ClientName>,
    /// The latest strikes.
    strikes: VecDeque<Moment>,
    last: Option<Strike>,
    passes: u64,
    strikes_in_all: u64,
    began: u64,
    ended_well: u64,
    alarm: Option<String>,
    seeds: Rng,
}

#[derive(Debug)]
struct Client {
    breaker: Breaker<u64>,
    struck_at: Moment,
    died_of: String,
}

#[derive(Debug)]
struct Strike {
    client: ClientName,
    /// In full.
    died_of: String,
    /// Without what the plugin said, which may be nobody else's business.
    kind: String,
}

impl Account {
    pub(crate) fn new(rules: BreakerRules, seed: u64, struck_before: HashSet<ClientName>) -> Self {
        let mut seeds = Rng::with_seed(seed);
        Self {
            rules,
            breaker: Breaker::new(seeds.u64(..)),
            clients: HashMap::new(),
            struck_before,
            well: Vec::new(),
            strikes: VecDeque::new(),
            last: None,
            passes: 0,
            strikes_in_all: 0,
            began: 0,
            ended_well: 0,
            alarm: None,
            seeds,
        }
    }

    /// Lets a run of this client in, or says why not.
    pub(crate) fn admit(&mut self, client: impl Into<ClientName>, now: Moment) -> Result<Pass, Refused> {
        let client = client.into();
        let of_all = self.breaker.refuses(now, &self.rules);
        let own = self.clients.get_mut(&client);
        let of_own = own.and_then(|own| Some((own.breaker.refuses(now, &self.rules)?, own.died_of.clone())));
        match (of_own, of_all) {
            (Some((wait, died_of)), other) => {
                let retry_after = other.map_or(wait, |other| other.max(wait));
                return Err(Refused { alone: true, died_of, retry_after });
            }
            (None, Some(retry_after)) => {
                let died_of = self.last.as_ref().map(|last| last.words_for(&client).to_owned()).unwrap_or_default();
                return Err(Refused { alone: false, died_of, retry_after });
            }
            (None, None) => {}
        }
        self.passes += 1;
        let number = self.passes;
        // Neither refuses: both were just asked.
        let _ = self.breaker.admit(number, now, &self.rules);
        if let Some(own) = self.clients.get_mut(&client) {
            let _ = own.breaker.admit(number, now, &self.rules);
        }
        Ok(Pass { number, client })
    }

    /// A run is there. One that was let in need not be: there may be no room for it, or it does not move after all.
    pub(crate) fn began(&mut self) {
        self.began += 1;
    }

    /// A run had a strike.
    pub(crate) fn struck(&mut self, pass: &Pass, fault: &Fault, now: Moment) {
        let strike = Strike {
            client: pass.client.clone(),
            died_of: clean(&fault.to_string(), WORDS_BYTES),
            kind: clean(&without_its_words(fault), WORDS_BYTES),
        };
        self.count(now);
        let (was_refused, opened) = self.struck_alone(pass, &strike.died_of, now);
        let is_probe = self.breaker.is_probe(pass.number, now, &self.rules);
        let opened_for_all = if was_refused && is_probe {
            // Who is refused already gives the probe back, and cannot keep all the others waiting.
            self.breaker.abandoned(pass.number, now, &self.rules);
            false
        } else {
            self.breaker.struck(pass.number, pass.client.clone(), now, &self.rules)
        };
        let (client, died_of) = (shown(&strike.client), &strike.died_of);
        if opened_for_all {
            self.raise(|rules| {
                format!(
                    "it failed for {} clients within {:?}, the last time for `{client}`: {died_of}",
                    rules.strikes, rules.window
                )
            });
        } else if opened && !self.struck_before.contains(&pass.client) && !self.is_well_for_another(&pass.client) {
            self.raise(|_| {
                format!(
                    "it fails again and again for `{client}`, where the version before it did not, and has served \
                     nobody else: {died_of}"
                )
            });
        }
        self.last = Some(strike);
    }

    /// A run ended in order.
    pub(crate) fn ended(&mut self, pass: &Pass, now: Moment) {
        self.ended_well += 1;
        if self.well.len() < 2 && !self.well.contains(&pass.client) {
            self.well.push(pass.client.clone());
        }
        self.breaker.ended(pass.number, now, &self.rules);
        if let Some(client) = self.clients.get_mut(&pass.client) {
            client.breaker.ended(pass.number, now, &self.rules);
        }
    }

    /// A run is gone, and nothing is said about it.
    pub(crate) fn abandoned(&mut self, pass: &Pass, now: Moment) {
        self.breaker.abandoned(pass.number, now, &self.rules);
        if let Some(client) = self.clients.get_mut(&pass.client) {
            client.breaker.abandoned(pass.number, now, &self.rules);
        }
    }

    /// What the version's breaker does with those who come now.
    pub(crate) fn phase(&mut self, now: Moment) -> BreakerPhase {
        self.breaker.phase(now, &self.rules)
    }

    pub(crate) fn survey(&mut self, now: Moment) -> RecordSurvey {
        self.forget_old_strikes(now);
        let rules = &self.rules;
        let refused = self.clients.iter_mut().filter_map(|(name, client)| {
            (client.breaker.phase(now, rules) != BreakerPhase::Closed).then(|| shown(name))
        });
        let mut refused_clients: Vec<String> = refused.collect();
        refused_clients.sort_unstable();
        refused_clients.truncate(CLIENTS_NAMED);
        RecordSurvey {
            strikes: self.strikes.len(),
            strikes_in_all: self.strikes_in_all,
            began: self.began,
            ended_well: self.ended_well,
            breaker: self.phase(now),
            refused_clients,
            alarm: self.alarm.clone(),
            last_strike: self.last.as_ref().map(|last| format!("`{}`: {}", shown(&last.client), last.died_of)),
        }
    }

    /// The clients that had strikes, as far as they are remembered.
    pub(crate) fn struck_clients(&self) -> HashSet<ClientName> {
        self.clients.keys().cloned().collect()
    }

    /// Counts a strike for its client. Says whether it was refused already, and whether it is from now on.
    fn struck_alone(&mut self, pass: &Pass, died_of: &str, now: Moment) -> (bool, bool) {
        if !self.clients.contains_key(&pass.client) {
            self.make_room(now);
        }
        let seeds = &mut self.seeds;
        let client = self.clients.entry(pass.client.clone()).or_insert_with(|| Client {
            breaker: Breaker::new(seeds.u64(..)),
            struck_at: now,
            died_of: String::new(),
        });
        client.struck_at = now;
        died_of.clone_into(&mut client.died_of);
        let was_refused = client.breaker.phase(now, &self.rules) != BreakerPhase::Closed;
        (was_refused, client.breaker.struck(pass.number, pass.number, now, &self.rules) && !was_refused)
    }

    /// At the limit, those whose strikes are old are forgotten, or else the one whose last strike is the oldest.
    fn make_room(&mut self, now: Moment) {
        if self.clients.len() < self.rules.clients {
            return;
        }
        self.clients.retain(|_, client| !client.breaker.is_blank(now, &self.rules));
        while self.clients.len() >= self.rules.clients.max(1) {
            let oldest = self.clients.iter().min_by_key(|(_, client)| client.struck_at);
            let Some(oldest) = oldest.map(|(name, _)| name.clone()) else { return };
            self.clients.remove(&oldest);
        }
    }

    fn count(&mut self, now: Moment) {
        self.strikes_in_all += 1;
        self.forget_old_strikes(now);
        if self.strikes.len() >= STRIKES_COUNTED {
            self.strikes.pop_front();
        }
        self.strikes.push_back(now);
    }

    fn forget_old_strikes(&mut self, now: Moment) {
        while self.strikes.front().is_some_and(|at| now.saturating_sub(*at) >= self.rules.window) {
            self.strikes.pop_front();
        }
    }

    fn is_well_for_another(&self, client: &ClientName) -> bool {
        self.well.iter().any(|other| other != client)
    }

    fn raise(&mut self, why: impl FnOnce(&BreakerRules) -> String) {
        if self.alarm.is_none() {
            self.alarm = Some(why(&self.rules));
        }
    }
}

impl Strike {
    fn words_for(&self, client: &ClientName) -> &str {
        if self.client == *client { &self.died_of } else { &self.kind }
    }
}

/// A name that is told: it is somebody else's, and drives no terminal.
fn shown(client: &ClientName) -> String {
    clean(&client.to_string(), WORDS_BYTES)
}

/// What a fault is, without what the plugin itself said of it: that may tell of another client's business.
fn without_its_words(fault: &Fault) -> String {
    match fault {
        Fault::Panic { .. } => Fault::Panic { message: String::new() }.to_string(),
        Fault::Malformed { .. } => "the plugin broke the contract".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests;
