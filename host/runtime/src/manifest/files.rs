//! Finding the files of a plugin: a folder with a manifest and a component, or a component alone.

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::file_error::{FileError, read_bytes};
use super::plugin_toml::{Manifest, check_id};
use crate::limits::COMPONENT_BYTES;

/// As many components as a folder may have: who looks for changes looks at each of them.
pub(crate) const COMPONENTS: usize = 64;

/// As many files as a complaint names.
const NAMED: usize = 5;

/// The files of one plugin.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginFiles {
    /// What the manifest says; none for a component alone.
    pub manifest: Option<Manifest>,
    /// The text that it was read from.
    pub manifest_text: Option<String>,
    /// Where the manifest lies.
    pub manifest_path: Option<PathBuf>,
    /// Where the component lies, with all links followed.
    pub component: PathBuf,
}

impl PluginFiles {
    /// Finds the files of the plugin at this path: a folder, its `plugin.toml`, or a `.wasm` file. A manifest beside a
    /// `.wasm` file counts if it names that file, or if there is no other.
    pub fn find(path: &Path) -> Result<Self, FileError> {
        if path.file_name().is_some_and(|name| name == Manifest::FILE_NAME) {
            return Self::in_folder(folder_of(path));
        }
        if path.is_dir() {
            return Self::in_folder(path);
        }
        if is_component(path) && exists(path) {
            return Self::beside(path)?.with_id();
        }
        if is_precompiled(path) && exists(path) {
            return Err(FileError::Precompiled { path: path.to_owned() });
        }
        Err(FileError::NoPlugin { path: path.to_owned() })
    }

    /// The manifest's id, or else the name of the file, with `-` where cargo has written `_`.
    #[must_use]
    pub fn id(&self) -> String {
        match &self.manifest {
            Some(manifest) => manifest.id.clone(),
            None => self.component.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-"),
        }
    }

    /// The bytes of the component.
    pub fn read_component(&self) -> Result<Bytes, FileError> {
        Ok(read_bytes(&self.component, COMPONENT_BYTES as u64)?.into())
    }

    fn in_folder(folder: &Path) -> Result<Self, FileError> {
        let manifest_path = folder.join(Manifest::FILE_NAME);
        if !exists(&manifest_path) {
            return Err(FileError::NoPlugin { path: folder.to_owned() });
        }
        inside(folder, &manifest_path)?;
        let (manifest, text) = Manifest::read_with_text(&manifest_path)?;
        let components = components(folder)?;
        let component = match &manifest.component {
            Some(name) => {
                let path = folder.join(name);
                if !exists(&path) {
                    return Err(FileError::NoComponent { path });
                }
                path
            }
            None => only_component(folder, &components)?,
        };
        let component = inside(folder, &component)?;
        Ok(Self { manifest: Some(manifest), manifest_text: Some(text), manifest_path: Some(manifest_path), component })
    }

    /// An id is what grants are given to, and so the name of a file must not pass for just anything.
    fn with_id(self) -> Result<Self, FileError> {
        match check_id(&self.id()) {
            Ok(()) => Ok(self),
            Err(why) => Err(FileError::NoId { path: self.component, why }),
        }
    }

    fn beside(component: &Path) -> Result<Self, FileError> {
        let folder = folder_of(component);
        let component = inside(folder, component)?;
        let alone = Self { manifest: None, manifest_text: None, manifest_path: None, component };
        if !exists(&folder.join(Manifest::FILE_NAME)) {
            return Ok(alone);
        }
        // A manifest that cannot be read may be about this file, and then the file must not run without it.
        match Self::in_folder(folder) {
            Ok(files) if files.component == alone.component => Ok(files),
            Ok(_) | Err(FileError::Several { .. } | FileError::TooMany { .. } | FileError::NoComponent { .. }) => {
                Ok(alone)
            }
            Err(error) => Err(error),
        }
    }
}

/// The folder that a file lies in.
fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether this is the name of a component.
pub(crate) fn is_component(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wasm")
}

