//! When to look at the directory: twice, with quiet between, so that a file which is being written is left alone.

use crate::library::clock::Moment;
use crate::library::timing::Timing;

/// Which of the two looks is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// What is there.
    First,
    /// Whether it is still the same.
    Second,
}

/// Waits for quiet after something has stirred.
#[derive(Debug)]
pub(super) struct Debounce(State);

#[derive(Debug, Clone, Copy)]
enum State {
    Idle,
    /// Something stirred; since `began` there was no quiet. If nothing else stirs, the first look is due.
    Waiting {
        began: Moment,
        due: Moment,
    },
    /// Looked once, and nothing stirred since. The second look is due.
    Looked {
        began: Moment,
        due: Moment,
    },
    /// One of the two looks is under way, which was due.
    Looking {
        began: Moment,
        due: Moment,
        which: Due,
        stirred: Option<Moment>,
    },
}

impl Debounce {
    /// Looks at once: at the start, and by order, there is nothing to wait for.
    pub(super) fn eager(now: Moment) -> Self {
        Self(State::Waiting { began: now, due: now })
    }

    /// Something has stirred in the directory.
    pub(super) fn stir(&mut self, now: Moment, timing: &Timing) {
        self.0 = match self.0 {
            State::Idle => wait(now, now, timing),
            // Where there is no quiet, patience ends some day. What is still being written the second look will show.
            looked @ State::Looked { began, .. } if now >= patience(began, timing) => looked,
            State::Waiting { began, .. } | State::Looked { began, .. } => wait(began, now, timing),
            State::Looking { began, due, which, .. } => State::Looking { began, due, which, stirred: Some(now) },
        };
    }

    /// Somebody does not want to wait for quiet. A look that is under way is brought to its end first.
    pub(super) fn hurry(&mut self, now: Moment, timing: &Timing) {
        match self.0 {
            State::Looking { .. } => self.stir(now, timing),
            _ => *self = Self::eager(now),
        }
    }

    /// The look that is due, which is taken to be under way from now on.
    pub(super) fn begin(&mut self, now: Moment) -> Option<Due> {
        let due = self.next().filter(|due| *due <= now)?;
        let (began, which) = match self.0 {
            State::Waiting { began, .. } => (began, Due::First),
            State::Looked { began, .. } => (began, Due::Second),
            State::Idle | State::Looking { .. } => return None,
        };
        self.0 = State::Looking { began, due, which, stirred: None };
        Some(which)
    }

    /// The look is over; says which one it was, if it still counts.
    pub(super) fn end(&mut self, now: Moment, timing: &Timing) -> Option<Due> {
        let State::Looking { began, due, which, stirred } = self.0 else { return None };
        self.0 = match (which, stirred) {
            (Due::First, Some(stirred)) if now < patience(began, timing) => wait(began, stirred, timing),
            // What the first look and the timers took is not waited for again, as long as there is some time between.
            (Due::First, _) => {
                let due = due.saturating_add(timing.quiet / 2).max(now.saturating_add(timing.quiet / 4));
                State::Looked { began, due }
            }
            (Due::Second, Some(stirred)) => wait(stirred, stirred, timing),
            (Due::Second, None) => State::Idle,
        };
        Some(which)
    }

    /// Whether a look is under way or to come.
    pub(super) fn is_at_work(&self) -> bool {
        !matches!(self.0, State::Idle)
    }

    /// When the next look is due.
    pub(super) fn next(&self) -> Option<Moment> {
        match self.0 {
            State::Idle | State::Looking { .. } => None,
            State::Waiting { due, .. } | State::Looked { due, .. } => Some(due),
        }
    }
}

/// Half of the quiet before the first look, half of it between the two.
fn wait(began: Moment, stirred: Moment, timing: &Timing) -> State {
    let due = stirred.saturating_add(timing.quiet / 2).min(patience(began, timing));
    State::Waiting { began, due }
}

/// When a first look is taken even though there was no quiet.
fn patience(began: Moment, timing: &Timing) -> Moment {
    began.saturating_add(timing.longest_unrest.saturating_sub(timing.quiet / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn ms(ms: u64) -> Moment {
        Duration::from_millis(ms)
    }

    /// Plays until nothing is due, with looks that take no time; the moments of all second looks.
    fn play(stirs: &[u64], until: u64) -> Vec<u64> {
        let timing = Timing::default();
        let mut debounce = Debounce(State::Idle);
        let mut looks = Vec::new();
        for now in 0..until {
            if stirs.contains(&now) {
                debounce.stir(ms(now), &timing);
            }
            while let Some(which) = debounce.begin(ms(now)) {
                assert_eq!(debounce.end(ms(now), &timing), Some(which));
                if which == Due::Second {
                    looks.push(now);
                }
            }
        }
        looks
    }

    #[test]
    fn quiet_is_waited_for() {
        assert_eq!(play(&[10], 5_000), [260]);
        assert_eq!(play(&[10, 100, 300], 5_000), [550]);
        assert_eq!(play(&[10, 1_000], 5_000), [260, 1_250]);
    }

    #[test]
    fn patience_ends() {
        let stirs: Vec<u64> = (0..6_000).step_by(50).collect();
        let looks = play(&stirs, 6_000);
        assert!((2..=3).contains(&looks.len()), "{looks:?}");
        assert!((1_875..=2_050).contains(&looks[0]), "{looks:?}");
    }

    #[test]
    fn at_the_start_one_does_not_wait_for_quiet() {
        let timing = Timing::default();
        let mut debounce = Debounce::eager(ms(0));
        assert_eq!(debounce.begin(ms(0)), Some(Due::First));
        assert_eq!(debounce.begin(ms(500)), None, "one look at a time");
        assert_eq!(debounce.end(ms(1), &timing), Some(Due::First));
        assert_eq!(debounce.next(), Some(ms(125)));
    }

    #[test]
    fn a_look_that_takes_long_puts_the_second_one_off() {
        let timing = Timing::default();
        for (end, second) in [(20, 125), (100, 162), (1_000, 1_062)] {
            let mut debounce = Debounce::eager(ms(0));
            debounce.begin(ms(0));
            debounce.end(ms(end), &timing);
            assert_eq!(debounce.next().map(|due| due.as_millis()), Some(second));
        }
    }

    #[test]
    fn what_stirs_during_a_look_is_looked_at_again() {
        let timing = Timing::default();
        for which in [Due::First, Due::Second] {
            let mut debounce = Debounce(State::Looking { began: ms(0), due: ms(0), which, stirred: None });
            debounce.stir(ms(10), &timing);
            assert_eq!(debounce.end(ms(20), &timing), Some(which));
            assert_eq!(debounce.next(), Some(ms(135)));
            assert_eq!(debounce.begin(ms(135)), Some(Due::First));
        }
    }
}
