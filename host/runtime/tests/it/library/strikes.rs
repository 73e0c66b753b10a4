//! Versions and clients that go wrong, and how the others fare meanwhile.

use std::fs;
use std::time::Duration;

use hangar_runtime::library::{
    BreakerRules, BreakerWord, Change, LibraryConfig, Order, Refusal, Standing, StartError, State, Timing, VersionName,
    Why,
};

use super::stage::{PATIENCE, Published, Stage, Visit, greeter, timing};
use crate::stage::plugin;

/// Short pauses, for tests that wait until one is over.
fn short_pauses(config: &mut LibraryConfig) {
    config.breaker = BreakerRules { first_pause: Duration::from_millis(300), ..BreakerRules::default() };
}

/// The greeter, and then a version of it whose every run panics.
async fn crashing(stage: &mut Stage) -> (Published, Published) {
    let first = stage.begin_with_greeter().await;
    stage.put("greeter", &greeter("1.2.0", ""), "hostile/greeter-panics");
    (first, stage.published("greeter").await)
}

/// A run that panics at once.
async fn strike(stage: &Stage, id: &str, client: &str) {
    let mut run = stage.start(id, client).unwrap();
    assert_eq!(run.request("now").await.unwrap_err().code(), "panic");
}

fn refusal(outcome: Result<Visit, StartError>) -> Refusal {
    match outcome {
        Err(StartError::Refused(refusal)) => refusal,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it begins"),
    }
}

async fn set_aside(stage: &mut Stage) -> (VersionName, String) {
    let set_aside = stage.until(|change| match change {
        Change::SetAside { version, why } => Some((version.clone(), why.clone())),
        Change::Published { .. } => panic!("{change}"),
        _ => None,
    });
    set_aside.await
}

