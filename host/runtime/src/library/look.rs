//! A look at the plugin directory: which places there are, and whether they change.
//!
//! Nothing is opened here. A look only follows links and notes what the system says of each file, so that it is cheap
//! enough to be repeated at every wake.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::fingerprint::{Fingerprint, Trace};
use super::links::Folders;
use crate::manifest::{COMPONENTS, Manifest, is_component, is_precompiled};

/// As many places as a directory may have; what is more is counted.
pub(super) const PLACES: usize = 256;

/// As many entries of the directory as are looked at to find them.
const ENTRIES: usize = 4096;

/// How names end that are not whole yet, or no longer meant.
const TEMPORARY: [&str; 15] = [
    "~",
    ".tmp",
    ".temp",
    ".new",
    ".part",
    ".partial",
    ".filepart",
    ".swp",
    ".swx",
    ".crdownload",
    ".download",
    ".bak",
    ".old",
    ".orig",
    ".rej",
];

/// What was found in the plugin directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    /// The places, by name.
    pub(crate) places: BTreeMap<String, Fingerprint>,
    /// The folders in which a change may concern these places, or make new ones.
    pub(crate) folders: BTreeSet<PathBuf>,
    /// Entries that could have been places: beyond what a directory may have, or of a name that is no plain text.
    pub(crate) left_out: usize,
}

/// Looks at the plugin directory. An error says nothing about what is in it. Where there is no room for all places, those
/// that are known come first: what comes later drives nobody out.
pub(crate) fn look(directory: &Path, known: &BTreeSet<String>) -> io::Result<Look> {
    let wanted = |entry: &DirEntry, name: &str| {
        // A plain file that is no component is nothing of ours, however many there are.
        !is_temporary(name) && (is_code(name) || entry.file_type().is_ok_and(|kind| !kind.is_file()))
    };
    let Listing { names, mut left_out } = Listing::with(directory, ENTRIES, wanted, known)?;
    let mut places = BTreeMap::new();
    let mut folders = Folders::of(directory)?;
    let beside = Beside::of(directory);
    let mut others = Vec::new();
    for name in names {
        let Some(fingerprint) = place(directory, &name, &beside) else {
            others.push(name);
            continue;
        };
        if places.len() >= PLACES {
            left_out += 1;
            continue;
        }
        folders.add_place(&name, fingerprint.files());
        places.insert(name, fingerprint);
    }
    // A folder that was just made becomes a place when somebody puts files in it. These come last, should there be many.
    others.iter().for_each(|name| folders.add_place(name, std::iter::empty()));
    Ok(Look { places, folders: folders.all(), left_out })
}

/// The names of the places in a plugin directory, and how many entries are left out.
pub fn places_in(directory: &Path) -> io::Result<(Vec<String>, usize)> {
    let Look { places, left_out, .. } = look(directory, &BTreeSet::new())?;
    Ok((places.into_keys().collect(), left_out))
}

/// What the system says now of the files of one place; an empty one if there is no such place.
pub(crate) fn fingerprint(directory: &Path, name: &str) -> Fingerprint {
    if !is_place_name(name) {
        return Fingerprint::default();
    }
    place(directory, name, &Beside::of(directory)).unwrap_or_default()
}

/// Whether this names an entry of a directory, and not the way to somewhere else.
pub(crate) fn is_place_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}

fn place(directory: &Path, name: &str, beside: &Beside) -> Option<Fingerprint> {
    let path = directory.join(name);
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => folder(directory, name),
        Ok(_) if is_code(name) => Some(beside.bare(directory, name)),
        Ok(_) => None,
        // It went after it was listed.
        Err(_) if fs::symlink_metadata(&path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) => None,
        // It is there and leads nowhere, or is closed to us: a place whose files cannot be read.
        Err(_) => Some(Fingerprint::of(vec![Trace::of(directory, name)], false)),
    }
}

/// A folder is a place if it has a manifest or a component, or if nobody can tell.
fn folder(directory: &Path, name: &str) -> Option<Fingerprint> {
    let path = directory.join(name);
    let listing = Listing::of(&path, COMPONENTS + 1, |entry, name| {
        is_code(name) && entry.file_type().is_ok_and(|kind| !kind.is_dir()) || name == Manifest::FILE_NAME
    });
    of_listing(directory, name, listing)
}

