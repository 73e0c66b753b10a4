use super::super::examine::tests::{RUNTIME, component};
use super::*;
use crate::contract::events::{EventBody, Start};
use crate::contract::session::RunInfo;
use crate::contract::values::Part;
use crate::journal::JournalWriter;
use crate::limits::Limits;
use crate::live::RunSetup;
use crate::manifest::Granted;
use crate::script::Script;

async fn behaviour(name: &str) -> Behaviour {
    RUNTIME.behaviour(component(name), Limits::default()).await.unwrap()
}

fn setup(info: RunInfo) -> RunSetup {
    RunSetup { info, blobs: Arc::default(), log: Arc::new(Silence), granted: Granted::everything() }
}

/// Writes the journal of a run that is started with `now` and rung so often. Each file is newer than the one before.
pub(in crate::library) async fn journal(path: &Path, name: &str, rings: u32) {
    write(path, &behaviour(name).await, rings, None).await;
}

async fn write(path: &Path, behaviour: &Behaviour, rings: u32, moved_at: Option<u32>) {
    let mut run = behaviour.start(setup(RunInfo { settings: "{}".into(), ..RunInfo::default() })).unwrap();
    let mut journal = JournalWriter::begin(Vec::new(), &run, Json::Null).unwrap();
    for token in 0..=rings {
        if moved_at == Some(token) {
            let handover = run.move_to(behaviour, Granted::everything(), 5).await.unwrap();
            journal.moved(&run, &handover, Json::Null).unwrap();
        }
        let start = Start { input: vec![Part::Text("now 3000".into())], ..Start::default() };
        let body = if token == 0 { EventBody::Start(start) } else { EventBody::Timer };
        let event = run.event(1_000, token, body);
        journal.event(&event).unwrap();
        journal.outcome(&run.feed(event).await).unwrap();
    }
    std::fs::write(path, journal.finish().unwrap()).unwrap();
}

async fn shadowed(name: &str, folder: &Path) -> Shadow {
    shadow(&behaviour(name).await, &Terms::everything(), folder).await.unwrap()
}

fn texts(told: &[Told]) -> Vec<String> {
    told.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_candidate_is_compared_with_what_was() {
    let folder = tempfile::tempdir().unwrap();
    journal(&folder.path().join("short.jsonl"), "hostile/well-behaved", 2).await;
    journal(&folder.path().join("long.jsonl"), "hostile/well-behaved", 3).await;
    let same = shadowed("hostile/well-behaved", folder.path()).await;
    assert_eq!((same.played, same.divergences.len(), same.unplayable.len(), same.left_out), (2, 0, 0, 0));
    let changed = shadowed("hostile/well-behaved-changed", folder.path()).await;
    assert_eq!((changed.played, changed.unplayable.len()), (2, 0));
    let texts = texts(&changed.divergences);
    assert!(
        matches!(texts.as_slice(), [one] if one.starts_with("long.jsonl: event 3 was answered otherwise")),
        "{texts:?}"
    );
}

#[tokio::test]
async fn what_cannot_be_played_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let nothing = shadowed("hostile/well-behaved", &path("nowhere")).await;
    assert_eq!((nothing.played, nothing.unplayable.len(), nothing.left_out), (0, 0, 0));

    std::fs::write(path("script.jsonl"), "{\"info\":{\"run_id\":\"r\"}}\n").unwrap();
    std::fs::write(path("notes.txt"), "no journal").unwrap();
    std::fs::create_dir(path("folder.jsonl")).unwrap();
    let huge = File::create(path("huge.jsonl")).unwrap();
    huge.set_len(JOURNAL_BYTES + 1).unwrap();
    let mut found = shadowed("hostile/well-behaved", folder.path()).await;
    found.unplayable.sort_by(|one, other| one.journal.cmp(&other.journal));
    assert_eq!((found.played, found.divergences.len()), (0, 0));
    let expected = [
        "huge.jsonl: the journal cannot be read: it has more than 64 MiB",
        "script.jsonl: it does not begin with a `journal` line, which says what was running: it is no journal",
    ];
    assert_eq!(texts(&found.unplayable), expected);
}

#[tokio::test]
async fn only_the_newest_journals_are_played() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("journal.jsonl");
    journal(&made, "hostile/well-behaved", 2).await;
    let text = std::fs::read(&made).unwrap();
    for age in 1..=40 {
        let name = format!("{age}.jsonl");
        // The oldest of them are no journals, which nobody will notice.
        std::fs::write(folder.path().join(&name), if age < 32 { &text[..] } else { b"damaged\n" }).unwrap();
        let then = SystemTime::now() - Duration::from_secs(60 * age);
        File::options().write(true).open(folder.path().join(&name)).unwrap().set_modified(then).unwrap();
    }
    let found = shadowed("hostile/well-behaved", folder.path()).await;
    assert_eq!((found.played, found.left_out), (32, 9));
    assert_eq!(found.unplayable, []);
}

#[tokio::test]
async fn a_run_that_was_moved_is_played_from_there() {
    let folder = tempfile::tempdir().unwrap();
    let of = behaviour("hostile/well-behaved").await;
    write(&folder.path().join("moved.jsonl"), &of, 3, Some(2)).await;
    assert_eq!(shadowed("hostile/well-behaved", folder.path()).await.played, 1);
    assert_eq!(shadowed("hostile/well-behaved-changed", folder.path()).await.divergences.len(), 1);
    let other = shadowed("hostile/panics", folder.path()).await;
    assert_eq!((other.played, other.divergences.len()), (0, 0));
    assert_eq!(texts(&other.unplayable), ["moved.jsonl: its run was moved with another snapshot format"]);
}

#[tokio::test]
async fn a_candidate_that_takes_too_long_answers_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    journal(&folder.path().join("a.jsonl"), "hostile/well-behaved", 0).await;
    let mut found = shadowed("hostile/endless-loop", folder.path()).await;
    // On a machine that gives it too little processor time nothing is said about the candidate, so it is asked again.
    for _ in 0..3 {
        if found.divergences.is_empty() {
            found = shadowed("hostile/endless-loop", folder.path()).await;
        }
    }
    assert_eq!(found.divergences.len(), 1, "{found:?}");
    assert!(found.divergences[0].text.contains("the fault cpu-limit"), "{:?}", found.divergences);
}

#[tokio::test]
async fn a_journal_without_its_blobs_speaks_against_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/tour/script.jsonl")).unwrap();
    let tour = behaviour("tour-rust").await;
    let mut run = tour.start(RunSetup { blobs: script.blobs(), ..setup(script.info().clone()) }).unwrap();
    let mut journal = JournalWriter::begin(Vec::new(), &run, Json::Null).unwrap();
    for event in script.events() {
        journal.event(event).unwrap();
        journal.outcome(&run.feed(event.clone()).await).unwrap();
    }
    std::fs::write(folder.path().join("tour.jsonl"), journal.finish().unwrap()).unwrap();
    let found = shadowed("tour-rust", folder.path()).await;
    assert_eq!((found.played, found.divergences.len()), (0, 0));
    assert_eq!(texts(&found.unplayable), ["tour.jsonl: its blobs are not all in it"]);
}
