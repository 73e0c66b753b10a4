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

/// The interpreter of the machine.
const PYTHON: &str = "python3";

/// What makes components; it lies beside the interpreter of the environment.
const COMPONENTIZE: &str = if cfg!(windows) { "componentize-py.exe" } else { "componentize-py" };

/// Prints the version, then fails where Debian's `python3-venv` is missing.
const PROBE: &str = "import sys; print('%d.%d.%d' % sys.version_info[:3], flush=True); import ensurepip, venv";

/// The component that componentize-py makes of the project.
pub fn component(project: &Project, tools: &Tools) -> Result<Vec<u8>> {
    let sdk = sdk::folder(project, tools)?;
    let python = environment(&sdk.join("requirements.txt"), tools)?;
    let mut command = self::python(&python);
    command.arg(sdk.join("build.py"));
    sdk::component(command, project, &sdk)
}

/// An interpreter that knows its own packages only. Otherwise pip would take what lies elsewhere for installed, and what it
/// installs would be missing for good.
fn python(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_remove("PYTHONHOME").env_remove("PYTHONPATH");
    command
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
    let probed = sdk::asked(python(Path::new(PYTHON)).args(["-c", PROBE]))
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
    sdk::install_step(python(Path::new(PYTHON)).args(["-m", "venv"]).arg(folder), "python3 -m venv")?;
    let mut pip = python(&interpreter(folder));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--requirement"]);
    sdk::install_step(pip.arg(requirements), "pip install")?;
    if !interpreter(folder).with_file_name(COMPONENTIZE).is_file() {
        let what = "pip says that all is installed, but componentize-py is not in the environment";
        return Err(Problem::new(what, "look for a `target`, `prefix` or `user` in pip's configuration").into());
    }
    Ok(())
}

fn interpreter(folder: &Path) -> PathBuf {
    folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" })
}
