//! A plugin directory that is watched: what `hangar plugin watch` tells while files come, change, break and go, and what
//! `hangar plugin list` shows at each of these moments.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::stage::{Folder, Said, component};

/// As long as anything may take; what is waited for comes much sooner, and is not waited for beyond that.
const PATIENCE: Duration = Duration::from_secs(120);

/// `hangar plugin watch plugins --json` at work.
struct Watch<'f> {
    folder: &'f Folder,
    process: Child,
    lines: Receiver<String>,
    /// What it has told, for whoever has to find out what went wrong.
    told: Vec<Value>,
}

impl<'f> Watch<'f> {
    /// Begins in a folder with a directory `plugins`.
    fn start(folder: &'f Folder, options: &str) -> Self {
        let mut command = folder.command("", &format!("plugin watch plugins --json {options}"));
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines(process.stdout.take().unwrap());
        let mut watch = Self { folder, process, lines, told: Vec::new() };
        let first = watch.next();
        assert_eq!(first["watching"], "plugins", "{first}");
        assert!(first["state"].as_str().unwrap().contains("/state/hangar/plugins-"), "{first}");
        watch
    }

    fn next(&mut self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("nothing more is told: {self:#?}"));
        let event: Value = serde_json::from_str(&line).unwrap();
        self.told.push(event.clone());
        event
    }

    /// The next that is told. Versions that are let go are told as they go, which is not what these tests are about.
    fn tells(&mut self, change: &str) -> Value {
        loop {
            let event = self.next();
            assert!(event["at_ms"].as_u64().unwrap() > 1_700_000_000_000, "{event}");
            if event["change"] != "drained" || change == "drained" {
                assert_eq!(event["change"], change, "{self:#?}");
                return event;
            }
        }
    }

    /// What `list --json` says as soon as it says so; word is left a moment after a change is told.
    fn list_until(&self, is_so: impl Fn(&Value) -> bool) -> Listed {
        list_until(self.folder, is_so)
    }

    /// Ends it with this signal; its exit code.
    fn end(mut self, signal: &str) -> Option<i32> {
        let process = self.process.id();
        assert!(Command::new("sh").args(["-c", &format!("kill -{signal} {process}")]).status().unwrap().success());
        let code = self.process.wait().unwrap().code();
        let mut said = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(said, "");
        code
    }
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.told.iter().try_for_each(|event| writeln!(formatter, "{event}"))
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The lines of a process, as they come.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        BufReader::new(from).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)).ok();
    });
    receiver
}

/// What `list` said: for programs, for people, and its exit code.
struct Listed {
    json: Value,
    text: String,
    code: Option<i32>,
}

impl Listed {
    fn says(&self, texts: &[&str]) -> &Self {
        texts.iter().for_each(|text| assert!(self.text.contains(text), "it does not say {text:?}:\n{}", self.text));
        self
    }
}

