//! What the command line itself does, whatever the command.

use std::process::Stdio;

use crate::stage::{Folder, said};

#[test]
fn help_teaches_by_example_at_every_level() {
    let folder = Folder::new();
    let commands = ["", "plugin", "plugin new", "plugin build", "plugin check", "plugin inspect", "plugin run"];
    for command in
        commands.into_iter().chain(["plugin test", "plugin watch", "plugin list", "completions", "config", "doctor"])
    {
        let said = folder.hangar(&format!("{command} --help")).ok();
        assert!(said.out.contains("  hangar "), "`hangar {command} --help` has no example: {said}");
    }
}

#[test]
fn the_version_is_told() {
    let said = Folder::new().hangar("--version").ok();
    assert_eq!(said.out, format!("hangar {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn each_shell_gets_its_completions() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let said = folder.hangar(&format!("completions {shell}")).ok();
        assert!(said.out.contains("inspect"), "{shell}: {said}");
    }
}

#[test]
fn what_is_mistyped_is_a_usage_error_with_a_hint() {
    let folder = Folder::new();
    for (line, hint) in [("plugin biuld", "build"), ("plugin new x --lang pyton", "python"), ("plugin run", "--script")]
    {
        let said = folder.hangar(line).readable();
        assert_eq!(said.code, Some(2), "{said}");
        assert!(said.err.contains(hint), "{line}: {said}");
    }
    assert_eq!(folder.hangar("").code, Some(2));
}

#[test]
fn a_reader_who_goes_away_is_no_error() {
    let folder = Folder::new();
    for line in ["completions bash", "plugin new greeter", "--help"] {
        let mut running = folder.command("", line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(running.stdout.take());
        let ended = running.wait_with_output().unwrap();
        assert_eq!((ended.status.code(), String::from_utf8(ended.stderr).unwrap()), (Some(0), String::new()), "{line}");
    }
}

#[test]
fn nothing_that_exists_is_overwritten() {
    let folder = Folder::new();
    folder.write("greeter/notes.txt", "mine");
    folder.hangar("plugin new greeter").not_ok().says(&["greeter exists already", "fix: choose another name"]);
    folder.hangar("plugin new greeter --dir elsewhere").ok();
    assert!(folder.read("elsewhere/plugin.toml").contains("id = \"greeter\""));
    folder.hangar("plugin new other --dir elsewhere").not_ok().says(&["elsewhere exists already"]);
    folder.hangar("plugin new Other").not_ok().says(&["the name is `Other`", "lower-case letters"]);
}

#[test]
fn a_project_is_not_called_like_what_it_is_built_with() {
    let folder = Folder::new();
    for package in ["hangar-plugin-sdk", "hangar-plugin-behaviour", "hangar-plugin-handler"] {
        let said = folder.hangar(&format!("plugin new {package}")).not_ok();
        said.says(&[&format!("the name is `{package}`"), "a package of the SDK", "fix: choose another one"]);
        assert!(!folder.path(package).exists());
    }
    folder.hangar("plugin new hangar-plugin-sdk --lang python").ok();
}

#[test]
fn the_way_to_a_new_project_can_be_pasted() {
    let folder = Folder::new();
    for (name, word) in [("plain/greeter-1", "plain/greeter-1"), ("my 'new' one", "'my '\\''new'\\'' one'")] {
        let mut command = folder.command("", "plugin new greeter --dir");
        said(command.arg(name)).ok().says(&[&format!("\n    cd {word}\n")]);
    }
}
