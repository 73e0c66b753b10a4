//! The tools `read_file`, `write_file` and `list_files`, all below one folder, the root.
//!
//! The root is opened once, and every path is looked up from there: neither `..` nor a symbolic link leads out, also not one
//! that is put there while it is looked up. A link with an absolute target counts as leading out.

mod listing;
mod reading;
mod writing;

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use serde_json::Value;

use super::tool::{Answer, Description};

/// The files below a root.
#[derive(Debug, Clone)]
pub struct Files(Arc<Root>);

#[derive(Debug)]
struct Root {
    path: PathBuf,
    dir: Dir,
    writable: bool,
}

impl Files {
    /// Those below this folder.
    pub fn below(root: &Path, writable: bool) -> io::Result<Self> {
        let path = root.canonicalize()?;
        let dir = Dir::open_ambient_dir(&path, ambient_authority())?;
        Ok(Self(Arc::new(Root { path, dir, writable })))
    }

    /// The root.
    pub fn root(&self) -> &Path {
        &self.0.path
    }

    /// Whether they may be written.
    pub fn are_writable(&self) -> bool {
        self.0.writable
    }

    /// A folder below the root, for a program to run in.
    pub fn folder(&self, path: &str) -> Result<PathBuf, String> {
        let relative = self.0.relative(path)?;
        let whole = self.0.path.join(relative).canonicalize().map_err(|error| self.0.problem(path, &error))?;
        if !whole.starts_with(&self.0.path) {
            return Err(self.0.leads_out(path));
        }
        if whole.is_dir() { Ok(whole) } else { Err(format!("`{path}` is no folder")) }
    }

    /// The tools, as they are listed.
    pub fn describe(&self) -> Vec<Description> {
        let mut tools = vec![listing::describe(), reading::describe()];
        tools.extend(self.0.writable.then(writing::describe));
        tools
    }

    /// Lists a folder.
    pub async fn list(&self, parameters: &Value) -> Answer {
        let wanted = super::tool::read(parameters)?;
        self.work(move |root| listing::list(root, &wanted)).await
    }

    /// Reads a part of a file.
    pub async fn read(&self, parameters: &Value) -> Answer {
        let wanted = super::tool::read(parameters)?;
        self.work(move |root| reading::read(root, &wanted)).await
    }

    /// Writes a file.
    pub async fn write(&self, parameters: &Value) -> Answer {
        let wanted = super::tool::read(parameters)?;
        self.work(move |root| writing::write(root, &wanted)).await
    }

    async fn work(&self, what: impl FnOnce(&Root) -> Answer + Send + 'static) -> Answer {
        let root = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || what(&root)).await;
        done.unwrap_or_else(|error| Err(format!("The device made a mistake: {error}")))
    }
}

impl Root {
    /// A path from the root on. An absolute one must lie below it.
    fn relative<'p>(&self, path: &'p str) -> Result<&'p Path, String> {
        let given = Path::new(path);
        let relative =
            if given.is_absolute() { given.strip_prefix(&self.path).map_err(|_| self.leads_out(path))? } else { given };
        let is_here = relative.components().all(|component| component == Component::CurDir);
        Ok(if is_here { Path::new(".") } else { relative })
    }

    fn leads_out(&self, path: &str) -> String {
        format!("`{path}` leads out of {}: only what lies below this folder can be used", self.path.display())
    }

    fn problem(&self, path: &str, error: &io::Error) -> String {
        match error.kind() {
            io::ErrorKind::NotFound => format!("There is no `{path}` below {}", self.path.display()),
            // The system's own refusal has a number.
            io::ErrorKind::PermissionDenied if error.raw_os_error().is_none() => self.leads_out(path),
            _ => format!("`{path}`: {error}"),
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