fn list_until(folder: &Folder, is_so: impl Fn(&Value) -> bool) -> Listed {
    let began = Instant::now();
    loop {
        let said = folder.hangar("plugin list plugins --json").readable();
        let json = serde_json::from_str(&said.out).unwrap_or_default();
        if is_so(&json) {
            let text = folder.hangar("plugin list plugins").readable();
            assert_eq!(text.code, said.code, "{text}");
            assert!(text.out.lines().all(|line| line.trim_end() == line), "{text}");
            return Listed { json, text: text.out, code: said.code };
        }
        assert!(began.elapsed() < PATIENCE, "it does not come to that: {said}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A folder with a directory of plugins, with nothing in it.
fn folder() -> Folder {
    let folder = Folder::new();
    fs::create_dir(folder.path("plugins")).unwrap();
    folder
}

fn manifest(id: &str, summary: &str) -> String {
    format!("id = \"{id}\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\nsummary = \"{summary}\"\n")
}

/// Puts a plugin there whose component is this fixture, or this version in the place of another: at once, by a link.
fn put(folder: &Folder, id: &str, summary: &str) {
    put_files(folder, id, manifest(id, summary), component(&format!("hostile/{id}")));
}

fn put_files(folder: &Folder, id: &str, manifest: impl AsRef<[u8]>, component: impl AsRef<[u8]>) {
    let version = tempfile::Builder::new().prefix("version-").tempdir_in(folder.path("")).unwrap().keep();
    fs::write(version.join("plugin.toml"), manifest).unwrap();
    fs::write(version.join(format!("{id}.wasm")), component).unwrap();
    let link = folder.path("link");
    symlink(version, &link).unwrap();
    fs::rename(link, folder.path(&format!("plugins/{id}"))).unwrap();
}

/// Takes it away again.
fn remove(folder: &Folder, id: &str) {
    fs::remove_file(folder.path(&format!("plugins/{id}"))).unwrap();
}

/// Puts a file there whole, or in the place of another.
fn replace(folder: &Folder, path: &str, content: impl AsRef<[u8]>) {
    folder.write("new", content);
    fs::rename(folder.path("new"), folder.path(path)).unwrap();
}

fn plugin<'j>(listed: &'j Value, id: &str) -> &'j Value {
    let plugins = listed["plugins"].as_array().map_or(&[][..], Vec::as_slice);
    plugins.iter().find(|plugin| plugin["id"] == id).unwrap_or(&Value::Null)
}

const ID: &str = "well-behaved";

#[test]
fn a_plugin_comes_breaks_is_mended_and_goes() {
    let folder = folder();
    let mut watch = Watch::start(&folder, "");
    let listed = watch.list_until(|json| json["running"] == true && json["plugins"] == json!([]));
    assert_eq!(listed.code, Some(0));
    listed.says(&["plugins watched by process ", "There is no plugin in it."]);
    assert_eq!(listed.json["process"], watch.process.id());

    put(&folder, ID, "first");
    let first = watch.tells("published");
    assert_eq!((&first["id"], &first["version"], &first["why"]), (&json!(ID), &json!("0.1.0"), &json!("files")));
    assert_eq!(first["former"], Value::Null);
    let hash = first["hash"].as_str().unwrap();
    let listed = watch.list_until(|json| plugin(json, ID)["live"]["hash"] == hash);
    assert_eq!(listed.code, Some(0), "{}", listed.text);
    listed.says(&["well-behaved in well-behaved\n  live          0.1.0      ", &hash[..12], "for linux; 0 runs now"]);
    assert_eq!(plugin(&listed.json, ID)["reason"], Value::Null);

    replace(&folder, "plugins/well-behaved/plugin.toml", "id = \"well-behaved\"\nverson = \"0.1.0\"\n");
    let rejected = watch.tells("rejected");
    assert_eq!((&rejected["place"], &rejected["id"], &rejected["stage"]), (&json!(ID), &json!(ID), &json!("files")));
    assert_eq!(
        (&rejected["serving"]["hash"], &rejected["serving"]["generation"]),
        (&json!(hash), &first["generation"])
    );
    let why = rejected["why"].as_str().unwrap();
    assert!(why.contains("plugin.toml:2: unknown key `verson`; did you mean `version`?"), "{why}");
    let listed = watch.list_until(|json| plugin(json, ID)["reason"] == why);
    assert_eq!(listed.code, Some(1));
    listed.says(&[
        "  live          0.1.0",
        "  not taken\n      plugins/well-behaved/plugin.toml:1: `version` is missing",
    ]);

    put_files(&folder, ID, manifest(ID, "first"), "#!/bin/sh\n");
    let rejected = watch.tells("rejected");
    assert_eq!((&rejected["stage"], &rejected["serving"]["hash"]), (&json!("load"), &json!(hash)));
    assert!(rejected["why"].as_str().unwrap().contains("it is not WebAssembly"), "{rejected}");
    let is_broken = |json: &Value| plugin(json, ID)["reason"] == rejected["why"];
    watch.list_until(is_broken).says(&["  not taken     0.1.0", "it is not WebAssembly"]);

    put(&folder, ID, "second");
    let second = watch.tells("published");
    assert_eq!((&second["former"]["hash"], &second["why"]), (&json!(hash), &json!("files")));
    let is_second = |json: &Value| plugin(json, ID)["live"]["hash"] == second["hash"];
    let listed = watch.list_until(is_second);
    assert_eq!(listed.code, Some(0));
    listed.says(&["  on probation  0.1.0", "  standing by   0.1.0"]);
    assert_eq!(plugin(&listed.json, ID)["live"]["state"], "on-probation");

    remove(&folder, ID);
    let withdrawn = watch.tells("withdrawn");
    assert_eq!((&withdrawn["hash"], &withdrawn["why"]), (&second["hash"], &json!("its files are gone")));
    watch.tells("drained");
    let listed = watch.list_until(|json| json["plugins"] == json!([]));
    assert_eq!(listed.code, Some(0));

    assert_eq!(watch.end("TERM"), Some(0));
    let listed = list_until(&folder, |json| json["running"] == false);
    listed.says(&["plugins nobody watches it now; this is how it was left\n"]);
}

#[test]
fn what_is_no_plugin_is_told_as_a_stray() {
    let folder = folder();
    let mut watch = Watch::start(&folder, "");
    folder.write("half/plugin.toml", manifest("half", "not built yet"));
    fs::rename(folder.path("half"), folder.path("plugins/half")).unwrap();
    let rejected = watch.tells("rejected");
    assert_eq!(
        (&rejected["place"], &rejected["id"], &rejected["serving"]),
        (&json!("half"), &Value::Null, &Value::Null)
    );
    let listed = watch.list_until(|json| json["strays"][0]["place"] == "half");
    assert_eq!(listed.code, Some(1));
    listed.says(&["\nhalf\n      ", "has no .wasm file"]);
    fs::remove_dir_all(folder.path("plugins/half")).unwrap();
    assert_eq!(watch.list_until(|json| json["strays"] == json!([])).code, Some(0));
}

#[test]
fn a_restart_keeps_what_was_learned() {
    let folder = folder();
    put(&folder, ID, "first");
    let mut watch = Watch::start(&folder, "");
    let first = watch.tells("published");
    put(&folder, ID, "second");
    let second = watch.tells("published");
    // Nobody waits for what is written down but whoever ends it.
    assert_eq!(watch.end("INT"), Some(0));

    replace(&folder, "plugins/well-behaved/well-behaved.wasm", "");
    replace(&folder, "hangar.toml", format!("[plugins.{ID}]\npin = {}\n", first["hash"]));
    let mut watch = Watch::start(&folder, "--config hangar.toml");
    let pinned = watch.tells("published");
    assert_eq!((&pinned["hash"], &pinned["why"]), (&first["hash"], &json!("pinned")), "from what was kept");
    let listed = watch.list_until(|json| plugin(json, ID)["live"]["hash"] == first["hash"]);
    let history = plugin(&listed.json, ID)["history"].as_array().unwrap();
    let hashes: Vec<&Value> = history.iter().map(|past| &past["hash"]).collect();
    assert_eq!(hashes, [&first["hash"], &second["hash"]], "the newest in service comes first");
    assert_eq!(listed.code, Some(0), "{}", listed.text);
    listed.says(&["  held back     0.1.0", "another version is pinned", "  before        0.1.0"]);

    replace(&folder, "hangar.toml", "");
    watch.tells("configured");
    let rejected = watch.tells("rejected");
    assert_eq!(rejected["stage"], "load");
    let listed = watch.list_until(|json| plugin(json, ID)["reason"] == rejected["why"]);
    assert_eq!((listed.code, &plugin(&listed.json, ID)["live"]["hash"]), (Some(1), &first["hash"]));
}

#[test]
fn a_process_that_was_killed_watches_no_more() {
    let folder = folder();
    let watch = Watch::start(&folder, "");
    watch.list_until(|json| json["running"] == true);
    assert_eq!(watch.end("KILL"), None);
    list_until(&folder, |json| json["running"] == false).says(&["nobody watches it now"]);
    let mut watch = Watch::start(&folder, "");
    put(&folder, ID, "first");
    watch.tells("published");
}

#[test]
fn the_configuration_may_change_meanwhile() {
    let folder = folder();
    replace(&folder, "hangar.toml", "");
    put(&folder, ID, "first");
    let mut watch = Watch::start(&folder, "--config hangar.toml");
    let first = watch.tells("published");
    put(&folder, ID, "second");
    let second = watch.tells("published");

    let pin = &first["hash"].as_str().unwrap()[..8];
    replace(&folder, "hangar.toml", format!("[plugins.{ID}]\npin = \"{pin}\"\n"));
    watch.tells("configured");
    let back = watch.tells("published");
    assert_eq!((&back["hash"], &back["why"]), (&first["hash"], &json!("pinned")));
    let listed = watch.list_until(|json| plugin(json, ID)["pin"] == pin);
    assert_eq!(listed.code, Some(0), "{}", listed.text);
    listed.says(&["  held back     0.1.0", &format!("      pinned to {pin}\n")]);

    replace(&folder, "hangar.toml", "[plugins.well-behaved]\npim = \"12345678\"\n");
    let unconfigured = watch.tells("unconfigured");
    let why = unconfigured["why"].as_str().unwrap();
    assert!(
        why.starts_with("hangar.toml:2: unknown key `pim` in [plugins.well-behaved]; did you mean `pin`?"),
        "{why}"
    );
    assert_eq!(plugin(&watch.list_until(Value::is_object).json, ID)["live"]["hash"], first["hash"]);

    replace(&folder, "hangar.toml", "[plugins.well-behaved]\npin = \"00000000\"\n");
    watch.tells("configured");
    let listed = watch.list_until(|json| plugin(json, ID)["pin"] == "00000000");
    assert_eq!(listed.code, Some(1), "{}", listed.text);
    listed.says(&["it is pinned to 00000000, and no version that is known has this hash"]);

    replace(&folder, "hangar.toml", "[plugins.well-behaved]\nenabled = false\n");
    watch.tells("configured");
    let withdrawn = watch.tells("withdrawn");
    assert_eq!(withdrawn["why"], "the host's configuration says `enabled = false`");
    let listed = watch.list_until(|json| plugin(json, ID)["enabled"] == false);
    assert_eq!((listed.code, &plugin(&listed.json, ID)["live"]), (Some(0), &Value::Null), "{}", listed.text);
    listed.says(&["  held back     0.1.0", "the host's configuration says `enabled = false`"]);

    replace(&folder, "hangar.toml", "");
    watch.tells("configured");
    assert_eq!(watch.tells("published")["hash"], second["hash"]);
    assert_eq!(watch.end("TERM"), Some(0));
}

#[test]
fn two_for_one_platform_are_told_apart_by_the_configuration() {
    let folder = folder();
    replace(&folder, "hangar.toml", "");
    put(&folder, ID, "first");
    let mut watch = Watch::start(&folder, "--config hangar.toml");
    watch.tells("published");
    put(&folder, "well-behaved-changed", "the other");
    let rejected = watch.tells("rejected");
    assert_eq!((&rejected["id"], &rejected["stage"]), (&json!("well-behaved-changed"), &json!("conflict")));
    let why = rejected["why"].as_str().unwrap();
    assert!(why.contains("the platform `linux` is claimed by the plugin `well-behaved`"), "{why}");
    let listed = watch.list_until(|json| plugin(json, "well-behaved-changed")["reason"] == why);
    assert_eq!(listed.code, Some(1));
    listed.says(&["  live          0.1.0", "  not taken     0.1.0", "under [platforms]"]);

    replace(&folder, "hangar.toml", "[platforms]\nlinux = \"well-behaved-changed\"\n");
    watch.tells("configured");
    assert_eq!(watch.tells("published")["id"], "well-behaved-changed");
    let is_live = |json: &Value| plugin(json, "well-behaved-changed")["live"].is_object();
    assert_eq!(watch.list_until(is_live).code, Some(0));
}

#[test]
fn where_nobody_tells_of_changes_it_is_looked_for_them() {
    let folder = folder();
    let mut watch = Watch::start(&folder, "--poll 0.1");
    put(&folder, ID, "first");
    watch.tells("published");
    remove(&folder, ID);
    watch.tells("withdrawn");
    // A component alone is the same plugin.
    replace(&folder, "plugins/well-behaved.wasm", component("hostile/well-behaved"));
    assert_eq!(watch.tells("published")["id"], ID);
    for wrong in ["0", "now", "1e9", "-1"] {
        let said = folder.hangar(&format!("plugin watch plugins --poll={wrong}")).readable();
        assert_eq!(said.code, Some(2), "{said}");
    }
}

#[test]
fn a_directory_that_goes_and_comes_back_withdraws_nothing() {
    let folder = folder();
    put(&folder, ID, "first");
    let mut watch = Watch::start(&folder, "--poll 0.1");
    let first = watch.tells("published");
    fs::rename(folder.path("plugins"), folder.path("elsewhere")).unwrap();
    watch.tells("unreadable");
    let listed = watch.list_until(|json| json["unreadable"].is_string());
    assert_eq!((listed.code, &plugin(&listed.json, ID)["live"]["hash"]), (Some(1), &first["hash"]));
    listed.says(&["unreadable ", "  live          0.1.0"]);
    fs::rename(folder.path("elsewhere"), folder.path("plugins")).unwrap();
    watch.tells("readable");
    let listed = watch.list_until(|json| json["unreadable"].is_null());
    assert_eq!((listed.code, &plugin(&listed.json, ID)["live"]["hash"]), (Some(0), &first["hash"]));
}

#[test]
fn one_directory_is_watched_by_one() {
    let folder = folder();
    let watch = Watch::start(&folder, "");
    watch.list_until(|json| json["running"] == true);
    let by = format!("plugins is watched already by process {}, which keeps its state in ", watch.process.id());
    folder.hangar("plugin watch plugins").not_ok().says(&[&by, "fix: ", "`hangar plugin list`", "--state"]);
    let said = folder.hangar("plugin watch ./plugins/../plugins --json").not_ok();
    assert_eq!(said.json()["ok"], false, "the same by another name: {said}");
    // With a state of its own another one can look on.
    let mut command = folder.command("", "plugin watch plugins --json --state other");
    let mut other = command.stdout(Stdio::piped()).spawn().unwrap();
    let first = lines(other.stdout.take().unwrap()).recv_timeout(PATIENCE).unwrap();
    assert!(first.contains("\"state\":\"other\""), "{first}");
    other.kill().unwrap();
    other.wait().unwrap();
}

#[test]
fn what_cannot_be_watched_or_listed_is_said_with_what_to_do() {
    let folder = folder();
    let mistakes = [
        ("plugin list plugins", "nothing has watched plugins yet", "fix: run `hangar plugin watch plugins`"),
        ("plugin list nowhere", "nowhere is no directory", "fix: name the directory that the plugins lie in"),
        ("plugin list no/where", "no/where is no directory", "fix: name the directory"),
        ("plugin watch nowhere", "nowhere is no directory", "fix: name the directory"),
        ("plugin watch plugins --config hangar.toml", "hangar.toml", "fix: name the configuration of a host"),
        ("plugin watch plugins --config wrong.toml", "wrong.toml:1: unknown key `plugin`", "fix: mend it there"),
        (
            "plugin watch plugins --state wrong.toml",
            "cannot be kept: wrong.toml is a link or a file",
            "fix: name a folder",
        ),
    ];
    folder.write("wrong.toml", "[plugin]\n");
    for (line, what, fix) in mistakes {
        folder.hangar(line).not_ok().says(&["error: ", what, fix]);
        let said = folder.hangar(&format!("{line} --json")).not_ok();
        assert!(said.json()["error"]["what"].as_str().unwrap().contains(what), "{said}");
    }
}

/// People see a rejection of several lines below each other, and what goes on serving in a line of its own.
#[test]
fn people_are_told_in_lines_of_their_own() {
    let folder = folder();
    put(&folder, ID, "first");
    let mut command = folder.command("", "plugin watch plugins");
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = lines(process.stdout.take().unwrap());
    let next = || lines.recv_timeout(PATIENCE).unwrap();
    assert_eq!(next(), "watching plugins; stop with Ctrl-C");
    assert!(next().starts_with("what must outlast this is kept in "));
    let line = next();
    let (time, line) = line.split_at(10);
    assert_eq!(time.matches(':').count(), 2, "{time}");
    assert!(line.starts_with("live         well-behaved 0.1.0 ("), "{line}");
    assert!(line.contains(", generation ") && line.contains(") serves; it took "), "{line}");
    replace(&folder, "plugins/well-behaved/plugin.toml", "id = \"well-behaved\"\nverson = \"1\"\n");
    let first = next();
    assert!(
        first[10..].starts_with("rejected     well-behaved is not taken (files): plugins/well-behaved/plugin.toml:1: ")
    );
    let mut last = next();
    while last.contains("plugin.toml:") {
        last = next();
    }
    assert!(last.starts_with(&" ".repeat(23)) && last.contains("well-behaved 0.1.0 ("), "{last}");
    assert!(last.ends_with(") goes on serving"), "{last}");
    process.kill().unwrap();
    process.wait().unwrap();
}

/// The keys of all objects in it.
fn keys(json: &Value, into: &mut BTreeSet<String>) {
    match json {
        Value::Object(object) => {
            into.extend(object.keys().cloned());
            object.values().for_each(|value| keys(value, into));
        }
        Value::Array(list) => list.iter().for_each(|item| keys(item, into)),
        _ => {}
    }
}

#[test]
fn the_help_names_all_that_is_printed_for_programs() {
    let folder = folder();
    put(&folder, ID, "first");
    let mut watch = Watch::start(&folder, "");
    watch.tells("published");
    folder.write("half/plugin.toml", "");
    fs::rename(folder.path("half"), folder.path("plugins/half")).unwrap();
    watch.tells("rejected");
    put(&folder, ID, "second");
    watch.tells("published");
    replace(&folder, "plugins/well-behaved/well-behaved.wasm", "");
    watch.tells("rejected");
    let listed = watch.list_until(|json| plugin(json, ID)["candidate"].is_object() && json["strays"][0].is_object());
    remove(&folder, ID);
    watch.tells("withdrawn");
    watch.tells("drained");
    let told = Value::from(watch.told.clone());
    for (command, printed) in [("watch", &told), ("list", &listed.json)] {
        let Said { out: help, .. } = folder.hangar(&format!("plugin {command} --help")).ok();
        let words: BTreeSet<&str> = help.split(|char: char| !char.is_ascii_alphanumeric() && char != '_').collect();
        let mut found = BTreeSet::new();
        keys(printed, &mut found);
        let missing: Vec<_> = found.iter().filter(|key| !words.contains(key.as_str())).collect();
        assert!(missing.is_empty() && found.len() > 10, "`{command} --help` does not name {missing:?}");
    }
}
