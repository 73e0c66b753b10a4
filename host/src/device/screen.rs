//! The tool `take_screenshot`, where there is a display and a program that takes pictures of it.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hangar_aip::ToolType;
use serde_json::{Value, json};
use tokio::process::Command;

use super::commands::run_process;
use super::tool::{Answer, Description};

/// How long a picture may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes of a picture; as base64 it stays well below what a frame may have.
const LARGEST: u64 = 48 << 20;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// What takes pictures: a program, and what it is given before the name of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    program: PathBuf,
    arguments: &'static [&'static str],
}

impl Screen {
    /// The first program that fits the display of this process; none where there is no display, or no program.
    pub fn of_this_machine() -> Option<Self> {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let path = env::var_os("PATH")?;
        let folders: Vec<PathBuf> = env::split_paths(&path).collect();
        Self::find(is_set("WAYLAND_DISPLAY"), is_set("DISPLAY"), cfg!(target_os = "macos"), &folders)
    }

    fn find(wayland: bool, x11: bool, macos: bool, folders: &[PathBuf]) -> Option<Self> {
        const PROGRAMS: [(&str, &[&str]); 5] = [
            ("grim", &[]),
            ("gnome-screenshot", &["-f"]),
            ("scrot", &["-o"]),
            ("import", &["-window", "root"]),
            ("screencapture", &["-x", "-t", "png"]),
        ];
        let fits = |name| match name {
            "grim" => wayland,
            "gnome-screenshot" => wayland || x11,
            "screencapture" => macos,
            // Under Wayland they see nothing but what runs under X11.
            _ => x11 && !wayland,
        };
        let programs = PROGRAMS.into_iter().filter(|(name, _)| fits(*name));
        programs
            .filter_map(|(name, arguments)| {
                let program = folders.iter().map(|folder| folder.join(name)).find(|file| is_program(file))?;
                Some(Self { program, arguments })
            })
            .next()
    }

    /// The tool, as it is listed.
    pub fn describe() -> Description {
        Description {
            name: "take_screenshot",
            title: "Take a screenshot",
            namespace: "screen",
            tool_type: ToolType::DataCollection,
            text: "Takes a picture of the whole desktop and returns it as a data URI (image/png)".into(),
            output: json!({"type": "string"}),
            only_looks: true,
            ..Description::default()
        }
    }

    /// Takes a picture.
    pub async fn take(&self, parameters: &Value) -> Answer {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}

        let Nothing {} = super::tool::read(parameters)?;
        let cannot = |why: String| format!("{} cannot take a picture: {why}", self.program.display());
        let folder = tempfile::tempdir().map_err(|error| cannot(error.to_string()))?;
        let file = folder.path().join("screen.png");
        let mut command = Command::new(&self.program);
        command.args(self.arguments).arg(&file);
        let ended = run_process(command, PATIENCE, 2_000).await.map_err(|error| cannot(error.to_string()))?;
        match ended.status {
            Some(status) if status.success() => {}
            Some(status) => return Err(cannot(format!("{status}: {}", ended.stderr.text().trim()))),
            None => return Err(cannot(format!("it took longer than {PATIENCE:?}"))),
        }
        let about = tokio::fs::metadata(&file).await.map_err(|error| cannot(error.to_string()))?;
        if about.len() > LARGEST {
            return Err(cannot(format!("it has {} bytes; {LARGEST} are allowed", about.len())));
        }
        let picture = tokio::fs::read(&file).await.map_err(|error| cannot(error.to_string()))?;
        if !picture.starts_with(PNG) {
            return Err(cannot("what it made is no PNG".into()));
        }
        Ok(format!("data:image/png;base64,{}", STANDARD.encode(picture)).into())
    }
}

#[cfg(unix)]
fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(file: &Path) -> bool {
    file.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn program(folder: &TempDir, name: &str, script: &str) {
        let file = folder.path().join(name);
        // By another process: this one may fork while it has the file open, and then nobody can run it.
        let written = std::process::Command::new("sh")
            .args(["-c", "printf '%s' \"$1\" >\"$2\"", "sh", &format!("#!/bin/sh\n{script}\n")])
            .arg(&file)
            .status();
        assert!(written.unwrap().success());
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_program_fits_the_display() {
        let folder = TempDir::new().unwrap();
        for name in ["grim", "scrot", "import", "screencapture"] {
            program(&folder, name, "true");
        }
        fs::write(folder.path().join("gnome-screenshot"), "not executable").unwrap();
        let folders = [PathBuf::from("/none"), folder.path().to_owned()];
        let found = |wayland, x11, macos| {
            let screen = Screen::find(wayland, x11, macos, &folders)?;
            Some(screen.program.file_name()?.to_str()?.to_owned())
        };
        assert_eq!(found(true, true, false).as_deref(), Some("grim"));
        assert_eq!(found(false, true, false).as_deref(), Some("scrot"));
        assert_eq!(found(false, false, true).as_deref(), Some("screencapture"));
        assert_eq!(found(false, false, false), None);
        assert_eq!(Screen::find(true, true, true, &folders[..1]), None);
    }

    #[tokio::test]
    async fn a_picture_comes_as_a_data_uri_and_else_the_reason() {
        let folder = TempDir::new().unwrap();
        program(&folder, "good", "test \"$1\" = -o && printf '\\211PNG\\r\\n\\032\\nrest' >\"$2\"");
        program(&folder, "odd", "echo nonsense >\"$2\"");
        program(&folder, "bad", "echo 'no display' >&2; exit 2");
        let take = async |name| {
            let screen = Screen { program: folder.path().join(name), arguments: &["-o"] };
            screen.take(&json!({})).await
        };
        assert_eq!(take("good").await.unwrap(), "data:image/png;base64,iVBORw0KGgpyZXN0");
        assert!(take("odd").await.unwrap_err().contains("no PNG"));
        assert!(take("bad").await.unwrap_err().contains("no display"));
        assert!(take("none").await.unwrap_err().contains("cannot take a picture"));
    }
}
