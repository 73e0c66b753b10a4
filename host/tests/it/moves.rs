//! Runs that a script moves, as authors see them.

use std::fs;

use serde_json::{Value, json};

use crate::stage::{Folder, component, repository};

/// A folder with the tour of this language and its script, as a test and to be played.
fn tour(language: &str) -> Folder {
    let (folder, tour) = (Folder::new(), repository().join("examples/tour"));
    folder.write("plugin.toml", fs::read(tour.join(language).join("plugin.toml")).unwrap());
    folder.write("tour.wasm", component(&format!("tour-{language}")));
    folder.write("tests/script.jsonl", fs::read(tour.join("script.jsonl")).unwrap());
    folder
}

#[test]
fn the_tour_is_moved_in_each_language() {
    for language in ["rust", "python", "js"] {
        let folder = tour(language);
        folder.hangar("plugin test").ok().says(&["ok      script.jsonl, 23 steps\n"]);
        let said = folder.hangar("plugin run --script tests/script.jsonl").ok().readable();
        let said = said.says(&["--> move\n<-- stays (unsupported): The run can only be moved while it rests"]);
        assert!(said.out.contains("--> move\n<-- moved, with "), "{said}");
        assert_eq!(said.out.matches("    as expected\n").count(), 2, "{said}");

        let lines = folder.hangar("plugin run --json --script tests/script.jsonl").ok().json_lines();
        let has = |line: &Value| assert!(lines.contains(line), "{language} does not print {line}");
        has(&json!({"move": {"time_ms": 1_790_000_018_000_u64}}));
        has(&json!({"expected": true, "differences": []}));
        assert!(lines.iter().any(|line| line["stayed"]["code"] == "unsupported"), "{lines:?}");
        assert!(lines.iter().any(|line| line["moved"]["bytes"].as_u64().is_some_and(|bytes| bytes > 100)), "{lines:?}");
    }
}

#[test]
fn a_run_that_should_move_and_does_not_is_told_with_what_to_do() {
    let folder = tour("rust");
    folder.change("tests/script.jsonl", "{\"expect_refused\":\"unsupported\"}\n", "");
    folder.hangar("plugin run --script tests/script.jsonl").not_ok().says(&[
        "<-- stays (unsupported): The run can only be moved while it rests\n    fix: let the run wait in `cx.rest` there",
        "write {\"expect_refused\":\"unsupported\"} below",
    ]);
    folder.hangar("plugin test --update").ok().says(&["23 steps, updated"]);
    assert!(folder.read("tests/script.jsonl").contains("{\"expect_refused\":\"unsupported\"}\n"));
    folder.hangar("plugin test").ok();
}
