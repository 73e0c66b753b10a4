//! New projects in each language and world: made, built, checked, inspected, run and tested, as an author would.

use std::fs;

use serde_json::Value;

use crate::stage::{Folder, repository};

#[test]
fn rust() {
    each_world_goes_all_the_way("rust");
}

#[test]
fn python() {
    each_world_goes_all_the_way("python");
}

#[test]
fn javascript() {
    each_world_goes_all_the_way("js");
}

fn each_world_goes_all_the_way(language: &str) {
    let folder = Folder::new();
    for world in ["behaviour", "handler"] {
        let id = format!("{language}-{world}");
        folder
            .hangar(&format!("plugin new {id} --lang {language} --world {world}"))
            .ok()
            .says(&["hangar plugin build"]);
        if language == "rust" {
            // The versions that the repository is built with are here already.
            fs::copy(repository().join("Cargo.lock"), folder.path(&format!("{id}/Cargo.lock"))).unwrap();
        }
        goes_all_the_way(&folder, &id, world);
    }
}

fn goes_all_the_way(folder: &Folder, id: &str, world: &str) {
    let hangar = |line: &str| folder.hangar_in(id, line);

    let built = hangar("plugin build --json").ok().json();
    assert_eq!((&built["id"], &built["world"]), (&Value::from(id), &Value::from(world)));
    let component = fs::metadata(folder.path(&format!("{id}/{id}.wasm"))).unwrap();
    assert_eq!(built["bytes"], component.len());

    let checked = hangar("plugin check").ok();
    assert_eq!(checked.out.lines().filter(|line| line.starts_with("ok ")).count(), 8, "{checked}");

    let inspected = hangar("plugin inspect --json").ok().json();
    assert_eq!(inspected["describe"]["id"], id);
    assert_eq!(inspected["component"]["sha256"], built["sha256"]);
    hangar("plugin inspect").ok().says(&[id, "sha256", "capabilities"]);

    hangar("plugin run --script tests/hello.jsonl").ok().says(&["as expected"]);
    let lines = hangar("plugin run --script tests/hello.jsonl --json").ok().json_lines();
    assert_eq!(lines.first().unwrap()["plugin"]["id"], id);
    assert_eq!(lines.last().unwrap()["end"]["ok"], true);

    let tested = hangar("plugin test").ok().says(&["ok      hello.jsonl"]);
    assert!(!tested.err.contains("warning"), "{tested}");
    expectations_can_be_updated(folder, id);

    folder.write(&format!("{id}/plugin.toml"), folder.read(&format!("{id}/plugin.toml")));
    hangar("plugin test . hello").ok().says(&["is older than the sources", "`hangar plugin build` first"]);
}

/// A script without expectations is given them, and one that expects something else is told so.
fn expectations_can_be_updated(folder: &Folder, id: &str) {
    let hangar = |line: &str| folder.hangar_in(id, line);
    let script = folder.read(&format!("{id}/tests/hello.jsonl"));
    let told: Vec<&str> = script.lines().filter(|line| !line.starts_with("{\"expect")).collect();
    let bare = format!("{id}/tests/bare.jsonl");
    folder.write(&bare, told.join("\n") + "\n");
    hangar("plugin test . bare").ok().says(&["of which nothing is expected"]);
    hangar("plugin test . bare --update").ok().says(&["updated"]);
    hangar("plugin test . bare").ok();
    assert!(folder.read(&bare).contains("{\"expect\":"));

    let wrong = folder.read(&bare).replace("lab-1", "lab-2").replace("denied", "allowed");
    folder.write(&bare, wrong);
    hangar("plugin test").not_ok().says(&["FAILED  bare.jsonl", "line ", "ok      hello.jsonl", "2 scripts, 1 failed"]);
    let tested = hangar("plugin test --json").not_ok().json();
    assert_eq!(tested["scripts"][0]["script"], "bare.jsonl");
    assert_eq!((&tested["scripts"][0]["ok"], &tested["scripts"][1]["ok"]), (&Value::from(false), &Value::from(true)));
}
