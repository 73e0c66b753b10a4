//! Journals: written while a run goes on, replayed into a fresh one.

use std::io::{BufReader, Seek, Write};
use std::sync::Arc;
use std::time::Duration;

use hangar_runtime::contract::events::EventBody;
use hangar_runtime::journal::{Divergence, Entry, Journal, JournalError, JournalWriter, Replay, replay};
use hangar_runtime::{Behaviour, Granted, Limits, RunSetup};
use serde_json::json;

use crate::stage::{KeptLog, Player, behaviour, behaviour_with, last_text, statuses};
use crate::tour::{script, tour};

/// Plays a run to its end, as a host that keeps a journal does.
async fn journal_of(behaviour: &Behaviour, script: &Journal, blobs: bool) -> Vec<u8> {
    let setup = RunSetup {
        info: script.info.clone(),
        blobs: Arc::clone(&script.blobs),
        log: Arc::new(KeptLog::default()),
        granted: Granted::everything(),
    };
    let mut run = behaviour.start(setup).unwrap();
    let mut journal = JournalWriter::begin(Vec::new(), &run, json!({"commands": ["*"]})).unwrap();
    if blobs {
        for (_, blob) in script.blobs.all() {
            journal.blob(&blob).unwrap();
        }
    }
    for step in &script.steps {
        journal.event(&step.event).unwrap();
        let outcome = run.feed(step.event.clone()).await;
        journal.outcome(&outcome).unwrap();
    }
    journal.finish().unwrap()
}

/// The journal of a run of a fixture that is started with `request` and rung `rings` times.
async fn short_journal(behaviour: &Behaviour, request: &str, rings: u32) -> Vec<u8> {
    let mut player = Player::new(behaviour);
    let mut journal = JournalWriter::begin(Vec::new(), &player.run, json!(null)).unwrap();
    let start = serde_json::from_value(json!({"start": {"turn": 0, "input": [{"text": request}]}})).unwrap();
    let events = std::iter::once((0, start)).chain((1..=rings).map(|token| (token, EventBody::Timer)));
    for (token, body) in events {
        journal.event(&player.run.event(player.now + 1_000, token, body.clone())).unwrap();
        journal.outcome(&player.tell(token, body).await).unwrap();
    }
    journal.finish().unwrap()
}

async fn replayed(journal: &[u8], behaviour: &Behaviour) -> Replay {
    replay(&Journal::read(journal).unwrap(), behaviour, Granted::everything(), Arc::new(KeptLog::default()))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_journal_replays_in_every_language() {
    for language in ["rust", "python", "js"] {
        let behaviour = tour(language).await;
        let journal = journal_of(&behaviour, &script(), true).await;
        let replay = replayed(&journal, &behaviour).await;
        assert_eq!(replay.divergence, None, "{language}");
        assert_eq!(replay.fault, None, "{language}");
        assert!(!replay.component_changed);
        assert_eq!(replay.steps.len(), script().steps.len());
        assert_eq!(last_text(replay.steps.last().unwrap()), "The tour is over.");
    }
}

#[tokio::test]
async fn a_component_that_only_looks_different_may_take_over() {
    let journal = journal_of(&tour("rust").await, &script(), true).await;
    let replay = replayed(&journal, &tour("js").await).await;
    assert!(replay.component_changed);
    assert_eq!(replay.divergence, None);
}

#[tokio::test]
async fn a_changed_component_diverges_at_the_right_event() {
    let journal = short_journal(&behaviour("hostile/well-behaved").await, "hello", 3).await;
    let replay = replayed(&journal, &behaviour("hostile/well-behaved-changed").await).await;
    assert!(replay.component_changed);
    let divergence: Divergence = replay.divergence.unwrap();
    assert_eq!(divergence.seq, 3, "only its last words are others");
    assert!(
        divergence.to_string().starts_with("event 3 was answered otherwise than before: 2 actions with hash "),
        "{divergence}"
    );
    assert_eq!(replay.steps.len(), 3);
}

#[tokio::test]
async fn after_a_crash_the_run_goes_on_where_it_was() {
    let behaviour = behaviour("hostile/well-behaved").await;
    let journal = short_journal(&behaviour, "hello", 2).await;
    let whole = String::from_utf8(journal).unwrap();
    let lines: Vec<&str> = whole.lines().collect();

    // The process died after the last event was written, and in the middle of writing what came of it.
    let torn = format!("{}\n{}", lines[..lines.len() - 1].join("\n"), &lines[lines.len() - 1][..20]);
    let journal = Journal::read(torn.as_bytes()).unwrap();
    assert!(journal.torn);
    assert_eq!(journal.steps.last().unwrap().outcome, None);

    let mut replay = replayed(torn.as_bytes(), &behaviour).await;
    assert_eq!(replay.divergence, None);
    assert_eq!(statuses(replay.steps.last().unwrap()), ["timer 2"], "to be carried out now, since it never was");
    let event = replay.run.event(1_790_000_009_000, 3, EventBody::Timer);
    assert_eq!(last_text(&replay.run.feed(event).await.unwrap()), "goodbye");
}

#[tokio::test]
async fn a_fault_is_remembered_and_not_provoked_again() {
    let behaviour = behaviour("hostile/endless-loop").await;
    let journal = short_journal(&behaviour, "later", 1).await;
    let replay = replayed(&journal, &behaviour).await;
    assert_eq!(replay.divergence, None);
    assert_eq!(replay.fault.unwrap().code, "cpu-limit");
    assert_eq!(replay.steps.len(), 1);
    assert!(replay.run.is_over());
}

#[tokio::test]
async fn a_replay_has_all_the_time_it_needs() {
    let journal = short_journal(&behaviour("hostile/works-hard").await, "now 120", 0).await;
    assert!(String::from_utf8_lossy(&journal).contains("\"actions\""), "it is in time where there is time");
    let hurried =
        behaviour_with("hostile/works-hard", Limits { cpu_per_step: Duration::from_millis(20), ..Limits::default() })
            .await;
    let mut impatient = Player::new(&hurried);
    assert_eq!(impatient.start("now 120").await.unwrap_err().code(), "cpu-limit");
    let replay = replayed(&journal, &hurried).await;
    assert_eq!((replay.divergence, replay.fault), (None, None));
}

#[tokio::test]
async fn an_event_that_was_never_answered_gets_no_more_time_than_others() {
    let behaviour = behaviour("hostile/endless-loop").await;
    let journal = String::from_utf8(short_journal(&behaviour, "later", 1).await).unwrap();
    let (without_fault, _) = journal.trim_end().rsplit_once('\n').unwrap();
    let replay = replayed(format!("{without_fault}\n").as_bytes(), &behaviour).await;
    assert_eq!(replay.fault.unwrap().code, "cpu-limit");
}

#[tokio::test]
async fn a_journal_goes_on_behind_what_of_it_is_whole() {
    let behaviour = behaviour("hostile/well-behaved").await;
    let whole = short_journal(&behaviour, "hello", 1).await;
    for lost in [1, 20] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&whole[..whole.len() - lost]).unwrap();
        file.rewind().unwrap();
        let journal = Journal::read(BufReader::new(&file)).unwrap();
        assert!(journal.torn);
        let mut replay =
            replay(&journal, &behaviour, Granted::everything(), Arc::new(KeptLog::default())).await.unwrap();
        let mut writer = JournalWriter::resume(file, &journal).unwrap();
        writer.outcome(&Ok(replay.steps.pop().unwrap())).unwrap();
        let event = replay.run.event(1_790_000_009_000, 2, EventBody::Timer);
        writer.event(&event).unwrap();
        writer.outcome(&replay.run.feed(event).await).unwrap();
        let mut file = writer.finish().unwrap();
        file.rewind().unwrap();
        let journal = Journal::read(BufReader::new(&file)).unwrap();
        assert!(!journal.torn);
        assert_eq!(journal.steps.len(), 3);
        let replay =
            hangar_runtime::journal::replay(&journal, &behaviour, Granted::everything(), Arc::new(KeptLog::default()))
                .await
                .unwrap();
        assert_eq!((replay.divergence, replay.fault), (None, None));
    }
}