/// Whether this is the name of a component that somebody has compiled to machine code.
pub(crate) fn is_precompiled(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "cwasm")
}

/// Whether there is anything of this name, be it a link that leads nowhere.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// The files in a folder that may be components by their names, in order.
fn components(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let unreadable = |why| FileError::Read { path: folder.to_owned(), why };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if (is_component(&path) || is_precompiled(&path)) && !path.is_dir() {
            found.push(path);
        }
        if found.len() > COMPONENTS {
            return Err(FileError::TooMany { folder: folder.to_owned(), limit: COMPONENTS });
        }
    }
    found.sort();
    Ok(found)
}

fn only_component(folder: &Path, found: &[PathBuf]) -> Result<PathBuf, FileError> {
    let (components, precompiled): (Vec<&PathBuf>, Vec<&PathBuf>) = found.iter().partition(|path| is_component(path));
    match (components.as_slice(), precompiled.as_slice()) {
        ([], []) => Err(FileError::NotBuilt { folder: folder.to_owned() }),
        ([], [compiled, ..]) => Err(FileError::Precompiled { path: (*compiled).clone() }),
        ([component], _) => Ok((*component).clone()),
        (several, _) => {
            let name = |path: &&PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let mut names: Vec<String> = several.iter().take(NAMED).map(name).collect();
            names.extend((several.len() > NAMED).then(|| "…".to_owned()));
            Err(FileError::Several { folder: folder.to_owned(), names })
        }
    }
}

