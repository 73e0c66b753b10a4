//! The files of one version, read once.
//!
//! Everything that follows (checking, compiling, keeping) works on these bytes, so that no file can change in between.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::fingerprint::Fingerprint;
use super::look::{fingerprint, is_place_name};
use crate::blobs::hex;
use crate::manifest::{FileError, Manifest, PluginFiles};

/// What the hash of a package begins with, so that it is never that of anything else.
const FRAME: &[u8] = b"hangar package 1\n";

/// One version of a plugin.
#[derive(Clone, PartialEq)]
pub(crate) struct Package {
    /// The entry of the plugin directory that it came from.
    pub(crate) place: String,
    /// The plugin's id.
    pub(crate) id: String,
    /// What its manifest says; none for a component alone.
    pub(crate) manifest: Option<Manifest>,
    /// The text that the manifest was read from.
    pub(crate) manifest_text: Option<String>,
    /// The component.
    pub(crate) component: Bytes,
    /// The SHA-256 of the component, in lower-case hex digits.
    pub(crate) component_hash: String,
    /// The version hash: the SHA-256 of component and manifest together, in lower-case hex digits.
    pub(crate) hash: String,
}

impl Package {
    /// Reads the package in this place. The files may change meanwhile: see [`read_steadily`].
    pub(crate) fn read(directory: &Path, place: &str) -> Result<Self, FileError> {
        let path = directory.join(place);
        if !is_place_name(place) {
            return Err(FileError::NoPlugin { path });
        }
        let files = PluginFiles::find(&path)?;
        let component = files.read_component()?;
        Ok(Self::of(place.to_owned(), files.id(), files.manifest.zip(files.manifest_text), component))
    }

    /// The package that consists of these.
    pub(crate) fn of(place: String, id: String, manifest: Option<(Manifest, String)>, component: Bytes) -> Self {
        let (manifest, manifest_text) = manifest.unzip();
        let component_hash = hex(&Sha256::digest(&component));
        let hash = version_hash(&component_hash, manifest_text.as_deref());
        Self { place, id, manifest, manifest_text, component, component_hash, hash }
    }
}

/// A component's hash has a fixed length, so what follows it is the manifest: after a sign that there is one, because an
/// empty manifest is another thing than none.
fn version_hash(component_hash: &str, manifest_text: Option<&str>) -> String {
    let hasher = Sha256::new().chain_update(FRAME).chain_update(component_hash);
    let hasher = match manifest_text {
        Some(text) => hasher.chain_update("\nmanifest\n").chain_update(text),
        None => hasher.chain_update("\nalone\n"),
    };
    hex(&hasher.finalize())
}

/// A component has megabytes, which nobody wants to see.
impl fmt::Debug for Package {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, id, hash, component, .. } = self;
        let bytes = component.len();
        formatter
            .debug_struct("Package")
            .field("place", place)
            .field("id", id)
            .field("hash", hash)
            .field("bytes", &bytes)
            .finish_non_exhaustive()
    }
}

/// What came of reading a place.
#[derive(Debug)]
pub(crate) struct Reading {
    /// The place.
    pub(crate) place: String,
    /// What the system said of its files after they were read.
    pub(crate) fingerprint: Fingerprint,
    /// Whether they stayed the same meanwhile. If not, nothing follows from the rest: somebody is still writing.
    pub(crate) steady: bool,
    /// Whether they are so young that an equal fingerprint later does not prove that they are the same.
    pub(crate) racy: bool,
    /// The package, or why there is none.
    pub(crate) package: Result<Arc<Package>, FileError>,
}

/// Reads a place, and says whether its files stayed the same meanwhile. It waits for the disk.
pub(crate) fn read_steadily(directory: &Path, place: &str) -> Reading {
    reading(directory, place, || Package::read(directory, place))
}

