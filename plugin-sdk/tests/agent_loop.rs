//! The loop, played natively: several answers at once, giving up, cancellation, moving.

use hangar_plugin_sdk::agent_loop::{
    Agent, AskModel, Call, ChildUpdate, Cx, Delegate, Error, EventBody, Fail, Finish, Outcome, Question, Wait,
};
use hangar_plugin_sdk::behaviour::actions::{Action, ActionBody};
use hangar_plugin_sdk::testing::{Script, failure, success};
use hangar_plugin_sdk::{Value, json};

fn bodies(actions: &[Action]) -> Vec<&ActionBody> {
    actions.iter().map(|action| &action.body).collect()
}

fn uname() -> Call {
    Call::new("execute_command", json!({"command": "uname"}))
}

struct Straight;

impl Agent for Straight {
    async fn run(cx: Cx) -> Outcome {
        let result = cx.command("LinuxAgent", uname()).await?;
        let answer = cx.model(AskModel::new().system("Be brief.").user(result.payload)).await?;
        let go_on = cx.confirm("Go on?").await?;
        Ok(Finish::new(format!("{} {go_on}", answer.content)).result(json!({"n": 1})).state(*b"kept"))
    }
}

#[test]
fn a_run_is_written_from_top_to_bottom() {
    let mut script = Script::of::<Straight>();
    let calls = script.start("Who are you?").commands().to_vec();
    assert_eq!((calls[0].call_id.as_str(), calls[0].parameters.as_str()), ("c1", r#"{"command":"uname"}"#));
    assert_eq!(script.results([success(json!("Linux"))]).model_text(), "Be brief.\n\"Linux\"");
    assert_eq!(script.model_says("A Linux.").questions().questions[0].kind, "confirm");
    let step = script.user_says(&[("confirm", "yes")]);
    let finish = step.finished();
    assert_eq!((finish.text.as_str(), finish.state.as_slice()), ("A Linux. true", b"kept".as_slice()));
    assert_eq!(finish.results, [r#"{"n":1}"#]);
}

#[test]
fn what_the_host_refuses_ends_the_run_with_its_words() {
    let mut script = Script::of::<Straight>();
    script.start("");
    let step = script.refuse("denied", "No commands today");
    assert_eq!((step.failed().code.as_str(), step.failed().text.as_str()), ("denied", "No commands today"));
}

#[test]
fn a_model_that_is_not_there_ends_the_run_as_unreachable() {
    let mut script = Script::of::<Straight>();
    script.start("");
    script.results([failure("no")]);
    let step = script.model_fails("unreachable", "Nobody home");
    assert_eq!(step.failed().code, "unreachable");
    assert!(step.failed().text.contains("Nobody home"));
}

struct Together;

impl Agent for Together {
    async fn run(cx: Cx) -> Outcome {
        let two_steps = async |name: &str| {
            let first = cx.store_get(name).await?;
            cx.sleep(10).await?;
            Ok::<_, Error>(first.unwrap_or_default())
        };
        let all = cx.all(["a", "b", "c"].map(two_steps)).await;
        let texts: Vec<String> = all.into_iter().map(|one| one.unwrap_or_else(|why| why.to_string())).collect();
        Ok(Finish::new(texts.join(",")))
    }
}

#[test]
fn many_things_go_on_at_once_and_in_any_order() {
    let mut script = Script::of::<Together>();
    assert_eq!(script.start("").actions.len(), 3, "all ask at once");
    let store = |value: &str| {
        EventBody::StoreValue(hangar_plugin_sdk::behaviour::events::StoreValue {
            key: String::new(),
            value: Some(value.into()),
            extra: String::new(),
        })
    };
    assert_eq!(bodies(&script.tell(3, store("three")).actions), [&ActionBody::SetTimer(10)]);
    assert_eq!(bodies(&script.tell(1, store("one")).actions), [&ActionBody::SetTimer(10)]);
    assert!(script.tell(4, EventBody::Timer).is_waiting());
    assert!(script.tell(5, EventBody::Timer).is_waiting());
    assert_eq!(script.tell(2, store("two")).actions.len(), 1);
    assert_eq!(script.tell(6, EventBody::Timer).finished().text, "one,two,three");
}

struct Hasty;

impl Agent for Hasty {
    async fn run(cx: Cx) -> Outcome {
        match cx.timeout(500, cx.model(AskModel::new().user("Think"))).await {
            Ok(answer) => cx.status(answer.content),
            Err(Error::TimedOut { ms }) => cx.status(format!("{ms} ms are over")),
            Err(other) => return Err(other.into()),
        }
        cx.sleep(1).await?;
        Ok(Finish::new("done"))
    }
}

#[test]
fn what_takes_too_long_is_given_up() {
    let mut script = Script::of::<Hasty>();
    script.start("");
    let step = script.tell(2, EventBody::Timer);
    let asked = bodies(&step.actions);
    assert_eq!(asked[0], &ActionBody::CancelAction(1), "the model call is given up");
    assert!(format!("{:?}", asked[1]).contains("500 ms are over"));
    // The answer that nobody waits for any more does no harm.
    script.tell(1, EventBody::Timer);
    assert_eq!(script.timer().finished().text, "done");
}

#[test]
fn what_comes_in_time_stops_the_clock() {
    let mut script = Script::of::<Hasty>();
    script.start("");
    let step = script.model_says("Quick");
    let asked = bodies(&step.actions);
    assert_eq!(asked[0], &ActionBody::CancelAction(2), "the timer is given up");
    assert!(format!("{:?}", asked[1]).contains("Quick"));
}

struct Tidy;

impl Agent for Tidy {
    async fn run(cx: Cx) -> Outcome {
        let _child = cx.sleep(60_000);
        match cx.ask([Question::text("name", "Who are you?")]).await {
            Err(Error::Cancelled { reason }) => {
                cx.status("tidying up");
                let after = cx.sleep(1).await;
                assert_eq!(after, Err(Error::Cancelled { reason: reason.clone() }));
                Err(Fail::new("cancelled", format!("Stopped half way: {reason}")).result(json!("half")))
            }
            _ => Ok(Finish::new("done")),
        }
    }
}

#[test]
fn a_cancelled_run_can_say_what_it_has() {
    let mut script = Script::of::<Tidy>();
    script.start("");
    let step = script.cancel("user_requested");
    assert_eq!(step.failed().results, [r#""half""#]);
    assert_eq!(step.failed().text, "Stopped half way: user_requested");
    let asked_for_more = step.actions.iter().any(|action| matches!(action.body, ActionBody::SetTimer(_)));
    assert!(!asked_for_more, "nothing is asked for after a cancel");
}

#[test]
fn a_cancelled_run_that_does_not_care_ends_too() {
    let mut script = Script::of::<Straight>();
    script.start("");
    let step = script.cancel("device_disconnected");
    assert_eq!(step.failed().code, "cancelled");
    assert_eq!(step.failed().text, "The run was cancelled: device_disconnected");
}

struct Deaf;

impl Agent for Deaf {
    async fn run(cx: Cx) -> Outcome {
        loop {
            let _ = cx.sleep(1).await;
        }
    }
}

#[test]
fn a_run_that_will_not_hear_is_ended() {
    let mut script = Script::of::<Deaf>();
    script.start("");
    assert_eq!(script.cancel("shutdown").failed().code, "cancelled");
}

struct Movable;

impl Agent for Movable {
    const SNAPSHOT: Option<u32> = Some(1);

    async fn run(cx: Cx) -> Outcome {
        cx.command("LinuxAgent", uname()).await?;
        let notes = vec!["seen".to_owned()];
        cx.rest(cx.sleep(5_000), &notes).await?;
        Ok(Finish::new("here"))
    }

    async fn resume(cx: Cx, kept: Value, rest: Wait<EventBody>) -> Outcome {
        if let Err(Error::Cancelled { reason }) = rest.await {
            return Err(Fail::new("cancelled", format!("{kept} until {reason}")));
        }
        let call = cx.command("LinuxAgent", uname()).await?;
        Ok(Finish::new(format!("there, {kept}, {}", call.call_id)))
    }
}

#[test]
fn a_run_that_rests_can_be_moved_and_goes_on_counting() {
    let mut script = Script::of::<Movable>();
    script.start("");
    script.results([success(json!(null))]);
    script.reload();
    script.reload();
    let step = script.timer();
    assert_eq!(step.actions[0].token, 3);
    assert_eq!(step.commands()[0].call_id, "c2");
    assert_eq!(script.results([success(json!(null))]).finished().text, r#"there, ["seen"], c2"#);
}

#[test]
#[should_panic(expected = "The run can only be moved while it rests")]
fn a_run_that_does_not_rest_stays() {
    let mut script = Script::of::<Movable>();
    script.start("");
    script.reload();
}

struct Listener;

impl Agent for Listener {
    async fn run(cx: Cx) -> Outcome {
        let EventBody::Extension(news) = cx.news().await? else {
            return Err(Fail::new("internal", "That is no news"));
        };
        Ok(Finish::new(news.kind))
    }
}

#[test]
fn news_answer_nothing() {
    use hangar_plugin_sdk::behaviour::values::Named;
    let mut script = Script::of::<Listener>();
    script.start("");
    let hello = EventBody::Extension(Named::new("hangar.greeting", &json!({})));
    assert_eq!(script.tell(0, hello).finished().text, "hangar.greeting");
}

#[test]
fn a_run_that_was_moved_hears_of_its_end_where_it_rests() {
    let mut script = Script::of::<Movable>();
    script.start("");
    script.results([success(json!(null))]);
    script.reload();
    assert_eq!(script.cancel("reload").failed().text, r#"["seen"] until reload"#);
}

struct Parent;

impl Agent for Parent {
    const SNAPSHOT: Option<u32> = Some(1);

    async fn run(cx: Cx) -> Outcome {
        let rest = cx.rest(cx.delegate(Delegate::to_device("lab-2", "Look")), &());
        cx.store_get("before the rest").await?;
        Ok(Finish::new(rest.await?.text))
    }

    async fn resume(_cx: Cx, _kept: Value, rest: Wait<EventBody>) -> Outcome {
        let EventBody::ChildEnded(ended) = rest.await? else {
            return Err(Fail::new("internal", "That is not the end of the child"));
        };
        Ok(Finish::new(ended.text))
    }
}

#[test]
fn a_rest_begins_when_it_is_awaited_and_outlasts_news() {
    let mut script = Script::of::<Parent>();
    script.start("");
    let early = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| script.reload()));
    assert!(early.is_err(), "it still waits for something else");
    script.store_has(None);
    script.reload();
    let news = ChildUpdate {
        state: "progress".into(),
        child: "run-2".into(),
        executor: "lab-2".into(),
        summary: "half way".into(),
        extra: String::new(),
    };
    assert!(script.tell(1, EventBody::ChildUpdate(news)).is_waiting());
    assert_eq!(script.child_ends("completed", "Found it").finished().text, "Found it");
}

struct Crowd;

impl Agent for Crowd {
    async fn run(cx: Cx) -> Outcome {
        let mut waits = Vec::new();
        for _ in 0..3 {
            waits.extend((0..40).map(|_| cx.sleep(60_000)));
            cx.store_get("a step in between").await?;
        }
        let all = cx.timeout(10, async { Ok::<_, Error>(cx.all(waits).await) }).await;
        cx.store_get("after it").await.ok();
        match cx.cancelled() {
            Some(reason) => Err(Fail::new("cancelled", format!("tidied up: {reason}"))),
            None => Ok(Finish::new(format!("{}", all.is_err()))),
        }
    }
}

/// The host allows 64 actions in a step.
const FEW: usize = 64;

#[test]
fn a_crowd_of_waits_is_given_up_step_by_step() {
    let mut script = Script::of::<Crowd>();
    script.start("");
    (0..3).for_each(|_| drop(script.store_has(None)));
    let given_up =
        |actions: &[Action]| actions.iter().filter(|action| matches!(action.body, ActionBody::CancelAction(_))).count();
    let step = script.tell(124, EventBody::Timer);
    assert!(step.actions.len() <= FEW && given_up(&step.actions) == 32, "{step:?}");
    let end = script.store_has(None);
    assert!(end.actions.len() <= FEW);
    assert_eq!(end.finished().text, "true");
}

#[test]
fn a_crowd_of_waits_can_be_cancelled_and_tidied_up() {
    let mut script = Script::of::<Crowd>();
    script.start("");
    (0..3).for_each(|_| drop(script.store_has(None)));
    assert_eq!(script.cancel("shutdown").failed().text, "tidied up: shutdown");
}
