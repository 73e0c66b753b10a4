//! What the library remembers over a restart: former versions, marks, pins.
//!
//! A directory that is ours alone, with `ledger.json`, `status.json`, `packages/`, and a `lock` that keeps a second
//! library out. All calls wait for the disk.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::archive::{Archive, Kept};
use super::ledger::Ledger;
use super::package::Package;
use super::status::Status;
use crate::manifest::{FileError, read_text};
use crate::private_dir;

/// How names begin that are not whole yet.
pub(super) const TEMPORARY: &str = ".new-";

/// The names of the files.
const LEDGER: &str = "ledger.json";
const DAMAGED: &str = "ledger.damaged.json";
const STATUS: &str = "status.json";
const LOCK: &str = "lock";
const PACKAGES: &str = "packages";

/// The largest ledger that is read, in bytes: far more than its bounds let it have.
const LEDGER_BYTES: u64 = 64 << 20;

/// The largest status that is read, in bytes.
const STATUS_BYTES: u64 = 64 << 20;

/// How often it is tried again to get hold of the lock, and after how long.
const LOCK_ATTEMPTS: usize = 30;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// What the library remembers.
pub(crate) struct Store(Kind);

enum Kind {
    Memory(Mutex<Kept>),
    Disk(Disk),
}

struct Disk {
    directory: PathBuf,
    archive: Archive,
    /// Held as long as the store is open; the system lets go of it even if the process dies.
    _lock: File,
}

impl Store {
    /// Opens the store in this directory, made if missing. Without one, nothing outlives the process, and of each plugin
    /// only the version to go back to is kept.
    pub(crate) fn open(directory: Option<&Path>) -> io::Result<Self> {
        let Some(directory) = directory else { return Ok(Self(Kind::Memory(Mutex::default()))) };
        private_dir::open(directory, "plugin code")?;
        let lock = lock(directory)?;
        for left in fs::read_dir(directory).into_iter().flatten().flatten() {
            if left.file_name().to_string_lossy().starts_with(TEMPORARY) {
                let _ = fs::remove_file(left.path());
            }
        }
        let archive = Archive::open(directory.join(PACKAGES))?;
        Ok(Self(Kind::Disk(Disk { directory: directory.to_owned(), archive, _lock: lock })))
    }

    /// Whether anything outlasts the process.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self.0, Kind::Disk(_))
    }

    /// Keeps a package, to go back to it. One that is kept already is only read, to see that it is undamaged.
    pub(crate) fn archive(&self, package: &Package) -> io::Result<()> {
        match &self.0 {
            Kind::Memory(kept) => locked(kept).put(package),
            Kind::Disk(disk) => disk.archive.put(package)?,
        }
        Ok(())
    }

    /// A package that was kept, proven to be what it was by its hash.
    pub(crate) fn package(&self, id: &str, hash: &str) -> Option<Package> {
        match &self.0 {
            Kind::Memory(kept) => locked(kept).package(id, hash),
            Kind::Disk(disk) => disk.archive.package(id, hash),
        }
    }

    /// Removes the packages of this plugin but these.
    pub(crate) fn forget(&self, id: &str, keep: &[impl AsRef<str>]) {
        match &self.0 {
            Kind::Memory(kept) => locked(kept).forget(id, keep),
            Kind::Disk(disk) => disk.archive.forget(id, keep),
        }
    }

    /// The ledger as it was written last. One that is damaged is moved aside, and a new one begun.
    pub(crate) fn ledger(&self) -> Ledger {
        match &self.0 {
            Kind::Memory(_) => Ledger::default(),
            Kind::Disk(disk) => disk.ledger(),
        }
    }

    /// Puts this ledger in the place of the former one, which stays whole until then.
    pub(crate) fn write_ledger(&self, ledger: &Ledger) -> io::Result<()> {
        match &self.0 {
            Kind::Memory(_) => Ok(()),
            Kind::Disk(disk) => replace(&disk.directory, LEDGER, &ledger.to_json()?),
        }
    }

    /// Leaves word of how things are, for other processes of this user to read.
    pub(crate) fn write_status(&self, status: &serde_json::Value) -> io::Result<()> {
        match &self.0 {
            Kind::Memory(_) => Ok(()),
            Kind::Disk(disk) => replace(&disk.directory, STATUS, status.to_string().as_bytes()),
        }
    }
}

