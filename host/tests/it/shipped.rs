//! The plugins that ship with the server: each is one that a server takes, and does what its scripts expect.

use std::fs;
use std::path::{Path, PathBuf};

use crate::stage::{Folder, repository};

#[test]
fn shipped_plugins_are_sound_and_pass_their_scripts() {
    let mut projects = Vec::new();
    find_projects(&repository().join("plugins"), &mut projects);
    assert!(!projects.is_empty());
    for project in projects {
        let manifest = fs::read_to_string(project.join("plugin.toml")).unwrap();
        let id = manifest.lines().find_map(|line| line.strip_prefix("id = \"")).unwrap().trim_end_matches('"');
        let folder = Folder::new();
        copy(&repository().join("target/dist/plugins").join(id), &folder.path("plugin"));
        copy(&project.join("tests"), &folder.path("plugin/tests"));
        folder.hangar_in("plugin", "plugin check").ok();
        folder.hangar_in("plugin", "plugin test").ok().says(&["all ok"]);
    }
}

fn find_projects(folder: &Path, projects: &mut Vec<PathBuf>) {
    if folder.join("plugin.toml").is_file() {
        projects.push(folder.to_owned());
    }
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_dir()) {
        find_projects(&entry.path(), projects);
    }
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let entries = fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}; run `make plugins`", from.display()));
    for entry in entries.map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
