//! The packages of former versions: what a rollback goes back to, whatever has become of the files in the meantime.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::package::Package;
use super::store::{TEMPORARY, in_file, replace, sync_folder};
use crate::limits::COMPONENT_BYTES;
use crate::manifest::{Manifest, check_id, read_bytes, read_text};

/// The files of a package.
const COMPONENT: &str = "component.wasm";
const PLACE: &str = "place";

/// The largest manifest and the longest name of a place, in bytes.
const TEXT_BYTES: u64 = 64 << 10;

/// Packages on disk: `ID/HASH/`, with the component, the manifest, and the name of the place that they came from.
pub(super) struct Archive {
    folder: PathBuf,
}

impl Archive {
    /// The archive in this folder, which nobody else uses. What was left half written is removed.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder).map_err(|error| in_file(&folder, &error))?;
        let archive = Self { folder };
        for id in fs::read_dir(&archive.folder).into_iter().flatten().flatten() {
            archive.remove(&id.path(), |name| name.starts_with(TEMPORARY));
        }
        Ok(archive)
    }

    /// Keeps a package. It appears whole or not at all; one that is there and undamaged stays.
    pub(super) fn put(&self, package: &Package) -> io::Result<()> {
        let folder = self.of_id(&package.id).ok_or_else(|| refused(package))?;
        let target = folder.join(&package.hash);
        fs::create_dir_all(&folder).map_err(|error| in_file(&folder, &error))?;
        if let Some(kept) = self.package(&package.id, &package.hash) {
            let moved = kept.place != package.place;
            return if moved { replace(&target, PLACE, package.place.as_bytes()) } else { Ok(()) };
        }
        self.write(package, &folder, &target).map_err(|error| in_file(&target, &error))
    }

    fn write(&self, package: &Package, folder: &Path, target: &Path) -> io::Result<()> {
        let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(folder)?;
        let put = |name: &str, content: &[u8]| {
            let mut file = File::create_new(temporary.path().join(name))?;
            file.write_all(content)?;
            file.sync_all()
        };
        put(COMPONENT, &package.component)?;
        put(PLACE, package.place.as_bytes())?;
        package.manifest_text.as_ref().map_or(Ok(()), |text| put(Manifest::FILE_NAME, text.as_bytes()))?;
        sync_folder(temporary.path())?;
        // What is there is damaged, or it would have stayed.
        match fs::remove_dir_all(target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => fs::rename(temporary.path(), target)?,
        }
        let _ = temporary.keep();
        sync_folder(folder)?;
        sync_folder(&self.folder)
    }

    /// A package that was kept. One that is no longer what its hash says is none.
    pub(super) fn package(&self, id: &str, hash: &str) -> Option<Package> {
        let folder = self.of_id(id)?.join(is_hash(hash).then_some(hash)?);
        fs::symlink_metadata(&folder).ok()?;
        match read(&folder, id) {
            Ok(package) if package.hash == hash => Some(package),
            Ok(_) => {
                tracing::warn!(plugin = id, hash, "a kept version has been changed and is not used");
                None
            }
            Err(why) => {
                tracing::warn!(plugin = id, hash, why, "a kept version cannot be read");
                None
            }
        }
    }

    /// Removes the packages of this plugin but these.
    pub(super) fn forget(&self, id: &str, keep: &[impl AsRef<str>]) {
        let Some(folder) = self.of_id(id) else { return };
        self.remove(&folder, |name| !keep.iter().any(|hash| hash.as_ref() == name));
        // Only an empty one goes.
        let _ = fs::remove_dir(folder);
    }

    /// Removes of a plugin's packages those with such names, and nothing that is not ours.
    fn remove(&self, folder: &Path, named: impl Fn(&str) -> bool) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            if (is_hash(name) || name.starts_with(TEMPORARY)) && named(name) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Ids and hashes come from files that people can write to, and must not lead elsewhere.
    fn of_id(&self, id: &str) -> Option<PathBuf> {
        check_id(id).is_ok().then(|| self.folder.join(id))
    }
}

fn read(folder: &Path, id: &str) -> Result<Package, String> {
    let component = read_bytes(&folder.join(COMPONENT), COMPONENT_BYTES as u64).map_err(|error| error.to_string())?;
    let place = read_text(&folder.join(PLACE), TEXT_BYTES).map_err(|error| error.to_string())?;
    let manifest_path = folder.join(Manifest::FILE_NAME);
    let manifest = match fs::symlink_metadata(&manifest_path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        _ => {
            let text = read_text(&manifest_path, TEXT_BYTES).map_err(|error| error.to_string())?;
            Some((Manifest::parse(&text).map_err(|error| error.to_string())?, text))
        }
    };
    if manifest.as_ref().is_some_and(|(manifest, _)| manifest.id != id) {
        return Err("it is another plugin's".to_owned());
    }
    Ok(Package::of(place, id.to_owned(), manifest, component.into()))
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn refused(package: &Package) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("`{}` can be no plugin's id", package.id))
}

/// Packages in memory, where there is no disk for them: the latest ones first.
#[derive(Default)]
pub(super) struct Kept(VecDeque<Package>);

impl Kept {
    /// As many of one plugin: the one in service, and the one to go back to.
    const OF_ONE: usize = 2;

    /// As many of all plugins together; the ones kept longest go.
    const IN_ALL: usize = 512;

    pub(super) fn put(&mut self, package: &Package) {
        self.0.retain(|kept| (&kept.id, &kept.hash) != (&package.id, &package.hash));
        self.0.push_front(package.clone());
        let mut of_this = 0;
        self.0.retain(|kept| {
            of_this += usize::from(kept.id == package.id);
            kept.id != package.id || of_this <= Self::OF_ONE
        });
        self.0.truncate(Self::IN_ALL);
    }

    pub(super) fn package(&self, id: &str, hash: &str) -> Option<Package> {
        self.0.iter().find(|kept| kept.id == id && kept.hash == hash).cloned()
    }

    pub(super) fn forget(&mut self, id: &str, keep: &[impl AsRef<str>]) {
        self.0.retain(|kept| kept.id != id || keep.iter().any(|hash| hash.as_ref() == kept.hash));
    }
}
