//! When a plugin is taken out of service, and how it comes back.

use std::time::Duration;

use fastrand::Rng;

use super::clock::Moment;

/// How strikes are judged: crashes and the like, see [`crate::Fault::is_strike`].
#[derive(Debug, Clone, PartialEq)]
pub struct BreakerRules {
    /// So many strikes within the window open a breaker.
    pub strikes: usize,
    /// How long a strike counts.
    pub window: Duration,
    /// The first pause; each further one is twice as long.
    pub first_pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
    /// After so long without a strike all is well again.
    pub healthy: Duration,
    /// How many clients that had strikes are remembered; beyond it the one that had none for the longest is forgotten.
    pub clients: usize,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self {
            strikes: 3,
            window: Duration::from_secs(60),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            healthy: Duration::from_secs(60),
            clients: 1_000,
        }
    }
}

/// What a breaker does with those who come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerPhase {
    /// It lets all pass.
    Closed,
    /// It lets nobody pass before this time, counted from when the library was opened; then one run, as a probe.
    Open {
        /// When the pause is over; it may be past.
        until: Duration,
    },
    /// A probe is at work, and nobody else may pass.
    HalfOpen,
}

/// Counts strikes, opens when there are too many, and closes when a probe went well. Runs are told apart by their
/// numbers, so that one that began long before is not taken for the probe. Strikes of the same culprit `C` count once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Breaker<C> {
    state: State,
    /// How often it opened since all was well.
    times: u32,
    /// The last strike of each culprit; fewer than open the breaker.
    strikes: Vec<(C, Moment)>,
    random: Rng,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// Since when nothing has happened.
    Closed {
        calm_since: Moment,
    },
    Open {
        until: Moment,
    },
    HalfOpen {
        probe: u64,
        since: Moment,
    },
}

impl<C: PartialEq> Breaker<C> {
    /// A closed one. Its pauses vary a little, as the seed has it, so that not everything comes back at once.
    pub(crate) fn new(seed: u64) -> Self {
        let state = State::Closed { calm_since: Moment::ZERO };
        Self { state, times: 0, strikes: Vec::new(), random: Rng::with_seed(seed) }
    }

    /// After how long to come again, if nobody may pass now.
    pub(crate) fn refuses(&mut self, now: Moment, rules: &BreakerRules) -> Option<Duration> {
        self.settle(now, rules);
        match self.state {
            State::Closed { .. } => None,
            State::Open { until } => Some(until.saturating_sub(now)).filter(|wait| !wait.is_zero()),
            // When the probe ends is not known; if it goes on, it is as good as ended then.
            State::HalfOpen { since, .. } => {
                Some(since.saturating_add(rules.healthy).saturating_sub(now).min(rules.first_pause))
            }
        }
    }

    /// Lets the run of this number pass, or says after how long to come again.
    pub(crate) fn admit(&mut self, run: u64, now: Moment, rules: &BreakerRules) -> Result<(), Duration> {
        if let Some(wait) = self.refuses(now, rules) {
            return Err(wait);
        }
        if let State::Open { .. } = self.state {
            self.state = State::HalfOpen { probe: run, since: now };
        }
        Ok(())
    }

    /// A run had a strike that is this one's fault. Says whether the breaker opens with it.
    pub(crate) fn struck(&mut self, run: u64, culprit: C, now: Moment, rules: &BreakerRules) -> bool {
        self.settle(now, rules);
        let opens = match self.state {
            State::Closed { .. } => {
                self.state = State::Closed { calm_since: now };
                self.strikes.retain(|(other, at)| *other != culprit && now.saturating_sub(*at) < rules.window);
                self.strikes.push((culprit, now));
                self.strikes.len() >= rules.strikes
            }
            State::HalfOpen { probe, .. } => probe == run,
            State::Open { .. } => false,
        };
        if opens {
            self.open(now, rules);
        }
        opens
    }

    /// A run went well.
    pub(crate) fn ended(&mut self, run: u64, now: Moment, rules: &BreakerRules) {
        self.settle(now, rules);
        if self.is_probe(run) {
            self.state = State::Closed { calm_since: now };
        }
    }

    /// A run is gone, and nothing is said about it. If it was the probe, the next one to come is.
    pub(crate) fn abandoned(&mut self, run: u64, now: Moment, rules: &BreakerRules) {
        self.settle(now, rules);
        if self.is_probe(run) {
            self.state = State::Open { until: now };
        }
    }

    /// What it does with those who come now.
    pub(crate) fn phase(&mut self, now: Moment, rules: &BreakerRules) -> BreakerPhase {
        self.settle(now, rules);
        match self.state {
            State::Closed { .. } => BreakerPhase::Closed,
            State::Open { until } => BreakerPhase::Open { until },
            State::HalfOpen { .. } => BreakerPhase::HalfOpen,
        }
    }

    /// Whether this run is the probe.
    pub(crate) fn is_probe(&self, run: u64) -> bool {
        matches!(self.state, State::HalfOpen { probe, .. } if probe == run)
    }

    /// Whether it might as well be a new one.
    pub(crate) fn is_blank(&mut self, now: Moment, rules: &BreakerRules) -> bool {
        self.settle(now, rules);
        let is_old = |at: &Moment| now.saturating_sub(*at) >= rules.window;
        matches!(self.state, State::Closed { .. }) && self.times == 0 && self.strikes.iter().all(|(_, at)| is_old(at))
    }

    fn open(&mut self, now: Moment, rules: &BreakerRules) {
        let doubled = rules.first_pause.saturating_mul(1_u32.checked_shl(self.times).unwrap_or(u32::MAX));
        let varied = doubled.min(rules.longest_pause).saturating_mul(self.random.u32(80..=120)) / 100;
        self.times = self.times.saturating_add(1);
        self.strikes.clear();
        self.state = State::Open { until: now.saturating_add(varied.min(rules.longest_pause)) };
    }

    /// What time alone has brought about: a probe that goes on for so long is well, and so is who had no strike for so long.
    fn settle(&mut self, now: Moment, rules: &BreakerRules) {
        if let State::HalfOpen { since, .. } = self.state
            && now.saturating_sub(since) >= rules.healthy
        {
            self.state = State::Closed { calm_since: since.saturating_add(rules.healthy) };
        }
        if let State::Closed { calm_since } = self.state
            && now.saturating_sub(calm_since) >= rules.healthy
        {
            self.times = 0;
        }
    }
}

#[cfg(test)]
mod tests {
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
}
