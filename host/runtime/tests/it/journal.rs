//! Journals: written while a run goes on, replayed into a fresh one.

use std::io::{BufReader, Seek, Write};
use std::sync::Arc;
use std::time::Duration;

use hangar_runtime::contract::events::{EventBody, Start};
use hangar_runtime::journal::{Divergence, Entry, Header, Journal, JournalError, JournalWriter, Replay, replay};
use hangar_runtime::script::Script;
use hangar_runtime::{Behaviour, Granted, Limits, Run, RunSetup};
use serde_json::json;

use crate::stage::{KeptLog, Player, behaviour, behaviour_with, last_text, limits, statuses};
use crate::tour::{END_OF_REST, script, tour};

/// What a run is given that plays this script.
fn setup(script: &Script) -> RunSetup {
    RunSetup {
        info: script.info().clone(),
        blobs: script.blobs(),
        log: Arc::new(KeptLog::default()),
        granted: Granted::everything(),
    }
}

/// Plays a run to its end, as a host that keeps a journal does.
async fn journal_of(behaviour: &Behaviour, script: &Script, blobs: bool) -> Vec<u8> {
    let mut run = behaviour.start(setup(script)).unwrap();
    let mut journal = JournalWriter::begin(Vec::new(), &run, json!({"commands": ["*"]})).unwrap();
    if blobs {
        for (_, blob) in script.blobs().all() {
            journal.blob(&blob).unwrap();
        }
    }
    for event in script.events() {
        journal.event(event).unwrap();
        journal.outcome(&run.feed(event.clone()).await).unwrap();
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
        assert_eq!(replay.steps.len(), script().events().count());
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
    assert_eq!(divergence.seq(), 3, "only its last words are others");
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
    assert_eq!(divergence.seq(), 5, "where the tour looks at the screenshot");
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
    let none = "it does not begin with a `journal` line, which says what was running: it is no journal";
    let head = "{\"journal\":{\"version\":1,\"contract\":\"1.0.0\",\"component\":\"\"}}\n";
    let info = "{\"info\":{\"run_id\":\"r\"}}\n";
    for text in ["", info, &head[..20], &format!("\n{info}{head}")] {
        assert_eq!(complaint(text), none, "{text}");
    }
    assert_eq!(complaint(head), "the journal has no `info` line, which says what the run was given");
    let after = |text: &str| complaint(&format!("{head}{info}{text}\n"));
    assert!(after(r#"{"event":{"seq":0}}"#).starts_with("line 3 of the journal is damaged: missing field"));
    assert!(after(r#"{"evnt":1}"#).contains("line 3 of the journal is damaged: unknown variant `evnt`"));
    let early = r#"{"actions":{"count":1,"hash":""}}"#;
    assert!(after(early).ends_with("an outcome without an event before it"));
    let event = |seq: u32| format!(r#"{{"event":{{"seq":{seq},"time_ms":0,"body":"timer"}}}}"#);
    assert!(after(&event(1)).ends_with("event 1 stands where event 0 is due"));
    assert!(after(info).ends_with("a second `info`"));
    assert!(after(head).ends_with("`journal` must be the first line"));
    let fault = r#"{"fault":{"code":"panic","text":""}}"#;
    assert!(after(&format!("{}\n{fault}\n{}", event(0), event(1))).contains("after the fault"));
    let moved = |more: &str| format!(r#"{{"moved":{{"component":"","time_ms":0{more}}}}}"#);
    assert!(after(&format!("{}\n{fault}\n{}", event(0), moved(""))).contains("a move after the fault"));
    let snapshot = r#","snapshot":"AA==""#;
    assert!(after(&moved(snapshot)).ends_with("without one only before its start"));
    assert!(after(&format!("{}\n{early}\n{}", event(0), moved(""))).ends_with("without one only before its start"));
    let no_base64 = moved(r#","snapshot":"?""#);
    assert!(
        after(&format!("{}\n{early}\n{no_base64}", event(0))).starts_with("line 5 of the journal is damaged: Invalid")
    );
    let newer = head.replace("\"version\":1", "\"version\":2");
    assert!(matches!(Journal::read(newer.as_bytes()), Err(JournalError::Newer { found: 2 })));
}

/// The journal of the tour that is moved to itself before the first event and again while it rests, up to its end.
async fn moved_journal(behaviour: &Behaviour) -> (Vec<u8>, Run) {
    let script = script();
    let mut run = behaviour.start(setup(&script)).unwrap();
    let mut journal = JournalWriter::begin(Vec::new(), &run, json!(null)).unwrap();
    for (_, blob) in script.blobs().all() {
        journal.blob(&blob).unwrap();
    }
    for event in script.events() {
        // Wherever it can be moved it is, and where it cannot, nothing is written.
        if let Ok(handover) = run.move_to(behaviour, Granted::everything(), event.time_ms).await {
            journal.moved(&run, &handover, json!({"commands": ["*"]})).unwrap();
        }
        journal.event(event).unwrap();
        journal.outcome(&run.feed(event.clone()).await).unwrap();
    }
    (journal.finish().unwrap(), run)
}

#[tokio::test]
async fn a_run_that_was_moved_comes_back_from_its_last_move() {
    for language in ["rust", "python", "js"] {
        let behaviour = tour(language).await;
        let (bytes, _) = moved_journal(&behaviour).await;
        let journal = Journal::read(bytes.as_slice()).unwrap();
        let moves: Vec<usize> = journal.moves.iter().map(|(at, _)| *at).collect();
        assert_eq!(moves, [0, END_OF_REST], "{language}");
        let (_, moved) = journal.last_move().unwrap();
        assert_eq!((moved.format, &moved.component), (Some(1), &behaviour.hash().to_owned()), "{language}");
        assert!(moved.outstanding.iter().any(|(_, is_timer)| *is_timer), "it rests on a timer");

        let replay = replayed(&bytes, &behaviour).await;
        assert_eq!((replay.divergence, replay.fault, replay.component_changed), (None, None, false), "{language}");
        assert_eq!(replay.skipped, END_OF_REST);
        assert_eq!(replay.skipped + replay.steps.len(), journal.steps.len());
        assert_eq!(last_text(replay.steps.last().unwrap()), "The tour is over.");
        for line in String::from_utf8(bytes).unwrap().lines() {
            assert_eq!(serde_json::to_string(&serde_json::from_str::<Entry>(line).unwrap()).unwrap(), line);
        }
    }
}

#[tokio::test]
async fn a_run_that_was_moved_goes_on_under_the_same_rules() {
    let behaviour = behaviour("hostile/well-behaved").await;
    let later = self::behaviour("hostile/well-behaved-changed").await;
    let mut player = Player::new(&behaviour);
    let mut journal = JournalWriter::begin(Vec::new(), &player.run, json!(null)).unwrap();
    let start = player.run.event(player.now, 0, EventBody::Start(Start::default()));
    journal.event(&start).unwrap();
    journal.outcome(&player.run.feed(start).await).unwrap();
    let handover = player.run.move_to(&later, Granted::everything(), player.now).await.unwrap();
    journal.moved(&player.run, &handover, json!(null)).unwrap();
    // The process died before anything else was told.
    let bytes = journal.finish().unwrap();
    let mut replay = replayed(&bytes, &later).await;
    assert_eq!((replay.skipped, replay.steps.len(), replay.component_changed), (1, 0, false));
    assert_eq!(handover.outstanding, [(1, true)]);
    for token in 1..=3 {
        let event = |run: &Run| run.event(1_790_000_009_000, token, EventBody::Timer);
        let (told, again) = (event(&player.run), event(&replay.run));
        assert_eq!(told, again);
        assert_eq!(player.run.feed(told).await.unwrap(), replay.run.feed(again).await.unwrap());
    }
    assert!(replay.run.is_over());
    assert!(replayed(&bytes, &behaviour).await.component_changed, "the last one counts");
}

#[tokio::test]
async fn a_snapshot_that_is_not_taken_any_more_is_a_divergence() {
    let (bytes, _) = moved_journal(&tour("rust").await).await;
    let replay = replayed(&bytes, &tour("python").await).await;
    assert!(replay.run.is_over());
    assert_eq!(replay.steps.len(), 0);
    let divergence = replay.divergence.unwrap();
    assert!(matches!(&divergence, Divergence::Snapshot { seq: 20, why } if why.code == "guest"), "{divergence:?}");
    assert!(divergence.to_string().starts_with("the snapshot before event 20 was taken before"), "{divergence}");
}

#[tokio::test]
async fn a_replay_keeps_the_limits_of_then() {
    let polite = |bytes| behaviour_with("hostile/memory-polite", Limits { memory_bytes: bytes, ..limits() });
    let journal = short_journal(&polite(8 << 20).await, "now", 0).await;
    let text = String::from_utf8(journal).unwrap();
    let roomy = polite(64 << 20).await;
    let replay = replayed(text.as_bytes(), &roomy).await;
    assert_eq!((replay.divergence, replay.fault), (None, None));
    let header: Entry = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let Entry::Journal(Header { limits: Some(recorded), .. }) = header else { panic!("{header:?}") };
    assert_eq!((recorded.memory, recorded.blob_count), (8 << 20, 1_000));

    // Without them it notices that it may have more now.
    let start = text.find(",\"limits\":").unwrap();
    let end = start + text[start..].find('}').unwrap() + 1;
    let without = format!("{}{}", &text[..start], &text[end..]);
    assert!(replayed(without.as_bytes(), &roomy).await.divergence.is_some());
}