/// How the library stands or stood that keeps its state in this directory; none if there never was one. Who asks may be
/// another process.
pub fn status_in(directory: &Path) -> io::Result<Option<Status>> {
    let file = directory.join(STATUS);
    let text = match read_text(&file, STATUS_BYTES) {
        Ok(text) => text,
        Err(FileError::Read { why, .. }) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io::Error::other(error)),
    };
    let status = serde_json::from_str::<Status>(&text).map_err(|error| in_file(&file, &error.into()))?;
    let running = status.running && is_held(directory);
    Ok(Some(Status { running, ..status }))
}

/// Whether somebody is at work there. The number of a process says nothing: after a restart of the machine, or outside of
/// a container, another one has it.
fn is_held(directory: &Path) -> bool {
    let lock = File::open(directory.join(LOCK));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

impl Disk {
    fn ledger(&self) -> Ledger {
        let file = self.directory.join(LEDGER);
        let why = match read_text(&file, LEDGER_BYTES) {
            Ok(text) => match Ledger::from_json(&text) {
                Ok(ledger) => return ledger,
                Err(why) => why,
            },
            Err(FileError::Read { why, .. }) if why.kind() == io::ErrorKind::NotFound => return Ledger::default(),
            Err(error) => error.to_string(),
        };
        let aside = self.directory.join(DAMAGED);
        match fs::rename(&file, &aside) {
            Ok(()) => tracing::warn!(why, "the library's ledger is damaged; it now lies in {}", aside.display()),
            Err(error) => tracing::warn!(why, %error, "the library's ledger is damaged and cannot be moved aside"),
        }
        Ledger::default()
    }
}

fn lock(directory: &Path) -> io::Result<File> {
    let path = directory.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| in_file(&path, &error))?;
    // Who only asks whether somebody is at work holds it for a moment.
    let mut locked = file.try_lock();
    for _ in 0..LOCK_ATTEMPTS {
        let Err(TryLockError::WouldBlock) = locked else { break };
        std::thread::sleep(LOCK_PAUSE);
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let why = format!("{} is in use by another host: give each host its own", directory.display());
            Err(io::Error::new(io::ErrorKind::ResourceBusy, why))
        }
        Err(TryLockError::Error(error)) => Err(in_file(&path, &error)),
    }
}

/// Puts this content in the place of what the file had: under another name first, so that nobody ever sees half of it,
/// and no crash leaves half of it.
pub(super) fn replace(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let write = || {
        let mut temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(directory)?;
        temporary.write_all(content)?;
        temporary.as_file().sync_all()?;
        temporary.persist(directory.join(name))?;
        sync_folder(directory)
    };
    write().map_err(|error| in_file(&directory.join(name), &error))
}

/// Makes sure that the names in this folder outlive a crash.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

