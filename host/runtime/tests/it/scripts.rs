//! Scripts: read, played, compared with what was expected, brought up to date.

use std::sync::Arc;

use hangar_runtime::manifest::{HostConfig, Manifest, PluginConfig, Terms};
use hangar_runtime::script::{Answer, Check, PlayError, Player, Script, Told, Turn};
use hangar_runtime::{Limits, Plugin, World};

use crate::stage::{KeptLog, NOON, RUNTIME, limits, plugin};
use crate::tour::root;

async fn loaded(name: &str) -> Plugin {
    RUNTIME.plugin(plugin(name), limits()).await.unwrap()
}

/// Terms on which a behaviour may do everything, and has a setting.
fn free() -> Terms {
    let everything = "device-tools = [\"*\"]\nhost-tools = [\"*\"]\nmodels = [\"*\"]\nask-user = true\n\
        delegate = [\"*\"]\nstore = true\nedit-image = true\n";
    let manifest = format!(
        "id = \"free\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\n[capabilities]\n{everything}\
         [settings.greeting]\ntype = \"text\"\ndefault = \"hello\""
    );
    let config = HostConfig::parse(&format!("[plugins.free.grants]\n{everything}")).unwrap();
    Terms::of("free", Some(&Manifest::parse(&manifest).unwrap()), &config.plugin("free"))
}

/// The terms of a component that comes alone.
fn bare() -> Terms {
    Terms::of("bare", None, &PluginConfig::default())
}

async fn play<'s>(script: &'s Script, plugin: &Plugin, terms: &Terms) -> Vec<Turn<'s>> {
    Player::new(script, plugin, terms, Arc::new(KeptLog::default())).unwrap().play().await
}

