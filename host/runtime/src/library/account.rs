//! How the runs of one version fare, client by client, and what follows from it: who may begin a run, and whether the
//! version should be the one in service at all.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use fastrand::Rng;

use super::breaker::{Breaker, BreakerPhase, BreakerRules};
use super::clock::Moment;
use crate::fault::Fault;
use crate::log::clean;

/// How many strikes are counted within one window.
const STRIKES_COUNTED: usize = 1_000;

/// How many clients are named to those who ask.
const CLIENTS_NAMED: usize = 8;

/// The longest name of a client, and the longest words about a strike, that are told; in bytes.
const NAME_BYTES: usize = 128;
const WORDS_BYTES: usize = 512;

/// The right of one run of one client to be there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pass {
    number: u64,
    pub(crate) client: String,
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
    breaker: Breaker<String>,
    /// Those that had strikes.
    clients: HashMap<String, Client>,
    /// Those that had strikes on the version before.
    struck_before: HashSet<String>,
    /// Two that had runs end well: enough to know for each client whether another had.
    well: Vec<String>,
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
    client: String,
    /// In full.
    died_of: String,
    /// Without what the plugin said, which may be nobody else's business.
    kind: String,
}

impl Account {
    pub(crate) fn new(rules: BreakerRules, seed: u64, struck_before: HashSet<String>) -> Self {
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
    pub(crate) fn admit(&mut self, client: &str, now: Moment) -> Result<Pass, Refused> {
        let of_all = self.breaker.refuses(now, &self.rules);
        let own = self.clients.get_mut(client);
        let of_own = own.and_then(|own| Some((own.breaker.refuses(now, &self.rules)?, own.died_of.clone())));
        match (of_own, of_all) {
            (Some((wait, died_of)), other) => {
                let retry_after = other.map_or(wait, |other| other.max(wait));
                return Err(Refused { alone: true, died_of, retry_after });
            }
            (None, Some(retry_after)) => {
                let died_of = self.last.as_ref().map(|last| last.words_for(client).to_owned()).unwrap_or_default();
                return Err(Refused { alone: false, died_of, retry_after });
            }
            (None, None) => {}
        }
        self.passes += 1;
        let number = self.passes;
        // Neither refuses: both were just asked.
        let _ = self.breaker.admit(number, now, &self.rules);
        if let Some(own) = self.clients.get_mut(client) {
            let _ = own.breaker.admit(number, now, &self.rules);
        }
        Ok(Pass { number, client: client.to_owned() })
    }

    /// A run is there: one that was let in is not until nothing has come between.
    pub(crate) fn began(&mut self) {
        self.began += 1;
    }

    /// A run had a strike.
    pub(crate) fn struck(&mut self, pass: &Pass, fault: &Fault, now: Moment) {
        let strike = Strike {
            client: clean(&pass.client, NAME_BYTES),
            died_of: clean(&fault.to_string(), WORDS_BYTES),
            kind: clean(&without_its_words(fault), WORDS_BYTES),
        };
        self.count(now);
        let (was_refused, opened) = self.struck_alone(pass, &strike.died_of, now);
        let opened_for_all = if was_refused && self.breaker.is_probe(pass.number) {
            // Who is refused already gives the probe back, and cannot keep all the others waiting.
            self.breaker.abandoned(pass.number, now, &self.rules);
            false
        } else {
            self.breaker.struck(pass.number, pass.client.clone(), now, &self.rules)
        };
        let Strike { client, died_of, .. } = &strike;
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
            (client.breaker.phase(now, rules) != BreakerPhase::Closed).then(|| clean(name, NAME_BYTES))
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
            last_strike: self.last.as_ref().map(|last| format!("`{}`: {}", last.client, last.died_of)),
        }
    }

    /// The clients that had strikes, as far as they are remembered.
    pub(crate) fn struck_clients(&self) -> HashSet<String> {
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

    fn is_well_for_another(&self, client: &str) -> bool {
        self.well.iter().any(|other| other != client)
    }

    fn raise(&mut self, why: impl FnOnce(&BreakerRules) -> String) {
        if self.alarm.is_none() {
            self.alarm = Some(why(&self.rules));
        }
    }
}

impl Strike {
    fn words_for(&self, client: &str) -> &str {
        if self.client == client { &self.died_of } else { &self.kind }
    }
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account() -> Account {
        Account::new(BreakerRules::default(), 7, HashSet::new())
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_secs(seconds)
    }

    fn panic() -> Fault {
        Fault::Panic { message: "the secret of a".into() }
    }

    /// A run of this client that dies.
    fn strike(account: &mut Account, client: &str, now: Moment) {
        let pass = account.admit(client, now).unwrap();
        account.struck(&pass, &panic(), now);
    }

    /// A run of this client that lives.
    fn success(account: &mut Account, client: &str, now: Moment) {
        let pass = account.admit(client, now).unwrap();
        account.began();
        account.ended(&pass, now);
    }

