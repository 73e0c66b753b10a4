//! Runs of real components: how they end, move and stay.

use std::future::ready;

use super::*;
use crate::contract::actions::ActionBody;
use crate::library::client_name::ClientName;
use crate::library::generation::{StartError, Survey};
use crate::library::stage::{self, Library, request};
use crate::limits::Limits;

const NOON: u64 = 1_790_000_000_000;

async fn tell(run: &mut PlacedRun, token: u32, body: EventBody) -> Result<Step, Fault> {
    let event = run.event(NOON, token, body);
    run.feed(event).await
}

/// A run that waits for its first timer.
async fn waiting(library: &Library, generation: &Arc<Generation>, client: &str) -> PlacedRun {
    let mut run = library.start(generation, client).unwrap();
    tell(&mut run, 0, request("later")).await.unwrap();
    run
}

fn last_text(step: &Step) -> &str {
    match step.actions().last().map(|action| &action.body) {
        Some(ActionBody::Finish(finish)) => &finish.text,
        other => panic!("the run did not finish: {other:?}"),
    }
}

/// Runs that are there, strikes, and runs that ended in order.
fn counts(library: &Library, generation: &Generation) -> (usize, u64, u64) {
    let Survey { runs, record, .. } = library.survey(generation);
    (runs, record.strikes_in_all, record.ended_well)
}

#[tokio::test]
async fn how_a_run_ends_goes_on_record() {
    let library = Library::new();
    let generation = library.behaviour("panics").await;
    let mut run = waiting(&library, &generation, "desk").await;
    assert_eq!(counts(&library, &generation), (1, 0, 0));
    assert_eq!(tell(&mut run, 1, EventBody::Timer).await.unwrap_err().code(), "panic");
    assert!(run.is_over());
    assert_eq!(counts(&library, &generation), (0, 1, 0), "a run that is over takes no place");
    assert_eq!(tell(&mut run, 1, EventBody::Timer).await.unwrap_err().code(), "over");
    drop(run);
    assert_eq!(counts(&library, &generation), (0, 1, 0), "it ends once");

    let mut run = waiting(&library, &generation, "desk").await;
    tell(&mut run, 0, EventBody::Cancel("enough".into())).await.unwrap();
    assert_eq!(counts(&library, &generation), (0, 1, 1), "it took its leave");
    drop(waiting(&library, &generation, "desk").await);
    assert_eq!(counts(&library, &generation), (0, 1, 1), "it was dropped");
}

#[tokio::test]
async fn a_mistake_of_the_host_costs_nothing() {
    let library = Library::new();
    let generation = library.behaviour("well-behaved").await;
    let mut run = waiting(&library, &generation, "desk").await;
    let again = Event { seq: 0, ..run.event(NOON, 0, request("later")) };
    assert_eq!(run.feed(again).await.unwrap_err().code(), "host");
    assert_eq!(counts(&library, &generation), (1, 0, 0));
    tell(&mut run, 1, EventBody::Timer).await.unwrap();
}

#[tokio::test]
async fn a_client_whose_runs_crash_is_refused_and_a_new_version_has_a_clean_record() {
    let library = Library::new();
    let [first, second] = library.versions(["panics", "panics"]).await;
    library.publish(&[&first]);
    for _ in 0..3 {
        let mut run = library.start(&first, "hostile").unwrap();
        tell(&mut run, 0, request("now")).await.unwrap_err();
    }
    let Err(StartError::Refused(refusal)) = library.start(&first, "hostile") else { panic!("it is let in") };
    let text = "plugin `plugin` pauses for this client: its runs failed, the last one so: the plugin panicked: the \
         fixture panics: 42; try again in ";
    assert!(refusal.why.starts_with(text), "{refusal}");
    waiting(&library, &first, "desk").await;
    assert_eq!(first.struck_clients(), [ClientName::from("hostile")].into());
    library.replace(&first, &second);
    waiting(&library, &first, "hostile").await;
}

