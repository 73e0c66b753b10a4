//! `hangar plugin new`: writes a project that builds and passes its test.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use hangar_runtime::World;
use hangar_runtime::manifest::check_id;

use super::language::Language;
use crate::cli::problem::Problem;
use crate::cli::screen::{STRONG, Screen};
use crate::cli::{Verdict, embedded};

/// Shown below the options.
pub const EXAMPLES: &str = "\
Examples:
  hangar plugin new greeter                            a behaviour in Rust, in ./greeter
  hangar plugin new greeter --lang python              the same in Python
  hangar plugin new guard --lang js --world handler    a handler in JavaScript
  hangar plugin new greeter --dir plugins/greeter      in another folder

The folder is a whole project: plugin.toml says what the plugin is and asks for, tests/*.jsonl are its tests, and sdk/ is \
a copy of the SDK, so that a newer hangar changes nothing under your feet. Nothing that exists is overwritten.";

/// What to make, and where.
#[derive(Args)]
pub struct New {
    /// The plugin's id: lower-case letters, digits and `-`, beginning with a letter
    name: String,
    /// The language to write it in
    #[arg(long, default_value = "rust")]
    lang: Language,
    /// `behaviour` decides what sessions do, `handler` what becomes of messages
    #[arg(long, default_value = "behaviour")]
    world: WorldWord,
    /// The folder to make [default: NAME, here]
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// A world, as it is typed.
#[derive(Clone, Copy, ValueEnum)]
enum WorldWord {
    /// Decides what sessions do
    Behaviour,
    /// Decides what becomes of messages
    Handler,
}

impl From<WorldWord> for World {
    fn from(word: WorldWord) -> Self {
        match word {
            WorldWord::Behaviour => Self::Behaviour,
            WorldWord::Handler => Self::Handler,
        }
    }
}

/// Writes the project and says how to go on.
pub fn work(new: &New, screen: &mut Screen) -> Result<Verdict> {
    let (id, world) = (new.name.as_str(), World::from(new.world));
    check_id(id).map_err(|why| Problem::new(format!("the name {why}"), "choose another one, such as `greeter`"))?;
    if new.lang == Language::Rust && embedded::rust_packages().any(|package| package == id) {
        let what = format!("the name is `{id}`, which a package of the SDK has already");
        return Err(Problem::new(what, "choose another one, such as `greeter`").into());
    }
    let folder = new.dir.clone().unwrap_or_else(|| PathBuf::from(id));
    if fs::symlink_metadata(&folder).is_ok() && !is_empty_folder(&folder) {
        let what = format!("{} exists already; nothing was written", folder.display());
        return Err(Problem::new(what, "choose another name, or another folder with --dir").into());
    }
    for (path, content) in embedded::template(new.lang, world) {
        let file = folder.join(if path == "gitignore" { ".gitignore" } else { path });
        let content = String::from_utf8_lossy(content).replace("{{id}}", id);
        embedded::write(&file, content.as_bytes()).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    let sdk = folder.join("sdk");
    embedded::write_sdk(new.lang, &sdk).with_context(|| format!("{} cannot be written", sdk.display()))?;

    let (folder, language) = (in_shell(&folder), new.lang);
    writeln!(screen, "Made {STRONG}{id}{STRONG:#}, a {} in {}. Next:\n", world.name(), language.name())?;
    writeln!(screen, "    cd {folder}")?;
    writeln!(screen, "    hangar plugin build    # compiles it to {id}.wasm")?;
    writeln!(screen, "    hangar plugin test     # plays the scripts in tests/")?;
    writeln!(screen, "\nIts code is in {}, what it asks for in plugin.toml.", language.main_file())?;
    Ok(Verdict::Ok)
}

/// A path as one word of a shell.
fn in_shell(path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = |char: char| char.is_alphanumeric() || "/._-".contains(char);
    if path.chars().all(is_plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

fn is_empty_folder(folder: &PathBuf) -> bool {
    fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}
