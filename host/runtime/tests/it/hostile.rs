//! Plugins that misbehave. Each ends its own run and says why; a run of the same component beside it goes on.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use hangar_runtime::contract::events::{EventBody, Start};
use hangar_runtime::contract::session::RunInfo;
use hangar_runtime::{Behaviour, BlobLimits, Blobs, Fault, Granted, Limits, RunSetup, Step};

use crate::stage::{Player, behaviour, behaviour_with, last_text, limits, statuses};

/// Lets the plugin do its deed in one run while another run of it waits, and gives what became of the first.
async fn deed_of(behaviour: &Behaviour, request: &str) -> Fault {
    let mut neighbour = Player::new(behaviour);
    neighbour.start("later").await.unwrap();
    let mut run = Player::new(behaviour);
    let fault = run.start(request).await.unwrap_err();
    assert!(run.run.is_over());
    let after = run.ring(1).await.unwrap_err();
    assert_eq!(after.code(), "over", "the instance is gone for good");
    assert!(after.to_string().contains(&fault.to_string()), "{after}");
    assert_eq!(last_text(&neighbour.cancel().await.unwrap()), "cancelled: user_requested");
    fault
}

async fn deed(name: &str) -> Fault {
    deed_of(&behaviour(&format!("hostile/{name}")).await, "now").await
}

/// Asks for a deed that must end like this.
async fn expect(name: &str, request: &str, code: &str, text: &str) {
    let fault = deed_of(&behaviour(&format!("hostile/{name}")).await, request).await;
    assert_eq!((fault.code(), fault.to_string().as_str()), (code, text));
    assert_eq!(fault.is_strike(), code != "guest");
}

#[tokio::test]
async fn an_endless_loop_is_cut_off() {
    let fault = deed("endless-loop").await;
    assert_eq!(fault, Fault::CpuLimit { limit: Duration::from_millis(500) });
    assert_eq!(fault.to_string(), "the plugin used more than 500ms of processor time in one step");
}

#[tokio::test]
async fn a_busy_machine_has_its_own_limit() {
    let limits = Limits { cpu_per_step: Duration::MAX, wall_per_step: Duration::from_secs(1), ..Limits::default() };
    let fault = deed_of(&behaviour_with("hostile/endless-loop", limits).await, "now").await;
    assert_eq!(fault, Fault::WallLimit { limit: Duration::from_secs(1) });
    assert_eq!(fault.to_string(), "the plugin took more than 1s for one step");
}

