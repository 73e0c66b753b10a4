//! From a component's bytes to something that can be instantiated: compiled for the first time, and from the cache.

use std::path::Path;

use anyhow::Result;
use tempfile::TempDir;
use tokio::runtime::Runtime as Tokio;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::measure::{Pair, time};
use crate::report::{Kind, Report};
use crate::stage::{LANGUAGES, bytes, ours, runtime};

/// Few rounds: this is about seconds and not microseconds.
pub fn all(report: &mut Report) -> Result<()> {
    let tokio = Tokio::new()?;
    report.compile_opening();
    for (language, plugin, rounds) in LANGUAGES {
        let (mut cold, mut cached) = (Pair::default(), Pair::default());
        for _ in 0..if rounds < 1_000 { 1 } else { 5 } {
            let (folder, bytes) = (TempDir::new()?, bytes(plugin)?);
            // A cache that nobody has used, and another process's worth of runtime for each load.
            let first = runtime(folder.path(), Some(16))?;
            let (taken, component) = time(|| Component::new(first.engine(), &bytes))?;
            cold.bare.add(taken);
            cold.ours.add(time(|| ours(&tokio, &first, plugin))?.0);
            let file = folder.path().join("bare");
            std::fs::write(&file, component.serialize()?)?;
            drop((component, first));
            for _ in 0..5 {
                let again = runtime(folder.path(), Some(16))?;
                cached.bare.add(time(|| load(again.engine(), &file))?.0);
                cached.ours.add(time(|| ours(&tokio, &again, plugin))?.0);
            }
        }
        report.times(language, "load, compiled for the first time", Kind::Other, &cold);
        report.times(language, "load, from the cache", Kind::Other, &cached);
    }
    Ok(())
}

/// Bare wasmtime's way to load what was compiled before.
#[expect(unsafe_code, reason = "this is how wasmtime loads compiled code")]
pub fn load(engine: &Engine, file: &Path) -> Result<Component> {
    // SAFETY: this program wrote the file, to a folder of its own, and changes it never.
    Ok(unsafe { Component::deserialize_file(engine, file)? })
}