    #[test]
    fn a_client_with_strikes_is_refused_and_others_are_not() {
        let mut account = account();
        (0..3).for_each(|second| strike(&mut account, "a", at(second)));
        let refused = account.admit("a", at(2)).unwrap_err();
        assert_eq!((refused.alone, refused.died_of.as_str()), (true, "the plugin panicked: the secret of a"));
        success(&mut account, "b", at(2));
        let survey = account.survey(at(2));
        assert_eq!(survey.refused_clients, ["a"]);
        assert_eq!((survey.strikes, survey.strikes_in_all, survey.began, survey.ended_well), (3, 3, 1, 1));
        assert_eq!(survey.last_strike.as_deref(), Some("`a`: the plugin panicked: the secret of a"));
        success(&mut account, "a", at(2) + refused.retry_after);
        assert_eq!(account.survey(at(61)).refused_clients, [""; 0]);
        assert_eq!((account.survey(at(61)).strikes, account.survey(at(61)).strikes_in_all), (1, 3));
    }

    #[test]
    fn strikes_of_several_clients_stop_all_and_tell_nobody_what_the_others_did() {
        let mut account = account();
        ["a", "b", "a", "c"].iter().for_each(|client| strike(&mut account, client, at(0)));
        let refused = account.admit("d", at(0)).unwrap_err();
        assert_eq!((refused.alone, refused.died_of.as_str()), (false, "the plugin panicked"));
        assert_eq!(account.admit("c", at(0)).unwrap_err().died_of, "the plugin panicked: the secret of a");
        let survey = account.survey(at(0));
        assert_eq!(survey.breaker, BreakerPhase::Open { until: refused.retry_after });
        let alarm = "it failed for 3 clients within 60s, the last time for `c`: the plugin panicked: the secret of a";
        assert_eq!(survey.alarm.as_deref(), Some(alarm));
        let probe = account.admit("d", refused.retry_after).unwrap();
        assert!(account.admit("e", refused.retry_after).is_err());
        account.ended(&probe, refused.retry_after);
        success(&mut account, "e", refused.retry_after);
        assert!(account.survey(at(10_000)).alarm.is_some(), "it is not taken back");
    }

    #[test]
    fn who_is_refused_cannot_keep_the_others_waiting() {
        let mut account = account();
        let mut now = at(0);
        (0..3).for_each(|_| strike(&mut account, "hostile", now));
        ["b", "c"].iter().for_each(|client| strike(&mut account, client, now));
        let mut reopened = 0;
        for _ in 0..10 {
            now += account.admit("hostile", now).map_or_else(|refused| refused.retry_after, |_| Duration::ZERO);
            let probe = account.admit("hostile", now).unwrap();
            account.struck(&probe, &panic(), now);
            reopened += usize::from(account.breaker.refuses(now, &account.rules).is_some());
        }
        assert_eq!(reopened, 0);
        success(&mut account, "d", now);
        assert_eq!(account.phase(now), BreakerPhase::Closed);
    }

    #[test]
    fn strikes_for_one_client_alarm_unless_they_are_its_own_doing() {
        let alarm = |struck_before: &[&str], well: &[&str]| {
            let before = struck_before.iter().map(ToString::to_string).collect();
            let mut account = Account::new(BreakerRules::default(), 7, before);
            well.iter().for_each(|client| success(&mut account, client, at(0)));
            (0..2).for_each(|_| strike(&mut account, "a", at(0)));
            assert_eq!(account.survey(at(0)).alarm, None);
            strike(&mut account, "a", at(0));
            account.survey(at(0)).alarm
        };
        let why = "it fails again and again for `a`, where the version before it did not, and has served nobody else: \
             the plugin panicked: the secret of a";
        assert_eq!(alarm(&[], &[]).as_deref(), Some(why));
        assert_eq!(alarm(&["b"], &["a"]).as_deref(), Some(why));
        assert_eq!(alarm(&["a"], &[]), None, "it had strikes before");
        assert_eq!(alarm(&[], &["b"]), None, "others are well");
        assert_eq!(alarm(&[], &["a", "b", "c"]), None);
    }

    #[test]
    fn the_clients_of_one_version_are_known_to_the_next() {
        let mut account = account();
        ["a", "b"].iter().for_each(|client| strike(&mut account, client, at(0)));
        success(&mut account, "c", at(0));
        assert_eq!(account.struck_clients(), ["a".to_owned(), "b".to_owned()].into());
    }

    #[test]
    fn the_oldest_are_forgotten_first() {
        let rules = BreakerRules { clients: 2, strikes: 1_000, ..BreakerRules::default() };
        let names = |account: &Account| {
            let mut names: Vec<_> = account.struck_clients().into_iter().collect();
            names.sort_unstable();
            names
        };
        let mut account = Account::new(rules, 7, HashSet::new());
        for (client, second) in [("a", 0), ("b", 1), ("a", 2), ("c", 3)] {
            strike(&mut account, client, at(second));
        }
        assert_eq!(names(&account), ["a", "c"], "none is old, so the least recently struck goes");
        strike(&mut account, "d", at(100));
        assert_eq!(names(&account), ["d"], "all were old");
    }