#[tokio::test]
async fn a_run_moves_along_with_its_place() {
    let library = Library::new();
    let [first, second] = library.versions(["well-behaved", "well-behaved-changed"]).await;
    library.publish(&[&first]);
    let mut run = waiting(&library, &first, "desk").await;
    assert_eq!(run.move_along(NOON).await.unwrap(), None, "its version is live");
    library.replace(&first, &second);
    let moved = run.move_along(NOON).await.unwrap();
    let moved = moved.unwrap();
    assert_eq!((moved.from, moved.to), (first.number, second.number));
    library.rang().await;
    assert_eq!(run.generation().number, second.number);
    assert_eq!(run.run().behaviour().hash(), second.plugin.hash());
    assert_eq!((counts(&library, &first), counts(&library, &second)), ((0, 0, 0), (1, 0, 0)));
    assert_eq!(run.move_along(NOON).await.unwrap(), None);
    for token in 1..=2 {
        tell(&mut run, token, EventBody::Timer).await.unwrap();
    }
    assert_eq!(last_text(&tell(&mut run, 3, EventBody::Timer).await.unwrap()), "farewell");
    assert_eq!((counts(&library, &first), counts(&library, &second)), ((0, 0, 0), (0, 0, 1)));
    assert_eq!(library.survey(&second).record.began, 1);
}

#[tokio::test]
async fn a_run_moves_back_when_its_version_is_taken_back() {
    let library = Library::new();
    let [first, second] = library.versions(["well-behaved", "well-behaved-changed"]).await;
    library.publish(&[&second]);
    let mut run = waiting(&library, &second, "desk").await;
    library.replace(&second, &first);
    assert!(run.move_along(NOON).await.unwrap().is_some_and(|moved| moved.to == first.number));
}

#[tokio::test]
async fn a_run_that_has_not_begun_moves_too() {
    let library = Library::new();
    let [first, second] = library.versions(["save-fails", "well-behaved"]).await;
    library.publish(&[&first]);
    let mut run = library.start(&first, "desk").unwrap();
    library.replace(&first, &second);
    assert!(run.move_along(NOON).await.unwrap().is_some());
    tell(&mut run, 0, request("hello")).await.unwrap();
}

#[tokio::test]
async fn a_run_moves_only_where_it_may() {
    let library = Library::new();
    let version = |fixture| library.generation("plugin", fixture, Limits::default());
    let first = Arc::new(version("well-behaved").await);
    let mut run = waiting(&library, &first, "desk").await;
    let others = [
        Generation { on_reload: OnReload::Drain, ..version("well-behaved-changed").await },
        Generation { snapshot: Some(2), ..version("well-behaved-changed").await },
        Generation { snapshot: None, ..version("well-behaved-changed").await },
        Generation { id: "another".into(), ..version("well-behaved-changed").await },
        version("handler-panics").await,
    ];
    for other in others {
        library.replace(&first, &Arc::new(other));
        assert_eq!(run.move_along(NOON).await.unwrap(), None);
    }
    library.publish(&[]);
    assert_eq!(run.move_along(NOON).await.unwrap(), None);
    let plain = Arc::new(Generation { snapshot: None, ..version("well-behaved").await });
    let mut run = waiting(&library, &plain, "desk").await;
    library.replace(&plain, &Arc::new(Generation { snapshot: None, ..version("well-behaved-changed").await }));
    assert_eq!(run.move_along(NOON).await.unwrap(), None);
}

#[tokio::test]
async fn a_run_does_not_move_to_a_version_that_refuses_its_client() {
    let library = Library::new();
    let [first, second] = library.versions(["well-behaved", "well-behaved-changed"]).await;
    let mut run = waiting(&library, &first, "hostile").await;
    let mut another = waiting(&library, &first, "desk").await;
    (0..3).for_each(|_| second.service.enter("hostile").unwrap().faulted(&Fault::StackOverflow));
    library.replace(&first, &second);
    assert_eq!(run.move_along(NOON).await.unwrap(), None);
    assert_eq!(run.unreachable, None, "it may come later");
    assert!(another.move_along(NOON).await.unwrap().is_some());
}

#[tokio::test]
async fn a_run_that_cannot_be_saved_stays_and_is_asked_once() {
    let library = Library::new();
    let [first, second] = library.versions(["save-fails", "well-behaved"]).await;
    let mut run = waiting(&library, &first, "desk").await;
    library.replace(&first, &second);
    assert_eq!(run.move_along(NOON).await.unwrap(), None);
    assert_eq!(run.unreachable, Some(second.number));
    assert_eq!(run.move_along(NOON).await.unwrap(), None);
    assert_eq!((counts(&library, &first), counts(&library, &second)), ((1, 0, 0), (0, 0, 0)));
    assert_eq!(last_text(&tell(&mut run, 1, EventBody::Timer).await.unwrap()), "nothing happened");
    assert_eq!(library.survey(&second).record.began, 0);
}

