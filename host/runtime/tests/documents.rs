//! The documents about the contract say what is so: their JSON is read and written again, their tables are compared with
//! the code and with the WIT.
//!
//! What a block of JSON is, the words behind its fence say. `jsonl action`: each line is an action as the host writes it.
//! `jsonl event read`: the host reads it, but writes it otherwise. `jsonl event error`: the host refuses it. `toml` blocks
//! are manifests or configurations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

use std::fmt::Debug;
use std::path::Path;
use std::time::Duration;

use hangar_runtime::contract::actions::{Action, AskModel};
use hangar_runtime::contract::events::{CallResult, Event};
use hangar_runtime::contract::messages::{Envelope, Verdict};
use hangar_runtime::contract::session::RunInfo;
use hangar_runtime::contract::values::{Failure, Named, Part};
use hangar_runtime::journal::{Entry, Journal};
use hangar_runtime::library::{BreakerRules, State, Timing};
use hangar_runtime::manifest::{Capabilities, HostConfig, LimitRequests, Manifest, Names, PluginConfig, Terms};
use hangar_runtime::script::Script;
use hangar_runtime::{BlobLimits, COMPONENT_BYTES, Fault, Limits, blob_id};
use serde::Serialize;
use serde::de::DeserializeOwned;

const CONTRACT: &str = "docs/contract.md";
const JSON_FORM: &str = "wit/v1/README.md";
const RELOAD: &str = "docs/reload.md";

fn text(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A block of JSON or TOML, its lines with their numbers.
struct Block {
    document: &'static str,
    what: String,
    lines: Vec<(usize, String)>,
}

impl Block {
    fn text(&self) -> String {
        self.lines.iter().map(|(_, line)| format!("{line}\n")).collect()
    }
}

fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for document in [CONTRACT, JSON_FORM] {
        let mut inside = None;
        for (at, line) in text(document).lines().enumerate() {
            match (line.strip_prefix("```"), inside) {
                (Some(_), Some(_)) => inside = None,
                (Some(info), None) => {
                    let what = ["jsonl", "json", "toml"].into_iter().find_map(|word| info.strip_prefix(word));
                    if let Some(what) = what {
                        blocks.push(Block { document, what: what.trim().to_owned(), lines: Vec::new() });
                    }
                    inside = Some(what.is_some());
                }
                (None, Some(true)) => blocks.last_mut().unwrap().lines.push((at + 1, line.to_owned())),
                (None, _) => {}
            }
        }
        assert!(inside.is_none(), "{document}: a fence is not closed");
    }
    blocks
}

/// Reads a line as what it claims to be, and holds it against what is written again.
fn check<T: DeserializeOwned + Serialize + Debug>(line: &str, how: &str) -> Result<(), String> {
    let read = serde_json::from_str::<T>(line);
    match (how, read) {
        ("error", Ok(read)) => Err(format!("it is refused, the document says, but it is read: {read:?}")),
        ("error", Err(_)) => Ok(()),
        (_, Err(error)) => Err(format!("it cannot be read: {error}")),
        (how, Ok(read)) => {
            let written = serde_json::to_string(&read).unwrap();
            match (how, written == line) {
                ("", true) | ("read", false) => Ok(()),
                ("", false) => Err(format!("it is written otherwise:\n{written}")),
                ("read", true) => Err("it is written as it stands; drop the word `read`".into()),
                (how, _) => Err(format!("`{how}` says nothing about a block")),
            }
        }
    }
}

