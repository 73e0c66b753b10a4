//! One session through the whole contract, in three languages: the same events, the same actions, to the byte.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use hangar_runtime::contract::events::{Event, EventBody};
use hangar_runtime::script::Script;
use hangar_runtime::{Behaviour, Fault, Granted, Run, RunSetup};
use serde_json::Value;

use crate::stage::{KeptLog, Player, behaviour, last_text, statuses};

const LANGUAGES: [&str; 3] = ["rust", "python", "js"];

/// The event at which the tour ends its rest; before it, the tour can be moved.
pub const END_OF_REST: usize = 20;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The session: what the tour is told.
pub fn script() -> Script {
    Script::read(&root().join("examples/tour/script.jsonl")).unwrap()
}

/// What the tour does, an action in each line.
fn expected() -> String {
    fs::read_to_string(root().join("examples/tour/actions.jsonl")).unwrap()
}

pub async fn tour(language: &str) -> Behaviour {
    behaviour(&format!("tour-{language}")).await
}

fn begin(behaviour: &Behaviour, script: &Script) -> Run {
    let setup = RunSetup {
        info: script.info().clone(),
        blobs: script.blobs(),
        log: Arc::new(KeptLog::default()),
        granted: Granted::everything(),
    };
    behaviour.start(setup).unwrap()
}

fn events(script: &Script) -> impl Iterator<Item = Event> {
    script.events().cloned()
}

/// Feeds the run and gives what it does, an action in each line.
async fn play(run: &mut Run, events: impl Iterator<Item = Event>) -> String {
    let mut lines = String::new();
    for event in events {
        for action in run.feed(event).await.unwrap().actions() {
            lines += &serde_json::to_string(action).unwrap();
            lines.push('\n');
        }
    }
    lines
}

#[tokio::test]
async fn all_languages_do_the_same() {
    for language in LANGUAGES {
        let script = script();
        let mut run = begin(&tour(language).await, &script);
        let done = play(&mut run, events(&script)).await;
        assert!(run.is_over());
        for (line, (done, expected)) in done.lines().zip(expected().lines()).enumerate() {
            assert_eq!(done, expected, "{language}, action {line}");
        }
        assert_eq!(done, expected(), "{language}");
    }
}

#[tokio::test]
async fn the_tour_can_be_moved_while_it_rests() {
    for language in LANGUAGES {
        let (behaviour, script) = (tour(language).await, script());
        let mut run = begin(&behaviour, &script);
        let mut done = play(&mut run, events(&script).take(END_OF_REST)).await;
        for _ in 0..2 {
            run.move_to(&behaviour, Granted::everything(), 0)
                .await
                .unwrap_or_else(|fault| panic!("{language}: {fault}"));
        }
        done += &play(&mut run, events(&script).skip(END_OF_REST)).await;
        assert_eq!(done, expected(), "{language}");
    }
}

#[tokio::test]
async fn a_tour_that_does_not_rest_stays_where_it_is() {
    for language in LANGUAGES {
        let (behaviour, script) = (tour(language).await, script());
        let mut run = begin(&behaviour, &script);
        let mut done = play(&mut run, events(&script).take(3)).await;
        match run.move_to(&behaviour, Granted::everything(), 0).await {
            Err(Fault::Guest(failure)) => assert_eq!(failure.code, "unsupported", "{language}"),
            other => panic!("{language}: {other:?}"),
        }
        done += &play(&mut run, events(&script).skip(3)).await;
        assert_eq!(done, expected(), "{language}");
    }
}

#[tokio::test]
async fn a_snapshot_that_the_other_side_cannot_read_leaves_the_run_where_it_was() {
    for (from, to) in [("rust", "python"), ("python", "js"), ("js", "rust")] {
        let script = script();
        let mut run = begin(&tour(from).await, &script);
        let mut done = play(&mut run, events(&script).take(END_OF_REST)).await;
        match run.move_to(&tour(to).await, Granted::everything(), 0).await {
            Err(Fault::Guest(failure)) => assert_eq!(failure.code, "invalid", "{from} to {to}: {}", failure.text),
            other => panic!("{from} to {to}: {other:?}"),
        }
        done += &play(&mut run, events(&script).skip(END_OF_REST)).await;
        assert_eq!(done, expected(), "{from} to {to}");
    }
}

#[tokio::test]
async fn a_cancelled_tour_ends() {
    for language in LANGUAGES {
        let script = script();
        let mut run = begin(&tour(language).await, &script);
        play(&mut run, events(&script).take(7)).await;
        let event = run.event(1_790_000_009_000, 0, EventBody::Cancel("user_requested".into()));
        let step = run.feed(event).await.unwrap();
        assert_eq!(last_text(&step), "cancelled: The tour was cut short: user_requested", "{language}");
        assert!(run.is_over());
    }
}

