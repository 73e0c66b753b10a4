//! What can be wrong with the files of a plugin, in words for the one who wrote it.

use hangar_runtime::manifest::{FileError, Manifest};
use hangar_runtime::{LoadError, World};

use crate::cli::problem::Problem;

/// Why the files of a plugin cannot be used.
pub fn file_problem(error: &FileError) -> Problem {
    match error {
        FileError::Toml(error) => {
            let fix = "mend it there; `hangar plugin new NAME` writes a whole plugin.toml to compare with";
            Problem::new(error.to_string(), fix)
        }
        FileError::NoPlugin { path } => {
            let what = format!("{} is neither a folder with a plugin.toml nor a .wasm file", path.display());
            Problem::new(what, "name a plugin, or begin one with `hangar plugin new NAME`")
        }
        FileError::NotBuilt { folder } => {
            Problem::new(format!("{} has no .wasm file yet", folder.display()), "run `hangar plugin build`")
        }
        FileError::NoComponent { path } => {
            let what = format!("{} is not there, though plugin.toml names it", path.display());
            Problem::new(what, "run `hangar plugin build`, or mend `component` in plugin.toml")
        }
        FileError::Several { folder, names } => {
            let what = format!("{} has several .wasm files: {}", folder.display(), names.join(", "));
            let fix = "remove all but one, or say in plugin.toml which one it is: `component = \"NAME.wasm\"`";
            Problem::new(what, fix)
        }
        FileError::NoId { path, why } => {
            let what = format!("{} has no plugin.toml, so its name is its id, which {why}", path.display());
            Problem::new(what, "rename the file, or put a plugin.toml beside it")
        }
        FileError::LeadsOut { path, target } => {
            let what = format!("{} leads out of its folder, to {}", path.display(), target.display());
            Problem::new(what, "put the file itself there")
        }
        _ => Problem::new(error.to_string(), "name a folder with plugin.toml and one .wasm, or a .wasm file"),
    }
}

/// Why a host's configuration cannot be used.
pub fn config_problem(error: &FileError) -> Problem {
    let fix = match error {
        FileError::Toml(_) => "mend it there; `hangar plugin check` prints what a plugin needs in it",
        _ => "name the configuration of a host, such as hangar.toml; without --config none is needed",
    };
    Problem::new(error.to_string(), fix)
}

/// Why a component is no plugin.
pub fn load_problem(error: &LoadError) -> Problem {
    let text = error.to_string();
    match error {
        LoadError::Link(_) => {
            let fix = "build it with the SDK of this host: `hangar plugin new NAME` writes a project that has it";
            Problem::new(text.trim_end_matches('.'), fix)
        }
        LoadError::Probe(fault) => {
            let fix = match fault.is_of_host() {
                true => "try again",
                false => "see what the text says: this happened while the plugin was loaded, before any event",
            };
            Problem::new(text, fix)
        }
        LoadError::SelfTest(_) => Problem::new(text, "mend what the plugin's own `self-test` complains of"),
        LoadError::Description(_) => Problem::new(text, "let `describe` return a JSON object, as the SDK does"),
        LoadError::Import { .. } => Problem::new(text, "take out what needs that import"),
        _ => Problem::from_text(&text, "build it with `hangar plugin build`"),
    }
}

/// Manifest and component must be of one world.
pub fn world_problem(manifest: &Manifest, is: World) -> Option<Problem> {
    let said = manifest.world;
    (said != is).then(|| {
        let what = format!("plugin.toml says `world = \"{}\"`, but the component is a {}", said.name(), is.name());
        let fix = format!("write `world = \"{}\"` there, or let the code be a {}", is.name(), said.name());
        Problem::new(what, fix)
    })
}

/// A number of bytes, for people.
pub fn size(bytes: usize) -> String {
    if bytes < 10 << 20 { format!("{} KiB", bytes.div_ceil(1 << 10)) } else { format!("{} MiB", bytes >> 20) }
}