fn of_listing(directory: &Path, name: &str, listing: io::Result<Listing>) -> Option<Fingerprint> {
    let path = directory.join(name);
    match listing {
        Ok(listing) if listing.names.is_empty() => None,
        Ok(listing) => {
            let traces = listing.names.iter().map(|file| Trace::of(&path, file)).collect();
            Some(Fingerprint::of(traces, listing.left_out > 0))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(_) => Some(Fingerprint::of(vec![Trace::of(directory, name)], false)),
    }
}

/// What lies beside the components in the plugin directory itself, and may be about one of them.
struct Beside {
    manifest: Option<Trace>,
    crowded: bool,
}

impl Beside {
    fn of(directory: &Path) -> Self {
        if fs::symlink_metadata(directory.join(Manifest::FILE_NAME)).is_err() {
            return Self { manifest: None, crowded: false };
        }
        let several = Listing::of(directory, 2, |entry, name| {
            is_component(Path::new(name)) && entry.file_type().is_ok_and(|kind| !kind.is_dir())
        });
        let crowded = several.is_ok_and(|several| several.names.len() > 1);
        Self { manifest: Some(Trace::of(directory, Manifest::FILE_NAME)), crowded }
    }

    /// A component with this beside it.
    fn bare(&self, directory: &Path, name: &str) -> Fingerprint {
        let traces = std::iter::once(Trace::of(directory, name)).chain(self.manifest.clone()).collect();
        Fingerprint::of(traces, self.crowded)
    }
}

/// The first names of a folder, in their order.
struct Listing {
    names: Vec<String>,
    left_out: usize,
}

impl Listing {
    /// The first `limit` names that are wanted. Which these are does not hang on the order in which the system lists.
    fn of(folder: &Path, limit: usize, wanted: impl Fn(&DirEntry, &str) -> bool) -> io::Result<Self> {
        Self::with(folder, limit, wanted, &BTreeSet::new())
    }

    /// The same, with these names before all others.
    fn with(
        folder: &Path,
        limit: usize,
        wanted: impl Fn(&DirEntry, &str) -> bool,
        before: &BTreeSet<String>,
    ) -> io::Result<Self> {
        let (mut names, mut left_out) = (BTreeSet::new(), 0);
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let text = name.to_string_lossy();
            if !wanted(&entry, &text) {
                continue;
            }
            match name.to_str() {
                Some(name) if !name.contains(char::is_control) => {
                    names.insert((!before.contains(name), name.to_owned()));
                }
                _ => left_out += 1,
            }
            if names.len() > limit {
                names.pop_last();
                left_out += 1;
            }
        }
        Ok(Self { names: names.into_iter().map(|(_, name)| name).collect(), left_out })
    }
}

/// Whether a name is that of a component, compiled or not: a compiled one is a place so that somebody is told.
fn is_code(name: &str) -> bool {
    is_component(Path::new(name)) || is_precompiled(Path::new(name))
}