    #[test]
    fn a_long_name_and_long_words_are_cut() {
        let mut account = account();
        let pass = account.admit(&"n".repeat(10_000), at(0)).unwrap();
        account.struck(&pass, &Fault::Panic { message: "m\n".repeat(10_000) }, at(0));
        let words = account.survey(at(0)).last_strike.unwrap();
        assert!(words.len() < 1_000 && !words.contains('\n'));
    }

    #[derive(Debug, Clone)]
    enum Deed {
        Admit(usize),
        Struck(usize),
        Ended(usize),
        Abandoned(usize),
    }

    fn deeds(clients: usize) -> impl Strategy<Value = Vec<(u64, Deed)>> {
        let deed = prop_oneof![
            4 => (0..clients).prop_map(Deed::Admit),
            3 => (0..9_usize).prop_map(Deed::Struck),
            1 => (0..9_usize).prop_map(Deed::Ended),
            1 => (0..9_usize).prop_map(Deed::Abandoned),
        ];
        let pause = prop_oneof![4 => 0..3_000_u64, 1 => 0..90_000_u64];
        proptest::collection::vec((pause, deed), 0..200)
    }

    /// Does all this and looks at the account after each deed; `looked` gets whose strike it was, if
    /// it was one, and whether all could come before it.
    fn perform(
        account: &mut Account,
        deeds: Vec<(u64, Deed)>,
        mut looked: impl FnMut(&mut Account, Moment, Option<(String, bool)>) -> Result<(), TestCaseError>,
    ) -> Result<(), TestCaseError> {
        let (mut now, mut running) = (Moment::ZERO, Vec::<Pass>::new());
        let pick =
            |at: usize, running: &mut Vec<Pass>| (!running.is_empty()).then(|| running.swap_remove(at % running.len()));
        for (passed, deed) in deeds {
            now += Duration::from_millis(passed);
            let was_closed = account.phase(now) == BreakerPhase::Closed;
            let mut struck = None;
            match deed {
                Deed::Admit(client) => match account.admit(&format!("client-{client}"), now) {
                    Ok(pass) => running.push(pass),
                    Err(refused) => prop_assert!(!refused.retry_after.is_zero() && !refused.died_of.is_empty()),
                },
                Deed::Struck(at) => {
                    if let Some(pass) = pick(at, &mut running) {
                        account.struck(&pass, &panic(), now);
                        struck = Some((pass.client, was_closed));
                    }
                }
                Deed::Ended(at) => {
                    if let Some(pass) = pick(at, &mut running) {
                        account.ended(&pass, now);
                    }
                }
                Deed::Abandoned(at) => {
                    if let Some(pass) = pick(at, &mut running) {
                        account.abandoned(&pass, now);
                    }
                }
            }
            looked(account, now, struck)?;
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn too_few_clients_never_stop_all(seed: u64, clients in 1..3_usize, deeds in deeds(2)) {
            let mut account = Account::new(BreakerRules::default(), seed, HashSet::new());
            let deeds = deeds.into_iter().map(|(passed, deed)| match deed {
                Deed::Admit(client) => (passed, Deed::Admit(client % clients)),
                other => (passed, other),
            });
            perform(&mut account, deeds.collect(), |account, now, _| {
                prop_assert_eq!(account.phase(now), BreakerPhase::Closed);
                prop_assert!(account.admit("another", now).is_ok());
                Ok(())
            })?;
        }

        #[test]
        fn all_are_stopped_when_enough_clients_had_strikes(seed: u64, deeds in deeds(6)) {
            let rules = BreakerRules::default();
            let mut account = Account::new(rules.clone(), seed, HashSet::new());
            let mut strikes = Vec::<(String, Moment)>::new();
            perform(&mut account, deeds, |account, now, struck| {
                let phase = account.phase(now);
                if let Some((client, true)) = struck {
                    strikes.push((client, now));
                    strikes.retain(|(_, at)| now - *at < rules.window);
                    let distinct: HashSet<_> = strikes.iter().map(|(client, _)| client).collect();
                    prop_assert_eq!(phase != BreakerPhase::Closed, distinct.len() >= rules.strikes);
                }
                if phase != BreakerPhase::Closed {
                    strikes.clear();
                    prop_assert!(account.survey(now).alarm.is_some());
                }
                Ok(())
            })?;
        }

        #[test]
        fn it_is_bounded_and_comes_back(seed: u64, deeds in deeds(50)) {
            let rules = BreakerRules { clients: 5, ..BreakerRules::default() };
            let mut account = Account::new(rules, seed, HashSet::new());
            let (mut last, mut in_all) = (Moment::ZERO, 0);
            perform(&mut account, deeds, |account, now, struck| {
                in_all += u64::from(struck.is_some());
                let survey = account.survey(now);
                prop_assert!(account.clients.len() <= 5 && survey.refused_clients.len() <= 5);
                prop_assert_eq!(survey.strikes_in_all, in_all);
                last = now;
                Ok(())
            })?;
            let later = last + at(120);
            for client in 0..50 {
                let pass = account.admit(&format!("client-{client}"), later).unwrap();
                account.ended(&pass, later);
            }
            prop_assert_eq!(account.phase(later), BreakerPhase::Closed);
            prop_assert_eq!(account.survey(later).refused_clients, [""; 0]);
        }
    }
}
