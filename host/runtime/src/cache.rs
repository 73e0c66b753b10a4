//! Compiled plugins on disk, by the hash of their bytes and of the engine that compiled them.
//!
//! Loading compiled code is running machine code, so only a directory that nobody else can write to is used, and only
//! files that this host wrote there itself. Files are never changed in place: a plugin may be running from one.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::private_dir;

/// Files that were not written for so long are removed at the start.
const KEPT_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How the names of files begin that are not whole yet.
const TEMPORARY: &str = ".new-";

/// A directory of compiled plugins.
pub(crate) struct Cache {
    directory: PathBuf,
}

impl Cache {
    /// Opens the directory, made if missing, and removes what is old.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        private_dir::open(directory, "compiled code")?;
        let cache = Self { directory: directory.to_owned() };
        cache.remove_old(SystemTime::now());
        Ok(cache)
    }

    /// The compiled form of the bytes that have this hash, if it is in the directory.
    pub(crate) fn find(&self, engine: &Engine, hash: &str) -> Option<Component> {
        load(engine, &self.file(engine, hash))
    }

    /// The compiled form of these bytes, from the directory or compiled now and put there.
    pub(crate) fn compile(&self, engine: &Engine, bytes: &[u8], hash: &str) -> wasmtime::Result<Component> {
        let file = self.file(engine, hash);
        if let Some(component) = load(engine, &file) {
            return Ok(component);
        }
        let component = Component::new(engine, bytes)?;
        match component.serialize().and_then(|compiled| Ok(self.put(&file, &compiled)?)) {
            // From the file it takes less memory, and its instances touch theirs faster.
            Ok(()) => Ok(load(engine, &file).unwrap_or(component)),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "a compiled plugin could not be cached");
                Ok(component)
            }
        }
    }

    fn file(&self, engine: &Engine, hash: &str) -> PathBuf {
        self.directory.join(format!("{hash}-{:016x}.cwasm", compatibility(engine)))
    }

    /// Under another name first, so that nobody ever sees half a file.
    fn put(&self, file: &Path, compiled: &[u8]) -> io::Result<()> {
        let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(&self.directory)?;
        temporary.write_all(compiled)?;
        temporary.as_file().sync_all()?;
        // It may take the place of an unusable file, or of the same one that somebody else was faster with. Who runs
        // from that one keeps it.
        temporary.persist(file)?;
        Ok(())
    }

    fn remove_old(&self, now: SystemTime) {
        let Ok(files) = fs::read_dir(&self.directory) else { return };
        for file in files.flatten().filter(is_ours) {
            let written = file.metadata().and_then(|metadata| metadata.modified());
            let age = written.ok().and_then(|written| now.duration_since(written).ok()).unwrap_or_default();
            if age > KEPT_FOR {
                let _ = fs::remove_file(file.path());
            }
        }
    }
}

/// Whoever names the wrong directory must not lose files by it.
fn is_ours(file: &fs::DirEntry) -> bool {
    let name = file.file_name();
    let name = name.to_string_lossy();
    name.ends_with(".cwasm") || name.starts_with(TEMPORARY)
}

/// What makes compiled code of one engine unusable for another.
fn compatibility(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.finish()
}

/// A file of ours, or nothing: whatever is wrong with it, compiling again is the cure.
#[expect(unsafe_code, reason = "the one place where precompiled code is loaded")]
fn load(engine: &Engine, file: &Path) -> Option<Component> {
    if !private_dir::is_own_file(&fs::symlink_metadata(file).ok()?) {
        return None;
    }
    // SAFETY: the file is compiled code of our own making: it is ours and nobody else can write to it, nor, as
    // `Cache::open` made sure, to the directory; and files in it appear whole and are never changed.
    let component = unsafe { Component::deserialize_file(engine, file) };
    match component {
        Ok(component) => Some(component),
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "a cached plugin is unusable and compiled again");
            None
        }
    }
}