fn reading(directory: &Path, place: &str, read: impl FnOnce() -> Result<Package, FileError>) -> Reading {
    let before = fingerprint(directory, place);
    // The clock is read first: what is written while it is read counts as young.
    let now = SystemTime::now();
    let package = read().map(Arc::new);
    let after = fingerprint(directory, place);
    let (steady, racy) = (before == after, after.is_racy(now));
    Reading { place: place.to_owned(), fingerprint: after, steady, racy, package }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;

    const MANIFEST: &str = "id = \"greeter\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\n";

    fn put(file: &Path, content: impl AsRef<[u8]>) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }

    fn directory() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        put(&path.join("greeter/plugin.toml"), MANIFEST);
        put(&path.join("greeter/x.wasm"), "code");
        put(&path.join("bare_one.wasm"), "code");
        (folder, path)
    }

    #[test]
    fn a_package_has_all_that_its_version_is() {
        let (_folder, path) = directory();
        let package = Package::read(&path, "greeter").unwrap();
        assert_eq!((package.place.as_str(), package.id.as_str()), ("greeter", "greeter"));
        assert_eq!(package.manifest.as_ref().unwrap(), &Manifest::parse(MANIFEST).unwrap());
        assert_eq!(package.manifest_text.as_deref(), Some(MANIFEST));
        assert_eq!(
            (package.component.as_ref(), package.component_hash.as_str()),
            (&b"code"[..], &*crate::blob_id(b"code"))
        );
        let bare = Package::read(&path, "bare_one.wasm").unwrap();
        assert_eq!((bare.id.as_str(), bare.manifest.as_ref(), bare.manifest_text.as_ref()), ("bare-one", None, None));
        assert_eq!(bare.component_hash, package.component_hash);
        assert_ne!(bare.hash, package.hash);
        assert!(!format!("{package:?}").contains("code"), "{package:?}");
    }

    #[test]
    fn another_component_or_manifest_is_another_version() {
        let hash = |manifest, component: &'static str| {
            let manifest = Option::map(manifest, |text: &str| (Manifest::parse(MANIFEST).unwrap(), text.to_owned()));
            Package::of(String::new(), String::new(), manifest, Bytes::from(component)).hash
        };
        let hashes = [
            hash(None, ""),
            hash(Some(""), ""),
            hash(Some("\nalone\n"), ""),
            hash(None, "\nmanifest\n"),
            hash(Some(MANIFEST), "a"),
            hash(Some(MANIFEST), "b"),
            hash(Some("# other"), "a"),
        ];
        assert_eq!(std::collections::HashSet::from(hashes.clone()).len(), hashes.len());
        assert!(hashes.iter().all(|hash| hash.len() == 64));
        assert_eq!(hash(None, ""), hashes[0]);
    }

    #[test]
    fn what_is_no_package_says_why() {
        let (_folder, path) = directory();
        put(&path.join("compiled.cwasm"), "");
        put(&path.join("broken/plugin.toml"), "id = 5");
        put(&path.join("lonely/x.wasm"), "code");
        symlink("gone.wasm", path.join("link.wasm")).unwrap();
        for (place, expected) in [
            (
                "compiled.cwasm",
                "DIR/compiled.cwasm is compiled code, which is not taken from files: put the .wasm file",
            ),
            ("broken", "DIR/broken/plugin.toml:1: `id` is an integer; it must be a text\n"),
            ("lonely", "DIR/lonely is neither a folder with a plugin.toml nor a .wasm file"),
            ("link.wasm", "DIR/link.wasm: No such file"),
            ("gone", "DIR/gone is neither"),
            ("../greeter", "DIR/../greeter is neither"),
        ] {
            let text = Package::read(&path, place).unwrap_err().to_string().replace(&path.display().to_string(), "DIR");
            assert!(text.starts_with(expected), "{text}");
        }
    }

    #[test]
    fn a_steady_place_reads_as_it_is() {
        let (_folder, path) = directory();
        let reading = read_steadily(&path, "greeter");
        assert!(reading.steady);
        assert_eq!(reading.fingerprint, fingerprint(&path, "greeter"));
        assert_eq!(reading.package.unwrap().id, "greeter");
        assert!(reading.racy, "it was written just now");
        let gone = read_steadily(&path, "gone");
        assert!(gone.steady && !gone.racy && gone.fingerprint.is_empty() && gone.package.is_err());
    }

    #[test]
    fn what_changes_while_it_is_read_is_not_steady() {
        let (_folder, path) = directory();
        let file = path.join("greeter/x.wasm");
        let whole = |meanwhile: &dyn Fn()| {
            reading(&path, "greeter", || {
                let package = Package::read(&path, "greeter");
                meanwhile();
                package
            })
        };
        assert!(whole(&|| ()).steady);
        let half_written = whole(&|| {
            use std::io::Write;
            fs::File::options().append(true).open(&file).unwrap().write_all(b" and more").unwrap();
        });
        assert!(!half_written.steady && half_written.racy);
        assert_eq!(half_written.fingerprint, fingerprint(&path, "greeter"), "the later look counts");
        let replaced = whole(&|| {
            put(&path.join("greeter/.x.new"), "code and mOre");
            fs::rename(path.join("greeter/.x.new"), &file).unwrap();
        });
        assert!(!replaced.steady);
        assert!(!whole(&|| fs::remove_dir_all(path.join("greeter")).unwrap()).steady);
    }

    #[test]
    fn a_mount_that_is_swapped_between_two_files_is_not_steady() {
        let (_folder, path) = directory();
        for version in ["1", "2"] {
            put(&path.join(format!("a/..{version}/plugin.toml")), MANIFEST.replace("0.1.0", &format!("0.{version}.0")));
            put(&path.join(format!("a/..{version}/x.wasm")), version);
        }
        symlink("..1", path.join("a/..data")).unwrap();
        for file in ["plugin.toml", "x.wasm"] {
            symlink(format!("..data/{file}"), path.join("a").join(file)).unwrap();
        }
        let swapped = reading(&path, "a", || {
            let (manifest, text) = (Manifest::read(&path.join("a/plugin.toml"))?, MANIFEST.to_owned());
            symlink("..2", path.join("a/..data_tmp")).unwrap();
            fs::rename(path.join("a/..data_tmp"), path.join("a/..data")).unwrap();
            let component = fs::read(path.join("a/x.wasm")).unwrap();
            Ok(Package::of("a".into(), manifest.id.clone(), Some((manifest, text)), component.into()))
        });
        assert!(!swapped.steady);
        let whole = read_steadily(&path, "a");
        let package = whole.package.unwrap();
        assert!(whole.steady);
        assert_eq!((package.component.as_ref(), package.manifest.as_ref().unwrap().version.minor), (&b"2"[..], 2));
    }

    #[test]
    fn a_file_is_trusted_when_it_is_old_enough() {
        let (_folder, path) = directory();
        let print = read_steadily(&path, "greeter").fingerprint;
        assert!(!print.is_racy(SystemTime::now() + Duration::from_secs(5)));
    }
}
