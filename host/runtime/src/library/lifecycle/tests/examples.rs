//! What the machine does in some of the cases that matter most.

use super::*;

/// A machine with one plugin that serves.
fn serving() -> Sim {
    let mut sim = Sim::new();
    sim.write(0, Some("x"), 1, true);
    sim.rest();
    assert!(sim.live().contains_key("x"));
    sim
}

#[test]
fn a_plugin_whose_folder_is_renamed_serves_on() {
    let mut sim = serving();
    let before = sim.live();
    sim.play(&Op::Rename(0, 1));
    while !sim.machine.is_settled() || !sim.work.is_empty() {
        sim.now = sim.machine.next().max(sim.now);
        sim.tick();
        sim.deliver(0, false, false);
        assert_eq!(sim.live(), before);
    }
    assert_eq!(sim.machine.plugins()["x"].place.as_deref(), Some("b"));
}

#[test]
fn runs_of_a_former_version_are_told_to_end_when_its_time_is_over() {
    let mut sim = serving();
    sim.write(0, Some("x"), 2, true);
    sim.rest();
    let is_ending = |sim: &Sim| sim.machine.plugins()["x"].former[0].ending;
    sim.now += Timing::default().drain - Duration::from_secs(1);
    sim.tick();
    assert!(!is_ending(&sim));
    sim.now += Duration::from_secs(1);
    sim.tick();
    assert!(is_ending(&sim));
}

#[test]
fn a_version_that_fails_on_probation_makes_room_for_the_one_before() {
    let mut sim = serving();
    let before = sim.live();
    sim.write(0, Some("x"), 2, true);
    sim.rest();
    sim.survey("x", None, 1);
    assert_ne!(sim.live(), before);
    sim.survey("x", Some("it crashes"), 1);
    assert_eq!(sim.live(), before, "the one before stands by, and is the same generation");
    sim.now += Duration::from_secs(31);
    sim.tick();
    sim.rest();
    assert_eq!(sim.live(), before, "what lies there is not tried again");
    // One that failed is not taken as it was, if somebody wants it nevertheless.
    sim.machine.order(sim.now, "x", Order::Reload).map(|effects| sim.carry_out(effects)).unwrap();
    sim.rest();
    assert_eq!(sim.live()["x"].generation, 3);
}

#[test]
fn what_the_host_had_no_room_for_is_tried_again_later() {
    let mut sim = Sim::new();
    sim.write(0, Some("x"), 1, true);
    while !matches!(sim.work.first(), Some(Work::Examine(_))) {
        sim.now = sim.machine.next().max(sim.now);
        sim.tick();
        sim.deliver(0, false, false);
    }
    let failed_at = sim.now;
    sim.deliver(0, false, true);
    assert!(sim.work.iter().all(|work| matches!(work, Work::Look)), "not at once");
    sim.rest();
    assert!(sim.live().contains_key("x"));
    assert!(sim.now >= failed_at + Timing::default().retry);
}

#[test]
fn a_directory_that_was_away_is_soon_missed() {
    let mut sim = serving();
    let Timing { retry, quiet, .. } = Timing::default();
    sim.hear(Input::Stirred);
    for _ in 0..2 {
        sim.now = sim.machine.next();
        sim.tick();
        sim.deliver(0, false, true);
    }
    let since = sim.now;
    assert!(sim.machine.unreadable().is_some());
    // It comes back, and nobody tells.
    sim.files.insert("a", File { id: Some("x"), build: 2, good: true, fingerprint: 2 });
    sim.rest();
    assert!(sim.machine.unreadable().is_none() && sim.now <= since + retry + quiet);
    assert!(sim.live()["x"].hash.starts_with("x-2"));
}

#[test]
fn what_is_removed_is_forgotten() {
    let mut sim = serving();
    assert!(sim.machine.ledger().plugins.contains_key("x"));
    sim.play(&Op::Remove(0));
    sim.rest();
    assert_eq!(sim.machine.ledger(), Ledger::default());
}

/// As when a mount is exchanged: for a moment it cannot be read, and then it is empty.
#[test]
fn one_look_after_one_that_failed_withdraws_nothing() {
    let mut sim = serving();
    let file = sim.files.remove("a").unwrap();
    sim.hear(Input::Stirred);
    for has_failed in [true, false] {
        sim.now = sim.machine.next();
        sim.tick();
        sim.deliver(0, false, has_failed);
        assert!(sim.live().contains_key("x"));
    }
    sim.files.insert("a", file);
    sim.rest();
    assert!(sim.live().contains_key("x"));
}

#[test]
fn a_version_that_is_gone_back_to_takes_no_platform_from_another_plugin() {
    let mut sim = Sim::new();
    // The fourth build of each plugin wants the platform that they share, the fifth does not.
    sim.write(0, Some("x"), 4, true);
    sim.rest();
    sim.write(0, Some("x"), 5, true);
    sim.rest();
    sim.write(1, Some("y"), 4, true);
    sim.rest();
    let before = sim.live();
    assert!(before.contains_key("y"), "the platform was free");
    sim.survey("x", Some("it crashes"), 1);
    sim.rest();
    assert_eq!(sim.live(), before, "the version before stands by, and cannot take over");
    assert!(sim.machine.plugins()["x"].blocked.is_some());
    sim.files.remove("b");
    sim.hear(Input::Stirred);
    sim.rest();
    assert!(sim.live()["x"].hash.contains("-4-"), "now it can");
}