fn is_temporary(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with(['.', '#']) || TEMPORARY.iter().any(|ending| name.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::symlink;

    use super::*;

    const MANIFEST: &str = "id = \"greeter\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\n";

    /// A plugin directory under a path without links, with these files in it.
    fn directory(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap().join("plugins");
        fs::create_dir(&path).unwrap();
        for file in files {
            put(&path.join(file), "code");
        }
        (folder, path)
    }

    fn put(file: &Path, content: &str) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    fn look(directory: &Path) -> io::Result<Look> {
        super::look(directory, &BTreeSet::new())
    }

    fn places(directory: &Path) -> Vec<String> {
        look(directory).unwrap().places.into_keys().collect()
    }

    #[test]
    fn places_are_folders_and_components() {
        let (_folder, path) = directory(&[
            "a/plugin.toml",
            "b/x.wasm",
            "c.wasm",
            "d.cwasm",
            "e/x.cwasm",
            "empty/notes.txt",
            "notes.txt",
            "plugin.toml",
            ".hidden.wasm",
            ".hidden/plugin.toml",
            "x.wasm.tmp",
            "y.wasm~",
            "z.wasm.NEW",
            "f.old/plugin.toml",
            "#g.wasm",
            "h/deep/x.wasm",
            "..data/plugin.toml",
            "i.wasm.crdownload",
            "j.wasm.part",
            "k.wasm.swp",
        ]);
        fs::create_dir(path.join("folder")).unwrap();
        symlink("gone", path.join("l")).unwrap();
        symlink("gone.wasm", path.join("m.wasm")).unwrap();
        symlink("circle", path.join("circle")).unwrap();
        symlink("a", path.join("n")).unwrap();
        let found = look(&path).unwrap();
        let names: Vec<&str> = found.places.keys().map(String::as_str).collect();
        assert_eq!(names, ["a", "b", "c.wasm", "circle", "d.cwasm", "e", "l", "m.wasm", "n"]);
        assert_eq!(found.left_out, 0);
        let empty: Vec<&str> =
            found.places.iter().filter(|(_, print)| print.is_empty()).map(|(name, _)| &**name).collect();
        assert_eq!(empty, ["circle", "l", "m.wasm"]);
        assert_eq!(look(&path).unwrap(), found, "a look changes nothing");
        for (name, print) in &found.places {
            assert_eq!(&fingerprint(&path, name), print);
        }
        for name in ["gone", "../plugins/a", "", ".", "..", "a/", "a/x.wasm"] {
            assert_eq!(fingerprint(&path, name), Fingerprint::default(), "{name}");
        }
    }

    #[test]
    fn a_directory_that_cannot_be_read_is_an_error() {
        let (_folder, path) = directory(&["a.wasm"]);
        assert!(look(&path.join("gone")).is_err());
        assert!(look(&path.join("a.wasm")).is_err());
    }

    #[test]
    fn a_folder_that_cannot_be_listed_stays_a_place() {
        let (_folder, path) = directory(&["a/plugin.toml"]);
        let of_listing = |kind: io::ErrorKind| of_listing(&path, "a", Err(io::Error::from(kind)));
        let closed = of_listing(io::ErrorKind::PermissionDenied);
        assert!(closed.is_some() && closed != folder(&path, "a"));
        assert_eq!(of_listing(io::ErrorKind::NotFound), None, "it went after it was listed");
    }

    /// What the operation does to the fingerprint of place `a`.
    fn changes(path: &Path, operation: impl FnOnce()) -> bool {
        let before = fingerprint(path, "a");
        operation();
        before != fingerprint(path, "a")
    }

    #[test]
    fn every_change_of_a_place_shows() {
        let (_folder, path) = directory(&["a/plugin.toml", "a/x.wasm", "other/plugin.toml"]);
        let file = path.join("a/x.wasm");
        assert!(!changes(&path, || put(&path.join("a/notes.txt"), "")), "what is none of its files");
        assert!(!changes(&path, || put(&path.join("other/x.wasm"), "")));
        assert!(changes(&path, || put(&file, "longer code")));
        assert!(changes(&path, || {
            put(&path.join("a/.x.new"), "longer codE");
            fs::rename(path.join("a/.x.new"), &file).unwrap();
        }));
        assert!(changes(&path, || put(&path.join("a/y.wasm"), "")));
        assert!(changes(&path, || fs::rename(path.join("a/y.wasm"), path.join("a/z.wasm")).unwrap()));
        assert!(changes(&path, || fs::remove_file(path.join("a/z.wasm")).unwrap()));
        assert!(changes(&path, || {
            // Its times are set back, as tools that copy archives do.
            let modified = fs::metadata(&file).unwrap().modified().unwrap();
            put(&path.join("a/.x.new"), "longer cOdE");
            File::options().write(true).open(path.join("a/.x.new")).unwrap().set_modified(modified).unwrap();
            fs::rename(path.join("a/.x.new"), &file).unwrap();
        }));
        assert!(changes(&path, || fs::remove_file(path.join("a/plugin.toml")).unwrap()));
        assert!(changes(&path, || fs::rename(path.join("a"), path.join("b")).unwrap()));
        assert_eq!(fingerprint(&path, "a"), Fingerprint::default());
    }

    #[test]
    fn a_swapped_link_shows() {
        let (_folder, path) = directory(&["../v1/x.wasm", "../v1/plugin.toml", "../v2/x.wasm", "../v2/plugin.toml"]);
        symlink("../v1", path.join("a")).unwrap();
        let swap = || {
            symlink("../v2", path.join("a.new")).unwrap();
            fs::rename(path.join("a.new"), path.join("a")).unwrap();
        };
        assert!(changes(&path, swap));
        assert_eq!(places(&path), ["a"]);
        assert!(changes(&path, || fs::remove_dir_all(path.join("../v2")).unwrap()));
        assert_eq!(places(&path), ["a"], "a link that leads nowhere is still a place");
    }

    #[test]
    fn a_config_mount_shows() {
        let (_folder, path) = directory(&["a/..1/x.wasm", "a/..1/plugin.toml", "a/..2/x.wasm", "a/..2/plugin.toml"]);
        symlink("..1", path.join("a/..data")).unwrap();
        symlink("..data/x.wasm", path.join("a/x.wasm")).unwrap();
        symlink("..data/plugin.toml", path.join("a/plugin.toml")).unwrap();
        let folders = look(&path).unwrap().folders;
        let expected = [path.clone(), path.join("a"), path.join("a/..1")];
        assert_eq!(folders, BTreeSet::from(expected));
        assert!(changes(&path, || {
            symlink("..2", path.join("a/..data_tmp")).unwrap();
            fs::rename(path.join("a/..data_tmp"), path.join("a/..data")).unwrap();
        }));
        assert!(look(&path).unwrap().folders.contains(&path.join("a/..2")));
    }

    #[test]
    fn a_component_alone_counts_what_lies_beside_it() {
        let (_folder, path) = directory(&["a.wasm"]);
        let mut last = fingerprint(&path, "a.wasm");
        let mut differs = |what: &str| {
            let now = fingerprint(&path, "a.wasm");
            let differs = now != last;
            last = now;
            assert_eq!(look(&path).unwrap().places.get("a.wasm"), Some(&last), "{what}");
            differs
        };
        put(&path.join("b.wasm"), "");
        assert!(!differs("another component is no matter of this one"));
        put(&path.join("plugin.toml"), MANIFEST);
        assert!(differs("a manifest may be about it"));
        put(&path.join("plugin.toml"), &format!("{MANIFEST} "));
        assert!(differs("and may change"));
        fs::remove_file(path.join("b.wasm")).unwrap();
        assert!(differs("now the manifest can only be about this one"));
    }

    #[test]
    fn a_directory_has_a_bound_on_places() {
        let (_folder, path) = directory(&[]);
        for number in 0..PLACES + 3 {
            put(&path.join(format!("p{number:03}.wasm")), "");
        }
        let found = look(&path).unwrap();
        assert_eq!((found.places.len(), found.left_out), (PLACES, 3));
        assert!(found.places.contains_key("p255.wasm") && !found.places.contains_key("p256.wasm"));
        put(&path.join("p000\n.wasm"), "");
        assert_eq!(look(&path).unwrap().left_out, 4, "a name that drives terminals is left out");
        for number in 0..ENTRIES + 10 {
            put(&path.join(format!("note{number}.txt")), "");
        }
        assert_eq!(places(&path).len(), PLACES, "what is no component takes no room");
    }

    #[test]
    fn what_comes_later_drives_nobody_out() {
        let (_folder, path) = directory(&[]);
        for number in 0..PLACES {
            put(&path.join(format!("p{number:03}.wasm")), "");
        }
        let known: BTreeSet<String> = places(&path).into_iter().collect();
        put(&path.join("a.wasm"), "");
        for number in 0..=ENTRIES {
            fs::create_dir(path.join(format!("b{number}"))).unwrap();
        }
        let found = super::look(&path, &known).unwrap();
        assert!(found.places.keys().eq(&known));
        assert_eq!(found.left_out, PLACES + 3);
        fs::remove_file(path.join("p007.wasm")).unwrap();
        let found = super::look(&path, &known).unwrap();
        assert!(found.places.contains_key("a.wasm") && !found.places.contains_key("p007.wasm"));
    }

    #[test]
    fn more_components_than_a_folder_may_have_still_show() {
        let (_folder, path) = directory(&["a/plugin.toml"]);
        let component = |number: usize| path.join(format!("a/c{number:02}.wasm"));
        for number in 0..=COMPONENTS {
            put(&component(number), "");
        }
        assert!(changes(&path, || fs::remove_file(component(COMPONENTS)).unwrap()));
        assert!(changes(&path, || put(&path.join("a/plugin.toml"), MANIFEST)));
        assert!(changes(&path, || put(&component(COMPONENTS - 1), "code")));
    }
}