#[tokio::test]
async fn a_bundle_stands_for_itself() {
    let behaviour = tour("rust").await;
    let bare = journal_of(&behaviour, &script(), false).await;
    let bundle = journal_of(&behaviour, &script(), true).await;
    assert_eq!(replayed(&bundle, &behaviour).await.divergence, None);
    let divergence = replayed(&bare, &behaviour).await.divergence.unwrap();
    assert_eq!(divergence.seq, 5, "where the tour looks at the screenshot");
}

#[tokio::test]
async fn every_line_is_read_as_it_was_written() {
    let journal = journal_of(&tour("rust").await, &script(), true).await;
    for line in String::from_utf8(journal).unwrap().lines() {
        let entry: Entry = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&entry).unwrap(), line);
    }
}

#[test]
fn what_is_wrong_with_a_journal_is_said_with_its_line() {
    let complaint = |text: &str| Journal::read(text.as_bytes()).unwrap_err().to_string();
    let info = r#"{"info":{"run_id":"r"}}"#;
    assert_eq!(complaint(""), "the journal has no `info` line, which says what the run was given");
    assert!(
        complaint(&format!("{info}\n{{\"event\":{{\"seq\":0}}}}\n{info}"))
            .starts_with("line 2 of the journal is damaged: missing field")
    );
    assert!(
        complaint(&format!("{info}\n{{\"evnt\":1}}\n{info}"))
            .contains("line 2 of the journal is damaged: unknown variant `evnt`")
    );
    assert!(
        complaint(&format!("{info}\n{{\"actions\":{{\"count\":1,\"hash\":\"\"}}}}"))
            .ends_with("an outcome without an event before it")
    );
    let event = |seq: u32| format!(r#"{{"event":{{"seq":{seq},"time_ms":0,"body":"timer"}}}}"#);
    assert!(complaint(&format!("{info}\n{}", event(1))).ends_with("event 1 stands where event 0 is due"));
    assert!(complaint(&format!("{info}\n{info}")).ends_with("a second `info`"));
    let fault = r#"{"fault":{"code":"panic","text":""}}"#;
    assert!(complaint(&format!("{info}\n{}\n{fault}\n{}", event(0), event(1))).contains("after the fault"));
    let newer = r#"{"journal":{"version":2,"contract":"1.0.0","component":""}}"#;
    assert!(matches!(Journal::read(newer.as_bytes()), Err(JournalError::Newer { found: 2 })));
}