async fn breaker(stage: &mut Stage) -> (BreakerWord, String) {
    stage
        .until(|change| match change {
            Change::Breaker { state, why, .. } => Some((*state, why.clone())),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_version_that_crashes_for_all_is_rolled_back_by_itself() {
    let mut stage = Stage::open();
    let (first, second) = crashing(&mut stage).await;
    assert_eq!(stage.live("greeter").await.state, State::OnProbation);

    // Clients go on asking, each as soon as it was let down.
    let clients: Vec<_> = (0..8)
        .map(|client| {
            let (library, client) = (stage.library.clone(), format!("client-{client}"));
            tokio::spawn(async move {
                let mut let_down = 0;
                loop {
                    let generation = library.catalog().plugin("greeter").unwrap().clone();
                    match Visit::begin(&library, &generation, &client) {
                        Ok(mut run) => match run.request("now").await {
                            Ok(_) => return (let_down, run),
                            Err(fault) => assert_eq!(fault.to_string(), "the plugin panicked: the greeter panics"),
                        },
                        Err(StartError::Refused(refusal)) => {
                            assert!(refusal.why.contains("; try again in "), "{refusal}");
                        }
                        Err(other) => panic!("{other}"),
                    }
                    let_down += 1;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();

    let why = set_aside(&mut stage).await;
    assert_eq!(why.0, second.version);
    let after = why.1.strip_prefix("it failed for 3 clients within 60s, the last time for `client-");
    assert!(after.is_some_and(|after| after.ends_with("`: the plugin panicked: the greeter panics")), "{}", why.1);
    let back = stage.published("greeter").await;
    assert_eq!(
        (&back.version, back.why, back.former.as_ref()),
        (&first.version, Why::RolledBack, Some(&second.version))
    );

    for client in clients {
        let (_, run) = tokio::time::timeout(PATIENCE, client).await.unwrap().unwrap();
        assert_eq!(run.generation(), first.version.generation);
        assert_eq!(run.finish().await, "goodbye");
    }
    let status = stage.plugin("greeter").await;
    assert_eq!(status.reason.as_ref(), Some(&why.1));
    let struck = status.history.iter().find(|past| past.hash == second.version.hash).unwrap();
    assert_eq!(struck.set_aside.as_ref(), Some(&why.1));
    assert_eq!(status.live.unwrap().strikes_in_all, 0);

    // The file is still there, and written again it is still the same.
    stage.nothing_comes_of_it().await;
    stage.put("greeter", &greeter("1.2.0", ""), "hostile/greeter-panics");
    stage.nothing_comes_of_it().await;
    assert_eq!(stage.live("greeter").await.hash, first.version.hash);
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    assert_eq!(stage.published("greeter").await.why, Why::Files);
    assert_eq!(stage.run("greeter").await.finish().await, "farewell");
}

#[tokio::test]
async fn a_version_that_crashes_for_its_only_client_is_rolled_back_as_well() {
    let mut stage = Stage::open();
    let (first, second) = crashing(&mut stage).await;
    for _ in 0..3 {
        strike(&stage, "greeter", "desk").await;
    }
    let (version, why) = set_aside(&mut stage).await;
    let text = "it fails again and again for `desk`, where the version before it did not, and has served nobody else: \
        the plugin panicked: the greeter panics";
    assert_eq!((version, why.as_str()), (second.version, text));
    assert_eq!(stage.published("greeter").await.version, first.version);
    assert_eq!(stage.run("greeter").await.finish().await, "goodbye");
}

#[tokio::test]
async fn two_versions_in_a_row_that_crash_are_both_rolled_back() {
    let folder = std::sync::Arc::new(tempfile::tempdir().unwrap());
    fs::create_dir(folder.path().join("plugins")).unwrap();
    let state = Some(folder.path().join("state"));
    let mut stage = Stage::on(&folder, &crate::stage::RUNTIME, |config| config.state = state);
    let (first, second) = crashing(&mut stage).await;
    stage.put("greeter", &greeter("1.2.0", "not mended"), "hostile/greeter-panics");
    let third = stage.published("greeter").await;
    for bad in [&third, &second] {
        for client in ["a", "b", "c"] {
            strike(&stage, "greeter", client).await;
        }
        assert_eq!(set_aside(&mut stage).await.0.hash, bad.version.hash);
        assert_eq!(stage.published("greeter").await.why, Why::RolledBack);
    }
    assert_eq!(stage.live("greeter").await.hash, first.version.hash);
    assert_eq!(stage.run("greeter").await.finish().await, "goodbye");
}

#[tokio::test]
async fn a_version_that_was_struck_begins_anew_when_it_is_loaded_again() {
    let mut stage = Stage::open();
    let (first, second) = crashing(&mut stage).await;
    // This one waits for its timer, and keeps the version there.
    let mut waiting = stage.start("greeter", "desk").unwrap();
    waiting.request("later").await.unwrap();
    for round in 0..2 {
        for client in ["a", "b", "c"] {
            strike(&stage, "greeter", client).await;
        }
        assert_eq!(set_aside(&mut stage).await.0.hash, second.version.hash);
        assert_eq!(stage.published("greeter").await.version.hash, first.version.hash);
        if round == 0 {
            stage.order("greeter", Order::Reload).await;
            let again = stage.published("greeter").await;
            assert!(again.version.hash == second.version.hash && again.version.generation > second.version.generation);
            let live = stage.live("greeter").await;
            assert_eq!((live.state, live.breaker, live.strikes_in_all), (State::OnProbation, BreakerWord::Closed, 0));
        }
    }
    assert_eq!(waiting.cancel().await, "cancelled: enough");
}

#[tokio::test]
async fn without_a_version_to_go_back_to_it_pauses_and_is_tried_again() {
    let mut stage = Stage::with(short_pauses);
    stage.put_file("panics.wasm", &plugin("hostile/panics"));
    let only = stage.published("panics").await;
    for client in ["a", "b", "c"] {
        strike(&stage, "panics", client).await;
    }
    let (state, why) = breaker(&mut stage).await;
    assert_eq!(state, BreakerWord::Open);
    let text = "it failed for 3 clients within 60s, the last time for `c`: the plugin panicked: the fixture panics: 42";
    assert_eq!(why, text);
    let refused = refusal(stage.start("panics", "desk"));
    let why = "plugin `panics` pauses: runs of several clients failed, the last one so: the plugin panicked; try again in 1 s";
    assert_eq!(refused.why, why, "what it said in the run of another stays there");
    assert!(refused.retry_after <= Duration::from_millis(360));
    assert_eq!(stage.live("panics").await.breaker, BreakerWord::Open);
    assert_eq!(stage.live("panics").await.generation, only.version.generation, "a bad version is better than none");

    // One is let in to see how that goes, and the others wait for it.
    let probe = admitted(&stage, "desk").await;
    assert_eq!(breaker(&mut stage).await.0, BreakerWord::HalfOpen);
    refusal(stage.start("panics", "lab"));
    drop(probe);
    // Nothing is said by who goes; the next one is the probe.
    let mut probe = stage.start("panics", "lab").unwrap();
    assert_eq!(probe.request("now").await.unwrap_err().code(), "panic");
    assert_eq!(breaker_until(&mut stage, BreakerWord::Open).await, BreakerWord::Open);
    let longer = refusal(stage.start("panics", "desk")).retry_after;
    assert!(longer > Duration::from_millis(360), "each pause is twice as long: {longer:?}");

    let mut probe = admitted(&stage, "desk").await;
    probe.request("later").await.unwrap();
    assert_eq!(probe.cancel().await, "cancelled: enough");
    assert_eq!(breaker_until(&mut stage, BreakerWord::Closed).await, BreakerWord::Closed);
    stage.start("panics", "lab").unwrap();
}

/// What the breaker is told to do, until it is told to do this.
async fn breaker_until(stage: &mut Stage, wanted: BreakerWord) -> BreakerWord {
    loop {
        let (state, _) = breaker(stage).await;
        if state == wanted {
            return state;
        }
    }
}

/// Comes again when it is told to, until it is let in.
async fn admitted(stage: &Stage, client: &str) -> Visit {
    let come_again = async {
        loop {
            match stage.start("panics", client) {
                Ok(run) => return run,
                Err(StartError::Refused(refusal)) => tokio::time::sleep(refusal.retry_after).await,
                Err(other) => panic!("{other}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, come_again).await.unwrap()
}

#[tokio::test]
async fn one_hostile_client_is_refused_and_nobody_else() {
    let mut stage = Stage::with(|config| {
        config.breaker = BreakerRules { first_pause: Duration::from_millis(20), ..BreakerRules::default() };
    });
    stage.put_file("panics.wasm", &plugin("hostile/panics"));
    let only = stage.published("panics").await;
    let (library, mut struck, mut refused) = (stage.library.clone(), 0, Vec::new());
    for round in 0..200 {
        let generation = library.catalog().plugin("panics").unwrap().clone();
        match Visit::begin(&library, &generation, "hostile") {
            Ok(mut run) => {
                run.request("now").await.unwrap_err();
                struck += 1;
            }
            Err(StartError::Refused(refusal)) => refused.push(refusal),
            Err(other) => panic!("{other}"),
        }
        // Others come and are served, whatever that one does.
        let mut run = stage.start("panics", &format!("client-{}", round % 5)).unwrap();
        run.request("later").await.unwrap();
        assert_eq!(run.cancel().await, "cancelled: enough");
    }
    assert!(struck >= 3 && refused.len() > struck, "{struck} strikes, {} refused", refused.len());
    let why = "plugin `panics` pauses for this client: its runs failed, the last one so: the plugin panicked: the fixture \
        panics: 42; try again in 1 s";
    assert!(refused.iter().any(|refusal| refusal.why == why), "{:?}", refused[0]);
    let live = stage.live("panics").await;
    assert_eq!(
        (live.breaker, live.generation, live.refused_clients),
        (BreakerWord::Closed, only.version.generation, vec!["hostile".into()])
    );
    assert_eq!((live.strikes_in_all, live.ended_well), (struck as u64, 200));
    assert_eq!(live.last_strike.as_deref(), Some("`hostile`: the plugin panicked: the fixture panics: 42"));
    stage.nothing_comes_of_it().await;
}

#[tokio::test]
async fn one_hostile_client_rolls_nothing_back() {
    let mut stage = Stage::open();
    stage.put_file("panics.wasm", &plugin("hostile/panics"));
    stage.published("panics").await;
    strike(&stage, "panics", "hostile").await;
    // The same component under another configuration is another generation, and on probation.
    stage.configure("[plugins.panics]\non-reload = \"move\"\n").await;
    let second = stage.published("panics").await;
    for _ in 0..3 {
        strike(&stage, "panics", "hostile").await;
    }
    refusal(stage.start("panics", "hostile"));
    stage.nothing_comes_of_it().await;
    assert_eq!(stage.live("panics").await.generation, second.version.generation);
    stage.start("panics", "desk").unwrap();
}

#[tokio::test]
async fn a_version_that_has_lasted_is_proven_and_its_predecessor_let_go() {
    let mut stage = Stage::with(|config| {
        config.timing = Timing { probation: Duration::from_millis(50), ..timing() };
    });
    let first = stage.begin_with_greeter().await;
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    let second = stage.published("greeter").await;
    let proven = stage.until(|change| match change {
        Change::Proven { version } => Some(version.clone()),
        _ => None,
    });
    assert_eq!(proven.await, second.version);
    assert_eq!(stage.drained().await, first.version.generation);
    let status = stage.plugin("greeter").await;
    assert_eq!((status.former, status.live.unwrap().state), (vec![], State::Live));
    // By hand there is still a way back, from what is remembered of it.
    stage.order("greeter", Order::Rollback).await;
    assert_eq!(stage.published("greeter").await.version.hash, first.version.hash);
}

#[tokio::test]
async fn runs_that_stay_too_long_on_a_former_version_are_told_to_end() {
    let mut stage = Stage::with(|config| {
        config.timing = Timing { drain: Duration::from_millis(200), probation: Duration::from_millis(50), ..timing() };
    });
    let first = stage.begin_with_greeter().await;
    let [run, stubborn] = [stage.run("greeter").await, stage.run("greeter").await];
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    stage.published("greeter").await;
    let on_time = stage.run("greeter").await;
    tokio::time::timeout(PATIENCE, run.run.told_to_end()).await.unwrap();
    assert_eq!(run.run.generation().standing(), Standing::Ending);
    let overdue = stage.until(|change| match change {
        Change::Overdue { version, runs } => Some((version.clone(), *runs)),
        _ => None,
    });
    assert_eq!(overdue.await, (first.version.clone(), 2));
    let former = stage.plugin("greeter").await.former;
    assert_eq!((former.len(), former[0].state, former[0].runs), (1, State::Ending, 2));
    assert_eq!(run.cancel().await, "cancelled: enough");
    // Who does not listen goes on; to cut it off is for whoever drives it.
    assert_eq!(stubborn.finish().await, "goodbye");
    assert_eq!(stage.drained().await, first.version.generation);
    assert_eq!(stage.plugin("greeter").await.former, []);
    assert_eq!(on_time.run.generation().standing(), Standing::Live);
    assert_eq!(on_time.finish().await, "farewell");
}

#[tokio::test]
async fn a_plugin_that_is_removed_has_the_same_time_to_drain() {
    let mut stage = Stage::with(|config| config.timing = Timing { drain: Duration::from_millis(200), ..timing() });
    stage.begin_with_greeter().await;
    let run = stage.run("greeter").await;
    fs::remove_dir_all(stage.place("greeter")).unwrap();
    tokio::time::timeout(PATIENCE, run.run.told_to_end()).await.unwrap();
    assert_eq!(run.cancel().await, "cancelled: enough");
    stage.drained().await;
}
