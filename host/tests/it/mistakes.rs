//! What a beginner gets wrong with the files of a plugin. Each mistake gives one readable message, with what to do.

use crate::stage::{Folder, component};

/// A mistake, and what is said about it.
struct Mistake {
    what: &'static str,
    /// The files of the folder in which the command is run.
    files: Vec<(&'static str, Vec<u8>)>,
    command: &'static str,
    /// What is wrong.
    says: &'static str,
    /// What to do about it.
    fix: &'static str,
}

/// A manifest for the component `tour-rust`, with these lines.
fn manifest(lines: &str) -> (&'static str, Vec<u8>) {
    ("plugin.toml", format!("id = \"tour\"\nversion = \"0.1.0\"\n{lines}\n").into_bytes())
}

fn script(lines: &str) -> (&'static str, Vec<u8>) {
    ("script.jsonl", lines.into())
}

/// A component of `target/plugins`.
fn built(name: &str) -> (&'static str, Vec<u8>) {
    ("tour.wasm", component(name))
}

const BEHAVIOUR: &str = "world = \"behaviour\"";
const START: &str = r#"{"event":{"body":{"start":{"input":[{"text":"Hello"}]}}}}"#;

fn mistakes() -> Vec<Mistake> {
    vec![
        Mistake {
            what: "the manifest is for the other world",
            files: vec![manifest("world = \"handler\""), built("tour-rust")],
            command: "plugin check",
            says: "plugin.toml says `world = \"handler\"`, but the component is a behaviour",
            fix: "fix: write `world = \"behaviour\"` there",
        },
        Mistake {
            what: "the component exports no world",
            files: vec![manifest(BEHAVIOUR), built("hostile-missing-export")],
            command: "plugin check",
            says: "it exports neither `hangar:plugin/runs` (a behaviour) nor `hangar:plugin/handlers` (a handler)",
            fix: "fix: Build it for one of the two worlds",
        },
        Mistake {
            what: "the component is for another major version of the contract",
            files: vec![manifest(BEHAVIOUR), built("hostile-wrong-major")],
            command: "plugin check",
            says: "it is built for hangar:plugin@2.0.0",
            fix: "fix: Rebuild it with a matching SDK",
        },
        Mistake {
            what: "a typo in the manifest",
            files: vec![
                ("plugin.toml", b"id = \"tour\"\nverson = \"0.1.0\"\nworld = \"behaviour\"\n".into()),
                built("tour-rust"),
            ],
            command: "plugin check",
            says: "plugin.toml:2: unknown key `verson`; did you mean `version`?",
            fix: "fix: mend it there",
        },
        Mistake {
            what: "a core module",
            files: vec![manifest(BEHAVIOUR), ("tour.wasm", b"\0asm\x01\0\0\0".into())],
            command: "plugin check",
            says: "tour.wasm: it is a core module, not a component",
            fix: "fix: Build for the target `wasm32-wasip2`",
        },
        Mistake {
            what: "an empty file",
            files: vec![manifest(BEHAVIOUR), ("tour.wasm", Vec::new())],
            command: "plugin check",
            says: "tour.wasm: it is empty",
            fix: "fix: Was it still being written? Copy it again",
        },
        Mistake {
            what: "not WebAssembly",
            files: vec![manifest(BEHAVIOUR), ("tour.wasm", b"#!/bin/sh\n".into()), script(START)],
            command: "plugin run --script script.jsonl",
            says: "tour.wasm: it is not WebAssembly",
            fix: "fix: Build a component",
        },
        Mistake {
            what: "a component alone whose name can be no id",
            files: vec![("a.b.wasm", component("tour-rust"))],
            command: "plugin inspect a.b.wasm",
            says: "a.b.wasm has no plugin.toml, so its name is its id, which is `a.b`",
            fix: "fix: rename the file, or put a plugin.toml beside it",
        },
        Mistake {
            what: "a manifest that would drive the terminal",
            files: vec![manifest("world = \"behaviour\"\nsummary = \"\\u001b[2J\""), built("tour-rust")],
            command: "plugin inspect",
            says: "plugin.toml:4: `summary` has a line break or another control character",
            fix: "fix: mend it there",
        },
        Mistake {
            what: "several components",
            files: vec![manifest(BEHAVIOUR), built("tour-rust"), ("old.wasm", component("tour-rust"))],
            command: "plugin inspect",
            says: "has several .wasm files: old.wasm, tour.wasm",
            fix: "fix: remove all but one, or say in plugin.toml which one it is: `component = \"NAME.wasm\"`",
        },
        Mistake {
            what: "not built yet",
            files: vec![manifest(BEHAVIOUR), ("tests/hello.jsonl", START.into())],
            command: "plugin test",
            says: "has no .wasm file yet",
            fix: "fix: run `hangar plugin build`",
        },
        Mistake {
            what: "no project",
            files: vec![],
            command: "plugin build",
            says: ". is no plugin project: it has no plugin.toml",
            fix: "fix: go to the folder of a project, or make one with `hangar plugin new NAME`",
        },
        Mistake {
            what: "nothing to build",
            files: vec![manifest(BEHAVIOUR)],
            command: "plugin build",
            says: ". has a plugin.toml, but nothing to build",
            fix: "fix: add a Cargo.toml (Rust), a plugin.py (Python) or a plugin.js (JavaScript)",
        },
        Mistake {
            what: "no script",
            files: vec![manifest(BEHAVIOUR), built("tour-rust")],
            command: "plugin test",
            says: "there is no script in ./tests",
            fix: "fix: write tests/hello.jsonl with what the plugin is to be told",
        },
        Mistake {
            what: "a line of a script that is none",
            files: vec![manifest(BEHAVIOUR), built("tour-rust"), script("\n{\"evnt\":{}}\n")],
            command: "plugin run --script script.jsonl",
            says: "script.jsonl:2: unknown variant `evnt`",
            fix: "fix: a script has one JSON object in each line",
        },
        Mistake {
            what: "a script for the other world",
            files: vec![
                manifest(BEHAVIOUR),
                built("tour-rust"),
                script("{\"envelopes\":[{\"kind\":\"chat\",\"sender\":{}}]}"),
            ],
            command: "plugin run --script script.jsonl",
            says: "the script is for a handler, and the plugin is a behaviour",
            fix: "fix: play a script with `event` for a behaviour",
        },
        Mistake {
            what: "a setting that is not declared",
            files: vec![
                manifest("world = \"behaviour\"\n[settings.greeting]\ntype = \"text\"\ndefault = \"Hello\""),
                built("tour-rust"),
                script(&format!("{{\"info\":{{\"settings\":{{\"greting\":\"Ahoy\"}}}}}}\n{START}\n")),
            ],
            command: "plugin run --script script.jsonl",
            says: "there is no setting `greting`; did you mean `greeting`?",
            fix: "fix: let the script give the settings that plugin.toml declares",
        },
        Mistake {
            what: "a setting of the host that does not fit",
            files: vec![
                manifest("world = \"behaviour\"\n[settings.greeting]\ntype = \"text\"\ndefault = \"Hello\""),
                built("tour-rust"),
                ("hangar.toml", b"[plugins.tour.settings]\ngreeting = 1\n".into()),
            ],
            command: "plugin check --config hangar.toml",
            says: "the setting `greeting`",
            fix: "fix: mend it under [plugins.tour.settings] in the host's configuration",
        },
        Mistake {
            what: "an expectation that is missed",
            files: vec![
                manifest(BEHAVIOUR),
                built("hostile/well-behaved"),
                ("tests/a.jsonl", format!("{START}\n{{\"expect\":[{{\"body\":{{\"set_timer\":2}}}}]}}\n").into()),
            ],
            command: "plugin test",
            says: "line 2: ",
            fix: "`hangar plugin test --update` writes it down",
        },
        Mistake {
            what: "a move where the run does not rest",
            files: vec![
                manifest(BEHAVIOUR),
                built("tour-rust"),
                ("tests/a.jsonl", format!("{START}\n{{\"move\":{{}}}}\n").into()),
            ],
            command: "plugin test",
            says: "line 2: expected a move, found the refusal `unsupported`: The run can only be moved while it rests",
            fix: "fix: let the run wait in `cx.rest` there and say its `SNAPSHOT`",
        },
        Mistake {
            what: "an answer to an action that nobody has asked for",
            files: vec![
                manifest(BEHAVIOUR),
                built("hostile/well-behaved"),
                script(&format!("{START}\n{{\"event\":{{\"token\":9,\"body\":\"timer\"}}}}\n")),
            ],
            command: "plugin run --script script.jsonl",
            says: "does not fit: no action has the token 9",
            fix: "what waits is [1] set_timer",
        },
        Mistake {
            what: "an answer of the wrong kind",
            files: vec![
                manifest(BEHAVIOUR),
                built("hostile/well-behaved"),
                ("tests/a.jsonl", format!("{START}\n{{\"event\":{{\"token\":1,\"body\":{{\"tools\":[]}}}}}}\n").into()),
            ],
            command: "plugin test",
            says: "line 2: [1] set_timer is answered by `timer` or `refused`, not by `tools`",
            fix: "`hangar plugin run --script tests/NAME` shows all that happens",
        },
        Mistake {
            what: "a script that begins in the middle",
            files: vec![manifest(BEHAVIOUR), built("hostile/well-behaved"), script("{\"event\":{\"body\":\"timer\"}}")],
            command: "plugin run --script script.jsonl",
            says: "the first event must be `start`, not `timer`",
            fix: "",
        },
        Mistake {
            what: "a success where this host refuses",
            files: vec![
                (
                    "plugin.toml",
                    b"id = \"tour-rust\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\n[capabilities]\ndevice-tools = [\"*\"]\n"
                        .into(),
                ),
                built("tour-rust"),
                ("hangar.toml", b"[plugins.tour-rust.grants]\ndevice-tools = []\n".into()),
                script(&format!("{START}\n{{\"event\":{{\"token\":1,\"body\":{{\"tools\":[]}}}}}}\n")),
            ],
            command: "plugin run --script script.jsonl --config hangar.toml",
            says: "does not fit: [1] list_tools was refused, so a host answers it with `refused` and not with `tools`: denied",
            fix: "grant it under [plugins.tour-rust.grants]",
        },
        Mistake {
            what: "a component written over a source",
            files: vec![manifest(BEHAVIOUR), ("plugin.js", "export async function run() {}".into())],
            command: "plugin build --out plugin.js",
            says: "plugin.js exists and is no component; it was left alone",
            fix: "fix: name another file with --out",
        },
        Mistake {
            what: "a plugin that waits",
            files: vec![manifest(BEHAVIOUR), built("hostile/sleeps"), script(&START.replace("Hello", "now"))],
            command: "plugin run --script script.jsonl",
            says: "fault waited: the plugin tried to wait inside a step",
            fix: "fix: let the host wait: use the SDK's `sleep`",
        },
    ]
}

#[test]
fn each_mistake_gives_one_message_with_the_fix() {
    for Mistake { what, files, command, says, fix } in mistakes() {
        println!("{what}");
        let folder = Folder::new();
        for (file, content) in files {
            folder.write(file, content);
        }
        let said = folder.hangar(command).not_ok().says(&[says, fix]);
        for stream in [&said.out, &said.err] {
            assert!(stream.matches("error:").count() <= 1, "{what}: more than one error: {said}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_script_has_an_end() {
    let folder = Folder::new();
    folder.write("plugin.toml", manifest(BEHAVIOUR).1);
    folder.write("tour.wasm", component("tour-rust"));
    folder.write("tests/a.jsonl", START);
    std::os::unix::fs::symlink("/dev/zero", folder.path("tests/zero.jsonl")).unwrap();
    let has_more = "zero has more than the 67108864 bytes that a script may have";
    let fix = "fix: make several scripts of it";
    folder.hangar("plugin run --script /dev/zero").not_ok().says(&[has_more, fix]);
    folder.hangar("plugin test").not_ok().says(&["zero.jsonl has more than the 67108864 bytes", fix]);
}

/// JSON escapes only those control characters that are older than terminals of eight bits.
#[test]
fn a_plugin_does_not_drive_the_terminal() {
    let folder = Folder::new();
    let setting = "[settings.greeting]\ntype = \"text\"\ndefault = \"\\u009b31m\\u007f\"";
    folder.write("plugin.toml", manifest(&format!("{BEHAVIOUR}\n{setting}")).1);
    folder.write("tour.wasm", component("tour-rust"));
    for command in ["plugin inspect", "plugin check"] {
        let said = folder.hangar(command).says(&["\u{fffd}31m\u{fffd}"]);
        assert!(!said.out.contains(['\u{9b}', '\u{7f}']), "{said}");
    }
}

#[test]
fn what_is_not_granted_is_refused_with_the_fix() {
    let folder = Folder::new();
    let script = include_str!("../../../examples/tour/script.jsonl");
    let take_part = |request: &str, config: &str| {
        folder.write(
            "plugin.toml",
            manifest(&format!("{BEHAVIOUR}\n[settings.greeting]\ntype = \"text\"\n[capabilities]\n{request}")).1,
        );
        folder.write("tour.wasm", component("tour-rust"));
        folder.write("script.jsonl", script);
        folder.write("hangar.toml", config);
        folder.hangar(&format!(
            "plugin run --script script.jsonl{}",
            if config.is_empty() { "" } else { " --config hangar.toml" }
        ))
    };

    take_part("", "").says(&[
        "refused (denied): calling the tool `web_search` is not granted",
        "request it with `host-tools = [\"web_search\"]` under [capabilities] in plugin.toml",
    ]);

    let requested = "host-tools = [\"web_*\"]";
    let said =
        take_part(requested, "").says(&["note: a host that is not configured does not grant host-tools = [\"web_*\"]"]);
    assert!(!said.out.contains("calling the tool"), "{said}");

    take_part(requested, "[plugins.tour]\n").says(&["under [plugins.tour.grants] in the host's configuration"]);
    let said = take_part(requested, "[plugins.tour.grants]\nhost-tools = [\"*\"]\n");
    assert!(!said.out.contains("calling the tool") && !said.out.contains("note:"), "{said}");

    folder.hangar("plugin check").says(&["    [plugins.tour.grants]\n    host-tools = [\"web_*\"]\n"]);
    let said = folder.hangar("plugin check --json --config hangar.toml");
    assert_eq!(said.json()["not_granted"]["toml"], "");
}

#[test]
fn a_check_finds_what_is_independent() {
    let folder = Folder::new();
    folder.write("plugin.toml", "id = \"tour\"\nversion = 1\nworld = \"behavior\"\n");
    folder.write("tour.wasm", component("hostile/self-test-fails"));
    folder.hangar("plugin check").not_ok().says(&[
        "plugin.toml:2: ",
        "plugin.toml:3: ",
        "ok      outline",
        "FAILED  self-test\n        its self-test failed",
    ]);
    let said = folder.hangar("plugin check --json").not_ok();
    let failed = said.json()["stages"].as_array().unwrap().iter().filter(|stage| stage["outcome"] == "failed").count();
    assert_eq!(failed, 2, "{said}");
}

#[test]
fn programs_are_told_about_errors_in_json() {
    let said = Folder::new().hangar("plugin build --json").not_ok();
    assert_eq!(said.json()["ok"], false);
    assert_eq!(said.json()["error"]["what"], ". is no plugin project: it has no plugin.toml");
    assert!(said.json()["error"]["fix"].as_str().unwrap().contains("hangar plugin new NAME"));
}