pub(super) fn in_file(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn locked(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use bytes::Bytes;
    use serde_json::json;

    use super::*;
    use crate::library::ledger::{Mark, MarkKind, Past};
    use crate::manifest::Manifest;

    fn manifest(version: &str) -> (Manifest, String) {
        let text = format!("id = \"greeter\"\nversion = \"{version}\"\nworld = \"behaviour\"\n");
        (Manifest::parse(&text).unwrap(), text)
    }

    fn package(version: &str) -> Package {
        let code = Bytes::from(format!("code of {version}"));
        Package::of("place".to_owned(), "greeter".to_owned(), Some(manifest(version)), code)
    }

    fn bare(id: &str, code: &'static str) -> Package {
        Package::of(format!("{id}.wasm"), id.to_owned(), None, Bytes::from(code))
    }

    fn opened() -> (tempfile::TempDir, PathBuf, Store) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let store = Store::open(Some(&path)).unwrap();
        (folder, path, store)
    }

    fn kept(path: &Path, package: &Package) -> PathBuf {
        path.join(PACKAGES).join(&package.id).join(&package.hash)
    }

    /// The names in a folder, in order.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn packages_come_back_as_they_were() {
        let (_folder, path, store) = opened();
        let packages = [package("1.0.0"), package("2.0.0"), bare("alone", "code")];
        for package in &packages {
            assert_eq!(store.package(&package.id, &package.hash), None);
            store.archive(package).unwrap();
            store.archive(package).unwrap();
        }
        drop(store);
        let store = Store::open(Some(&path)).unwrap();
        for package in &packages {
            assert_eq!(store.package(&package.id, &package.hash).as_ref(), Some(package));
        }
        assert_eq!(names(&path), [LOCK, PACKAGES]);
        assert_eq!(names(&kept(&path, &packages[0])), ["component.wasm", "place", "plugin.toml"]);
        assert_eq!(names(&kept(&path, &packages[2])), ["component.wasm", "place"]);
        assert_eq!(store.package("alone", &packages[0].hash), None, "a hash is looked for with its own plugin only");
    }

    #[test]
    fn the_place_is_the_latest_one() {
        let (_folder, _path, store) = opened();
        let package = package("1.0.0");
        store.archive(&package).unwrap();
        let moved = Package { place: "elsewhere".to_owned(), ..package };
        store.archive(&moved).unwrap();
        assert_eq!(store.package(&moved.id, &moved.hash), Some(moved));
    }

    #[test]
    fn what_was_tampered_with_is_none_until_it_is_kept_again() {
        let (_folder, path, store) = opened();
        let package = package("1.0.0");
        let folder = kept(&path, &package);
        let tampering: [(&str, &dyn Fn()); 7] = [
            ("another component", &|| fs::write(folder.join("component.wasm"), "evil code").unwrap()),
            ("half a component", &|| fs::write(folder.join("component.wasm"), "code").unwrap()),
            ("another manifest", &|| fs::write(folder.join("plugin.toml"), manifest("9.0.0").1).unwrap()),
            ("a broken manifest", &|| fs::write(folder.join("plugin.toml"), "id =").unwrap()),
            ("no manifest", &|| fs::remove_file(folder.join("plugin.toml")).unwrap()),
            ("no component", &|| fs::remove_file(folder.join("component.wasm")).unwrap()),
            ("another plugin's", &|| {
                let other = manifest("1.0.0").1.replace("greeter", "other");
                fs::write(folder.join("plugin.toml"), other).unwrap();
            }),
        ];
        for (what, tamper) in tampering {
            store.archive(&package).unwrap();
            assert_eq!(store.package(&package.id, &package.hash).as_ref(), Some(&package));
            tamper();
            assert_eq!(store.package(&package.id, &package.hash), None, "{what}");
        }
        let other = self::package("2.0.0");
        store.archive(&other).unwrap();
        store.archive(&package).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        symlink(kept(&path, &other), &folder).unwrap();
        assert_eq!(store.package(&package.id, &package.hash), None, "another version under its name");
        store.archive(&package).unwrap();
        assert_eq!(store.package(&other.id, &other.hash), Some(other), "the link has gone, not what it led to");
    }

    #[test]
    fn names_from_outside_lead_nowhere_else() {
        let (_folder, path, store) = opened();
        let package = package("1.0.0");
        store.archive(&package).unwrap();
        for id in ["../packages/greeter", "", "..", "Greeter"] {
            assert_eq!(store.package(id, &package.hash), None);
            store.forget(id, &[""; 0]);
        }
        for hash in ["", "..", &package.hash.to_uppercase(), &package.hash[..63]] {
            assert_eq!(store.package("greeter", hash), None);
        }
        assert!(kept(&path, &package).is_dir());
        let error = store.archive(&bare("../evil", "code")).unwrap_err();
        assert_eq!(error.to_string(), "`../evil` can be no plugin's id");
    }

    #[test]
    fn what_is_not_to_be_kept_goes() {
        let (_folder, path, store) = opened();
        let packages = ["1.0.0", "2.0.0", "3.0.0"].map(package);
        let other = bare("other", "code");
        for package in packages.iter().chain([&other]) {
            store.archive(package).unwrap();
        }
        let folder = path.join(PACKAGES).join("greeter");
        fs::write(folder.join("notes.txt"), "somebody's").unwrap();
        fs::create_dir(folder.join(".new-1")).unwrap();
        store.forget("greeter", &[&packages[1].hash]);
        let left = packages.each_ref().map(|package| store.package("greeter", &package.hash).is_some());
        assert_eq!(left, [false, true, false]);
        assert_eq!(names(&folder), [&*packages[1].hash, "notes.txt"]);
        store.forget("other", &[""; 0]);
        assert_eq!(names(&path.join(PACKAGES)), ["greeter"]);
    }

    #[test]
    fn what_a_crash_left_is_removed() {
        let (_folder, path, store) = opened();
        let package = package("1.0.0");
        store.archive(&package).unwrap();
        store.write_ledger(&Ledger::default()).unwrap();
        drop(store);
        let half = path.join(PACKAGES).join("greeter/.new-abc");
        fs::create_dir(&half).unwrap();
        fs::write(half.join("component.wasm"), "co").unwrap();
        fs::write(path.join(".new-def"), "{").unwrap();
        let store = Store::open(Some(&path)).unwrap();
        assert_eq!(names(&path), [LEDGER, LOCK, PACKAGES]);
        assert_eq!(names(half.parent().unwrap()), [&*package.hash]);
        assert_eq!(store.package("greeter", &package.hash), Some(package));
    }

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        let entry = ledger.plugins.entry("greeter".to_owned()).or_default();
        entry.remember(Past { hash: "aa".into(), component: "bb".into(), version: None, published_ms: 1 });
        entry.mark("cc".into(), Mark { kind: MarkKind::Rejected, why: "no".into(), at_ms: 2 });
        ledger
    }

    #[test]
    fn the_ledger_outlives_the_library() {
        let (_folder, path, store) = opened();
        assert_eq!(store.ledger(), Ledger::default());
        store.write_ledger(&Ledger::default()).unwrap();
        store.write_ledger(&ledger()).unwrap();
        drop(store);
        assert_eq!(Store::open(Some(&path)).unwrap().ledger(), ledger());
        assert_eq!(names(&path), [LEDGER, LOCK, PACKAGES]);
    }

    #[test]
    fn a_damaged_ledger_is_moved_aside() {
        let (_folder, path, store) = opened();
        for damage in [&b"{\"version\": 1, \"plu"[..], b"\xff", b"", b"{\"version\": 2}"] {
            store.write_ledger(&ledger()).unwrap();
            fs::write(path.join(LEDGER), damage).unwrap();
            assert_eq!(store.ledger(), Ledger::default());
            assert_eq!(fs::read(path.join(DAMAGED)).unwrap(), damage);
            assert!(!path.join(LEDGER).exists());
        }
        fs::create_dir(path.join(LEDGER)).unwrap();
        fs::remove_file(path.join(DAMAGED)).unwrap();
        assert_eq!(store.ledger(), Ledger::default());
        store.write_ledger(&ledger()).unwrap();
        assert_eq!(store.ledger(), ledger());
    }

    #[test]
    fn the_status_is_replaced_as_a_whole() {
        let (_folder, path, store) = opened();
        for status in [json!({"plugins": [1, 2, 3]}), json!({})] {
            store.write_status(&status).unwrap();
            let read: serde_json::Value = serde_json::from_slice(&fs::read(path.join(STATUS)).unwrap()).unwrap();
            assert_eq!(read, status);
        }
        assert_eq!(fs::metadata(path.join(STATUS)).unwrap().permissions().mode() & 0o077, 0);
    }

    #[test]
    fn two_libraries_never_share_a_store() {
        let (_folder, path, store) = opened();
        let error = Store::open(Some(&path)).err().unwrap().to_string();
        assert_eq!(error, format!("{} is in use by another host: give each host its own", path.display()));
        drop(store);
        assert!(Store::open(Some(&path)).is_ok());
    }

    #[test]
    fn somebody_is_at_work_as_long_as_the_store_is_held() {
        let (_folder, path, store) = opened();
        // A process that is always there: the first one, as which a host in a container runs.
        let status = Status {
            process: 1,
            running: true,
            directory: String::new(),
            unreadable: None,
            polling: None,
            left_out: 0,
            plugins: Vec::new(),
            strays: Vec::new(),
        };
        store.write_status(&serde_json::to_value(status).unwrap()).unwrap();
        let running = || status_in(&path).unwrap().unwrap().running;
        assert!(running() && running(), "asking changes nothing");
        drop(store);
        assert!(!running());
        fs::remove_file(path.join(LOCK)).unwrap();
        assert!(!running());
    }

    #[test]
    fn who_asks_does_not_keep_the_next_one_out() {
        let (_folder, path, store) = opened();
        drop(store);
        let asking = File::open(path.join(LOCK)).unwrap();
        asking.try_lock_shared().unwrap();
        let asked = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(15));
            drop(asking);
        });
        assert!(Store::open(Some(&path)).is_ok());
        asked.join().unwrap();
    }

    #[test]
    fn a_directory_that_is_not_ours_alone_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let error = Store::open(Some(folder.path())).err().unwrap().to_string();
        let why = "can be written to by others, who may have put plugin code there; remove it";
        assert_eq!(error, format!("{} {why}", folder.path().display()));
        assert!(names(folder.path()).is_empty());
    }

    #[test]
    fn a_disk_that_does_not_take_it_is_an_error_that_names_the_file() {
        let (_folder, path, store) = opened();
        fs::create_dir_all(path.join(STATUS).join("in-the-way")).unwrap();
        let error = store.write_status(&json!({})).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}: ", path.join(STATUS).display())), "{error}");
        fs::write(path.join(PACKAGES).join("greeter"), "in the way").unwrap();
        let error = store.archive(&package("1.0.0")).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}/packages/greeter: ", path.display())), "{error}");
        assert_eq!(names(&path), [LOCK, PACKAGES, STATUS], "nothing is left lying about");
    }

    #[test]
    fn without_a_directory_the_version_to_go_back_to_is_kept() {
        let store = Store::open(None).unwrap();
        let packages = ["1.0.0", "2.0.0", "3.0.0"].map(package);
        let other = bare("other", "code");
        store.archive(&other).unwrap();
        let left = |store: &Store| packages.each_ref().map(|package| store.package("greeter", &package.hash).is_some());
        for package in &packages {
            store.archive(package).unwrap();
        }
        assert_eq!(left(&store), [false, true, true]);
        store.archive(&packages[1]).unwrap();
        store.archive(&packages[0]).unwrap();
        assert_eq!(left(&store), [true, true, false], "kept again is kept last");
        store.forget("greeter", &[&packages[0].hash]);
        assert_eq!(left(&store), [true, false, false]);
        assert_eq!(store.package("other", &other.hash), Some(other));
        store.write_ledger(&ledger()).unwrap();
        store.write_status(&json!({})).unwrap();
        assert_eq!(store.ledger(), Ledger::default());
    }
}
