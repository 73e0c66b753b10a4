//! `list_files`: what lies in a folder.

use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, Metadata};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Root;
use crate::device::tool::{Answer, Description};

/// Entries that are listed when nothing is said, and at most.
const USUAL: usize = 200;
const MOST: usize = 2_000;

/// How deep folders are looked into at most.
const DEEPEST: usize = 16;

/// Entries that are looked at for one list; what there is beyond them is left out.
const LOOKED_AT: usize = 20_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    path: Option<String>,
    depth: Option<usize>,
    offset: Option<usize>,
    limit: Option<usize>,
}

pub fn describe() -> Description {
    Description {
        name: "list_files",
        title: "List files",
        namespace: "files",
        text: "Lists a folder below the root, by name. Symbolic links are listed and not followed. `next_offset` is where the \
               next part of the list begins, and null after the last; `complete` is false if there was too much to look at"
            .into(),
        parameters: json!({
            "path": {"type": "string", "default": ".", "description": "The folder, from the root on"},
            "depth": {
                "type": "integer", "minimum": 1, "maximum": DEEPEST, "default": 1,
                "description": "1 for the folder alone, 2 for its folders, too, and so on",
            },
            "offset": {"type": "integer", "minimum": 0, "default": 0, "description": "Entries to leave out first"},
            "limit": {
                "type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL,
                "description": "How many entries to list",
            },
        }),
        output: json!({
            "type": "object",
            "properties": {
                "entries": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "path": {"type": "string"}, "kind": {"enum": ["file", "folder", "link", "other"]},
                            "size": {"type": "integer"}, "modified": {"type": "string"},
                        },
                    },
                },
                "total": {"type": "integer"}, "next_offset": {"type": ["integer", "null"]},
                "complete": {"type": "boolean"},
            },
        }),
        only_looks: true,
        ..Description::default()
    }
}

pub fn list(root: &Root, wanted: &Wanted) -> Answer {
    let path = wanted.path.as_deref().unwrap_or(".");
    let (depth, limit) = (wanted.depth.unwrap_or(1), wanted.limit.unwrap_or(USUAL));
    if !(1..=MOST).contains(&limit) {
        return Err(format!("`limit` must be between 1 and {MOST}; read longer lists in parts, with `offset`"));
    }
    if !(1..=DEEPEST).contains(&depth) {
        return Err(format!("`depth` must be between 1 and {DEEPEST}"));
    }
    let folder = root.dir.open_dir(root.relative(path)?).map_err(|error| root.problem(path, &error))?;
    let mut found = Found::default();
    found.look(&folder, Path::new(""), depth).map_err(|error| root.problem(path, &error))?;
    found.entries.sort_by(|one, other| one.0.cmp(&other.0));
    let (total, offset) = (found.entries.len(), wanted.offset.unwrap_or(0));
    let shown: Vec<Value> =
        found.entries.iter().skip(offset).take(limit).map(|(path, about)| entry(path, about)).collect();
    let next = offset.saturating_add(shown.len());
    let next = if next < total { next.into() } else { Value::Null };
    Ok(json!({ "entries": shown, "total": total, "next_offset": next, "complete": !found.left_out }))
}

#[derive(Default)]
struct Found {
    entries: Vec<(PathBuf, Metadata)>,
    left_out: bool,
}

impl Found {
    fn look(&mut self, folder: &Dir, path: &Path, depth: usize) -> std::io::Result<()> {
        for entry in folder.entries()? {
            // What goes away meanwhile was not there.
            let Ok((entry, about)) = entry.and_then(|entry| entry.metadata().map(|about| (entry, about))) else {
                continue;
            };
            if self.entries.len() == LOOKED_AT {
                self.left_out = true;
                break;
            }
            let inner = path.join(entry.file_name());
            let is_folder = about.is_dir();
            self.entries.push((inner.clone(), about));
            if is_folder && depth > 1 {
                let looked = entry.open_dir().and_then(|dir| self.look(&dir, &inner, depth - 1));
                // One that may not be looked into is listed all the same.
                self.left_out |= looked.is_err();
            }
        }
        Ok(())
    }
}

fn entry(path: &Path, about: &Metadata) -> Value {
    let kind = match about {
        about if about.is_symlink() => "link",
        about if about.is_dir() => "folder",
        about if about.is_file() => "file",
        _ => "other",
    };
    let modified = about.modified().ok().and_then(|time| jiff::Timestamp::try_from(time.into_std()).ok());
    let modified = modified.and_then(|time| time.round(jiff::Unit::Second).ok()).map(|time| time.to_string());
    json!({ "path": path.to_string_lossy(), "kind": kind, "size": about.len(), "modified": modified })
}
