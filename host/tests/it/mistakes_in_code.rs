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
