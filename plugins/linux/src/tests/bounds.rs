//! Whatever a model or a device says, the run does not use up what a plugin may use.

use hangar_plugin_sdk::agent_loop::Emit;
use hangar_plugin_sdk::testing::success;
use hangar_plugin_sdk::{Value, blobs, json};

use super::{planned, ran, run, says, script};

#[test]
fn many_actions_are_shown_in_one_status() {
    let mut script = planned("Do it");
    let actions: Vec<Value> = (0..16).map(|_| run(&"y".repeat(900), "CONTINUE")).collect();
    let step = says(&mut script, json!(actions), "");
    let [Emit::Thinking(_), Emit::Status(status)] = &step.emitted()[..] else { panic!("{:?}", step.emitted()) };
    assert!(status.len() < 3_000);
}

#[test]
fn an_answer_beyond_all_bounds_is_to_be_repaired() {
    let answer = |thought: String, actions: usize, plan: Value| {
        let actions: Vec<Value> = (0..actions).map(|_| run("ls", "CONTINUE")).collect();
        json!({"observation": "o", "thought": thought, "action": actions, "plan": plan}).to_string()
    };
    let short = || "t".to_owned();
    for (said, why) in [
        (answer(short(), 17, json!([])), "`action` has more than 16 entries"),
        (answer("t".repeat(4_001), 1, json!([])), "`thought` has more than 4000 characters"),
        (answer(short(), 1, json!(vec!["step"; 51])), "`plan` may have 50 steps"),
        (answer(short(), 1, json!(["s".repeat(501)])), "`plan` may have 50 steps"),
        (answer(short(), 1, json!("s".repeat(501))), "`plan` may have 50 steps"),
        ("n".repeat(3_000_000), "it is too long"),
    ] {
        let mut script = planned("Do it");
        let told = script.model_says(&said).model_text();
        assert!(told.contains(why), "{why}");
        assert!(script.model_says(&said).model_text().len() < 20_000, "{why}");
    }
    let mut script = planned("Do it");
    script.model_says(&answer("t".repeat(4_000), 16, json!(vec!["s".repeat(500); 50]))).commands();
}

#[test]
fn a_long_call_is_cut_for_the_model() {
    let mut script = planned("Do it");
    says(&mut script, run(&"y".repeat(90_000), "CONTINUE"), "");
    assert!(script.results(ran("x")).model_text().len() < 10_000);
}

#[test]
fn the_steps_that_are_told_share_their_room() {
    let mut script = planned("Do it");
    let actions: Vec<Value> = (0..16).map(|_| run("ls", "CONTINUE")).collect();
    for step in 1..=5_i32 {
        says(&mut script, json!(actions), "");
        let outputs = (0..16).map(|_| success(json!({"exit_code": 0, "stdout": "x".repeat(15_000), "stderr": ""})));
        let told = script.results(outputs).model_text();
        assert!(told.len() < 60_000, "{} characters after step {step}", told.len());
        let left_out = format!("(steps 1 to {} are left out)\nStep {}: t", step - 3, step - 2);
        assert_eq!(told.contains(&left_out), step > 3, "{step}");
    }
}

#[test]
fn blobs_are_opened_until_the_budget_is_used_up() {
    let blob = blobs::create("text/plain", "line\n".repeat(10_000).as_bytes()).unwrap();
    let picture = blobs::create("image/png", &[1, 2, 3]).unwrap();
    for id in [blob.as_str(), picture.as_str(), "gone"] {
        let mut script = script();
        script.start("$ x");
        let many = vec![json!({"$blob": id}); 2_000];
        let text = script.results([success(json!(many))]).finished().text.clone();
        assert!(text.len() < 70_000, "{id}: {}", text.len());
        assert!(text.contains("(left out)"));
    }
}

#[test]
fn a_long_text_is_cut_for_people_and_whole_for_programs() {
    let mut script = script();
    script.start("$ x");
    let step = script.results([success(json!({"stdout": "x".repeat(1_000_000)}))]);
    assert!(step.finished().text.len() < 70_000);
    assert!(step.finished().results[0].len() > 1_000_000);
}
