//! Journals are replayed, and it is said whether the plugin still answers the same.

use hangar_runtime::blob_id;

use crate::stage::{Folder, component};

const SCRIPT: &str = r#"{"info":{"run_id":"run-1","seed":"a"}}
{"event":{"seq":0,"time_ms":1790000000000,"body":{"start":{"input":[{"text":"Hello"}]}}}}
{"event":{"seq":1,"time_ms":1790000001000,"token":1,"body":"timer"}}
"#;

/// The journal of a run that was told this script: what `plugin run --json` prints is canonical, and so are the hashes.
fn journal(folder: &Folder) -> String {
    let component = blob_id(&component("hostile/well-behaved"));
    let mut journal = format!(
        "{{\"journal\":{{\"version\":1,\"contract\":\"1.0.0\",\"component\":\"{component}\"}}}}\n{}\n",
        SCRIPT.lines().next().unwrap()
    );
    let played = folder.hangar("plugin run --script script.jsonl --json").ok();
    let mut lines = played.out.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("{\"event\"") {
            let mut actions = Vec::new();
            while let Some(action) = lines.peek().and_then(|line| line.strip_prefix("{\"action\":")) {
                actions.push(action.strip_suffix('}').unwrap().to_owned() + "\n");
                lines.next();
            }
            let (count, hash) = (actions.len(), blob_id(actions.concat().as_bytes()));
            journal += &format!("{line}\n{{\"actions\":{{\"count\":{count},\"hash\":\"{hash}\"}}}}\n");
        }
    }
    journal
}

#[test]
fn a_journal_is_replayed_and_compared() {
    let folder = Folder::new();
    folder.write("plugin.toml", "id = \"well-behaved\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\n");
    folder.write("well-behaved.wasm", component("hostile/well-behaved"));
    folder.write("script.jsonl", SCRIPT);
    let journal = journal(&folder);
    folder.write("journal.jsonl", &journal);
    folder.hangar("plugin run --script journal.jsonl").ok().says(&["--> 1", "answers as the journal says"]);

    let padding = " ".repeat(64 << 20);
    folder.write("journal.jsonl", journal.replacen("{\"event\"", &format!("{padding}{{\"event\""), 1));
    folder.hangar("plugin run --script journal.jsonl").ok().says(&["--> 1", "answers as the journal says"]);

    let at = journal.rfind("\"hash\":\"").unwrap() + "\"hash\":\"".len();
    let other = format!("{}{}{}", &journal[..at], "0".repeat(64), &journal[at + 64..]);
    folder.write("journal.jsonl", &other);
    folder.hangar("plugin run --script journal.jsonl").not_ok().says(&["diverges: event ", "answered otherwise"]);
    let lines = folder.hangar("plugin run --script journal.jsonl --json").not_ok().json_lines();
    assert!(lines.iter().any(|line| line["divergence"]["seq"].is_u64()), "{lines:?}");

    folder.write("journal.jsonl", journal.replacen("\"version\":1", "\"version\":9", 1));
    folder.hangar("plugin run --script journal.jsonl").not_ok().says(&["error: the journal has format 9"]);
}
