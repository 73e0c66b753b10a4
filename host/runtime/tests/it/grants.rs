//! What a plugin may not do: actions are refused and the run goes on, a verdict ends the call.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use hangar_runtime::contract::events::{Event, EventBody};
use hangar_runtime::contract::messages::Verdict;
use hangar_runtime::journal::{JournalWriter, replay};
use hangar_runtime::manifest::{Capabilities, Names};
use hangar_runtime::{Behaviour, Granted, Handler, HandlerSetup, Run, RunSetup};
use serde_json::json;

use crate::handlers::{chat, envelope, scope};
use crate::stage::{KeptLog, RUNTIME, last_text, limits, plugin};
use crate::tour::{END_OF_REST, script, tour};

fn granted(requested: Capabilities, granted: Capabilities) -> Arc<Granted> {
    Arc::new(Granted::new("tour", requested, granted))
}

fn begin(behaviour: &Behaviour, granted: Arc<Granted>) -> Run {
    let script = script();
    let log = Arc::new(KeptLog::default());
    behaviour.start(RunSetup { info: script.info().clone(), blobs: script.blobs(), log, granted }).unwrap()
}

/// The first event of the tour.
fn start() -> Event {
    script().events().next().unwrap().clone()
}

/// Plays the tour and counts which actions were refused for want of a grant.
async fn denied(requested: Capabilities, allowed: Capabilities) -> BTreeMap<String, usize> {
    let mut run = begin(&tour("rust").await, granted(requested, allowed));
    let mut denied = BTreeMap::new();
    for event in script().events() {
        let step = run.feed(event.clone()).await.unwrap();
        for (action, _) in step.answers().filter(|(_, why)| why.is_some_and(|why| why.code == "denied")) {
            let body = serde_json::to_value(&action.body).unwrap();
            *denied.entry(body.as_object().unwrap().keys().next().unwrap().clone()).or_default() += 1;
        }
    }
    assert!(run.is_over(), "what is refused ends no run");
    denied
}

/// How often the tour does what needs a grant.
fn everything() -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for line in std::fs::read_to_string(crate::tour::root().join("examples/tour/actions.jsonl")).unwrap().lines() {
        let action: serde_json::Value = serde_json::from_str(line).unwrap();
        let case = action["body"].as_object().unwrap().keys().next().unwrap();
        let free = ["set_timer", "cancel_action", "emit", "progress", "finish", "extension"];
        if !free.contains(&case.as_str()) {
            *all.entry(case.clone()).or_default() += 1;
        }
    }
    all
}

#[tokio::test]
async fn a_run_may_do_what_is_both_requested_and_granted() {
    let (all, none) = (Capabilities::everything, Capabilities::none);
    assert_eq!(denied(all(), all()).await, BTreeMap::new());
    assert_eq!(denied(none(), all()).await, everything());
    assert_eq!(denied(all(), none()).await, everything());
}

#[tokio::test]
async fn the_safe_set_keeps_a_run_to_its_own_device() {
    let denied = denied(Capabilities::everything(), Capabilities::safe()).await;
    let cases: Vec<&str> = denied.keys().map(String::as_str).collect();
    assert_eq!(cases, ["call_tools", "delegate", "list_tools"]);
    assert_eq!(denied["list_tools"], 2, "those of the device may be listed");
}

#[tokio::test]
async fn a_run_that_moves_may_do_what_its_new_version_may() {
    let behaviour = tour("rust").await;
    let may = |capabilities: Capabilities| granted(capabilities, Capabilities::everything());
    let (all, none) = (may(Capabilities::everything()), may(Capabilities::none()));
    for (old, new) in [(&all, &none), (&none, &all)] {
        for moved_before in [0, END_OF_REST] {
            let mut run = begin(&behaviour, Arc::clone(old));
            let mut denied = 0;
            for (at, event) in script().events().enumerate() {
                if at == moved_before {
                    denied = 0;
                    run.move_to(&behaviour, Arc::clone(new), 0).await.unwrap();
                    assert_eq!(&run.setup().granted, new);
                }
                let step = run.feed(event.clone()).await.unwrap();
                denied += step.refusals().filter(|(_, why)| why.code == "denied").count();
            }
            // After its rest the tour asks for nothing any more.
            assert_eq!(denied > 0, moved_before == 0 && new == &none, "{denied} refusals");
        }
    }
}

#[tokio::test]
async fn a_run_that_cannot_move_keeps_what_it_may_do() {
    let old = granted(Capabilities::safe(), Capabilities::safe());
    let mut run = begin(&tour("rust").await, Arc::clone(&old));
    run.feed(start()).await.unwrap();
    run.move_to(&tour("rust").await, Granted::everything(), 0).await.unwrap_err();
    assert_eq!(run.setup().granted, old);
}

