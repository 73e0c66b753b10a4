//! Candidates that are played against what was: runs that went before, in their journals.

use std::fs;

use hangar_runtime::contract::events::{EventBody, Start};
use hangar_runtime::contract::session::RunInfo;
use hangar_runtime::contract::values::Part;
use hangar_runtime::journal::JournalWriter;
use hangar_runtime::library::Why;
use serde_json::Value;

use super::stage::{Published, Stage, greeter};
use crate::stage::{KeptLog, NOON};

/// The greeter serves, two of its runs have been written down, and this is the policy.
async fn after_two_runs(policy: &str) -> (Stage, Published) {
    let mut stage = Stage::with(|config| {
        config.journals = Some(config.directory.with_file_name("journals"));
        config.host = hangar_runtime::manifest::HostConfig::parse(&of_policy(policy)).unwrap();
    });
    let first = stage.begin_with_greeter().await;
    fs::create_dir_all(stage.path("journals/greeter")).unwrap();
    // One ends before the versions differ, the other one has the words in which they do.
    for (name, rings) in [("short", 2), ("whole", 3)] {
        write_journal(&stage, name, rings).await;
    }
    (stage, first)
}

fn of_policy(policy: &str) -> String {
    format!("[plugins.greeter]\nshadow = \"{policy}\"\n")
}

/// Plays a run on what serves, and keeps its journal, as the server does.
async fn write_journal(stage: &Stage, name: &str, rings: u32) {
    let generation = stage.library.catalog().plugin("greeter").unwrap().clone();
    let info = RunInfo { run_id: name.into(), platform: "linux".into(), settings: "{}".into(), ..RunInfo::default() };
    let log = std::sync::Arc::new(KeptLog::default());
    let mut run = stage.library.start(&generation, "desk", info, Default::default(), log).unwrap();
    let mut journal = JournalWriter::begin(Vec::new(), run.run(), Value::Null).unwrap();
    for token in 0..=rings {
        let start = Start { input: vec![Part::Text("hello".into())], ..Start::default() };
        let body = if token == 0 { EventBody::Start(start) } else { EventBody::Timer };
        let event = run.event(NOON + u64::from(token) * 1_000, token, body);
        journal.event(&event).unwrap();
        journal.outcome(&run.feed(event).await).unwrap();
    }
    fs::write(stage.path(format!("journals/greeter/{name}.jsonl")), journal.finish().unwrap()).unwrap();
}

const SUM: &str =
    "of 2 journals of former runs it answers 1 as before and 1 otherwise; 0 cannot be played, 0 were left out";
const PLACE: &str = "whole.jsonl: event 3 was answered otherwise than before: 2 actions with hash ";

#[tokio::test]
async fn off_means_that_nobody_looks() {
    let (mut stage, _) = after_two_runs("off").await;
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    assert_eq!(stage.published("greeter").await.notes, [""; 0]);
}

#[tokio::test]
async fn a_warning_is_a_note() {
    let (mut stage, first) = after_two_runs("warn").await;
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    let second = stage.published("greeter").await;
    assert_eq!((second.notes.len(), second.notes[0].as_str(), second.former), (2, SUM, Some(first.version)));
    assert!(second.notes[1].starts_with(PLACE), "{}", second.notes[1]);
    assert_eq!(stage.live("greeter").await.notes, second.notes);
}

#[tokio::test]
async fn who_must_answer_the_same_and_does_not_is_not_taken() {
    let (mut stage, first) = after_two_runs("require").await;
    let run = stage.run("greeter").await;
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    let rejected = stage.rejected().await;
    assert_eq!((rejected.stage, rejected.serving.as_ref()), ("shadow", Some(&first.version)));
    let [sum, place, remedy] = rejected.why.lines().collect::<Vec<_>>()[..] else { panic!("{rejected:?}") };
    assert!(sum == SUM && place.starts_with(PLACE), "{rejected:?}");
    let what = "mend it, or take out the journals that do not count any more, or set `shadow = \"warn\"`";
    assert_eq!(remedy, what);
    assert_eq!(stage.reason("greeter").await.as_ref(), Some(&rejected.why));
    assert_eq!(stage.run("greeter").await.finish().await, "goodbye");

    // Who answers the same is taken.
    stage.put("greeter", &greeter("1.0.0", "the same code"), "hostile/greeter");
    let same = stage.published("greeter").await;
    let sum =
        "of 2 journals of former runs it answers 2 as before and 0 otherwise; 0 cannot be played, 0 were left out";
    assert_eq!(same.notes, [sum]);
    assert_eq!(run.finish().await, "goodbye");
}

#[tokio::test]
async fn a_remedy_is_to_ask_for_less() {
    let (mut stage, _) = after_two_runs("require").await;
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    stage.rejected().await;
    stage.configure(&of_policy("warn")).await;
    let published = stage.published("greeter").await;
    assert_eq!((published.version.version.as_str(), published.why), ("1.1.0", Why::Files));
    assert_eq!(published.notes[0], SUM);
}

#[tokio::test]
async fn another_is_to_take_out_the_journal_and_load_again() {
    let (mut stage, _) = after_two_runs("require").await;
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    stage.rejected().await;
    fs::remove_file(stage.path("journals/greeter/whole.jsonl")).unwrap();
    stage.nothing_comes_of_it().await;
    stage.order("greeter", hangar_runtime::library::Order::Reload).await;
    assert_eq!(stage.published("greeter").await.version.version, "1.1.0");
}

#[tokio::test]
async fn journals_that_cannot_be_played_are_no_proof() {
    let (mut stage, _) = after_two_runs("require").await;
    for name in ["short", "whole"] {
        fs::write(stage.path(format!("journals/greeter/{name}.jsonl")), "no journal\n").unwrap();
    }
    stage.put("greeter", &greeter("1.0.0", "the same code"), "hostile/greeter");
    let rejected = stage.rejected().await;
    assert_eq!(rejected.stage, "shadow");
    let sum =
        "of 2 journals of former runs it answers 0 as before and 0 otherwise; 2 cannot be played, 0 were left out";
    assert!(rejected.why.starts_with(sum), "{rejected:?}");
}
