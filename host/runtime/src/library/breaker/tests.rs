//! The breaker: its rules one by one, and all of them in any order of events.

use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Moment {
    Moment::from_secs(seconds)
}

fn rules() -> BreakerRules {
    BreakerRules::default()
}

/// One that three strikes have opened at this time, and when its pause is over.
fn opened(now: Moment) -> (Breaker<u64>, Moment) {
    let mut breaker = Breaker::new(7);
    for run in 0..3 {
        assert_eq!(breaker.struck(run, run, now, &rules()), run == 2);
    }
    let until = until(&mut breaker, now);
    (breaker, until)
}

fn until(breaker: &mut Breaker<u64>, now: Moment) -> Moment {
    match breaker.phase(now, &rules()) {
        BreakerPhase::Open { until } => until,
        other => panic!("{other:?}"),
    }
}

#[test]
fn three_strikes_within_the_window_open_it() {
    let mut breaker = Breaker::new(7);
    assert!(!breaker.struck(1, 1, at(0), &rules()));
    assert!(!breaker.struck(2, 2, at(30), &rules()));
    assert!(!breaker.struck(3, 3, at(60), &rules()), "the first does not count any more");
    assert_eq!(breaker.phase(at(60), &rules()), BreakerPhase::Closed);
    assert!(breaker.struck(4, 4, at(89), &rules()));
    assert!(matches!(breaker.phase(at(89), &rules()), BreakerPhase::Open { .. }));
}

#[test]
fn one_culprit_counts_once_and_its_last_strike_counts() {
    let mut breaker = Breaker::new(7);
    for run in 0..100 {
        assert!(!breaker.struck(run, "a", at(run), &rules()));
    }
    assert!(!breaker.struck(100, "b", at(100), &rules()));
    assert!(breaker.struck(101, "c", at(158), &rules()), "a at 99, b at 100");
}

#[test]
fn a_probe_that_ends_well_closes_it() {
    let (mut breaker, until) = opened(at(10));
    assert_eq!(breaker.admit(4, at(10), &rules()), Err(until - at(10)));
    assert_eq!(breaker.admit(4, until, &rules()), Ok(()));
    assert_eq!(breaker.phase(until, &rules()), BreakerPhase::HalfOpen);
    assert_eq!(breaker.admit(5, until, &rules()), Err(SECOND), "one at a time");
    breaker.ended(2, until, &rules());
    assert_eq!(breaker.phase(until, &rules()), BreakerPhase::HalfOpen, "another run says nothing");
    breaker.ended(4, until + SECOND, &rules());
    assert_eq!(breaker.admit(5, until + SECOND, &rules()), Ok(()));
    assert!(!breaker.struck(6, 6, until + SECOND, &rules()), "what was before is forgiven");
}

#[test]
fn a_probe_that_is_struck_opens_it_for_longer() {
    let (mut breaker, mut open_until) = opened(at(0));
    let mut now = at(0);
    for (run, pause) in [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0].into_iter().enumerate() {
        let (run, paused) = (run as u64 + 10, (open_until - now).as_secs_f64());
        assert!((pause * 0.8..=60_f64.min(pause * 1.2)).contains(&paused), "{paused} for {pause}");
        now = open_until;
        breaker.admit(run, now, &rules()).unwrap();
        assert!(!breaker.struck(3, 3, now, &rules()), "one that began before");
        assert!(breaker.struck(run, run, now, &rules()));
        open_until = until(&mut breaker, now);
    }
}

#[test]
fn pauses_vary_as_the_seed_has_it() {
    let pause = |seed| {
        let mut breaker = Breaker::new(seed);
        for run in 0..3 {
            breaker.struck(run, run, at(0), &rules());
        }
        until(&mut breaker, at(0))
    };
    assert_eq!(pause(7), pause(7));
    assert!((0..20).any(|seed| pause(seed) != pause(7)));
}

#[test]
fn a_dropped_probe_makes_room_at_once() {
    let (mut breaker, until) = opened(at(0));
    breaker.admit(4, until, &rules()).unwrap();
    breaker.abandoned(3, until, &rules());
    assert!(breaker.admit(5, until, &rules()).is_err());
    breaker.abandoned(4, until, &rules());
    assert_eq!(breaker.phase(until, &rules()), BreakerPhase::Open { until });
    assert_eq!(breaker.admit(5, until, &rules()), Ok(()));
    breaker.ended(4, until, &rules());
    assert_eq!(breaker.phase(until, &rules()), BreakerPhase::HalfOpen, "it is not the probe any more");
}

#[test]
fn a_probe_that_goes_on_counts_as_well() {
    let (mut breaker, until) = opened(at(0));
    breaker.admit(4, until, &rules()).unwrap();
    let half_a_second = Duration::from_millis(500);
    assert_eq!(breaker.admit(5, until + at(60) - half_a_second, &rules()), Err(half_a_second));
    assert_eq!(breaker.admit(5, until + at(60), &rules()), Ok(()));
    assert_eq!(breaker.phase(until + at(60), &rules()), BreakerPhase::Closed);
}

#[test]
fn health_resets_the_pause() {
    for (calm, longer) in [(59, true), (60, false)] {
        let (mut breaker, open_until) = opened(at(0));
        breaker.admit(4, open_until, &rules()).unwrap();
        breaker.ended(4, open_until, &rules());
        let now = open_until + at(calm);
        for run in 5..8 {
            breaker.struck(run, run, now, &rules());
        }
        assert_eq!(until(&mut breaker, now) - now > Duration::from_millis(1_500), longer, "{calm}");
    }
}