#[tokio::test]
async fn a_run_that_says_not_now_is_asked_again() {
    let library = Library::new();
    let [first, second] = library.versions(["panics", "well-behaved"]).await;
    let mut run = waiting(&library, &first, "desk").await;
    library.replace(&first, &second);
    assert_eq!(run.move_along(NOON).await.unwrap(), None);
    assert!(run.unreachable.is_none() && run.target().is_some());
    assert_eq!((counts(&library, &first), counts(&library, &second)), ((1, 0, 0), (0, 0, 0)));
}

#[tokio::test]
async fn a_run_moves_when_there_is_room() {
    let library = Library::with_runtime(stage::runtime(2));
    let [first, second] = library.versions(["well-behaved", "well-behaved-changed"]).await;
    let mut run = waiting(&library, &first, "desk").await;
    let another = waiting(&library, &first, "lab").await;
    library.replace(&first, &second);
    assert_eq!(run.move_along(NOON).await.unwrap(), None);
    drop(another);
    assert!(run.move_along(NOON).await.unwrap().is_some());
}

#[tokio::test]
async fn a_crash_in_restore_is_a_strike_of_the_newer_version() {
    let library = Library::new();
    let [first, second] = library.versions(["restore-panics", "restore-panics"]).await;
    let mut run = waiting(&library, &first, "desk").await;
    library.replace(&first, &second);
    assert_eq!(run.move_along(NOON).await.unwrap(), None);
    assert_eq!((counts(&library, &first), counts(&library, &second)), ((1, 0, 0), (0, 1, 0)));
    assert_eq!(run.move_along(NOON).await.unwrap(), None);
    assert_eq!(counts(&library, &second), (0, 1, 0), "it is not tried again");
    assert_eq!(last_text(&tell(&mut run, 1, EventBody::Timer).await.unwrap()), "nothing happened");
    assert_eq!(counts(&library, &first), (0, 0, 1));
}

#[tokio::test]
async fn a_crash_in_save_ends_the_run_and_is_a_strike_of_its_version() {
    let library = Library::new();
    let little = Limits { memory_bytes: 8 << 20, ..Limits::default() };
    let first = Arc::new(library.generation("plugin", "huge-snapshot", little).await);
    let second = Arc::new(library.generation("plugin", "well-behaved", Limits::default()).await);
    let mut run = waiting(&library, &first, "desk").await;
    library.replace(&first, &second);
    assert_eq!(run.move_along(NOON).await.unwrap_err().code(), "memory-limit");
    assert!(run.is_over());
    assert_eq!((counts(&library, &first), counts(&library, &second)), ((0, 1, 0), (0, 0, 0)));
    library.rang().await;
    assert_eq!(run.move_along(NOON).await.unwrap(), None, "it is over");
}

#[test]
fn a_move_that_is_abandoned_speaks_against_nobody() {
    // One thread for steps, which is kept busy: no move gets to its end before it is abandoned.
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    tokio.block_on(async {
        let library = Library::new();
        let [first, second] = library.versions(["well-behaved", "well-behaved-changed"]).await;
        let mut run = waiting(&library, &first, "desk").await;
        library.replace(&first, &second);
        let (free, busy) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || busy.recv());
        tokio::select! {
            biased;
            _ = run.move_along(NOON) => panic!("it is done"),
            () = ready(()) => {}
        }
        free.send(()).unwrap();
        assert!(run.is_over());
        assert_eq!((counts(&library, &first), counts(&library, &second)), ((1, 0, 0), (0, 0, 0)));
        drop(run);
        assert_eq!(counts(&library, &first), (0, 0, 0));
    });
}

#[tokio::test]
async fn a_run_is_told_when_the_time_of_its_version_is_over() {
    let library = Library::new();
    let generation = library.behaviour("well-behaved").await;
    let mut run = waiting(&library, &generation, "desk").await;
    let told = run.told_to_end();
    tell(&mut run, 1, EventBody::Timer).await.unwrap();
    generation.set_standing(Standing::Ending);
    told.await;
}
