//! How many may live at once, and what becomes of the others while some are busy.

use hangar_runtime::{Allocation, Behaviour, Granted, Limits, Runtime, RuntimeConfig};

use crate::stage::{Player, RUNTIME, behaviour, last_text, limits, plugin, runtime, statuses, target};

async fn well_behaved(runtime: &Runtime) -> Behaviour {
    runtime.behaviour(plugin("hostile/well-behaved"), limits()).await.unwrap()
}

/// A run to its end.
async fn whole_run(behaviour: &Behaviour) {
    let mut run = Player::new(behaviour);
    assert_eq!(statuses(&run.start("hello").await.unwrap()), ["hello"]);
    run.ring(1).await.unwrap();
    run.ring(2).await.unwrap();
    assert_eq!(last_text(&run.ring(3).await.unwrap()), "goodbye");
}

#[tokio::test]
async fn who_does_not_fit_is_told_at_once() {
    let runtime = runtime(2);
    let behaviour = well_behaved(&runtime).await;
    assert_eq!((runtime.max_live_instances(), runtime.live_instances()), (2, 0), "loading leaves nothing behind");

    let mut one = Player::new(&behaviour);
    let other = Player::new(&behaviour);
    one.start("hello").await.unwrap();
    assert_eq!(runtime.live_instances(), 2);
    let setup = one.run.setup().clone();
    let fault = behaviour.start(setup.clone()).err().unwrap();
    assert_eq!((fault.code(), fault.is_strike()), ("overloaded", false));
    assert_eq!(fault.to_string(), "all 2 places for plugin instances are taken; try again later");

    let fault = one.run.move_to(&behaviour, Granted::everything(), one.now).await.unwrap_err();
    assert_eq!(fault.code(), "overloaded", "for a moment a move needs a place more");
    drop(other);
    assert_eq!(runtime.live_instances(), 1);
    one.run.move_to(&behaviour, Granted::everything(), one.now).await.unwrap();
    assert_eq!(runtime.live_instances(), 1);
}

#[tokio::test]
async fn a_run_that_is_over_leaves_its_place() {
    let runtime = runtime(1);
    let behaviour = well_behaved(&runtime).await;
    let mut run = Player::new(&behaviour);
    for token in 0..=3 {
        assert_eq!(runtime.live_instances(), 1);
        let step = if token == 0 { run.start("hello").await } else { run.ring(token).await };
        assert_eq!(step.unwrap().ends(), token == 3);
    }
    assert_eq!(runtime.live_instances(), 0, "although the run is still held");

    let panics = runtime.behaviour(plugin("hostile/panics"), limits()).await.unwrap();
    let mut run = Player::new(&panics);
    run.start("now").await.unwrap_err();
    assert_eq!(runtime.live_instances(), 0);
    whole_run(&behaviour).await;
}

#[tokio::test]
async fn places_can_be_used_again_and_again() {
    let runtime = runtime(2);
    let behaviour = well_behaved(&runtime).await;
    assert_eq!(runtime.allocation(), &Allocation::Pooling { instances: 2 });
    for _ in 0..50 {
        tokio::join!(whole_run(&behaviour), whole_run(&behaviour));
    }
    assert_eq!(runtime.live_instances(), 0);
}

#[tokio::test]
async fn without_a_pool_everything_works_too() {
    let cache = Some(target().join("plugin-cache"));
    let config = RuntimeConfig { max_live_instances: Some(2), cache, pooling: false };
    let runtime = Runtime::new(&config).unwrap();
    assert_eq!(runtime.allocation(), &Allocation::OnDemand { why: "it is switched off".into() });
    whole_run(&well_behaved(&runtime).await).await;
    assert_eq!(runtime.live_instances(), 0);
}

#[tokio::test]
async fn others_make_progress_while_some_spin() {
    let (spinning, behaviour) = (behaviour("hostile/endless-loop").await, behaviour("hostile/well-behaved").await);
    let spinners: Vec<_> = (0..8)
        .map(|_| {
            let mut run = Player::new(&spinning);
            tokio::spawn(async move { run.start("now").await.unwrap_err() })
        })
        .collect();
    whole_run(&behaviour).await;
    assert!(spinners.iter().all(|spinner| !spinner.is_finished()));
    for spinner in spinners {
        assert_eq!(spinner.await.unwrap().code(), "cpu-limit");
    }
}

#[tokio::test]
async fn who_spins_in_many_runs_gets_strikes_and_leaves_room_for_others() {
    let spinning = RUNTIME.behaviour(plugin("hostile/endless-loop"), Limits::default()).await.unwrap();
    let mut honest = Player::new(&behaviour("hostile/well-behaved").await);
    let spinners: Vec<_> = (0..16)
        .map(|_| {
            let mut player = Player::new(&spinning);
            tokio::spawn(async move { player.start("now").await.unwrap_err() })
        })
        .collect();
    tokio::task::yield_now().await;
    honest.start("hello").await.unwrap();
    honest.ring(1).await.unwrap();
    assert!(spinners.iter().any(|spinner| !spinner.is_finished()), "the honest one did not have to wait for all");
    for spinner in spinners {
        let fault = spinner.await.unwrap();
        assert_eq!((fault.code(), fault.is_strike()), ("cpu-limit", true));
    }
}
