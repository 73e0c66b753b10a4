//! What the tests stand on: folders far from the repository, and the binary run in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a command said.
#[derive(Debug)]
pub struct Said {
    /// Its exit code.
    pub code: Option<i32>,
    /// On standard output.
    pub out: String,
    /// On standard error.
    pub err: String,
}

impl Said {
    /// It went well.
    pub fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{self}");
        self
    }

    /// It did not, and said so on either stream, in readable words.
    pub fn not_ok(self) -> Self {
        assert_eq!(self.code, Some(1), "{self}");
        self.readable()
    }

    /// No panic, no backtrace, no control characters.
    pub fn readable(self) -> Self {
        let all = format!("{}{}", self.out, self.err);
        assert!(!all.contains("panicked at") && !all.contains("stack backtrace"), "{self}");
        assert!(!all.contains('\x1b'), "no colour where there is no terminal: {self}");
        self
    }

    /// Each of these texts was said, on either stream.
    pub fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            assert!(self.out.contains(text) || self.err.contains(text), "it does not say {text:?}: {self}");
        }
        self
    }

    /// The line of JSON on standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The lines of JSON on standard output.
    pub fn json_lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "exit code {:?}\n--- out\n{}\n--- err\n{}", self.code, self.out, self.err)
    }
}

/// A folder outside of the repository.
pub struct Folder(TempDir);

impl Folder {
    /// An empty one. Cargo builds what is made in it to a folder that all tests share, so that dependencies are
    /// compiled once.
    pub fn new() -> Self {
        let folder = Self(tempfile::Builder::new().prefix("hangar-test-").tempdir().unwrap());
        let target = repository().join("target/rust-templates");
        folder.write(".cargo/config.toml", format!("[build]\ntarget-dir = {:?}\n", target.display().to_string()));
        folder
    }

    /// A path in it.
    pub fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    /// Writes a file.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.path(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    /// The text in a file.
    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Changes the text in a file; what is to be changed must be there.
    pub fn change(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} has no {from:?}:\n{text}");
        self.write(path, text.replacen(from, to, 1));
    }

    /// Runs `hangar` in it; `line` is split at spaces.
    pub fn hangar(&self, line: &str) -> Said {
        self.hangar_in("", line)
    }

    /// Runs `hangar` in a folder of it.
    pub fn hangar_in(&self, folder: &str, line: &str) -> Said {
        said(&mut self.command(folder, line))
    }

    /// `hangar` before it is run in a folder.
    pub fn command(&self, folder: &str, line: &str) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_hangar"), folder);
        command.args(line.split_whitespace());
        command
    }

    /// Any program before it is run in a folder.
    pub fn program(&self, program: &str, folder: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path(folder)).stdin(Stdio::null());
        command.env("HANGAR_TOOLS", repository().join("target/guest-tools"));
        command.env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"));
        command.env("XDG_STATE_HOME", self.path("state"));
        command
    }
}

/// Runs a command to its end.
pub fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A plugin that `make plugins` built.
pub fn component(name: &str) -> Vec<u8> {
    let file = repository().join("target/plugins").join(format!("{name}.wasm"));
    fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}; run `make plugins`", file.display()))
}
