//! What the binary carries for plugin authors: a template for each language and world, the SDKs and the contract.

use std::fs;
use std::io;
use std::path::Path;

use hangar_runtime::World;
use sha2::{Digest, Sha256};

use super::plugin::language::Language;

/// A file of the repository; its path is relative to the folder that was embedded.
struct EmbeddedFile {
    path: &'static str,
    content: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// What a new project consists of, besides its `sdk/`.
pub fn template(language: Language, world: World) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let folder = format!("{}/{}/", language.word(), world.name());
    TEMPLATES.iter().filter_map(move |file| Some((file.path.strip_prefix(&folder)?, file.content)))
}

/// Writes what belongs into the folder `sdk/` of a project, or serves in its place.
pub fn write_sdk(language: Language, folder: &Path) -> io::Result<()> {
    for file in SDK {
        let path = match language {
            Language::Rust if is_of_rust(file.path) => format!("plugin-sdk/{}", file.path),
            Language::Rust => continue,
            Language::Python | Language::JavaScript => match file.path.strip_prefix(language.word()) {
                Some(path) => path.trim_start_matches('/').to_owned(),
                None => continue,
            },
        };
        write(&folder.join(path), file.content)?;
    }
    for file in CONTRACT.iter().filter(|file| file.path.ends_with(".wit")) {
        write(&folder.join("wit/v1").join(file.path), file.content)?;
    }
    Ok(())
}

/// The names of the SDK's packages for Rust, beside which cargo takes no other of the same name.
pub fn rust_packages() -> impl Iterator<Item = &'static str> {
    let manifests = SDK.iter().filter(|file| is_of_rust(file.path) && file.path.ends_with("Cargo.toml"));
    let lines = manifests.flat_map(|file| str::from_utf8(file.content).unwrap_or_default().lines());
    lines.filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
}

/// Writes a file, and the folders that it needs.
pub fn write(file: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, content)
}

/// The SDKs of the other languages are in folders of their own beside the Rust crates.
fn is_of_rust(path: &str) -> bool {
    !path.starts_with("python/") && !path.starts_with("js/")
}

/// A short text that changes whenever an SDK or the contract does.
pub fn fingerprint() -> String {
    let files = SDK.iter().chain(CONTRACT);
    let mut digest = Sha256::new();
    for file in files {
        digest.update(file.path.as_bytes());
        digest.update([0]);
        digest.update(file.content);
        digest.update([0]);
    }
    digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
