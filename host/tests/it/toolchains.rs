//! What a build needs of the machine, and what it says where that is missing. The programs here are shell scripts that
//! stand in for the real ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::stage::{Folder, Said, said};

/// Its name and what it does.
type Program<'a> = (&'a str, &'a str);

/// A project in which these programs are all there are.
struct Machine(Folder);

impl Machine {
    fn with(source: &str, programs: &[Program<'_>]) -> Self {
        let folder = Folder::new();
        folder.write("plugin.toml", "id = \"greeter\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\n");
        folder.write(source, "");
        for (name, script) in programs {
            let file = format!("bin/{name}");
            folder.write(&file, format!("#!/bin/sh\n{script}\n"));
            fs::set_permissions(folder.path(&file), fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::create_dir_all(folder.path("bin")).unwrap();
        Self(folder)
    }

    fn build(&self) -> Said {
        let mut command = self.0.command("", "plugin build");
        said(command.env("PATH", self.0.path("bin")).env("HANGAR_TOOLS", self.0.path("tools")))
    }
}

#[test]
fn missing_programs_are_named_with_their_packages() {
    let version = "echo 3.11.2";
    let old = "echo 3.9.2";
    let cases: [(&str, &[Program<'_>], &str, &str); 7] = [
        ("plugin.py", &[], "there is no python3 here", "apt-get install python3 python3-venv"),
        ("plugin.py", &[("python3", &format!("{version}; exit 1"))], "it has no venv", "apt-get install python3-venv"),
        ("plugin.py", &[("python3", old)], "python3 is 3.9.2, and 3.10 is the oldest", "install a newer Python"),
        ("plugin.js", &[], "there is no node here", "apt-get install nodejs npm"),
        ("plugin.js", &[("node", "echo v20.1.0")], "there is no npm here", "apt-get install npm"),
        ("plugin.js", &[("node", "echo v16.3.0")], "node is 16.3.0, and 18 is the oldest", "install a newer Node"),
        ("Cargo.toml", &[], "there is no Rust compiler here", "https://rustup.rs"),
    ];
    for (source, programs, what, fix) in cases {
        Machine::with(source, programs).build().not_ok().says(&[what, "fix: ", fix]);
    }
}

const NO_TARGET: Program<'_> = ("rustc", "echo /nowhere");
const NO_NETWORK: Program<'_> = ("rustup", "echo 'no network' >&2; exit 1");

#[test]
fn a_missing_target_is_added_or_done_without() {
    let machine = Machine::with("Cargo.toml", &[NO_TARGET, NO_NETWORK]);
    machine.build().not_ok().says(&["running `rustup target add wasm32-wasip2`", "fix: run `rustup target add"]);

    let machine = Machine::with("Cargo.toml", &[NO_TARGET, NO_NETWORK, ("wasm-cargo", "echo \"$@\" >args")]);
    machine.build().not_ok().says(&["building with wasm-cargo instead", "no component came of it", "cdylib"]);
    assert_eq!(machine.0.read("args"), "build --release --message-format json-render-diagnostics\n");

    let rustup = ("rustup", "echo \"$@\" >asked");
    let machine = Machine::with("Cargo.toml", &[NO_TARGET, rustup, ("cargo", "echo \"$@\" >args; exit 101")]);
    machine.build().not_ok().says(&["the plugin does not compile"]);
    assert_eq!(machine.0.read("asked"), "target add wasm32-wasip2\n");
    assert!(machine.0.read("args").starts_with("build --target wasm32-wasip2 --release"));
}

#[test]
fn what_is_meant_for_the_host_is_kept_from_the_plugin() {
    let cargo = ("cargo", "/usr/bin/env >environment");
    let machine = Machine::with("Cargo.toml", &[("rustc", "echo /"), cargo]);
    let mut command = machine.0.command("", "plugin build");
    for name in ["RUSTFLAGS", "CARGO_BUILD_TARGET", "RUSTUP_TOOLCHAIN", "CARGO_TARGET_DIR", "RUSTC_WRAPPER"] {
        command.env(name, "leaked");
    }
    // What cargo sets when it starts something.
    command.env("CARGO_MANIFEST_DIR", "leaked").env("CARGO_HOME", "kept");
    said(command.env("PATH", machine.0.path("bin"))).not_ok();
    let environment = machine.0.read("environment");
    assert!(!environment.contains("leaked"), "{environment}");
    assert!(environment.contains("CARGO_HOME=kept"), "{environment}");
}

#[test]
fn a_failed_installation_says_why_and_is_tried_again() {
    let python = "case $1 in -c) echo 3.11.2;; *) mkdir -p \"$3/bin\"; echo 'no space left' >&2; exit 1;; esac";
    let machine = Machine::with("plugin.py", &[("python3", python), ("mkdir", "exec /bin/mkdir \"$@\"")]);
    for _ in 0..2 {
        machine.build().not_ok().says(&["installing componentize-py", "python3 -m venv failed:\nno space left"]);
    }
}

#[test]
fn python_sees_its_own_packages_only() {
    // Every step of the way looks whether it is misled.
    let clean = "[ -z \"$PYTHONPATH$PYTHONHOME\" ] || { echo misled >&2; exit 1; }";
    let python = format!(
        "{clean}; case $1 in -c) echo 3.11.2;; *) /bin/mkdir -p \"$3/bin\"; /bin/cp bin/made \"$3/bin/python\";; esac"
    );
    let made = format!(
        "{clean}; case $1 in -m) : >\"${{0%/*}}/componentize-py\";; *) echo nothing to build >&2; exit 1;; esac"
    );
    let machine = Machine::with("plugin.py", &[("python3", &python), ("made", &made)]);
    let mut command = machine.0.command("", "plugin build");
    command.env("PATH", machine.0.path("bin")).env("HANGAR_TOOLS", machine.0.path("tools"));
    said(command.env("PYTHONPATH", "/elsewhere").env("PYTHONHOME", "/elsewhere"))
        .not_ok()
        .says(&["error: nothing to build"]);
}

#[test]
fn tools_that_were_installed_elsewhere_are_not_whole() {
    let python = "case $1 in -c) echo 3.11.2;; *) /bin/mkdir -p \"$3/bin\"; /bin/cp bin/made \"$3/bin/python\";; esac";
    let machine = Machine::with("plugin.py", &[("python3", python), ("made", "exit 0")]);
    for _ in 0..2 {
        machine.build().not_ok().says(&["installing componentize-py", "componentize-py is not in the environment"]);
    }
}

#[test]
fn builds_at_the_same_time_install_once() {
    let python = "case $1 in -c) echo 3.11.2;; *) /bin/sleep 0.3; /bin/mkdir -p \"$3/bin\"; /bin/cp bin/made \"$3/bin/python\";; esac";
    let made = "case $1 in -m) echo \"$@\" >>installed; : >\"${0%/*}/componentize-py\";; *) echo nothing to build >&2; exit 1;; esac";
    let machine = Machine::with("plugin.py", &[("python3", python), ("made", made)]);
    std::thread::scope(|scope| {
        let builds = [(); 3].map(|()| scope.spawn(|| machine.build().not_ok().says(&["error: nothing to build"])));
        let said = builds.map(|build| build.join().unwrap().err);
        assert_eq!(said.iter().filter(|said| said.contains("installing componentize-py")).count(), 1, "{said:?}");
    });
    assert_eq!(machine.0.read("installed").lines().count(), 1);
}

#[test]
fn a_failed_build_keeps_the_old_component() {
    let machine = Machine::with("Cargo.toml", &[("rustc", "echo /"), ("cargo", "exit 101")]);
    machine.0.write("greeter.wasm", "the old one");
    machine.build().not_ok();
    assert_eq!(machine.0.read("greeter.wasm"), "the old one");
}