#[tokio::test]
async fn an_endless_constructor_is_reported_by_the_first_step() {
    let behaviour = behaviour("hostile/endless-constructor").await;
    let mut neighbour = Player::new(&behaviour);
    neighbour.start("later").await.unwrap();
    let info = RunInfo { settings: r#"{"spin":true}"#.into(), ..RunInfo::default() };
    let mut run = Player::with(&behaviour, info);
    assert_eq!(run.start("later").await.unwrap_err().code(), "cpu-limit");
    assert!(run.run.is_over());
    assert_eq!(last_text(&neighbour.ring(1).await.unwrap()), "nothing happened");
}

#[tokio::test]
async fn recursion_has_an_end() {
    let text = "the plugin ran out of stack: it calls itself too deeply";
    expect("deep-recursion", "now", "stack-overflow", text).await;
}

const OUT_OF_MEMORY: &str = "the plugin needs more than the 67108864 bytes of memory that it may have";
const TOO_MUCH_AT_ONCE: &str = "the plugin handed over more than 8388608 bytes in one call";

#[tokio::test]
async fn who_dies_for_want_of_memory_is_told_so() {
    expect("memory-hog", "now", "memory-limit", OUT_OF_MEMORY).await;
}

#[tokio::test]
async fn who_takes_the_want_of_memory_well_lives_on() {
    let mut run = Player::new(&behaviour("hostile/memory-polite").await);
    let step = run.start("now").await.unwrap();
    assert_eq!(statuses(&step), ["no more memory"]);
    assert_eq!(last_text(&step), "62 MiB were there");
}

#[tokio::test]
async fn a_result_has_its_bounds() {
    expect("huge-result", "now 16", "hostcall-bytes", TOO_MUCH_AT_ONCE).await;
    expect("huge-result", "now 64", "memory-limit", OUT_OF_MEMORY).await;
}

#[tokio::test]
async fn so_have_actions() {
    let text = "the plugin answered one event with 1000 actions; 64 are allowed";
    expect("action-flood", "now 1000", "action-flood", text).await;
    expect("action-flood", "now 100000", "hostcall-bytes", TOO_MUCH_AT_ONCE).await;
}

#[tokio::test]
async fn a_long_log_line_is_cut() {
    let mut run = Player::new(&behaviour("hostile/huge-log").await);
    assert_eq!(last_text(&run.start("now 4").await.unwrap()), "logged");
    let lines = run.log.lines();
    let [line] = lines.as_slice() else { panic!("{} lines", lines.len()) };
    assert!(line.ends_with("x…"));
    assert_eq!(line.len(), 4096 + "…".len());
    expect("huge-log", "now 16", "hostcall-bytes", TOO_MUCH_AT_ONCE).await;
}

#[tokio::test]
async fn too_many_log_lines_are_dropped_and_counted() {
    for (name, request, said, dropped) in [
        ("log-flood", "now", "logged", "99800 more lines were dropped"),
        ("stdout-flood", "now 5000", "printed", "4800 more lines were dropped"),
    ] {
        let limits = Limits { log_line_bytes: 10, ..limits() };
        let mut run = Player::new(&behaviour_with(&format!("hostile/{name}"), limits).await);
        assert_eq!(last_text(&run.start(request).await.unwrap()), said);
        let lines = run.log.lines();
        let (last, kept) = lines.split_last().unwrap();
        assert_eq!(last, dropped);
        assert_eq!(kept, vec!["xxxxxxxxxx…"; 200]);
    }
}

#[tokio::test]
async fn a_flood_of_blobs_is_refused_with_a_reason() {
    let behaviour = behaviour("hostile/blob-flood").await;
    for (limits, said) in [
        (
            BlobLimits { count: 5, bytes: 1 << 20 },
            "5 blobs, then limit: the session has 5 blobs already; it may not have more",
        ),
        (
            BlobLimits { count: 100, bytes: 9 },
            "2 blobs, then limit: with 4 more bytes the session's blobs would exceed 9 bytes",
        ),
    ] {
        let mut run = Player::new(&behaviour);
        run.run = behaviour.start(RunSetup { blobs: Arc::new(Blobs::new(limits)), ..run.run.setup().clone() }).unwrap();
        assert_eq!(last_text(&run.start("now").await.unwrap()), said);
    }
}

#[tokio::test]
async fn a_panic_says_what_but_not_where() {
    expect("panics", "now", "panic", "the plugin panicked: the fixture panics: 42").await;
    let mut run = Player::new(&behaviour("hostile/panics").await);
    run.start("now").await.unwrap_err();
    assert!(run.log.lines().iter().any(|line| line.contains("panics.rs:")), "the plugin's author finds it in the log");
}

#[tokio::test]
async fn an_error_of_its_own_is_no_strike() {
    expect("guest-failure", "now", "guest", "upstream: the upstream said no").await;
}

#[tokio::test]
async fn what_breaks_the_contract_ends_the_run() {
    let nothing_may_follow = "the plugin broke the contract: nothing may follow `finish` or `fail`";
    for (request, text) in [
        ("now after-finish", nothing_may_follow),
        ("now twice", nothing_may_follow),
        (
            "now token-reuse",
            "the plugin broke the contract: token 2 is still waiting for its answer and was used again",
        ),
        (
            "now token-zero",
            "the plugin broke the contract: an action that has an answer needs a token of its own, and 0 is none",
        ),
    ] {
        expect("bad-actions", request, "malformed", text).await;
    }
}

#[tokio::test]
async fn what_is_only_wrong_is_refused_and_the_run_goes_on() {
    let mut run = Player::new(&behaviour("hostile/bad-actions").await);
    let step = run.start("now json").await.unwrap();
    assert_eq!(refusals(&step), ["2 invalid: `parameters` of a call must be a JSON object"]);
    assert_eq!((step.count(), step.actions().count()), (1, 0));
    assert!(!step.ends());
    let why = step.refusals().next().unwrap().1.clone();
    assert_eq!(run.tell(2, EventBody::Refused(why)).await.unwrap().count(), 0);
    assert_eq!(last_text(&run.cancel().await.unwrap()), "cancelled: user_requested");
}

/// Token, code and text of each refusal.
fn refusals(step: &Step) -> Vec<String> {
    step.refusals().map(|(token, why)| format!("{token} {}: {}", why.code, why.text)).collect()
}

#[tokio::test]
async fn actions_that_wait_for_an_answer_are_limited() {
    let limits = Limits { outstanding_actions: 1, ..limits() };
    let mut run = Player::new(&behaviour_with("hostile/well-behaved", limits).await);
    run.start("hello").await.unwrap();
    assert_eq!(refusals(&run.ring(1).await.unwrap()), [""; 0], "an answer makes room");
    let step = run.ring(9).await.unwrap();
    assert_eq!(statuses(&step), ["timer 2"], "the rest is carried out");
    assert_eq!(refusals(&step), ["3 limit: 1 actions wait for their answers; wait for some of them first"]);
}

#[tokio::test]
async fn a_cancelled_run_may_only_take_its_leave() {
    let mut run = Player::new(&behaviour("hostile/ignores-cancel").await);
    run.start("hello").await.unwrap();
    let step = run.cancel().await.unwrap();
    assert_eq!(refusals(&step), ["2 cancelled: The run is cancelled: only emit, progress, finish and fail are left"]);
    assert_eq!(statuses(&step), ["still here"]);
    let why = step.refusals().next().unwrap().1.clone();
    assert_eq!(last_text(&run.tell(2, EventBody::Refused(why)).await.unwrap()), "now I go");
}

#[tokio::test]
async fn there_are_no_files() {
    let nothing = "No such file or directory (os error 44)";
    expect("reads-files", "now", "guest", &format!("denied: read: {nothing}; write: {nothing}")).await;
}

#[tokio::test]
async fn there_is_no_network() {
    let text = deed("opens-sockets").await.to_string();
    for (attempt, outcome) in [("tcp", "access-denied"), ("udp", "access-denied"), ("lookup", "resolver-failure")] {
        let told = text.split("; ").find(|told| told.contains(&format!("{attempt}: "))).unwrap();
        assert!(told.contains(outcome) && !told.contains("open"), "{text}");
    }
}

#[tokio::test]
async fn there_is_nothing_to_learn_from_the_surroundings() {
    let behaviour = behaviour("hostile/reads-environment").await;
    let (mut run, mut same) = (Player::new(&behaviour), Player::new(&behaviour));
    let mut other = Player::with(&behaviour, RunInfo { seed: "another".into(), ..RunInfo::default() });
    for token in 0..3 {
        let seen = look(&mut run, token).await;
        let has = |text: &str| seen.iter().any(|line| line == text);
        assert!(has("variables: 0") && has("arguments: 0") && has("stdin: 0 bytes"), "{seen:?}");
        assert!(has(&format!("time: {} ms", run.now)), "{seen:?}");
        let passed = if token == 0 { 0 } else { 1_000_000_000 };
        assert!(has(&format!("passed since the last look: {passed} ns")), "{seen:?}");
        assert!(has("passed during this look: 0 ns"), "{seen:?}");
        assert_eq!(look(&mut same, token).await, seen, "the same seed, the same surroundings");

        let others = look(&mut other, token).await;
        let random = |line: &&String| line.contains("random: ") || line.starts_with("hash: ");
        assert_eq!(seen.iter().filter(random).count(), 3);
        assert!(seen.iter().filter(random).all(|line| !others.contains(line)), "{others:?}");
    }
}

/// All that this run sees at its start (token 0) or at a timer.
async fn look(run: &mut Player, token: u32) -> Vec<String> {
    let step = if token == 0 { run.start("hello").await } else { run.ring(token).await };
    statuses(&step.unwrap())
}

#[tokio::test]
async fn handles_have_an_end() {
    let text = "the plugin broke the contract: cannot allocate another handle: store handle limit exceeded";
    expect("handle-hoard", "now", "malformed", text).await;
}

#[tokio::test]
async fn a_plugin_does_not_wait() {
    let text = "the plugin tried to wait inside a step; the host waits: use `set-timer` and the other actions";
    expect("sleeps", "now", "waited", text).await;
    expect("watches-the-clock", "now", "waited", text).await;
}

#[tokio::test]
async fn a_plugin_does_not_exit() {
    expect("exits", "now", "exit", "the plugin called exit; end a run with `finish` or `fail`").await;
}

#[tokio::test]
async fn a_run_moves_between_two_steps() {
    let mut run = Player::new(&behaviour("hostile/well-behaved").await);
    run.start("hello").await.unwrap();
    run.ring(1).await.unwrap();
    let later = behaviour("hostile/well-behaved-changed").await;
    run.run.move_to(&later, Granted::everything(), run.now).await.unwrap();
    assert_eq!(run.run.behaviour().hash(), later.hash());
    assert_eq!(statuses(&run.ring(2).await.unwrap()), ["timer 2"], "it knows what was before");
    assert_eq!(last_text(&run.ring(3).await.unwrap()), "farewell");
    assert_eq!(
        run.run.move_to(&later, Granted::everything(), run.now).await.unwrap_err().to_string(),
        "the run is over: it has finished"
    );
}

#[tokio::test]
async fn a_run_that_has_not_begun_moves_without_a_snapshot() {
    let mut run = Player::new(&behaviour("hostile/save-fails").await);
    run.run.move_to(&behaviour("hostile/well-behaved").await, Granted::everything(), run.now).await.unwrap();
    assert_eq!(statuses(&run.start("hello").await.unwrap()), ["hello"]);
}

#[tokio::test]
async fn a_run_that_cannot_move_stays_and_goes_on() {
    for (name, code, text) in [
        ("bad-restore", "guest", "invalid: the fixture accepts no snapshot"),
        ("restore-panics", "panic", "the plugin panicked: the fixture panics in restore"),
        ("save-fails", "guest", "internal: the fixture gives no snapshot"),
        ("huge-snapshot", "guest", "limit: its snapshot has 16777216 bytes; 1048576 are allowed"),
    ] {
        let behaviour = behaviour(&format!("hostile/{name}")).await;
        let mut run = Player::new(&behaviour);
        run.start("later").await.unwrap();
        let fault = run.run.move_to(&behaviour, Granted::everything(), run.now).await.unwrap_err();
        assert_eq!((fault.code(), fault.to_string().as_str()), (code, text));
        assert_eq!(last_text(&run.ring(1).await.unwrap()), "nothing happened", "{name}");
    }
}

#[tokio::test]
async fn a_run_whose_step_is_abandoned_is_over() {
    let limits = Limits { cpu_per_step: Duration::from_millis(50), ..limits() };
    let mut run = Player::new(&behaviour_with("hostile/endless-loop", limits).await);
    tokio::select! {
        biased;
        _ = run.start("now") => panic!("it ended"),
        () = ready(()) => {}
    }
    assert!(run.run.is_over());
    assert_eq!(run.run.memory_bytes(), 0);
    let after = run.run.feed(run.run.event(run.now, 1, EventBody::Timer)).await.unwrap_err();
    assert_eq!(after.to_string(), "the run is over: a step of it was abandoned");
    assert_eq!(run.run.move_to(&run.run.behaviour().clone(), Granted::everything(), run.now).await.unwrap_err(), after);
}

#[tokio::test]
async fn events_out_of_order_are_refused_without_harm() {
    let mut run = Player::new(&behaviour("hostile/well-behaved").await);
    let first_is_start = "the host could not run the plugin: the first event, and only the first, must be `start`";
    assert_eq!(run.ring(1).await.unwrap_err().to_string(), first_is_start);
    run.start("hello").await.unwrap();
    assert_eq!(run.tell(0, EventBody::Start(Start::default())).await.unwrap_err().to_string(), first_is_start);
    for seq in [0, 2] {
        let mut event = run.run.event(run.now, 1, EventBody::Timer);
        event.seq = seq;
        let fault = run.run.feed(event).await.unwrap_err();
        let text = format!("the host could not run the plugin: event {seq} was fed where event 1 is due");
        assert_eq!((fault.to_string(), fault.is_strike()), (text, false));
    }
    assert_eq!(statuses(&run.ring(1).await.unwrap()), ["timer 1"]);
}
