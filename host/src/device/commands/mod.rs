//! The tool `execute_command`.
//!
//! Unless the device was started otherwise, a command is split into words and run without a shell, and only programs that
//! tell of the machine are run ([`programs`]). With a shell, everything is: a device that allows it does whatever whoever
//! can reach the server wants. What cannot or may not be run is no failure of the tool, but a result that says
//! `success: false`, as the device agents that are out there have it: whoever asked can try something else.

mod capture;
mod process;
mod programs;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::process::Command;

pub use process::run as run_process;
pub use programs::Allowed;

use super::files::Files;
use super::tool::{Answer, Description};

/// How long a command may take that says nothing of it.
const USUAL: Duration = Duration::from_secs(30);

/// Bytes of a command line.
const LINE: usize = 64 << 10;

/// How commands are run.
#[derive(Debug, Clone)]
pub struct Commands {
    /// Which programs, or any and by a shell.
    pub policy: Policy,
    /// The longest that a command may take.
    pub longest: Duration,
    /// Bytes of either stream that are kept.
    pub keep: usize,
    /// Variables of the environment that programs do not get: they hold secrets of the device.
    pub hidden: Vec<OsString>,
}

/// What may be run.
#[derive(Debug, Clone)]
pub enum Policy {
    /// Programs, without a shell.
    Programs(Allowed),
    /// Anything, by a shell.
    Shell,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    command: String,
    timeout: Option<f64>,
    cwd: Option<String>,
}

impl Commands {
    /// The tool, as it is listed.
    pub fn describe(&self) -> Description {
        let how = match &self.policy {
            Policy::Programs(allowed) => format!(
                "It runs without a shell: no pipes, redirections, variables or globs; ordinary quoting works. Programs that \
                 may be run: {}. Use read_file for the content of files",
                allowed.names()
            ),
            Policy::Shell if cfg!(windows) => "It is run by cmd, so pipes and redirections work".to_owned(),
            Policy::Shell => {
                "It is run by sh, so pipes, redirections, variables and globs work, and any program may be run"
                    .to_owned()
            }
        };
        let (usual, longest) = (self.usual().as_secs_f64(), self.longest.as_secs_f64());
        Description {
            name: "execute_command",
            title: "Run a command",
            namespace: "commands",
            text: format!(
                "Runs a command on this machine and returns its exit code and what it printed. {how}. It has no input. What it \
                 started is killed when it ends or its time is over; of long output the middle is left out"
            ),
            parameters: json!({
                "command": {"type": "string", "description": "The command line"},
                "timeout": {
                    "type": "number", "exclusiveMinimum": 0, "maximum": longest, "default": usual,
                    "description": "Seconds after which it is stopped",
                },
                "cwd": {"type": "string", "default": ".", "description": "Where it runs: a folder below the root"},
            }),
            required: &["command"],
            output: json!({
                "type": "object",
                "properties": {
                    "success": {"type": "boolean"}, "exit_code": {"type": ["integer", "null"]},
                    "stdout": {"type": "string"}, "stderr": {"type": "string"}, "error": {"type": "string"},
                },
                "required": ["success"],
            }),
            only_looks: matches!(&self.policy, Policy::Programs(allowed) if allowed.is_plain()),
            ..Description::default()
        }
    }

    fn usual(&self) -> Duration {
        USUAL.min(self.longest)
    }

    /// Runs one.
    pub async fn execute(&self, parameters: &Value, files: &Files) -> Answer {
        let Parameters { command, timeout, cwd } = super::tool::read(parameters)?;
        let patience = match timeout {
            None => self.usual(),
            Some(seconds) => Duration::try_from_secs_f64(seconds)
                .ok()
                .filter(|patience| !patience.is_zero() && *patience <= self.longest)
                .ok_or_else(|| {
                    format!("`timeout` must be more than 0 and at most {} seconds", self.longest.as_secs_f64())
                })?,
        };
        let folder = match files.folder(cwd.as_deref().unwrap_or(".")) {
            Ok(folder) => folder,
            Err(why) => return Ok(refused(why)),
        };
        match self.prepare(&command, folder) {
            Ok(prepared) => Ok(match run_process(prepared, patience, self.keep).await {
                Ok(ended) => told(ended, patience),
                Err(error) => refused(format!("The command cannot be run: {error}")),
            }),
            Err(why) => Ok(refused(why)),
        }
    }

    fn prepare(&self, line: &str, folder: PathBuf) -> Result<Command, String> {
        if line.len() > LINE {
            return Err(format!("The command has {} bytes; {LINE} are allowed", line.len()));
        }
        if line.contains('\0') {
            return Err("The command has a zero byte in it".into());
        }
        let mut command = match &self.policy {
            Policy::Programs(allowed) => {
                let words = words::split(line)?;
                allowed.check(&words)?;
                let mut words = words.into_iter();
                let mut command = Command::new(words.next().unwrap_or_default());
                command.args(words);
                command
            }
            Policy::Shell if line.trim().is_empty() => return Err("The command is empty".into()),
            Policy::Shell => shell(line),
        };
        command.current_dir(folder);
        for name in &self.hidden {
            command.env_remove(name);
        }
        Ok(command)
    }
}

