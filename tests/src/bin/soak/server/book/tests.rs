//! What adds up is left alone, and what does not is written down: a soak that cannot fail proves nothing.

use super::*;

const SESSION: &str = "s1";

struct Case {
    book: Book,
    now: Instant,
    device: Link,
    constellation: Link,
}

impl Case {
    /// Device 0 is there, and a constellation has asked it for a session.
    fn new() -> Self {
        let (mut book, now) = (Book::open(2), Instant::now());
        let (device, constellation) = (book.link(), book.link());
        book.device_up(0, device, now);
        book.asked(SESSION, Requester::Link(constellation), 0, now);
        Self { book, now, device, constellation }
    }

    fn end(&mut self, link: Link, device: Option<usize>, completed: bool) {
        let result = output_of(SESSION);
        let end = End { session: SESSION, completed, error: "", result: &result };
        self.book.ended(link, device, &end, self.now);
    }

    fn wrong(&self, what: &str) {
        assert!(self.book.wrongs().iter().any(|wrong| wrong.contains(what)), "{:?}", self.book.wrongs());
    }

    fn right(&self) {
        assert!(self.book.wrongs().is_empty(), "{:?}", self.book.wrongs());
    }
}

#[test]
fn a_session_that_ends_once_on_both_sides_is_right() {
    let mut case = Case::new();
    case.book.acknowledged(case.constellation, SESSION);
    assert!(case.book.commanded(0, case.device, SESSION));
    case.end(case.constellation, None, true);
    assert_eq!(case.book.going_on(), 1);
    case.end(case.device, Some(0), true);
    assert_eq!(case.book.going_on(), 0);
    case.book.look_over(case.now + TOLD_WITHIN * 2);
    case.right();
}

#[test]
fn a_second_end_is_wrong_on_either_side() {
    let mut case = Case::new();
    case.end(case.constellation, None, true);
    case.end(case.constellation, None, true);
    case.wrong("twice");
    let mut case = Case::new();
    case.end(case.device, Some(0), true);
    case.end(case.device, Some(0), true);
    case.wrong("twice");
}

#[test]
fn a_stranger_is_told_nothing() {
    let mut case = Case::new();
    let stranger = case.book.link();
    case.end(stranger, Some(1), true);
    case.wrong("none of its business");
    let mut case = Case::new();
    assert!(!case.book.commanded(1, stranger, SESSION));
    case.wrong("does not run there");
    let mut case = Case::new();
    case.book.acknowledged(stranger, SESSION);
    case.wrong("did not ask for");
}

#[test]
fn a_session_stays_on_one_connection() {
    let mut case = Case::new();
    assert!(case.book.commanded(0, case.device, SESSION));
    case.book.device_down(0, case.device, case.now);
    let later = case.book.link();
    case.book.device_up(0, later, case.now);
    assert!(!case.book.commanded(0, later, SESSION));
    case.wrong("does not run there");
}

#[test]
fn no_command_comes_after_the_end() {
    let mut case = Case::new();
    case.end(case.device, Some(0), true);
    assert!(!case.book.commanded(0, case.device, SESSION));
    case.wrong("after its end");
}

#[test]
fn failing_needs_a_reason() {
    let mut case = Case::new();
    case.end(case.constellation, None, false);
    case.wrong("without a reason");
    let mut case = Case::new();
    case.book.commanded(0, case.device, SESSION);
    case.book.device_down(0, case.device, case.now);
    case.end(case.constellation, None, false);
    assert_eq!(case.book.going_on(), 0);
    case.right();
    let mut case = Case::new();
    case.book.refused(case.constellation, SESSION, "no", false, case.now);
    case.wrong("refused without a reason");
}

#[test]
fn output_of_others_is_wrong() {
    let mut case = Case::new();
    let end = End { session: SESSION, completed: true, error: "", result: "[\"output of s2\"]" };
    case.book.ended(case.constellation, None, &end, case.now);
    case.wrong("did not write");
}

#[test]
fn whoever_is_not_told_is_noticed() {
    let mut case = Case::new();
    case.book.look_over(case.now + TOLD_WITHIN + Duration::from_secs(1));
    case.wrong("the requester of s1 is not told");
    let mut case = Case::new();
    case.book.commanded(0, case.device, SESSION);
    case.end(case.constellation, None, true);
    case.book.look_over(case.now + BOTH_WITHIN + Duration::from_secs(1));
    case.wrong("the device of s1 is not told");
}

#[test]
fn what_is_lost_is_told_soon() {
    let mut case = Case::new();
    case.book.commanded(0, case.device, SESSION);
    case.book.device_down(0, case.device, case.now);
    case.book.look_over(case.now + LOSS_WITHIN - Duration::from_secs(1));
    case.right();
    case.book.look_over(case.now + LOSS_WITHIN + Duration::from_secs(1));
    case.wrong("is not told that it was lost");
}

#[test]
fn a_frozen_device_excuses_what_it_is_given() {
    let mut case = Case::new();
    case.book.frozen(0, true);
    case.book.asked("s2", Requester::Link(case.constellation), 0, case.now);
    case.book.frozen(0, false);
    assert!(case.book.is_excused(SESSION) && case.book.is_excused("s2"));
    case.book.asked("s3", Requester::Link(case.constellation), 0, case.now);
    assert!(!case.book.is_excused("s3"));
}

#[test]
fn who_is_gone_is_not_waited_for() {
    let mut case = Case::new();
    case.book.constellation_down(case.constellation, case.now);
    assert_eq!(case.book.going_on(), 0);
    let mut case = Case::new();
    case.book.commanded(0, case.device, SESSION);
    case.book.constellation_down(case.constellation, case.now);
    assert_eq!(case.book.going_on(), 1, "the device is still to be told");
}

#[test]
fn dispatches_come_once_and_to_the_right_device() {
    let mut case = Case::new();
    case.book.dispatching("t", 0);
    assert!(case.book.offered(0, "t", "s0", case.now));
    case.book.dispatched("t", "s0", case.now);
    case.right();
    case.book.offered(0, "t", "s0", case.now);
    case.wrong("came before");
    let mut case = Case::new();
    case.book.dispatching("t", 0);
    case.book.offered(1, "t", "s0", case.now);
    case.wrong("another's");
    let mut case = Case::new();
    case.book.dispatching("t", 0);
    case.book.offered(0, "t", "s0", case.now);
    case.book.dispatched("t", "other", case.now);
    case.wrong("another session");
    let mut case = Case::new();
    case.book.offered(0, "t", "s0", case.now);
    case.wrong("nobody has dispatched");
}

#[test]
fn results_over_http_are_reported_once() {
    let mut case = Case::new();
    case.book.dispatching("t", 0);
    case.book.dispatched("t", "s0", case.now);
    let result = output_of("s0");
    let end = End { session: "s0", completed: true, error: "", result: &result };
    case.book.reported(&end, case.now);
    case.right();
    case.book.reported(&end, case.now);
    case.wrong("where it was not asked for");
}

#[test]
fn what_is_long_over_is_forgotten() {
    let mut case = Case::new();
    case.end(case.constellation, None, true);
    case.book.look_over(case.now + REMEMBERED + Duration::from_secs(1));
    assert!(case.book.sessions.is_empty());
    case.right();
}