#[test]
fn what_is_closed_and_old_is_blank() {
    let mut breaker = Breaker::new(7);
    assert!(breaker.is_blank(at(0), &rules()));
    breaker.struck(1, 1, at(0), &rules());
    assert!(!breaker.is_blank(at(59), &rules()) && breaker.is_blank(at(60), &rules()));
    let (mut breaker, until) = opened(at(0));
    assert!(!breaker.is_blank(at(10_000), &rules()));
    breaker.admit(4, until, &rules()).unwrap();
    breaker.ended(4, until, &rules());
    assert!(!breaker.is_blank(until + at(59), &rules()) && breaker.is_blank(until + at(60), &rules()));
}

#[derive(Debug, Clone)]
enum Deed {
    Admit,
    Struck(usize),
    Ended(usize),
    Abandoned(usize),
}

fn deeds() -> impl Strategy<Value = Vec<(u64, Deed)>> {
    let deed = prop_oneof![
        3 => Just(Deed::Admit),
        3 => (0..9_usize).prop_map(Deed::Struck),
        1 => (0..9_usize).prop_map(Deed::Ended),
        1 => (0..9_usize).prop_map(Deed::Abandoned),
    ];
    let pause = prop_oneof![4 => 0..3_000_u64, 1 => 0..90_000_u64];
    proptest::collection::vec((pause, deed), 0..200)
}

proptest! {
    #[test]
    fn it_keeps_its_rules(seed: u64, deeds in deeds()) {
        let rules = rules();
        let mut breaker = Breaker::new(seed);
        let (mut now, mut next) = (Moment::ZERO, 0_u64);
        let (mut running, mut strikes) = (Vec::new(), Vec::new());
        let mut probe: Option<(u64, Moment)> = None;
        let mut open_until: Option<Moment> = None;
        for (passed, deed) in deeds {
            now += Duration::from_millis(passed);
            if probe.is_some_and(|(_, since)| now - since >= rules.healthy) {
                (probe, open_until) = (None, None);
            }
            let pick = |at: usize, running: &mut Vec<u64>| {
                (!running.is_empty()).then(|| running.remove(at % running.len()))
            };
            match deed {
                Deed::Admit => {
                    next += 1;
                    match breaker.admit(next, now, &rules) {
                        Ok(()) => {
                            prop_assert!(probe.is_none(), "there is one probe at a time");
                            prop_assert!(open_until.is_none_or(|until| now >= until), "it comes after the pause");
                            probe = open_until.map(|_| (next, now));
                            running.push(next);
                        }
                        Err(wait) => {
                            prop_assert!(!wait.is_zero() && wait <= rules.longest_pause);
                            prop_assert!(probe.is_some() || open_until == Some(now + wait));
                        }
                    }
                }
                Deed::Struck(at) => if let Some(run) = pick(at, &mut running) {
                    strikes.push(now);
                    strikes.retain(|at| now - *at < rules.window);
                    let closed = open_until.is_none();
                    let of_probe = probe.is_some_and(|(probe, _)| probe == run);
                    if !closed {
                        strikes.clear();
                    }
                    let opens = breaker.struck(run, run, now, &rules);
                    prop_assert_eq!(opens, of_probe || (closed && strikes.len() == rules.strikes));
                    if opens {
                        strikes.clear();
                        probe = None;
                        open_until = Some(until(&mut breaker, now));
                    }
                },
                Deed::Ended(at) => if let Some(run) = pick(at, &mut running) {
                    breaker.ended(run, now, &rules);
                    if probe.is_some_and(|(probe, _)| probe == run) {
                        (probe, open_until) = (None, None);
                    }
                },
                Deed::Abandoned(at) => if let Some(run) = pick(at, &mut running) {
                    breaker.abandoned(run, now, &rules);
                    if probe.is_some_and(|(probe, _)| probe == run) {
                        (probe, open_until) = (None, Some(now));
                    }
                },
            }
            let expected = match (probe, open_until) {
                (Some(_), _) => BreakerPhase::HalfOpen,
                (None, Some(until)) => BreakerPhase::Open { until },
                (None, None) => BreakerPhase::Closed,
            };
            prop_assert_eq!(breaker.phase(now, &rules), expected);
            prop_assert!(breaker.strikes.len() < rules.strikes);
        }
        // It comes back by itself, whatever was before.
        let later = now + rules.longest_pause + rules.healthy;
        prop_assert!(breaker.admit(next + 1, later, &rules).is_ok());
        breaker.ended(next + 1, later, &rules);
        prop_assert_eq!(breaker.phase(later, &rules), BreakerPhase::Closed);
    }

    #[test]
    fn looking_changes_nothing(seed: u64, deeds in deeds(), looks in proptest::collection::vec(0..3_000_u64, 200)) {
        let (mut seen, mut unseen) = (Breaker::new(seed), Breaker::new(seed));
        let (mut now, mut next) = (Moment::ZERO, 0_u64);
        for ((passed, deed), look) in deeds.into_iter().zip(looks) {
            seen.phase(now + Duration::from_millis(look.min(passed)), &rules());
            now += Duration::from_millis(passed);
            let both = [&mut seen, &mut unseen].map(|breaker| match deed {
                Deed::Admit => breaker.admit(next, now, &rules()).is_ok(),
                Deed::Struck(back) => breaker.struck(next.saturating_sub(back as u64), next, now, &rules()),
                Deed::Ended(back) => {
                    breaker.ended(next.saturating_sub(back as u64), now, &rules());
                    false
                }
                Deed::Abandoned(back) => {
                    breaker.abandoned(next.saturating_sub(back as u64), now, &rules());
                    false
                }
            });
            prop_assert_eq!(both[0], both[1]);
            next += 1;
        }
        seen.phase(now, &rules());
        unseen.phase(now, &rules());
        prop_assert_eq!(seen, unseen);
    }
}
