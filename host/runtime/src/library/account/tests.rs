//! The account: told what happens and when, it says who may come and what is wrong.

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
        let before = struck_before.iter().copied().map(ClientName::from).collect();
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
    assert_eq!(account.struck_clients(), ["a", "b"].map(ClientName::from).into());
}

#[test]
fn the_oldest_are_forgotten_first() {
    let rules = BreakerRules { clients: 2, strikes: 1_000, ..BreakerRules::default() };
    let names = |account: &Account| {
        let mut names: Vec<_> = account.struck_clients().iter().map(ToString::to_string).collect();
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
    let pass = account.admit(&*"n".repeat(10_000), at(0)).unwrap();
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
            Deed::Admit(client) => match account.admit(&*format!("client-{client}"), now) {
                Ok(pass) => running.push(pass),
                Err(refused) => prop_assert!(!refused.retry_after.is_zero() && !refused.died_of.is_empty()),
            },
            Deed::Struck(at) => {
                if let Some(pass) = pick(at, &mut running) {
                    account.struck(&pass, &panic(), now);
                    struck = Some((pass.client.to_string(), was_closed));
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
            let pass = account.admit(&*format!("client-{client}"), later).unwrap();
            account.ended(&pass, later);
        }
        prop_assert_eq!(account.phase(later), BreakerPhase::Closed);
        prop_assert_eq!(account.survey(later).refused_clients, [""; 0]);
    }
}