/// What is not as expected, a line for each place.
fn missed(turns: &[Turn<'_>]) -> Vec<String> {
    let missed = turns.iter().filter_map(|turn| match &turn.check {
        Check::Missed(differences) => Some(differences),
        _ => None,
    });
    missed.flatten().map(ToString::to_string).collect()
}

#[test]
fn what_a_script_leaves_out_is_filled_in() {
    let text = "{\"event\":{\"body\":{\"start\":{}}}}\n\n{\"event\":{\"time_ms\":1790000060000,\"token\":1,\"body\":\"timer\"}}\n\
        {\"event\":{\"seq\":2,\"token\":2,\"body\":\"timer\",\"extra\":{\"a\": 1}}}";
    let script = Script::parse(text).unwrap();
    assert_eq!(script.world(), World::Behaviour);
    let events: Vec<_> = script
        .cues()
        .iter()
        .map(|cue| match &cue.told {
            Told::Event(event) => (cue.line, event.seq, event.time_ms, event.token, event.extra.as_str()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [(1, 0, NOON, 0, ""), (3, 1, NOON + 60_000, 1, ""), (4, 2, NOON + 61_000, 2, "{\"a\": 1}")];
    assert_eq!(events, expected);

    let envelopes = r#"{"envelopes":[{"sender":{"id":"a"}},{"time_ms":1790000005000,"sender":{"id":"b"}}]}
{"envelopes":[{"sender":{"id":"c"}}]}"#;
    let script = Script::parse(envelopes).unwrap();
    let times: Vec<Vec<u64>> = script
        .cues()
        .iter()
        .map(|cue| match &cue.told {
            Told::Envelopes { envelopes, .. } => envelopes.iter().map(|envelope| envelope.time_ms).collect(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!((script.world(), times), (World::Handler, vec![vec![NOON, NOON + 5_000], vec![NOON + 6_000]]));
}

#[test]
fn what_is_wrong_with_a_script_is_said_with_its_line() {
    let start = r#"{"event":{"body":{"start":{}}}}"#;
    let deep = format!("{start}\n{{\"expect\":[{}{}]}}", "[".repeat(200), "]".repeat(200));
    for (text, expected) in [
        ("", "there is nothing to play in it: neither `event` nor `envelopes`"),
        (r#"{"info":{}}"#, "there is nothing to play in it: neither `event` nor `envelopes`"),
        ("{\n", "line 1: EOF while parsing an object (column 1)"),
        (&format!("\n{start}\n{{\"event\":{{\"token\":1}}}}"), "line 3: missing field `body` (column 20)"),
        (
            &format!("{start}\n{{\"evnt\":1}}"),
            "line 2: unknown variant `evnt`, expected one of `info`, `settings`, `blob`, `clients`, `event`, `move`, `envelopes`, `expect`, `expect_fault`, `expect_refused`, `journal`, `actions`, `fault`, `moved` (column 7)",
        ),
        (
            &format!("{start}\n{{\"event\":{{\"seq\":3,\"body\":\"timer\"}}}}"),
            "line 2: event 3 stands where event 1 is due; `seq` may be left out",
        ),
        (&format!("{{\"info\":{{}}}}\n{start}\n{{\"info\":{{}}}}"), "line 3: a second `info`"),
        (r#"{"move":{}}"#, "line 1: a run can be moved once it was told something: `move` belongs below its `start`"),
        (
            &format!("{start}\n{{\"expect_refused\":\"unsupported\"}}"),
            "line 2: `expect_refused` is about a `move`, and belongs below one",
        ),
        (&format!("{start}\n{{\"move\":{{\"to\":1}}}}"), "line 2: unknown field `to`, expected `time_ms` (column 13)"),
        (
            &format!("{start}\n{{\"move\":{{}}}}\n{{\"expect\":[]}}\n{{\"expect_refused\":\"a\"}}"),
            "line 4: something is expected already of what was told last",
        ),
        (
            "{\"settings\":{}}\n{\"move\":{}}",
            "line 2: `move` is for a behaviour, and what stands above is for a handler",
        ),
        (&format!("{{\"expect\":[]}}\n{start}"), "line 1: nothing was told yet of which something could be expected"),
        (
            &format!("{start}\n{{\"expect\":[]}}\n{{\"expect_fault\":\"panic\"}}"),
            "line 3: something is expected already of what was told last",
        ),
        (
            &format!("{start}\n{{\"expect\":[{{\"$contains\":1}}]}}"),
            "line 2: `$contains` must be the only key of its object, and its value a text",
        ),
        (
            &format!("{start}\n{{\"settings\":{{}}}}"),
            "line 2: `settings` is for a handler, and what stands above is for a behaviour",
        ),
        (
            &format!("{{\"clients\":[]}}\n{start}"),
            "line 2: `event` is for a behaviour, and what stands above is for a handler",
        ),
        (r#"{"envelopes":[]}"#, "line 1: a call needs at least one envelope"),
        (
            r#"{"journal":{"version":1}}"#,
            "line 1: this is of a journal, which says what happened; to play it as a script, take out its lines `journal`, `actions`, `fault` and `moved`",
        ),
        (
            &format!("{start}\n{{\"blob\":{{\"mime\":\"text/plain\",\"base64\":\"!\"}}}}"),
            "line 2: Invalid symbol 33, offset 0.",
        ),
        (&deep, "line 2: recursion limit exceeded (column 137)"),
    ] {
        assert_eq!(Script::parse(text).unwrap_err().to_string(), expected, "{text}");
    }
    let error = Script::read(&root().join("docs/contract.md")).unwrap_err().to_string();
    assert!(error.ends_with("docs/contract.md:1: expected value (column 1)"), "{error}");
    let error = Script::read(&root().join("no such file")).unwrap_err().to_string();
    assert!(error.contains("No such file"), "{error}");
}

#[tokio::test]
async fn a_run_is_held_against_what_is_expected() {
    let plugin = loaded("hostile/well-behaved").await;
    let text = r#"{"event":{"body":{"start":{}}}}
{"expect":[{"body":{"emit":{"status":{"$contains":"hell"}}}},{"token":1}]}
{"event":{"token":1,"body":"timer"}}
{"event":{"token":2,"body":"timer"}}
{"expect":[{"body":{"emit":{"status":"timer 3"}}}]}
{"event":{"token":3,"body":"timer"}}
{"expect_fault":"panic"}
{"event":{"token":9,"body":"timer"}}
"#;
    let script = Script::parse(text).unwrap();
    let turns = play(&script, &plugin, &bare()).await;
    let checks: Vec<bool> = turns.iter().map(Turn::failed).collect();
    assert_eq!(checks, [false, false, true, true, true]);
    assert_eq!((&turns[0].check, &turns[1].check), (&Check::Met, &Check::Unchecked));
    let missed = missed(&turns);
    assert_eq!(missed[0], r#"[0].body.emit.status: expected "timer 3", found "timer 2""#);
    assert!(missed[1].starts_with(r#"[1]: expected nothing, found {"token":3,"body":{"set_timer":"#), "{missed:?}");
    assert_eq!(missed[2], "expected the fault `panic`, found 2 actions");
    assert_eq!(missed[3], "expected an answer, found the fault `over`: the run is over: it has finished");
    assert_eq!(missed.len(), 4);
}

#[tokio::test]
async fn a_fault_may_be_expected() {
    let plugin = loaded("hostile/panics").await;
    let told = r#"{"event":{"body":{"start":{"input":[{"text":"now"}]}}}}"#;
    for (expectation, wanted) in [
        (r#"{"expect_fault":"panic"}"#, None),
        (r#"{"expect_fault":"exit"}"#, Some("expected the fault `exit`, found the fault `panic`: the plugin panicked")),
        (r#"{"expect":[]}"#, Some("expected an answer, found the fault `panic`: the plugin panicked")),
        ("", Some("expected an answer, found the fault `panic`: the plugin panicked")),
    ] {
        let script = Script::parse(&format!("{told}\n{expectation}\n")).unwrap();
        let missed = missed(&play(&script, &plugin, &bare()).await);
        assert_eq!(missed.len(), usize::from(wanted.is_some()), "{missed:?}");
        assert!(missed.first().is_none_or(|missed| missed.starts_with(wanted.unwrap())), "{missed:?}");
    }
}

#[tokio::test]
async fn what_one_language_did_is_expected_of_the_others() {
    let text = std::fs::read_to_string(root().join("examples/tour/script.jsonl")).unwrap();
    // The default of the manifest stands in for what the script leaves out.
    let text = text.replace(r#""settings":{"greeting":"hello"},"#, "");
    let terms = free();
    let script = Script::parse(&text).unwrap();
    let turns = play(&script, &loaded("tour-rust").await, &terms).await;
    let moves = turns.iter().filter(|turn| matches!(turn.cue.told, Told::Move { .. }));
    assert_eq!(moves.map(|turn| &turn.check).collect::<Vec<_>>(), [&Check::Met; 2]);
    let events = turns.iter().filter(|turn| matches!(turn.cue.told, Told::Event(_)));
    assert!(events.into_iter().all(|turn| turn.check == Check::Unchecked));
    let done: String = turns
        .iter()
        .flat_map(|turn| turn.outcome.as_ref().unwrap().json())
        .map(|action| format!("{action}\n"))
        .collect();
    assert_eq!(done, std::fs::read_to_string(root().join("examples/tour/actions.jsonl")).unwrap());

    let updated_text = script.updated(&turns);
    let without: String =
        updated_text.lines().filter(|line| !line.starts_with("{\"expect\":")).map(|line| format!("{line}\n")).collect();
    assert_eq!(without, text, "what stood there is there still");
    let updated = Script::parse(&updated_text).unwrap();
    for language in ["rust", "python", "js"] {
        let turns = play(&updated, &loaded(&format!("tour-{language}")).await, &terms).await;
        assert_eq!(missed(&turns), [] as [String; 0], "{language}");
        assert!(turns.iter().all(|turn| turn.check == Check::Met), "{language}");
        assert_eq!(updated.updated(&turns), updated_text);
    }
}

#[tokio::test]
async fn a_run_is_moved_between_two_events() {
    let script = |below: &str| {
        let text = format!(
            r#"{{"event":{{"body":{{"start":{{}}}}}}}}
{{"event":{{"token":1,"body":"timer"}}}}
{{"move":{{}}}}
{below}{{"event":{{"token":2,"body":"timer"}}}}
{{"expect":[{{"body":{{"emit":{{"status":"timer 2"}}}}}},{{"token":3}}]}}
"#
        );
        Script::parse(&text).unwrap()
    };
    // What is expected below the move, what is found, and what an update makes of it.
    let refusal = "{\"expect_refused\":\"unsupported\"}\n";
    let plugin = loaded("hostile/well-behaved").await;
    for (below, expected, update) in [
        ("", None, ""),
        ("{\"expect\":[]}\n", None, "{\"expect\":[]}\n"),
        (refusal, Some("expected the refusal `unsupported`, found a move"), "{\"expect\":[]}\n"),
        ("{\"expect_fault\":\"panic\"}\n", Some("expected the fault `panic`, found a move"), "{\"expect\":[]}\n"),
        ("{\"expect\":[{}]}\n", Some("[0]: expected {}, found nothing"), "{\"expect\":[]}\n"),
    ] {
        let played = script(below);
        let turns = play(&played, &plugin, &bare()).await;
        assert_eq!(missed(&turns), expected.into_iter().collect::<Vec<_>>(), "{below}");
        let moved = &turns[2];
        assert_eq!((&moved.cue.told, &moved.misfit), (&Told::Move { time_ms: NOON + 2_000 }, &None));
        assert_eq!(moved.outcome.as_ref().unwrap(), &Answer::Moved(1), "the fixture keeps one byte");
        assert_eq!(turns[3].check, Check::Met, "it goes on as if nothing had been");
        let Told::Event(event) = &turns[3].cue.told else { panic!("{:?}", turns[3]) };
        assert_eq!((event.seq, event.time_ms), (2, NOON + 3_000), "a move is no event, and takes its time");
        assert!(played.updated(&turns).contains(&format!("{{\"move\":{{}}}}\n{update}{{\"event\"")), "{below}");
    }
}

/// A run that cannot be moved is told apart from one that dies of it, and stays where it is.
#[tokio::test]
async fn why_a_run_is_not_moved_is_told() {
    let text = "{\"event\":{\"body\":{\"start\":{}}}}\n{\"move\":{}}\n{\"event\":{\"token\":1,\"body\":\"timer\"}}\n";
    let script = Script::parse(text).unwrap();
    for (fixture, code, why) in [
        ("hostile/save-fails", "internal", "the fixture gives no snapshot"),
        ("hostile/bad-restore", "invalid", "the fixture accepts no snapshot"),
        ("hostile/restore-panics", "panic", "the fixture panics in restore"),
        ("hostile/ignores-cancel", "unsupported", "`describe` names no `snapshot` format, so no host moves its runs"),
    ] {
        let plugin = loaded(fixture).await;
        let turns = play(&script, &plugin, &bare()).await;
        let Ok(Answer::Stayed(failure)) = &turns[1].outcome else { panic!("{fixture}: {:?}", turns[1]) };
        assert_eq!(failure.code, code, "{fixture}: {failure:?}");
        assert!(failure.text.contains(why), "{fixture}: {failure:?}");
        assert!(turns[1].failed());
        let told = missed(&turns).remove(0);
        assert!(told.starts_with(&format!("expected a move, found the refusal `{code}`: ")), "{told}");
        assert!(turns[2].outcome.is_ok(), "it goes on: {:?}", turns[2].outcome);

        let updated = script.updated(&turns);
        assert_eq!(updated.lines().nth(3).unwrap(), format!("{{\"expect_refused\":\"{code}\"}}"));
        let updated = Script::parse(&updated).unwrap();
        let turns = play(&updated, &plugin, &bare()).await;
        assert_eq!((missed(&turns), &turns[1].check), (Vec::new(), &Check::Met), "{fixture}");
    }
}

#[tokio::test]
async fn only_what_was_missed_is_rewritten() {
    let plugin = loaded("hostile/well-behaved").await;
    let text = "\n  {\"event\": {\"body\": {\"start\": {}}}}  \r\n{\"expect\": [{}, {\"token\": 1}]}\r\n\
        {\"event\":{\"token\":1,\"body\":\"timer\"}}\r\n{\"expect\": [ ]}\r\n\n{\"event\":{\"token\":2,\"body\":\"timer\"}}";
    let script = Script::parse(text).unwrap();
    let turns = play(&script, &plugin, &bare()).await;
    let updated = script.updated(&turns);
    let expect = |number: u32, next: u32| {
        format!(
            "{{\"expect\":[{{\"token\":0,\"body\":{{\"emit\":{{\"status\":\"timer {number}\"}}}}}},\
             {{\"token\":{next},\"body\":{{\"set_timer\":{}}}}}]}}",
            timer(&turns)
        )
    };
    let expected = text.replace("{\"expect\": [ ]}", &expect(1, 2)) + "\n" + &expect(2, 3) + "\n";
    assert_eq!(updated, expected);
    let again = Script::parse(&updated).unwrap();
    let turns = play(&again, &plugin, &bare()).await;
    assert!(turns.iter().all(|turn| turn.check == Check::Met));
    assert_eq!(again.updated(&turns), updated);
}

/// How long the timers of the fixture are.
fn timer(turns: &[Turn<'_>]) -> u64 {
    let last = turns[1].outcome.as_ref().unwrap().json().pop().unwrap();
    serde_json::from_str::<serde_json::Value>(&last).unwrap()["body"]["set_timer"].as_u64().unwrap()
}

#[tokio::test]
async fn a_fault_is_written_down_and_what_comes_after_it_is_not() {
    let plugin = loaded("hostile/panics").await;
    let text = "{\"event\":{\"body\":{\"start\":{\"input\":[{\"text\":\"now\"}]}}}}\n{\"event\":{\"token\":1,\"body\":\"timer\"}}\n";
    let script = Script::parse(text).unwrap();
    let updated = script.updated(&play(&script, &plugin, &bare()).await);
    let lines: Vec<&str> = updated.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1], "{\"expect_fault\":\"panic\"}");
}

#[tokio::test]
async fn a_script_runs_on_the_terms_of_the_plugin() {
    let plugin = loaded("tour-rust").await;
    let script = Script::read(&root().join("examples/tour/script.jsonl")).unwrap();
    let turns = play(&script, &plugin, &bare()).await;
    let refused = turns.iter().filter_map(|turn| match &turn.outcome {
        Ok(Answer::Step(step)) => Some(step.answers().filter(|(_, why)| why.is_some()).count()),
        _ => None,
    });
    assert!(refused.sum::<usize>() > 0, "the safe set is not enough for the tour");

    let settings =
        "{\"info\":{\"settings\":{\"greting\":\"hi\"}}}\n".to_owned() + "{\"event\":{\"body\":{\"start\":{}}}}";
    let script = Script::parse(&settings).unwrap();
    let log = Arc::new(KeptLog::default());
    let error = Player::new(&script, &plugin, &free(), log).err().unwrap();
    let text = "the settings do not fit the plugin: there is no setting `greting`; did you mean `greeting`?";
    assert_eq!(error.to_string(), text);

    let handler = Script::parse(r#"{"envelopes":[{"sender":{"id":"a"}}]}"#).unwrap();
    let error = Player::new(&handler, &plugin, &free(), Arc::new(KeptLog::default())).err().unwrap();
    assert!(matches!(error, PlayError::OtherWorld { .. }));
    assert_eq!(error.to_string(), "the script is for a handler, and the plugin is a behaviour");
}

#[tokio::test]
async fn a_handler_is_given_envelopes_and_clients() {
    let plugin = loaded("hostile/handler-asks-directory").await;
    let text = r#"{"settings":{}}
{"envelopes":[{"kind":"task","sender":{"id":"web"}}]}
{"expect":[{"route":[]}]}
{"clients":[{"id":"lab","name":"the lab","kind":"device","online":true,"load":0.0,"outstanding":2},{"id":"desk","kind":"device","online":true,"load":0.0}]}
{"envelopes":[{"kind":"task","sender":{"id":"web"}},{"kind":"chat","sender":{"id":"lab"}}]}
{"expect":[{"route":["desk"]},{"reply":{"pages":[["desk","lab"]],"sender":{"$contains":"lab"},"version":1}}]}
{"envelopes":[{"kind":"task","sender":{"id":"desk"}}]}
{"expect":["pass"]}
"#;
    let script = Script::parse(text).unwrap();
    let turns = play(&script, &plugin, &Terms::everything()).await;
    assert_eq!(missed(&turns), [r#"[0]: expected "pass", found {"route":["lab"]}"#]);
    let updated = script.updated(&turns);
    assert_eq!(updated, text.replace(r#"{"expect":["pass"]}"#, r#"{"expect":[{"route":["lab"]}]}"#));

    let turns = play(&script, &plugin, &bare()).await;
    assert!(matches!(&turns[0].outcome, Err(fault) if fault.code() == "denied"), "{:?}", turns[0]);
}

#[tokio::test]
async fn a_plugin_of_either_world_shows_itself() {
    for (name, world, id) in
        [("tour-rust", World::Behaviour, "\"id\""), ("hostile/handler-panics", World::Handler, "handler-panics")]
    {
        let bytes = plugin(name);
        let plugin = RUNTIME.plugin(bytes.clone(), Limits::default()).await.unwrap();
        assert_eq!((plugin.outline().world, plugin.size()), (world, bytes.len()));
        assert!(plugin.outline().exports.iter().any(|export| export.starts_with("hangar:plugin/meta@")));
        assert_eq!(plugin.hash(), hangar_runtime::blob_id(&bytes));
        assert!(plugin.description().contains(id), "{}", plugin.description());
        plugin.self_test().await.unwrap();
    }
}
