//! Puts into the binary what `hangar plugin new` writes and `hangar plugin build` may need: the templates, the SDK of each
//! language and the contract.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What tools leave behind in these folders.
const LEFT_BEHIND: [&str; 4] = ["node_modules", "__pycache__", "target", "Cargo.lock"];

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = here.join("..").canonicalize()?;
    let mut code = String::new();
    write_table(&mut code, "TEMPLATES", &here.join("templates"))?;
    write_table(&mut code, "SDK", &root.join("plugin-sdk"))?;
    write_table(&mut code, "CONTRACT", &root.join("wit/v1"))?;
    fs::write(Path::new(&env::var("OUT_DIR")?).join("embedded.rs"), code)?;
    Ok(())
}

/// A constant with the path, from `folder` on, and the content of each file below it.
fn write_table(code: &mut String, name: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    writeln!(code, "const {name}: &[EmbeddedFile] = &[")?;
    for file in files {
        let path = file.strip_prefix(folder)?.to_string_lossy().replace('\\', "/");
        writeln!(code, "    EmbeddedFile {{ path: {path:?}, content: include_bytes!({file:?}) }},")?;
    }
    writeln!(code, "];")?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let entry = entry?;
        if LEFT_BEHIND.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