#[cfg(not(windows))]
fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]);
    command
}

#[cfg(windows)]
fn shell(line: &str) -> Command {
    let mut command = Command::new("cmd");
    command.arg("/C").raw_arg(line);
    command
}

fn refused(why: impl Into<String>) -> Value {
    json!({ "success": false, "error": why.into() })
}

fn told(ended: process::Ended, patience: Duration) -> Value {
    let status = ended.status;
    let mut told = json!({
        "success": status.is_some_and(|status| status.success()),
        "exit_code": status.and_then(|status| status.code()),
        "stdout": ended.stdout.text(),
        "stderr": ended.stderr.text(),
    });
    let error = match status {
        None => Some(format!(
            "The command was stopped after {} seconds, with everything it had started",
            patience.as_secs_f64()
        )),
        Some(status) => killed_by(status).map(|signal| format!("The command was killed by signal {signal}")),
    };
    if let (Some(error), Value::Object(told)) = (error, &mut told) {
        told.insert("error".into(), error.into());
    }
    told
}

#[cfg(unix)]
fn killed_by(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn killed_by(_status: ExitStatus) -> Option<i32> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn commands(policy: Policy) -> Commands {
        Commands { policy, longest: Duration::from_secs(60), keep: 4 << 10, hidden: vec!["PATH_TO_SECRET".into()] }
    }

    async fn execute(policy: Policy, parameters: Value) -> Answer {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let files = Files::below(folder.path(), false).unwrap();
        commands(policy).execute(&parameters, &files).await
    }

    fn programs() -> Policy {
        Policy::Programs(Allowed::default())
    }

    #[tokio::test]
    async fn a_program_runs_without_a_shell() {
        let told = execute(programs(), json!({"command": "echo 'a | b' c"})).await.unwrap();
        assert_eq!(told, json!({"success": true, "exit_code": 0, "stdout": "a | b c\n", "stderr": ""}));
        let told = execute(programs(), json!({"command": "uname -s", "timeout": 10, "cwd": null})).await.unwrap();
        assert_eq!(told["success"], true);
        let told = execute(programs(), json!({"command": "false"})).await.unwrap();
        assert_eq!((&told["success"], &told["exit_code"]), (&json!(false), &json!(1)));
        let told = execute(programs(), json!({"command": "pwd", "cwd": "sub"})).await.unwrap();
        assert!(told["stdout"].as_str().unwrap().ends_with("/sub\n"), "{told}");
    }

    #[tokio::test]
    async fn what_may_not_be_run_is_a_result_that_says_so() {
        for (command, why) in [("rm -rf x", "does not run `rm`"), ("ls | wc", "without a shell"), ("", "empty")] {
            let told = execute(programs(), json!({ "command": command })).await.unwrap();
            assert_eq!(told["success"], false);
            assert!(told["error"].as_str().unwrap().contains(why), "{told}");
        }
        for (cwd, why) in [("..", "below"), ("none", "none"), ("/", "below")] {
            let told = execute(programs(), json!({"command": "pwd", "cwd": cwd})).await.unwrap();
            assert!(told["error"].as_str().unwrap().contains(why), "{told}");
        }
        let told = execute(Policy::Shell, json!({"command": "a".repeat(LINE + 1)})).await.unwrap();
        assert!(told["error"].as_str().unwrap().contains("65537 bytes"));
    }

    #[tokio::test]
    async fn a_shell_runs_anything_but_does_not_know_the_secrets() {
        let told = execute(Policy::Shell, json!({"command": "echo a | tr a b; exit 4"})).await.unwrap();
        assert_eq!(told, json!({"success": false, "exit_code": 4, "stdout": "b\n", "stderr": ""}));
        let told = execute(Policy::Shell, json!({"command": "sleep 1000", "timeout": 0.2})).await.unwrap();
        let why = "The command was stopped after 0.2 seconds, with everything it had started";
        assert_eq!((&told["exit_code"], &told["error"]), (&Value::Null, &json!(why)));
        let mut hiding = commands(Policy::Shell);
        hiding.hidden = vec!["PATH".into()];
        let prepared = hiding.prepare("true", ".".into()).unwrap();
        let removed = prepared.as_std().get_envs().any(|(name, value)| name == "PATH" && value.is_none());
        assert!(removed, "{prepared:?}");
    }

    #[tokio::test]
    async fn parameters_are_checked() {
        for (parameters, why) in [
            (json!({}), "missing field `command`"),
            (json!({"command": 1}), "invalid type"),
            (json!({"command": "ls", "cmd": "x"}), "unknown field `cmd`, expected one of `command`, `timeout`, `cwd`"),
            (json!({"command": "ls", "timeout": 61}), "at most 60 seconds"),
            (json!({"command": "ls", "timeout": 0}), "more than 0"),
            (json!({"command": "ls", "timeout": -1}), "more than 0"),
        ] {
            let refusal = execute(programs(), parameters).await.unwrap_err();
            assert!(refusal.contains(why), "{refusal}");
        }
    }
}
