//! Which folders have to be watched so that no change behind a link is missed.
//!
//! A container's config mount swaps a link, a deployment swaps a link to the whole directory, an editor puts a new file in
//! the place of the old one: what changes then is the folder that the link lies in, not the file that was looked at.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

/// As many folders as are watched; changes in others are found at the next rescan.
const FOLDERS: usize = 2048;

/// As many links as are followed on one way; a way with more goes in circles.
const LINKS: usize = 40;

/// The folders that matter to a plugin directory.
pub(super) struct Folders {
    root: PathBuf,
    folders: BTreeSet<PathBuf>,
}

impl Folders {
    /// Those on the way to the directory itself.
    pub(super) fn of(directory: &Path) -> io::Result<Self> {
        let mut folders = Self { root: directory.canonicalize()?, folders: BTreeSet::new() };
        folders.add(folders.root.clone());
        folders.follow(&std::path::absolute(directory)?);
        Ok(folders)
    }

    /// Those of a place, with the files in it that matter.
    pub(super) fn add_place<'a>(&mut self, name: &str, files: impl Iterator<Item = &'a str>) {
        let place = self.root.join(name);
        self.follow(&place);
        let Ok(place) = place.canonicalize() else { return };
        if !place.is_dir() {
            return;
        }
        self.add(place.clone());
        for file in files {
            self.follow(&place.join(file));
        }
    }

    pub(super) fn all(self) -> BTreeSet<PathBuf> {
        self.folders
    }

    fn add(&mut self, folder: PathBuf) {
        if self.folders.len() < FOLDERS {
            self.folders.insert(folder);
        }
    }

    /// Adds, for every link on the way to this path, the folder that the link lies in, and the one that it leads to, or
    /// would.
    fn follow(&mut self, path: &Path) {
        if path.canonicalize().is_ok_and(|canonical| canonical == path) {
            return;
        }
        let mut ways = vec![path.to_owned()];
        let mut left = LINKS;
        while let Some(way) = ways.pop() {
            for link in way.ancestors() {
                let (Ok(target), Some(folder)) = (link.read_link(), link.parent()) else { continue };
                if left == 0 {
                    return;
                }
                left -= 1;
                if let Ok(folder) = folder.canonicalize() {
                    self.add(folder);
                }
                let target = folder.join(target);
                if let Some(folder) = nearest_folder(&target) {
                    self.add(folder);
                }
                ways.push(target);
            }
        }
    }
}

/// The innermost folder on this way that is there.
fn nearest_folder(path: &Path) -> Option<PathBuf> {
    path.ancestors().find_map(|ancestor| ancestor.canonicalize().ok().filter(|folder| folder.is_dir()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// The folders of the directory `plugins` with the place `a`, relative to where it lies.
    fn folders(base: &Path, directory: &str) -> Vec<String> {
        let mut folders = Folders::of(&base.join(directory)).unwrap();
        folders.add_place("a", ["x.wasm"].into_iter());
        let base = base.canonicalize().unwrap();
        let relative = |folder: &PathBuf| folder.strip_prefix(&base).unwrap().display().to_string();
        folders.all().iter().map(relative).collect()
    }

    #[test]
    fn without_links_it_is_the_directory_and_the_place() {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir_all(base.path().join("plugins/a")).unwrap();
        fs::write(base.path().join("plugins/a/x.wasm"), "").unwrap();
        assert_eq!(folders(base.path(), "plugins"), ["plugins", "plugins/a"]);
        assert!(Folders::of(&base.path().join("gone")).is_err());
    }

    #[test]
    fn every_link_on_the_way_is_watched() {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir_all(base.path().join("releases/42/a")).unwrap();
        fs::create_dir_all(base.path().join("store/files")).unwrap();
        fs::create_dir_all(base.path().join("etc")).unwrap();
        fs::write(base.path().join("store/files/x"), "").unwrap();
        symlink("../store/current/x", base.path().join("etc/x")).unwrap();
        symlink("files", base.path().join("store/current")).unwrap();
        symlink("../../../etc/x", base.path().join("releases/42/a/x.wasm")).unwrap();
        symlink("releases/42", base.path().join("plugins")).unwrap();
        let expected = ["", "etc", "releases/42", "releases/42/a", "store", "store/files"];
        assert_eq!(folders(base.path(), "plugins"), expected);
    }

    #[test]
    fn a_link_to_what_is_not_there_yet_is_watched_where_it_would_come() {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir_all(base.path().join("plugins")).unwrap();
        fs::create_dir_all(base.path().join("project")).unwrap();
        symlink("../project/target/dist", base.path().join("plugins/a")).unwrap();
        assert_eq!(folders(base.path(), "plugins"), ["plugins", "project"]);
    }

    #[test]
    fn circles_come_to_an_end() {
        let base = tempfile::tempdir().unwrap();
        fs::create_dir_all(base.path().join("plugins")).unwrap();
        symlink("b/b/b/b", base.path().join("plugins/a")).unwrap();
        symlink("a/a/a/a", base.path().join("plugins/b")).unwrap();
        assert_eq!(folders(base.path(), "plugins"), ["plugins"]);
    }
}