#[tokio::test]
async fn a_refusal_reaches_the_plugin_with_the_way_to_change_it() {
    let behaviour = tour("rust").await;
    let mut run = begin(&behaviour, granted(Capabilities::everything(), Capabilities::none()));
    let mut step = run.feed(start()).await.unwrap();
    let first = step.refusals().next().unwrap().1.text.clone();
    assert_eq!(
        first,
        "listing the tool set `LinuxAgent` is not granted: grant it with `device-tools = [\"LinuxAgent\"]` \
         under [plugins.tour.grants] in the host's configuration"
    );
    let mut to_tell = VecDeque::new();
    while !run.is_over() {
        to_tell.extend(step.refusals().map(|(token, why)| (token, why.clone())));
        let (token, why) = to_tell.pop_front().unwrap();
        assert_eq!(why.code, "denied");
        let event = run.event(1_790_000_000_100, token, EventBody::Refused(why));
        step = run.feed(event).await.unwrap();
    }
    assert!(last_text(&step).contains("is not granted"), "{}", last_text(&step));
}

#[tokio::test]
async fn a_journal_replays_whatever_is_granted_now() {
    let behaviour = tour("rust").await;
    for (then, now) in
        [(Capabilities::safe(), Capabilities::everything()), (Capabilities::everything(), Capabilities::none())]
    {
        let mut run = begin(&behaviour, granted(Capabilities::everything(), then));
        let mut journal = JournalWriter::begin(Vec::new(), &run, json!(run.setup().granted.effective())).unwrap();
        for (_, blob) in script().blobs().all() {
            journal.blob(&blob).unwrap();
        }
        for event in script().events() {
            journal.event(event).unwrap();
            journal.outcome(&run.feed(event.clone()).await).unwrap();
        }
        let journal = hangar_runtime::journal::Journal::read(journal.finish().unwrap().as_slice()).unwrap();
        let log = Arc::new(KeptLog::default());
        let replay = replay(&journal, &behaviour, granted(Capabilities::everything(), now), log).await.unwrap();
        assert_eq!((replay.divergence, replay.fault), (None, None));
    }
}

async fn handler(name: &str, requested: Capabilities, allowed: Capabilities) -> Handler {
    let plugin = RUNTIME.handler(plugin(&format!("hostile/{name}")), limits()).await.unwrap();
    let granted = Arc::new(Granted::new("gate", requested, allowed));
    let log = Arc::new(KeptLog::default());
    plugin.start(HandlerSetup { settings: "{}".into(), log, seed: "seed".into(), granted })
}

fn verdicts(names: &[&str]) -> Capabilities {
    Capabilities { verdicts: Names::of(names.iter().copied()), directory: true, ..Capabilities::none() }
}

#[tokio::test]
async fn a_verdict_that_is_not_granted_ends_the_call() {
    let handler = handler("handler-asks-directory", verdicts(&["*"]), verdicts(&["reply"])).await;
    let task = || envelope("task", "lab", "{}");
    let fault = handler.handle(vec![task()], scope()).await.unwrap_err();
    assert_eq!((fault.code(), fault.is_strike()), ("denied", false));
    assert_eq!(
        fault.to_string(),
        "the verdict `route` is not granted: grant it with `verdicts = [\"route\"]` under [plugins.gate.grants] in the \
         host's configuration"
    );
    let both = vec![envelope("chat", "web", "{}"), task()];
    assert_eq!(handler.handle(both, scope()).await.unwrap_err().code(), "denied", "no verdict of the call counts");
    let reply = handler.handle(vec![envelope("chat", "web", "{}")], scope()).await.unwrap();
    assert!(matches!(reply.as_slice(), [Verdict::Reply(_)]), "{reply:?}");
}

#[tokio::test]
async fn passing_needs_no_grant() {
    let handler = handler("handler-panics", Capabilities::none(), Capabilities::none()).await;
    assert_eq!(handler.handle(chat("{}"), scope()).await.unwrap(), [Verdict::Pass]);
}

#[tokio::test]
async fn a_handler_without_the_directory_sees_an_empty_one() {
    let blind = Capabilities { directory: false, ..Capabilities::everything() };
    let all = Capabilities::everything;
    for (requested, allowed) in [(blind.clone(), all()), (all(), blind)] {
        let handler = handler("handler-asks-directory", requested, allowed).await;
        let seen = json!({"pages": [[]], "sender": null, "version": 0}).to_string();
        let envelopes = vec![envelope("task", "lab", "{}"), envelope("chat", "web", "{}")];
        assert_eq!(
            handler.handle(envelopes, scope()).await.unwrap(),
            [Verdict::Route(Vec::new()), Verdict::Reply(seen)]
        );
    }
}
