//! Builds a plugin in JavaScript: esbuild and componentize-qjs, from a folder of packages of our own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::sdk;
use super::tools::Tools;
use crate::cli::plugin::language::Language;
use crate::cli::plugin::project::Project;
use crate::cli::problem::Problem;

/// The oldest Node that the packages run on.
const OLDEST: u32 = 18;

/// The npm of Windows is a script that only its shell finds.
const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

/// The component that componentize-qjs makes of the project.
pub fn component(project: &Project, tools: &Tools) -> Result<Vec<u8>> {
    let sdk = sdk::folder(project, tools)?;
    let packages = packages(&sdk, tools)?;
    let mut command = of_node("node");
    command.arg(sdk.join("build.mjs")).arg("--tools").arg(packages);
    sdk::component(command, project, &sdk)
}

/// What somebody has set for other programs in Node is not meant for ours.
fn of_node(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env_remove("NODE_OPTIONS");
    command
}

/// A folder with the `node_modules` of the SDK's lock file.
fn packages(sdk: &Path, tools: &Tools) -> Result<PathBuf> {
    let version = version()?;
    let lock = sdk.join("package-lock.json");
    let locked = fs::read_to_string(&lock)
        .with_context(|| format!("{} cannot be read: the project's sdk/ is not whole", lock.display()))?;
    let name = sdk::name(&format!("js-{version}"), &[&locked]);
    tools.folder(&name, "the packages of sdk/package-lock.json", |folder| {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(sdk.join(file), folder.join(file)).with_context(|| format!("{file} cannot be copied"))?;
        }
        // No package's own scripts: none of these needs them here.
        let mut npm = of_node(NPM);
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder);
        sdk::install_step(&mut npm, "npm ci")
    })
}

/// The version of `node`, which must have `npm` beside it.
fn version() -> Result<String, Problem> {
    let missing = |what: &str, packages: &str| sdk::missing(what, Language::JavaScript, packages);
    let node =
        sdk::asked(of_node("node").arg("--version")).ok_or_else(|| missing("there is no node here", "nodejs npm"))?;
    let version = String::from_utf8_lossy(&node.stdout).trim().trim_start_matches('v').to_owned();
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST) {
        let what = format!("node is {version}, and {OLDEST} is the oldest that will do");
        return Err(Problem::new(what, "install a newer Node, and put it first on the PATH"));
    }
    sdk::asked(of_node(NPM).arg("--version")).ok_or_else(|| missing("there is no npm here", "npm"))?;
    Ok(version)
}