/// The file behind all links, which must lie in this very folder: what a folder is trusted with ends at its edge.
fn inside(folder: &Path, file: &Path) -> Result<PathBuf, FileError> {
    let canonical = |path: &Path| path.canonicalize().map_err(|why| FileError::Read { path: path.to_owned(), why });
    let (folder, target) = (canonical(folder)?, canonical(file)?);
    if target.starts_with(folder) { Ok(target) } else { Err(FileError::LeadsOut { path: file.to_owned(), target }) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const MANIFEST: &str = "id = \"greeter\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\n";

    /// A folder with these files in it.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::write(folder.path().join(name), content).unwrap();
        }
        folder
    }

    /// Why there is no plugin, with the folder's own name taken out.
    fn complaint(folder: &Path, path: &Path) -> String {
        let text = PluginFiles::find(path).unwrap_err().to_string();
        text.replace(&folder.display().to_string(), "DIR")
    }

    #[test]
    fn a_folder_has_a_manifest_and_one_component() {
        let folder = folder(&[("plugin.toml", MANIFEST), ("anything.wasm", "code"), ("notes.txt", "")]);
        let component = folder.path().canonicalize().unwrap().join("anything.wasm");
        for path in ["", "plugin.toml", "anything.wasm"] {
            let files = PluginFiles::find(&folder.path().join(path)).unwrap();
            assert_eq!((files.component.as_path(), files.id().as_str()), (component.as_path(), "greeter"), "{path}");
            assert_eq!(files.manifest_path, Some(folder.path().join("plugin.toml")));
            assert_eq!(files.manifest_text.as_deref(), Some(MANIFEST));
            assert_eq!(files.read_component().unwrap(), "code");
        }
    }

    #[test]
    fn a_component_may_stand_alone() {
        let alone = folder(&[("bare.wasm", ""), ("other.wasm", "")]);
        let files = PluginFiles::find(&alone.path().join("bare.wasm")).unwrap();
        assert_eq!((files.manifest.as_ref(), files.id().as_str()), (None, "bare"));
        fs::write(alone.path().join("plugin.toml"), MANIFEST).unwrap();
        let files = PluginFiles::find(&alone.path().join("bare.wasm")).unwrap();
        assert_eq!(files.manifest, None, "nobody can tell whose manifest it is");
        fs::write(alone.path().join("plugin.toml"), format!("{MANIFEST}component = \"bare.wasm\"")).unwrap();
        assert!(PluginFiles::find(&alone.path().join("bare.wasm")).unwrap().manifest.is_some());
        assert_eq!(PluginFiles::find(&alone.path().join("other.wasm")).unwrap().manifest, None);
        fs::write(alone.path().join("plugin.toml"), "id = 5").unwrap();
        let text = complaint(alone.path(), &alone.path().join("other.wasm"));
        assert!(text.starts_with("DIR/plugin.toml:1: `id` is an integer; it must be a text\n"), "{text}");
    }

    #[test]
    fn a_component_alone_needs_a_name_that_can_be_an_id() {
        let built_by_cargo = folder(&[("my_plugin.wasm", "")]);
        assert_eq!(PluginFiles::find(&built_by_cargo.path().join("my_plugin.wasm")).unwrap().id(), "my-plugin");
        let alone = folder(&[("a.b.wasm", "")]);
        let text = PluginFiles::find(&alone.path().join("a.b.wasm")).unwrap_err().to_string();
        let why = "a.b.wasm has no plugin.toml, so its name is its id, which is `a.b`; an id has at most 64 lower-case \
            letters, digits and `-`, and begins with a letter: rename it, or put a plugin.toml beside it";
        assert!(text.ends_with(why), "{text}");
        fs::write(alone.path().join("plugin.toml"), MANIFEST).unwrap();
        assert_eq!(PluginFiles::find(&alone.path().join("a.b.wasm")).unwrap().id(), "greeter");
    }

    #[test]
    fn what_is_no_plugin_is_told_with_the_remedy() {
        let empty = folder(&[]);
        let text = "DIR is neither a folder with a plugin.toml nor a .wasm file; `hangar plugin new` begins a plugin";
        assert_eq!(complaint(empty.path(), empty.path()), text);
        let text = complaint(empty.path(), &empty.path().join("x.wasm"));
        assert!(text.starts_with("DIR/x.wasm is neither"), "{text}");

        let source = folder(&[("plugin.toml", MANIFEST)]);
        fs::create_dir(source.path().join("folder.wasm")).unwrap();
        assert_eq!(complaint(source.path(), source.path()), "DIR has no .wasm file yet: run `hangar plugin build`");

        let named = folder(&[("plugin.toml", &format!("{MANIFEST}component = \"x.wasm\"")), ("y.wasm", "")]);
        let text = "DIR/x.wasm is not there: run `hangar plugin build`, or mend `component` in plugin.toml";
        assert_eq!(complaint(named.path(), named.path()), text);

        let several = folder(&[("plugin.toml", MANIFEST), ("b.wasm", ""), ("a.wasm", "")]);
        let text = "DIR has several .wasm files, a.wasm, b.wasm: name one in plugin.toml with `component`";
        assert_eq!(complaint(several.path(), several.path()), text);
        for name in ["c.wasm", "d.wasm", "e.wasm", "f.wasm"] {
            fs::write(several.path().join(name), "").unwrap();
        }
        let text = complaint(several.path(), several.path());
        assert!(text.contains("a.wasm, b.wasm, c.wasm, d.wasm, e.wasm, …: name one"), "{text}");
    }

    #[test]
    fn compiled_code_is_not_taken_from_files() {
        let compiled = folder(&[("x.cwasm", ""), ("y.wasm", "")]);
        let hint = "DIR/x.cwasm is compiled code, which is not taken from files: put the .wasm file there that it was made from";
        assert_eq!(complaint(compiled.path(), &compiled.path().join("x.cwasm")), hint);
        assert!(PluginFiles::find(&compiled.path().join("y.wasm")).is_ok());
        let only = folder(&[("plugin.toml", MANIFEST), ("x.cwasm", "")]);
        assert_eq!(complaint(only.path(), only.path()), hint);
        let both = folder(&[("plugin.toml", MANIFEST), ("x.cwasm", ""), ("y.wasm", "")]);
        assert!(PluginFiles::find(both.path()).unwrap().component.ends_with("y.wasm"));
    }

    #[test]
    fn a_folder_has_a_bound_on_components() {
        let many = folder(&[("plugin.toml", &format!("{MANIFEST}component = \"c0.wasm\""))]);
        for number in 0..=COMPONENTS {
            fs::write(many.path().join(format!("c{number}.wasm")), "").unwrap();
        }
        let text = "DIR has more than 64 .wasm files: leave there only what belongs to this plugin";
        assert_eq!(complaint(many.path(), many.path()), text);
        let alone = PluginFiles::find(&many.path().join("c1.wasm")).unwrap();
        assert_eq!(alone.id(), "c1", "beside so many files, nobody can tell whose manifest it is");
        fs::remove_file(many.path().join("c64.wasm")).unwrap();
        assert!(PluginFiles::find(many.path()).is_ok());
    }

    #[test]
    fn a_link_may_not_lead_out_of_the_folder() {
        let outside = folder(&[("x.wasm", ""), ("plugin.toml", MANIFEST)]);
        let target = outside.path().canonicalize().unwrap();
        let inside = folder(&[("plugin.toml", MANIFEST)]);
        symlink(outside.path().join("x.wasm"), inside.path().join("x.wasm")).unwrap();
        let text =
            format!("DIR/x.wasm leads out of its folder, to {}/x.wasm: put the file itself there", target.display());
        assert_eq!(complaint(inside.path(), inside.path()), text);
        assert_eq!(complaint(inside.path(), &inside.path().join("x.wasm")), text);

        let inside = folder(&[("x.wasm", "")]);
        symlink(outside.path().join("plugin.toml"), inside.path().join("plugin.toml")).unwrap();
        let text = complaint(inside.path(), inside.path());
        assert!(text.starts_with("DIR/plugin.toml leads out of its folder"), "{text}");

        let inside = folder(&[("plugin.toml", MANIFEST), ("x.code", "code")]);
        symlink("x.code", inside.path().join("x.wasm")).unwrap();
        assert_eq!(PluginFiles::find(inside.path()).unwrap().read_component().unwrap(), "code");

        let elsewhere = tempfile::tempdir().unwrap();
        symlink(inside.path(), elsewhere.path().join("greeter")).unwrap();
        assert!(PluginFiles::find(&elsewhere.path().join("greeter")).is_ok(), "the folder itself may be a link");

        let nowhere = folder(&[("plugin.toml", MANIFEST)]);
        symlink("gone", nowhere.path().join("x.wasm")).unwrap();
        let text = complaint(nowhere.path(), nowhere.path());
        assert!(text.starts_with("DIR/x.wasm: No such file"), "{text}");
    }

    #[test]
    fn files_have_a_size_and_a_kind() {
        let large = folder(&[("plugin.toml", &"#".repeat((64 << 10) + 1)), ("x.wasm", "")]);
        let text = "DIR/plugin.toml has more than the 65536 bytes that such a file may have";
        assert_eq!(complaint(large.path(), large.path()), text);

        let binary = folder(&[("x.wasm", "")]);
        fs::write(binary.path().join("plugin.toml"), [0xff, 0xfe]).unwrap();
        assert_eq!(complaint(binary.path(), binary.path()), "DIR/plugin.toml is no text in UTF-8");

        let strange = folder(&[]);
        fs::create_dir(strange.path().join("plugin.toml")).unwrap();
        assert_eq!(complaint(strange.path(), strange.path()), "DIR/plugin.toml is no regular file");

        let huge = folder(&[("x.wasm", "")]);
        let component = huge.path().join("x.wasm");
        fs::File::options().write(true).open(&component).unwrap().set_len(COMPONENT_BYTES as u64 + 1).unwrap();
        let text = PluginFiles::find(&component).unwrap().read_component().unwrap_err().to_string();
        assert!(text.ends_with("x.wasm has more than the 33554432 bytes that such a file may have"), "{text}");
    }
}
