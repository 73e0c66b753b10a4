//! `write_file`: a whole file, or something at its end.

use std::io::Write;
use std::path::Path;

use cap_std::fs::OpenOptions;
use serde::Deserialize;
use serde_json::json;

use super::Root;
use crate::device::tool::{Answer, Description};

/// Bytes that are written at once.
pub const MOST: usize = 4 << 20;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    path: String,
    content: String,
    mode: Option<Mode>,
    folders: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Replace,
    Append,
    Create,
}

pub fn describe() -> Description {
    Description {
        name: "write_file",
        title: "Write a file",
        namespace: "files",
        text: format!("Writes a text file below the root, at most {MOST} bytes at once"),
        parameters: json!({
            "path": {"type": "string", "description": "The file, from the root on"},
            "content": {"type": "string", "description": "What is to stand in it"},
            "mode": {
                "enum": ["replace", "append", "create"], "default": "replace", "type": "string",
                "description": "Put it in the place of what is there, at its end, or only where there is no file yet",
            },
            "folders": {"type": "boolean", "default": false, "description": "Make the folders that are missing on the way"},
        }),
        required: &["path", "content"],
        output: json!({
            "type": "object",
            "properties": {"written": {"type": "integer"}, "size": {"type": "integer"}},
        }),
        ..Description::default()
    }
}

pub fn write(root: &Root, wanted: &Wanted) -> Answer {
    let Wanted { path, content, mode, folders } = wanted;
    if !root.writable {
        return Err("This device does not write files: it was started without --root".into());
    }
    if content.len() > MOST {
        return Err(format!(
            "`content` has {} bytes; {MOST} are allowed at once, more with mode append",
            content.len()
        ));
    }
    let problem = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => format!("There is a `{path}` already; mode replace would replace it"),
        _ => root.problem(path, &error),
    };
    let relative = root.relative(path)?;
    if let Some(folder) = relative.parent().filter(|folder| *folder != Path::new("") && folders.unwrap_or(false)) {
        root.dir.create_dir_all(folder).map_err(problem)?;
    }
    let mode = mode.unwrap_or(Mode::Replace);
    let mut options = OpenOptions::new();
    options.write(mode != Mode::Append).append(mode == Mode::Append);
    options.create(mode != Mode::Create).create_new(mode == Mode::Create);
    // A pipe that nobody reads from must not be waited for.
    #[cfg(unix)]
    cap_std::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    let mut file = root.dir.open_with(relative, &options).map_err(problem)?;
    if !file.metadata().map_err(problem)?.is_file() {
        return Err(format!("`{path}` is no file that can be written"));
    }
    if mode == Mode::Replace {
        file.set_len(0).map_err(problem)?;
    }
    file.write_all(content.as_bytes()).map_err(problem)?;
    let size = file.metadata().map_err(problem)?.len();
    Ok(json!({ "written": content.len(), "size": size }))
}
