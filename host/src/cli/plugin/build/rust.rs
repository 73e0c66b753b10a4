//! Builds a plugin in Rust: cargo, for the target wasm32-wasip2.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anstream::eprintln;
use anyhow::{Context, Result};
use serde::Deserialize;

use crate::cli::problem::Problem;

const TARGET: &str = "wasm32-wasip2";

/// Variables that are meant for code of this machine, whoever set them.
const FOR_THE_MACHINE: [&str; 4] =
    ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_RUSTFLAGS", "CARGO_BUILD_TARGET"];

/// What cargo leaves in the environment of what it starts, and what would then be taken for the user's wish.
const OF_AN_OUTER_CARGO: [&str; 6] =
    ["RUSTUP_TOOLCHAIN", "RUSTC", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "RUSTDOC", "RUSTDOCFLAGS"];

/// Variables of cargo that say how it reaches the world, not what it is to build.
const KEPT_OF_CARGO: [&str; 6] =
    ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "CARGO_REGISTRY_", "CARGO_TERM_"];

/// The component that cargo makes of the project.
pub fn component(project: &Path) -> Result<Vec<u8>> {
    let mut cargo = if has_target(project)? || rustup_adds_target(project) {
        let mut cargo = quiet_command("cargo", project);
        cargo.args(["build", "--target", TARGET]);
        cargo
    } else if is_on_path("wasm-cargo") {
        eprintln!("building with wasm-cargo instead");
        let mut cargo = quiet_command("wasm-cargo", project);
        cargo.arg("build");
        cargo
    } else {
        let fix = format!(
            "run `rustup target add {TARGET}` where there is a network; Rust without rustup has it in a package of \
             its own, in hangar's repository scripts/wasm-toolchain.sh takes it from Debian"
        );
        return Err(Problem::new(format!("Rust cannot build for {TARGET} here"), fix).into());
    };
    cargo.args(["--release", "--message-format", "json-render-diagnostics"]).stdout(Stdio::piped());
    let done = cargo.spawn().and_then(std::process::Child::wait_with_output).context("cargo does not start")?;
    if !done.status.success() {
        return Err(Problem::new("the plugin does not compile", "mend what cargo says above and build again").into());
    }
    let file = artifact(&done.stdout, &project.join("Cargo.toml")).ok_or_else(|| {
        let fix = "let Cargo.toml have a package with these lines:\n\n    [lib]\n    crate-type = [\"cdylib\"]\n";
        Problem::new("cargo built the project, but no component came of it", fix)
    })?;
    fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))
}

fn has_target(project: &Path) -> Result<bool> {
    let mut rustc = quiet_command("rustc", project);
    let asked = match rustc.args(["--print", "target-libdir", "--target", TARGET]).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Problem::new("there is no Rust compiler here", "install Rust: https://rustup.rs").into());
        }
        asked => asked.context("rustc does not start")?,
    };
    Ok(asked.status.success() && Path::new(String::from_utf8_lossy(&asked.stdout).trim()).is_dir())
}

fn rustup_adds_target(project: &Path) -> bool {
    if !is_on_path("rustup") {
        return false;
    }
    eprintln!("Rust has no {TARGET} yet: running `rustup target add {TARGET}`");
    let mut rustup = quiet_command("rustup", project);
    // Without a network this ought to be over soon.
    rustup.args(["target", "add", TARGET]).env("RUSTUP_MAX_RETRIES", "1");
    rustup.status().is_ok_and(|status| status.success())
}

/// A command in the project's folder that is not misled by the environment.
fn quiet_command(program: &str, project: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(project).stdin(Stdio::null());
    for name in FOR_THE_MACHINE {
        command.env_remove(name);
    }
    if env::var_os("CARGO_MANIFEST_DIR").is_some() {
        for name in OF_AN_OUTER_CARGO {
            command.env_remove(name);
        }
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            let leaks = text == "CARGO" || text.starts_with("CARGO_");
            if leaks && !KEPT_OF_CARGO.iter().any(|kept| text.starts_with(kept)) {
                command.env_remove(&name);
            }
        }
    }
    command
}

fn is_on_path(program: &str) -> bool {
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(&file).is_file()))
}

/// What cargo says about each thing that it built or found fresh.
#[derive(Deserialize)]
struct Message {
    reason: String,
    #[serde(default)]
    manifest_path: PathBuf,
    #[serde(default)]
    target: Target,
    #[serde(default)]
    filenames: Vec<PathBuf>,
}

#[derive(Default, Deserialize)]
struct Target {
    #[serde(default)]
    kind: Vec<String>,
}

/// The component in cargo's messages that this very package is, not one that it depends on.
fn artifact(messages: &[u8], manifest: &Path) -> Option<PathBuf> {
    let manifest = manifest.canonicalize().ok()?;
    let messages =
        messages.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Message>(line).ok());
    messages
        .filter(|message| {
            message.reason == "compiler-artifact" && message.target.kind.iter().any(|kind| kind == "cdylib")
        })
        .filter(|message| message.manifest_path.canonicalize().is_ok_and(|path| path == manifest))
        .flat_map(|message| message.filenames)
        .find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_found_among_the_messages() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("Cargo.toml");
        fs::write(&manifest, "").unwrap();
        let line = |manifest: &Path, kind: &str, file: &str| {
            let target = serde_json::json!({ "kind": [kind] });
            let reason = "compiler-artifact";
            serde_json::json!({ "reason": reason, "manifest_path": manifest, "target": target, "filenames": [file] })
        };
        let messages = [
            line(Path::new("/elsewhere/Cargo.toml"), "cdylib", "/t/other.wasm"),
            line(&manifest, "bin", "/t/tool.wasm"),
            line(&manifest, "cdylib", "/t/greeter.wasm"),
            serde_json::json!({ "reason": "build-finished", "success": true }),
        ];
        let messages = messages.map(|message| message.to_string()).join("\n");
        assert_eq!(artifact(messages.as_bytes(), &manifest), Some("/t/greeter.wasm".into()));
        assert_eq!(artifact(b"", &manifest), None);
    }
}