#[tokio::test]
async fn a_tour_that_was_moved_can_be_cancelled() {
    for language in LANGUAGES {
        let (behaviour, script) = (tour(language).await, script());
        let mut run = begin(&behaviour, &script);
        play(&mut run, events(&script).take(END_OF_REST)).await;
        run.move_to(&behaviour, Granted::everything(), 0).await.unwrap();
        let event = run.event(1_790_000_009_000, 0, EventBody::Cancel("user_requested".into()));
        let step = run.feed(event).await.unwrap();
        assert_eq!(last_text(&step), "cancelled: The run was cancelled: user_requested", "{language}");
    }
}

#[tokio::test]
async fn another_process_does_the_same() {
    let digests: Vec<String> = (0..2).map(|_| digests_of_another_process()).collect();
    assert_eq!(digests[0].lines().count(), 3 * script().events().count());
    assert_eq!(digests[0], digests[1]);
    let mut own = String::new();
    for language in LANGUAGES {
        own += &digests_of(language).await;
    }
    assert_eq!(own, digests[0]);
}

/// Prints the digests of all steps, for [`another_process_does_the_same`].
#[tokio::test]
async fn digests() {
    for language in LANGUAGES {
        print!("{}", digests_of(language).await);
    }
}

async fn digests_of(language: &str) -> String {
    let script = script();
    let mut run = begin(&tour(language).await, &script);
    let mut lines = String::new();
    for event in events(&script) {
        let step = run.feed(event).await.unwrap();
        lines += &format!("{language} {}\n", step.digest());
    }
    lines
}

fn digests_of_another_process() -> String {
    let mut this_test = Command::new(std::env::current_exe().unwrap());
    let output = this_test.args(["--exact", "tour::digests", "--nocapture", "--test-threads=1"]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let digests =
        printed.lines().filter(|line| LANGUAGES.iter().any(|language| line.contains(&format!("{language} "))));
    // The harness prints the name of the test before the first line, without an end.
    digests.map(|line| format!("{}\n", line.trim_start_matches("test tour::digests ... "))).collect()
}

#[tokio::test]
async fn what_a_plugin_sees_of_the_world_follows_from_its_events_and_its_seed() {
    let behaviour = behaviour("hostile/reads-environment").await;
    let mut seen = Vec::new();
    for seed in ["one", "one", "two"] {
        let mut run = Player::new(&behaviour);
        run = Player::with(
            &behaviour,
            hangar_runtime::contract::session::RunInfo { seed: seed.into(), ..run.run.setup().info.clone() },
        );
        let first = statuses(&run.start("look").await.unwrap());
        let second = statuses(&run.ring(1).await.unwrap());
        assert_eq!(
            first[..4],
            ["variables: 0", "arguments: 0", "time: 1790000001000 ms", "passed since the last look: 0 ns"]
        );
        assert_eq!(
            second[2..5],
            ["time: 1790000002000 ms", "passed since the last look: 1000000000 ns", "passed during this look: 0 ns"]
        );
        assert_eq!(first[8], "stdin: 0 bytes");
        assert_ne!(first[5..7], second[5..7], "random numbers go on");
        seen.push((first, second));
    }
    assert_eq!(seen[0], seen[1], "the same seed, the same world");
    assert_ne!(seen[0].0[5..8], seen[2].0[5..8], "another seed, other numbers");
}

/// The tour is only worth its name if it leaves nothing out.
#[test]
fn the_tour_meets_every_event_and_every_action() {
    let mut met = BTreeSet::new();
    for line in fs::read_to_string(root().join("examples/tour/script.jsonl")).unwrap().lines() {
        met.extend(case_of(&serde_json::from_str::<Value>(line).unwrap()["event"]["body"]));
    }
    // It ends a run, so it has a test of its own above.
    met.insert("cancel".into());
    assert_eq!(met, cases("events.wit", "event-body"));

    let (mut met, mut emitted) = (BTreeSet::new(), BTreeSet::new());
    for line in expected().lines() {
        let action: Value = serde_json::from_str(line).unwrap();
        met.extend(case_of(&action["body"]));
        emitted.extend(case_of(&action["body"]["emit"]));
    }
    met.insert("fail".into());
    assert_eq!(met, cases("actions.wit", "action-body"));
    assert_eq!(emitted, cases("actions.wit", "emit"));
}

fn case_of(variant: &Value) -> Option<String> {
    match variant {
        Value::String(case) => Some(case.clone()),
        Value::Object(object) => object.keys().next().cloned(),
        _ => None,
    }
}

/// The cases of a variant in the contract, as the JSON form writes them.
fn cases(file: &str, variant: &str) -> BTreeSet<String> {
    let wit = fs::read_to_string(root().join("wit/v1").join(file)).unwrap();
    let body = wit.split(&format!("  variant {variant} {{\n")).nth(1).unwrap().split("\n  }").next().unwrap();
    let cases = body.lines().map(str::trim).filter(|line| !line.starts_with("///") && !line.is_empty());
    cases.map(|case| case.trim_end_matches(',').split('(').next().unwrap().replace('-', "_")).collect()
}
