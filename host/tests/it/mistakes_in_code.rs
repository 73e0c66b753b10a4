//! What a beginner gets wrong in the code of a plugin, language by language.

use crate::stage::{Folder, Said};

/// A new behaviour in which the beginner changes the code.
struct Project {
    folder: Folder,
    main_file: &'static str,
    whole: String,
}

impl Project {
    fn new(language: &str, main_file: &'static str) -> Self {
        let folder = Folder::new();
        folder.hangar(&format!("plugin new greeter --lang {language}")).ok();
        let whole = folder.read(main_file);
        Self { folder, main_file, whole }
    }

    /// Puts the code right, then changes this in it.
    fn change(&self, from: &str, to: &str) -> &Self {
        self.folder.write(self.main_file, &self.whole);
        self.folder.change(self.main_file, from, to);
        self
    }

    fn build(&self) -> Said {
        self.folder.hangar_in("greeter", "plugin build")
    }

    /// Builds and plays the script of the project.
    fn play(&self) -> Said {
        self.build().ok();
        self.folder.hangar_in("greeter", "plugin run --script tests/hello.jsonl").readable()
    }
}

#[test]
fn in_rust() {
    let project = Project::new("rust", "greeter/src/lib.rs");
    let compiler = ["error: the plugin does not compile", "fix: mend what cargo says above and build again"];

    project
        .change("async fn run(cx: Cx)", "async fn run(cx: Cx")
        .build()
        .not_ok()
        .says(&compiler)
        .says(&["src/lib.rs:"]);
    let said = project.change("async fn run", "async fn walk").build().not_ok().says(&compiler);
    said.says(&["not all trait items implemented, missing: `run`"]);

    let sleep = "std::thread::sleep(std::time::Duration::from_millis(1));\n        let settings";
    let said = project.change("let settings", sleep).play().not_ok();
    said.says(&[
        "fault waited: the plugin tried to wait inside a step",
        "fix: let the host wait: use the SDK's `sleep`",
    ]);
}

/// A script that asks for something.
const START: &str = r#"{"event":{"body":{"start":{"input":[{"text":"WHAT"}]}}}}"#;

impl Project {
    /// Puts this in the place of the code.
    fn write(&self, code: &str) -> &Self {
        self.folder.write(self.main_file, code);
        self
    }

    /// Runs what is built, with this request.
    fn ask(&self, what: &str) -> Said {
        self.folder.write("start.jsonl", START.replace("WHAT", what));
        self.folder.hangar_in("greeter", "plugin run --script ../start.jsonl").readable()
    }
}

#[test]
fn in_python() {
    let project = Project::new("python", "greeter/plugin.py");
    let said = project.write("def run(cx:\n    yield\n").build().not_ok();
    said.says(&["error: ", "File \"plugin.py\", line 1", "SyntaxError: '(' was never closed", "fix: "]);
    let said = project.write("def walk(cx):\n    yield\n").build().not_ok();
    said.says(&["error: plugin.py has no function `run`, which every behaviour needs", "fix: write `def run(cx):`"]);
    let said = project.write("import json, jsno\n\ndef run(cx):\n    yield\n").build().not_ok();
    said.says(&["error: ", "line 1", "No module named 'jsno'", "fix: "]);

    let code = "import time\n\ndef run(cx):\n    if cx.request == \"sleep\":\n        time.sleep(1)\n    \
                import colorsys\n    yield cx.sleep(1)\n";
    project.write(code).build().ok();
    project.ask("sleep").says(&["`time.sleep` cannot work in a plugin", "`yield cx.sleep(ms)`", "line 5"]);
    project.ask("import").says(&[
        "`import colorsys` cannot work while a plugin runs",
        "at the top of plugin.py",
        "line 6",
    ]);

    let code = "import asyncio\nfrom hangar import blob, finish\n\ndef run(cx):\n    match cx.request:\n        \
                case \"blob\": blob.create(\"text/plain\", 5)\n        \
                case \"plan\": cx.plan_start(\"one\")\n        \
                case \"half\": cx.status(\"\\ud800\")\n        \
                case \"nan\": return finish(\"\", [float(\"nan\")])\n        \
                case \"loop\": asyncio.new_event_loop()\n";
    project.write(code).build().ok();
    project.ask("blob").says(&["content must be of type bytes, not 5", "line 6"]);
    project.ask("plan").says(&["steps must be a list, such as ['one']", "line 7"]);
    project.ask("half").says(&["Status.value has half a character", "line 8"]);
    project.ask("nan").says(&["not JSON compliant", "line 9"]);
    project.ask("loop").says(&["a plugin has no event loop: wait with `yield`", "line 10"]);

    let said = project.write("SNAPSHOT = \"one\"\n\ndef run(cx):\n    yield\n").build().not_ok();
    said.says(&["error: `SNAPSHOT` in plugin.py must be a whole number", "fix: write `SNAPSHOT = 1`"]);
}

#[test]
fn in_javascript() {
    let project = Project::new("js", "greeter/plugin.js");
    let said = project.write("export async function run(cx {\n}\n").build().not_ok();
    said.says(&["error: ", "Expected \")\" but found \"{\"", "plugin.js:1:29", "fix: "]);
    let said = project.write("export async function walk(cx) {}\n").build().not_ok();
    said.says(&["error: plugin.js exports no function `run`", "fix: write `export async function run(cx) { ... }`"]);

    project.write("export async function run(cx) {\n  setTimeout(() => {}, 5);\n}\n").build().ok();
    project.ask("sleep").says(&["A plugin has no `setTimeout`", "`await cx.sleep(ms)`", "line 2"]);

    let code = "import { blob, call } from \"hangar\";\nexport async function run(cx) {\n  switch (cx.request) {\n    \
                case \"blob\": blob.create(\"text/plain\", 5); break;\n    \
                case \"plan\": cx.planStart(\"one\"); break;\n    \
                case \"number\": cx.sleep(-1); break;\n    \
                case \"option\": call(\"df\", {}, { timeout_ms: 5 }); break;\n    \
                case \"await\": if (cx.sleep(1)) return \"slept\"; break;\n    \
                case \"answer\": return `${cx.sleep(1).content}`;\n  }\n}\n";
    project.write(code).build().ok();
    project.ask("blob").says(&["content must be a string or a Uint8Array, not 5", "line 4"]);
    project.ask("plan").says(&["plan-start must be a list, such as [", "line 5"]);
    project.ask("number").says(&["set-timer must be a whole number from 0", "line 6"]);
    project.ask("option").says(&["There is no option `timeout_ms`, only id, timeoutMs, toolType", "line 7"]);
    let forgotten = "`cx.sleep(...)` was not awaited: write `await` before it";
    project.ask("await").says(&[forgotten, "line 8"]);
    project.ask("answer").says(&[forgotten, "line 9"]);

    let said = project.write("export const extensions = \"x\";\nexport async function run(cx) {}\n").build().not_ok();
    said.says(&["error: `extensions` in plugin.js must be a list of strings", "fix: write `export const extensions"]);
}
