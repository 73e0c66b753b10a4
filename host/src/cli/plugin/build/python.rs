//! Builds a plugin in Python: componentize-py, from an environment of our own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::sdk;
use super::tools::Tools;
use crate::cli::plugin::language::Language;
use crate::cli::plugin::project::Project;
use crate::cli::problem::Problem;

/// The oldest Python that componentize-py runs on.
const OLDEST: (u32, u32) = (3, 10);

/// Prints the version, then fails where Debian's `python3-venv` is missing.
const PROBE: &str = "import sys; print('%d.%d.%d' % sys.version_info[:3], flush=True); import ensurepip, venv";

/// The component that componentize-py makes of the project.
pub fn component(project: &Project, tools: &Tools) -> Result<Vec<u8>> {
    let sdk = sdk::folder(project, tools)?;
    let python = environment(&sdk.join("requirements.txt"), tools)?;
    let mut command = Command::new(python);
    command.arg(sdk.join("build.py")).env_remove("PYTHONHOME").env_remove("PYTHONPATH");
    sdk::component(command, project, &sdk)
}

/// The interpreter of an environment that has these packages.
fn environment(requirements: &Path, tools: &Tools) -> Result<PathBuf> {
    let version = version()?;
    let packages = fs::read_to_string(requirements)
        .with_context(|| format!("{} cannot be read: the project's sdk/ is not whole", requirements.display()))?;
    let name = sdk::name(&format!("python-{version}"), &[&packages]);
    let what: Vec<&str> = packages.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let folder = tools.folder(&name, &what.join(", "), |folder| install(folder, requirements))?;
    Ok(interpreter(&folder))
}

/// The version of `python3`, which must be able to make environments.
fn version() -> Result<String, Problem> {
    let missing = |what: &str, packages: &str| sdk::missing(what, Language::Python, packages);
    let probed = sdk::asked("python3", &["-c", PROBE])
        .ok_or_else(|| missing("there is no python3 here", "python3 python3-venv"))?;
    let version = String::from_utf8_lossy(&probed.stdout).trim().to_owned();
    let mut numbers = version.split('.').map_while(|number| number.parse::<u32>().ok());
    let found = numbers.next().zip(numbers.next());
    match found {
        None => Err(missing("python3 does not say its version", "python3 python3-venv")),
        Some(found) if found < OLDEST => {
            let what = format!("python3 is {version}, and {}.{} is the oldest that will do", OLDEST.0, OLDEST.1);
            Err(Problem::new(what, "install a newer Python, and put it first on the PATH"))
        }
        Some(_) if !probed.status.success() => {
            Err(missing("this python3 cannot make environments: it has no venv", "python3-venv"))
        }
        Some(_) => Ok(version),
    }
}

fn install(folder: &Path, requirements: &Path) -> Result<()> {
    sdk::install_step(Command::new("python3").args(["-m", "venv"]).arg(folder), "python3 -m venv")?;
    let mut pip = Command::new(interpreter(folder));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--requirement"]);
    sdk::install_step(pip.arg(requirements), "pip install")
}

fn interpreter(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}