#[test]
fn every_line_of_json_is_what_it_claims_to_be() {
    let mut wrong = String::new();
    let mut checked = 0;
    for block in blocks().into_iter().filter(|block| !["manifest", "configuration"].contains(&block.what.as_str())) {
        let (what, how) = block.what.split_once(' ').unwrap_or((&block.what, ""));
        for (at, line) in &block.lines {
            let outcome = match what {
                "event" => check::<Event>(line, how),
                "action" => check::<Action>(line, how),
                "info" => check::<RunInfo>(line, how),
                "part" => check::<Part>(line, how),
                "result" => check::<CallResult>(line, how),
                "ask-model" => check::<AskModel>(line, how),
                "envelope" => check::<Envelope>(line, how),
                "verdict" => check::<Verdict>(line, how),
                // A script that leaves things out is read as a whole only.
                "script" if how == "read" => Ok(()),
                "journal" | "entry" | "script" => check::<Entry>(line, how),
                "any" => Ok(()),
                other => Err(format!("nobody knows what `{other}` is")),
            };
            checked += 1;
            if let Err(why) = outcome {
                wrong += &format!("{}:{at}: {why}\n", block.document);
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(checked > 40, "the blocks are not found any more");
}

#[test]
fn the_journals_and_scripts_can_be_read_as_a_whole() {
    let (mut journals, mut scripts) = (0, 0);
    for block in blocks() {
        if block.what == "journal" {
            let journal = Journal::read(block.text().as_bytes()).unwrap();
            assert!(!journal.torn);
            journals += 1;
        } else if block.what.starts_with("script") {
            Script::parse(&block.text()).unwrap();
            scripts += 1;
        }
    }
    assert_eq!((journals, scripts), (1, 4));
}

/// The manifest and the configuration of the example, and what the text says of them.
#[test]
fn the_example_of_grants_is_so() {
    let blocks = blocks();
    let of = |what: &str| {
        let found: Vec<_> = blocks.iter().filter(|block| block.what == what).map(Block::text).collect();
        assert_eq!(found.len(), 1, "{what}");
        found.concat()
    };
    let manifest = Manifest::parse(&of("manifest")).unwrap();
    let config = HostConfig::parse(&of("configuration")).unwrap().plugin(&manifest.id);
    let terms = Terms::of(&manifest.id, Some(&manifest), &config);
    let expected = Capabilities {
        device_tools: Names::of(["LinuxAgent"]),
        models: Names::of(["default", "vision"]),
        store: true,
        ..Capabilities::none()
    };
    assert_eq!(terms.granted.effective(), expected);
    assert_eq!(terms.limits.memory_bytes, 32 << 20);
    assert_eq!(terms.settings(&serde_json::Map::new()).unwrap(), r#"{"threshold":80}"#);
}

#[test]
fn the_capabilities_are_those_of_the_code() {
    let document = text(CONTRACT);
    let part = document.split("\n## Capabilities and grants").nth(1).unwrap().split("\n## ").next().unwrap();
    let safe = serde_json::to_value(Capabilities::safe()).unwrap();
    for (key, value) in safe.as_object().unwrap() {
        let mut cell = row(part, key)[3].replace('`', "");
        if cell == "none" {
            cell = if value.is_boolean() { "false".into() } else { "[]".into() };
        }
        let said: Names = serde_json::from_str::<serde_json::Value>(&cell)
            .unwrap()
            .as_array()
            .map_or_else(Names::none, |names| Names::of(names.iter().map(|name| name.as_str().unwrap())));
        let said = if value.is_boolean() { serde_json::from_str(&cell).unwrap() } else { serde_json::json!(said) };
        assert_eq!(&said, value, "{key}");
    }
    assert_eq!(part.lines().filter(|line| line.starts_with("| `")).count(), safe.as_object().unwrap().len());
}

#[test]
fn the_keys_of_the_operator_are_those_of_the_code() {
    let document = text(RELOAD);
    let part = chapter(&document, "What hangar.toml says");
    let parse = |line: &str| HostConfig::parse(&format!("[plugins.a]\n{line}")).map(|config| config.plugin("a"));
    for (key, quoted) in [("enabled", false), ("on-reload", true), ("shadow", true)] {
        let row = row(part, key);
        let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let line = |word: &str| if quoted { format!("{key} = \"{word}\"") } else { format!("{key} = {word}") };
        let others = words(&row[1]).into_iter().filter(|word| *word != words(&row[2])[0]);
        assert_eq!(parse(&line(&words(&row[2])[0])).unwrap(), PluginConfig::default(), "{key}");
        for word in others {
            assert_ne!(parse(&line(&word)).unwrap(), PluginConfig::default(), "{key} = {word}");
        }
    }
    assert_eq!((row(part, "pin")[2].as_str(), PluginConfig::default().pin), ("none", None));
    let all = ["enabled", "grants", "limits", "on-reload", "pin", "settings", "shadow"];
    let unknown = parse("nothing-like-it = 1").unwrap_err().to_string();
    assert!(all.iter().all(|key| unknown.contains(&format!("`{key}`"))), "{unknown}");
    assert_eq!(unknown.matches('`').count(), 2 * (all.len() + 1), "{unknown}");
}

/// The journal in one document is that of the example in the other.
#[test]
fn the_hashes_of_the_journal_are_those_of_the_example() {
    let blocks = blocks();
    let of = |document: &str, what: &str| -> Vec<String> {
        let found = blocks.iter().filter(|block| block.document == document && block.what == what);
        found.map(Block::text).collect()
    };
    // The example answers each event with one block of actions, and so does the journal.
    let expected: Vec<String> = of(CONTRACT, "action").iter().map(|actions| blob_id(actions.as_bytes())).collect();
    let events: String = of(CONTRACT, "event").concat();
    let journal = Journal::read(of(JSON_FORM, "journal").concat().as_bytes()).unwrap();
    let hashes: Vec<String> = journal.steps.iter().map(|step| step.outcome.clone().unwrap().unwrap().hash).collect();
    assert_eq!(hashes, expected);
    let told: String =
        journal.steps.iter().map(|step| format!("{}\n", serde_json::to_string(&step.event).unwrap())).collect();
    assert_eq!(told, events);
}

/// The cases of a variant in the WIT.
fn cases(file: &str, variant: &str) -> Vec<String> {
    let wit = text(&format!("wit/v1/{file}.wit"));
    let body = wit.split(&format!("variant {variant} {{")).nth(1).unwrap().split("\n  }").next().unwrap();
    let lines = body.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("///"));
    lines.map(|line| line.trim_end_matches(',').split('(').next().unwrap().to_owned()).collect()
}

/// The text below this heading, up to the next.
fn chapter<'t>(document: &'t str, heading: &str) -> &'t str {
    document.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap()
}

/// The cells of the table row that begins with this word.
fn row(document: &str, word: &str) -> Vec<String> {
    let begin = format!("| `{word}` |");
    let rows: Vec<&str> = document.lines().filter(|line| line.starts_with(&begin)).collect();
    match rows.as_slice() {
        [row] => row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect(),
        rows => panic!("there are {} rows for `{word}`", rows.len()),
    }
}

#[test]
fn every_event_action_and_verdict_is_explained() {
    let document = text(CONTRACT);
    let parts = [("events", "event-body", "## Events"), ("actions", "action-body", "## Actions")];
    for (file, variant, heading) in parts.into_iter().chain([("messages", "verdict", "## Handlers")]) {
        let part = document.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
        let cases = cases(file, variant);
        assert!(cases.len() > 9, "{cases:?}");
        for case in cases {
            assert!(!row(part, &case).is_empty());
        }
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    let document = text(CONTRACT);
    let Limits {
        cpu_per_step,
        wall_per_step,
        memory_bytes,
        hostcall_bytes,
        actions_per_step,
        outstanding_actions,
        log_lines_per_step,
        log_lines,
        log_line_bytes,
        snapshot_bytes,
    } = Limits::default();
    let BlobLimits { count, bytes } = BlobLimits::default();
    let expected = [
        ("cpu-per-step", time(cpu_per_step)),
        ("wall-per-step", time(wall_per_step)),
        ("memory", size(memory_bytes)),
        ("hostcall", size(hostcall_bytes)),
        ("actions-per-step", actions_per_step.to_string()),
        ("outstanding-actions", outstanding_actions.to_string()),
        ("log-lines-per-step", log_lines_per_step.to_string()),
        ("log-lines", log_lines.to_string()),
        ("log-line", size(log_line_bytes)),
        ("snapshot", size(snapshot_bytes)),
        ("blob-count", count.to_string()),
        ("blob-bytes", size(bytes)),
        ("component-bytes", size(COMPONENT_BYTES)),
    ];
    let part = document.split("\n## Limits").nth(1).unwrap().split("\n## ").next().unwrap();
    for (limit, value) in &expected {
        assert_eq!(row(part, limit)[1], *value, "{limit}");
    }
    // All but the last three can be written into a file.
    for (limit, value) in &expected[..expected.len() - 3] {
        let value = if value.contains(' ') { format!("\"{value}\"") } else { value.clone() };
        let config = HostConfig::parse(&format!("plugins.a.limits.{limit} = {value}")).unwrap().plugin("a");
        assert_eq!(LimitRequests::effective(&LimitRequests::default(), &config.limits), Limits::default());
        assert_eq!(config.limits.entries().len(), 1);
    }
}

/// The numbers that nobody outside of the crate can see, it holds to the page itself.
#[test]
fn the_numbers_of_a_reload_are_those_of_the_code() {
    let document = text(RELOAD);
    let part = chapter(&document, "All numbers");
    let Timing { quiet, longest_unrest, rescan, probation, probation_runs, drain, retry } = Timing::default();
    let BreakerRules { strikes, window, first_pause, longest_pause, healthy, clients } = BreakerRules::default();
    for (name, value) in [
        ("quiet", format!("{quiet:?}").replace("ms", " ms")),
        ("longest-unrest", seconds(longest_unrest)),
        ("rescan", seconds(rescan)),
        ("retry", seconds(retry)),
        ("probation", seconds(probation)),
        ("probation-runs", probation_runs.to_string()),
        ("drain", seconds(drain)),
        ("strikes", strikes.to_string()),
        ("window", seconds(window)),
        ("first-pause", seconds(first_pause)),
        ("longest-pause", seconds(longest_pause)),
        ("healthy", seconds(healthy)),
        ("clients", clients.to_string()),
        ("component-bytes", size(COMPONENT_BYTES)),
    ] {
        assert_eq!(row(part, name)[1], value, "{name}");
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

#[test]
fn what_a_reload_tells_is_explained() {
    let document = text(RELOAD);
    let words = chapter(&document, "Reading `watch` and `list`");
    // What the command adds to what the library tells.
    let own = ["configured", "unconfigured", "missed"];
    let names = library_cases("change.rs", "pub enum Change {");
    assert_eq!(names.len(), 10, "{names:?}");
    for name in names.iter().map(String::as_str).chain(own) {
        let rows = words.lines().filter(|line| line.contains(&format!("| `{name}` | "))).count();
        assert_eq!(rows, 1, "{name}");
    }
    for state in [State::Live, State::OnProbation, State::StandingBy, State::Draining, State::Ending] {
        assert!(!row(words, state.name()).is_empty());
    }
    let refusals = chapter(&document, "What is refused, and what to do");
    let stages = refusals.lines().filter(|line| line.starts_with("| `")).map(|line| line.split('|').nth(1).unwrap());
    let stages: Vec<&str> = stages.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    let mut expected = library_cases("change.rs", "pub enum Stage {");
    assert_eq!(expected.len(), stages.len(), "{stages:?}");
    expected.retain(|stage| !stages.contains(&stage.as_str()));
    assert!(expected.is_empty(), "{expected:?}");
}

/// The cases of a type of the library, as JSON has them.
fn library_cases(file: &str, begin: &str) -> Vec<String> {
    let code = text(&format!("host/runtime/src/library/{file}"));
    let body = code.split(begin).nth(1).unwrap().split("\n}").next().unwrap();
    let case = |line: &str| {
        let name = line.strip_prefix("    ")?.trim_end_matches(" {").trim_end_matches(',');
        let is_case = name.starts_with(char::is_uppercase) && name.chars().all(char::is_alphanumeric);
        is_case.then(|| kebab(name))
    };
    body.lines().filter_map(case).collect()
}

fn kebab(name: &str) -> String {
    let parts = name.split_inclusive(char::is_alphabetic).enumerate();
    let dashed = |(at, part): (usize, &str)| {
        let dash = at > 0 && part.starts_with(char::is_uppercase);
        format!("{}{}", if dash { "-" } else { "" }, part.to_lowercase())
    };
    parts.map(dashed).collect()
}

/// What the page quotes of refusals is what the code says; dots stand for what differs.
#[test]
fn refusals_are_quoted_as_they_are() {
    let document = text(RELOAD);
    let refusals = chapter(&document, "What is refused, and what to do");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut code = String::new();
    for part in ["", "library", "library/lifecycle", "manifest"] {
        let entries = std::fs::read_dir(folder.join(part)).unwrap().map(|entry| entry.unwrap().path());
        for file in entries.filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
            code += &std::fs::read_to_string(file).unwrap();
        }
    }
    // A text that goes on in the next line of the code.
    let code: String = code.split("\\\n").map(str::trim_start).collect();
    let quotes: Vec<&str> = refusals
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").nth(1))
        .flat_map(|cell| cell.split('"').skip(1).step_by(2))
        .collect();
    assert!(quotes.len() > 12, "{quotes:?}");
    for piece in quotes.iter().flat_map(|quote| quote.split('…')).map(str::trim).filter(|piece| !piece.is_empty()) {
        assert!(code.contains(piece), "nothing says {piece:?}");
    }
}

#[test]
fn the_configuration_of_a_reload_can_be_read() {
    let document = text(RELOAD);
    let example = document.split("```toml configuration\n").nth(1).unwrap().split("```").next().unwrap();
    assert!(HostConfig::parse(example).unwrap().plugin("linux").pin.is_some());
}

fn time(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

fn size(bytes: usize) -> String {
    if bytes < 1 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) }
}

#[test]
fn the_faults_are_those_of_the_code() {
    let (limit, some) = (Duration::ZERO, String::new);
    let faults = [
        Fault::CpuLimit { limit },
        Fault::WallLimit { limit },
        Fault::MemoryLimit { limit: 0 },
        Fault::StackOverflow,
        Fault::HostcallBytes { limit: 0 },
        Fault::ActionFlood { count: 0, limit: 0 },
        Fault::Panic { message: some() },
        Fault::Exit { code: 0 },
        Fault::Waited,
        Fault::Malformed { what: some() },
        Fault::Denied { what: some() },
        Fault::Guest(Failure { code: some(), text: some(), extra: some() }),
        Fault::Trapped { what: some() },
        Fault::Overloaded { live: 0 },
        Fault::Busy { waited: limit },
        Fault::Over { why: some() },
        Fault::Host { what: some() },
    ];
    let document = text(CONTRACT);
    let part = document.split("\n## Faults").nth(1).unwrap().split("\n## ").next().unwrap();
    for fault in &faults {
        let strike = if fault.is_strike() { "yes" } else { "no" };
        assert_eq!(row(part, fault.code())[1], strike, "{}", fault.code());
    }
    let rows = part.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, faults.len(), "a fault is explained that does not exist");
}

/// The list of fields that are JSON as text: each of them holds text that is no JSON, and is escaped.
#[test]
fn json_texts_are_escaped_where_the_list_says_so() {
    let named = Named { kind: "k".into(), body: "no json".into() };
    assert_eq!(serde_json::to_string(&named).unwrap(), r#"{"kind":"k","body":{"$text":"no json"}}"#);
    let verdict = Verdict::Replace(String::new());
    assert_eq!(serde_json::to_string(&verdict).unwrap(), r#"{"replace":{"$text":""}}"#);

    let document = text(JSON_FORM);
    for (file, record, field) in json_texts() {
        let name = format!("`{record}.{field}`");
        assert!(document.contains(&name), "{JSON_FORM} does not list {name} of {file}");
    }
}

/// The source files in a folder and in those below it.
fn files_below(folder: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let below = entries.flat_map(|name| match name.ends_with(".rs") {
        true => vec![format!("{folder}/{name}")],
        false => files_below(&format!("{folder}/{name}")),
    });
    below.collect()
}

/// The fields that the code marks as JSON texts, without `extra`, in the spelling of the JSON form.
fn json_texts() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for file in files_below("host/runtime/src/contract") {
        let code = text(&file);
        let (mut record, mut marked) = (String::new(), false);
        for line in code.lines().map(str::trim) {
            let named = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "));
            if let Some(name) = named {
                record = snake(name.trim_end_matches(" {"));
            } else if line.contains("with = \"json_text\"") || line.contains("with = \"json_text::list\"") {
                marked = true;
            } else if marked && !line.starts_with('#') && !line.starts_with("//") {
                let field = line.trim_start_matches("pub ").split([':', '(']).next().unwrap();
                if field != "extra" {
                    found.push((file.clone(), record.clone(), snake(field)));
                }
                marked = false;
            }
        }
    }
    assert!(found.len() > 10, "{found:?}");
    found
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for char in name.chars() {
        if char.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(char.to_ascii_lowercase());
    }
    snake
}
