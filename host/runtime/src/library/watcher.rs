//! Who wakes the library: the file system, or time.
//!
//! A wake only says that it is worth looking. What has changed is found by looking, so a wake too many costs little, and
//! one that is lost is made up for by the next.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior};

/// How often is looked where the file system does not tell.
pub(super) const WITHOUT_NATIVE: Duration = Duration::from_secs(2);

/// No look is worth being repeated sooner.
const SHORTEST: Duration = Duration::from_millis(10);

/// How changes in the plugin directory are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Watching {
    /// The file system tells; where it does not, time does.
    #[default]
    Native,
    /// By looking again and again, so long after each other.
    Polling(Duration),
}

/// Rings when something may have changed in the folders that it follows.
pub(crate) struct Watcher {
    watching: Watching,
    wake: Arc<Notify>,
    native: Option<RecommendedWatcher>,
    followed: Followed,
    polling: Option<Polling>,
    why_polling: Option<String>,
    /// Which kind of file system does not tell.
    silent: fn(&Path) -> Option<&'static str>,
}

impl Watcher {
    /// Follows nothing yet. Belongs into a tokio runtime.
    pub(crate) fn start(watching: Watching, wake: Arc<Notify>) -> Self {
        let mut watcher = Self {
            watching,
            wake,
            native: None,
            followed: Followed::default(),
            polling: None,
            why_polling: None,
            silent: tells_nothing_of_others,
        };
        if let Watching::Polling(every) = watching {
            watcher.polling = Some(Polling::start(every, watcher.wake.clone()));
        }
        watcher
    }

    /// Follows these folders and no others. It rings if it had not followed one of them before, since what has happened
    /// there in the meantime nobody has told.
    pub(crate) fn follow(&mut self, folders: &BTreeSet<PathBuf>) {
        if self.watching != Watching::Native {
            return;
        }
        self.why_polling = self.follow_natively(folders).err();
        match (&self.why_polling, &self.polling) {
            (None, _) => self.polling = None,
            (Some(why), None) => {
                tracing::warn!(why, "the plugin directory is looked at every {} s", WITHOUT_NATIVE.as_secs());
                self.polling = Some(Polling::start(WITHOUT_NATIVE, self.wake.clone()));
            }
            (Some(_), Some(_)) => (),
        }
    }

    /// Why time has to do what the file system should; none if it was asked for, or is not so.
    pub(crate) fn why_polling(&self) -> Option<&str> {
        self.why_polling.as_deref()
    }

    /// Follows what can be followed; an error is why something could not be.
    fn follow_natively(&mut self, folders: &BTreeSet<PathBuf>) -> Result<(), String> {
        let native = match &mut self.native {
            Some(native) => native,
            none => none.insert(native(self.followed.clone(), self.wake.clone())?),
        };
        let mut trouble = Ok(());
        for folder in self.followed.without(folders) {
            // It may be gone, and its watch with it.
            let _ = native.unwatch(&folder);
        }
        for folder in folders {
            let now = identity(folder);
            if now.is_none() || self.followed.is(folder, now) {
                continue;
            }
            let _ = native.unwatch(folder);
            // Noted first: an event that it is gone again must find it here.
            self.followed.add(folder, now);
            let watched = match (self.silent)(folder) {
                Some(kind) => Err(Some(format!(
                    "{}: it lies on {kind}, which does not tell what others change",
                    folder.display()
                ))),
                None => watch(native, folder),
            };
            match watched {
                Ok(()) => self.wake.notify_one(),
                Err(why) => {
                    self.followed.forget(folder);
                    trouble = trouble.and(why.map_or(Ok(()), Err));
                }
            }
        }
        trouble
    }
}

/// Watches this folder. An error without text means that the folder is gone, which is no trouble: who watches the folder
/// around it hears of it.
fn watch(native: &mut RecommendedWatcher, folder: &Path) -> Result<(), Option<String>> {
    let of_folder = |why: &str| Some(format!("{}: {why}", folder.display()));
    native.watch(folder, RecursiveMode::NonRecursive).map_err(|error| match error.kind {
        notify::ErrorKind::PathNotFound => None,
        notify::ErrorKind::MaxFilesWatch => {
            of_folder("the system's limit of watched folders is reached (fs.inotify.max_user_watches)")
        }
        notify::ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        notify::ErrorKind::Io(error) => of_folder(&error.to_string()),
        notify::ErrorKind::Generic(why) => of_folder(&why),
        other => of_folder(&format!("{other:?}")),
    })
}

fn native(followed: Followed, wake: Arc<Notify>) -> Result<RecommendedWatcher, String> {
    let heard = move |event: notify::Result<Event>| {
        // An error means that events were lost.
        let Ok(event) = event else { return wake.notify_one() };
        if says_where_to_look_anew(&event) {
            event.paths.iter().for_each(|path| followed.forget(path));
        }
        if is_worth_a_look(&event) {
            wake.notify_one();
        }
    };
    notify::recommended_watcher(heard).map_err(|error| match error.kind {
        notify::ErrorKind::Io(error) => format!("the system does not let files be watched: {error}"),
        _ => "the system does not let files be watched".to_owned(),
    })
}

/// What the library's own reading brings about must not wake it.
fn is_worth_a_look(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => event.need_rescan(),
        _ => true,
    }
}

/// Whether what was at this path is no longer there: if it was followed, its watch has gone with it.
fn says_where_to_look_anew(event: &Event) -> bool {
    matches!(event.kind, EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_)))
}

/// Which folder it is, whatever its path: device and inode.
type Identity = Option<(u64, u64)>;

#[cfg(unix)]
fn identity(folder: &Path) -> Identity {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(folder).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(folder: &Path) -> Identity {
    folder.exists().then_some((0, 0))
}

/// The kind of file system, if it is one whose files others change without this system noticing.
#[cfg(target_os = "linux")]
fn tells_nothing_of_others(folder: &Path) -> Option<&'static str> {
    // Their numbers are in statfs(2), which gives them as a signed word of either width.
    let kind = rustix::fs::statfs(folder).ok()?.f_type as u32;
    Some(match kind {
        0x6969 => "NFS",
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => "a Windows share",
        0x0102_1997 => "9P",
        0x6573_5546 => "FUSE",
        0x786f_4256 | 0xbacb_acbc | 0x7c7c_6673 => "a folder of the machine around this one",
        0x00c3_6400 | 0x5346_414f | 0x6b41_4653 | 0x0bd0_0bd0 | 0x4750_4653 | 0x7375_7245 | 0x0116_1970
        | 0x7461_636f => "a cluster's file system",
        _ => return None,
    })
}

#[cfg(not(target_os = "linux"))]
fn tells_nothing_of_others(_: &Path) -> Option<&'static str> {
    None
}

/// The folders whose watches stand, shared with the thread that hears when one falls.
#[derive(Clone, Default)]
struct Followed(Arc<Mutex<BTreeMap<PathBuf, Identity>>>);

impl Followed {
    fn is(&self, folder: &Path, identity: Identity) -> bool {
        self.folders().get(folder) == Some(&identity)
    }

    fn add(&self, folder: &Path, identity: Identity) {
        self.folders().insert(folder.to_owned(), identity);
    }

    /// Forgets this one and those in it.
    fn forget(&self, folder: &Path) {
        self.folders().retain(|followed, _| !followed.starts_with(folder));
    }

    /// Takes out all but these.
    fn without(&self, kept: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let mut folders = self.folders();
        let gone: Vec<PathBuf> = folders.keys().filter(|folder| !kept.contains(*folder)).cloned().collect();
        folders.retain(|folder, _| kept.contains(folder));
        gone
    }

    fn folders(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Identity>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rings at equal distances until it is dropped.
struct Polling(AbortHandle);

impl Polling {
    fn start(every: Duration, wake: Arc<Notify>) -> Self {
        let every = every.max(SHORTEST);
        let ringing = async move {
            let mut ticks = tokio::time::interval_at(Instant::now() + every, every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                wake.notify_one();
            }
        };
        Self(tokio::spawn(ringing).abort_handle())
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use notify::event::{CreateKind, Flag, MetadataKind, RemoveKind, RenameMode};

    use super::*;
    use crate::library::look::look;
    use crate::library::package::read_steadily;

    /// Longer than any machine takes to tell of a change.
    const PATIENCE: Duration = Duration::from_secs(30);

    struct Watched {
        _folder: tempfile::TempDir,
        path: PathBuf,
        wake: Arc<Notify>,
        watcher: Watcher,
    }

    impl Watched {
        fn natively() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().canonicalize().unwrap();
            let wake = Arc::new(Notify::new());
            let watcher = Watcher::start(Watching::Native, wake.clone());
            Self { _folder: folder, path, wake, watcher }
        }

        /// Follows these folders; afterwards nobody has rung.
        async fn follow(&mut self, folders: &[&str]) {
            let folders = folders.iter().map(|folder| self.path.join(folder)).collect();
            self.watcher.follow(&folders);
            self.wake.notify_one();
            self.wake.notified().await;
        }

        async fn rings(&self) {
            tokio::time::timeout(PATIENCE, self.wake.notified()).await.expect("nobody has rung");
        }

        /// Waits until the watcher has noticed that this folder is no longer what it was.
        async fn lets_go(&self, folder: &str) {
            while self.watcher.followed.folders().contains_key(&self.path.join(folder)) {
                self.rings().await;
            }
        }

        /// Rings for a file that is written now in this folder.
        async fn hears_of(&self, folder: &str) {
            fs::write(self.path.join(folder).join("now"), "").unwrap();
            self.rings().await;
            fs::remove_file(self.path.join(folder).join("now")).unwrap();
            self.rings().await;
        }

        /// Follows this folder, which had been followed with the one around it, in its new shape.
        async fn follows_anew(&mut self, folder: &str) {
            self.lets_go(folder).await;
            self.follow(&["", folder]).await;
            // The one around it may have more to tell of the old shape; alone, the folder has to speak for itself.
            self.follow(&[folder]).await;
            self.hears_of(folder).await;
        }
    }

    #[tokio::test]
    async fn a_change_in_a_followed_folder_rings() {
        let mut watched = Watched::natively();
        fs::create_dir(watched.path.join("a")).unwrap();
        watched.watcher.follow(&BTreeSet::from([watched.path.join("a")]));
        watched.rings().await;
        watched.follow(&["a"]).await;
        assert_eq!(watched.watcher.why_polling(), None);
        watched.hears_of("a").await;
        let file = watched.path.join("a/x.wasm");
        fs::write(&file, "code").unwrap();
        watched.rings().await;
        fs::rename(&file, watched.path.join("a/y.wasm")).unwrap();
        watched.rings().await;
    }

    #[tokio::test]
    async fn what_is_followed_changes() {
        let mut watched = Watched::natively();
        for folder in ["a", "b"] {
            fs::create_dir(watched.path.join(folder)).unwrap();
        }
        watched.follow(&["a"]).await;
        watched.follow(&["b"]).await;
        assert_eq!(watched.watcher.followed.folders().keys().collect::<Vec<_>>(), [&watched.path.join("b")]);
        watched.hears_of("b").await;
        watched.follow(&["a", "b"]).await;
        watched.hears_of("a").await;
        watched.follow(&["a", "gone"]).await;
        assert_eq!(watched.watcher.why_polling(), None, "a folder that is gone is no trouble");
        watched.hears_of("a").await;
    }

    #[tokio::test]
    async fn a_folder_that_is_made_anew_is_followed_anew() {
        let mut watched = Watched::natively();
        let a = watched.path.join("a");
        fs::create_dir(&a).unwrap();
        watched.follow(&["", "a"]).await;
        fs::remove_dir(&a).unwrap();
        fs::create_dir(&a).unwrap();
        watched.follows_anew("a").await;

        watched.follow(&["", "a"]).await;
        fs::create_dir(watched.path.join("b")).unwrap();
        fs::rename(&a, watched.path.join("c")).unwrap();
        fs::rename(watched.path.join("b"), &a).unwrap();
        watched.follows_anew("a").await;
    }

    #[tokio::test]
    async fn a_folder_that_was_exchanged_unseen_is_followed_anew() {
        let mut watched = Watched::natively();
        for folder in ["around/a", "other/a"] {
            fs::create_dir_all(watched.path.join(folder)).unwrap();
        }
        watched.follow(&["around/a"]).await;
        fs::rename(watched.path.join("around"), watched.path.join("former")).unwrap();
        fs::rename(watched.path.join("other"), watched.path.join("around")).unwrap();
        watched.follow(&["around/a"]).await;
        watched.hears_of("around/a").await;
    }

    /// Puts a link in the place of another one, at once.
    fn swap(link: &Path, target: &str) {
        let temporary = link.with_file_name(".swap");
        symlink(target, &temporary).unwrap();
        fs::rename(temporary, link).unwrap();
    }

    #[tokio::test]
    async fn whatever_changes_what_a_look_sees_rings() {
        type Operation = (&'static str, fn(&Path));
        let operations: [Operation; 10] = [
            ("a file is written anew", |path| fs::write(path.join("plain/x.wasm"), "other code").unwrap()),
            ("a file takes the place of another", |path| {
                fs::write(path.join(".new"), "other code").unwrap();
                fs::rename(path.join(".new"), path.join("plain/x.wasm")).unwrap();
            }),
            ("a component is put there", |path| fs::write(path.join("new.wasm"), "code").unwrap()),
            ("a component goes", |path| fs::remove_file(path.join("bare.wasm")).unwrap()),
            ("a folder goes", |path| fs::rename(path.join("plain"), path.join("../plain")).unwrap()),
            ("a mount is swapped", |path| swap(&path.join("mounted/..data"), "..2")),
            ("a link to a folder is swapped", |path| swap(&path.join("linked"), "../releases/2")),
            ("a link behind a link is swapped", |path| swap(&path.join("../releases/current"), "2")),
            ("behind a link, a file is written", |path| {
                fs::write(path.join("../releases/1/x.wasm"), "other code").unwrap();
            }),
            ("behind a link that led nowhere, a folder comes", |path| {
                fs::create_dir(path.join("../releases/later")).unwrap();
                fs::write(path.join("../releases/later/x.wasm"), "code").unwrap();
            }),
        ];
        for (what, operation) in operations {
            let watched = Watched::natively();
            let path = watched.path.join("plugins");
            let folders = ["plain", "mounted/..1", "mounted/..2", "../releases/1", "../releases/2"];
            for folder in folders.map(|folder| path.join(folder)) {
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join("x.wasm"), "code").unwrap();
            }
            fs::write(path.join("bare.wasm"), "code").unwrap();
            symlink("..1", path.join("mounted/..data")).unwrap();
            symlink("..data/x.wasm", path.join("mounted/x.wasm")).unwrap();
            symlink("../releases/1", path.join("linked")).unwrap();
            symlink("1", path.join("../releases/current")).unwrap();
            symlink("../releases/current", path.join("current")).unwrap();
            symlink("../releases/later", path.join("later")).unwrap();
            let Watched { _folder, wake, mut watcher, .. } = watched;

            let before = look(&path, &BTreeSet::new()).unwrap();
            assert_eq!(before.places.len(), 6);
            watcher.follow(&before.folders);
            // The ring for what had not been followed.
            wake.notified().await;
            operation(&path);
            assert_ne!(look(&path, &BTreeSet::new()).unwrap(), before, "{what}");
            tokio::time::timeout(PATIENCE, wake.notified()).await.unwrap_or_else(|_| panic!("{what}: nobody has rung"));
        }
    }

    #[tokio::test]
    async fn looking_and_reading_ring_for_nobody() {
        let mut watched = Watched::natively();
        fs::create_dir(watched.path.join("a")).unwrap();
        fs::write(watched.path.join("a.wasm"), "code").unwrap();
        let folders = look(&watched.path, &BTreeSet::new()).unwrap().folders;
        watched.watcher.follow(&folders);
        watched.wake.notified().await;
        for _ in 0..10 {
            assert!(read_steadily(&watched.path, "a.wasm").package.is_ok());
            assert_eq!(look(&watched.path, &BTreeSet::new()).unwrap().places.len(), 1);
        }
        // Events come in their order: what the reading had to tell comes before what this deed has.
        let heard = Arc::new(Mutex::new(Vec::new()));
        let noted = heard.clone();
        let mut second = notify::recommended_watcher(move |event: notify::Result<Event>| {
            noted.lock().unwrap().push(event.unwrap());
        })
        .unwrap();
        second.watch(&watched.path, RecursiveMode::NonRecursive).unwrap();
        assert!(read_steadily(&watched.path, "a.wasm").package.is_ok());
        fs::remove_dir(watched.path.join("a")).unwrap();
        watched.rings().await;
        let removed = |event: &Event| matches!(event.kind, EventKind::Remove(_));
        while !heard.lock().unwrap().iter().any(removed) {
            tokio::task::yield_now().await;
        }
        let heard = heard.lock().unwrap();
        let before: Vec<&Event> = heard.iter().take_while(|event| !removed(event)).collect();
        assert!(!before.is_empty(), "the system tells of reading");
        assert!(before.iter().all(|event| !is_worth_a_look(event)), "{before:?}");
    }

    #[test]
    fn reading_is_not_worth_a_look() {
        for (kind, worth) in [
            (EventKind::Access(AccessKind::Open(AccessMode::Any)), false),
            (EventKind::Access(AccessKind::Read), false),
            (EventKind::Access(AccessKind::Close(AccessMode::Read)), false),
            (EventKind::Access(AccessKind::Close(AccessMode::Write)), true),
            (EventKind::Create(CreateKind::File), true),
            (EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any)), true),
            (EventKind::Modify(ModifyKind::Name(RenameMode::To)), true),
            (EventKind::Remove(RemoveKind::Folder), true),
            (EventKind::Any, true),
        ] {
            assert_eq!(is_worth_a_look(&Event::new(kind)), worth, "{kind:?}");
        }
        assert!(is_worth_a_look(&Event::new(EventKind::Other).set_flag(Flag::Rescan)), "events were lost");
    }

    #[tokio::test(start_paused = true)]
    async fn time_rings_where_it_is_asked_to() {
        let wake = Arc::new(Notify::new());
        let mut watcher = Watcher::start(Watching::Polling(Duration::from_secs(5)), wake.clone());
        watcher.follow(&BTreeSet::from([PathBuf::from("/")]));
        assert!(watcher.native.is_none() && watcher.why_polling().is_none());
        let start = Instant::now();
        for round in 1..4 {
            wake.notified().await;
            assert_eq!(start.elapsed().as_secs(), round * 5);
        }
        drop(watcher);
        assert!(tokio::time::timeout(PATIENCE, wake.notified()).await.is_err(), "it goes on after its end");
    }

    #[tokio::test(start_paused = true)]
    async fn time_rings_where_the_file_system_does_not() {
        let mut watched = Watched::natively();
        let (here, shared) = (watched.path.join("here"), watched.path.join("shared"));
        for folder in [&here, &shared] {
            fs::create_dir(folder).unwrap();
        }
        watched.watcher.silent = |folder| folder.ends_with("shared").then_some("NFS");
        for _ in 0..2 {
            watched.watcher.follow(&BTreeSet::from([here.clone(), shared.clone()]));
            let why = format!("{}: it lies on NFS, which does not tell what others change", shared.display());
            assert_eq!(watched.watcher.why_polling(), Some(&*why));
        }
        assert!(watched.watcher.followed.folders().contains_key(&here), "what can be followed is");
        watched.wake.notified().await;
        let start = Instant::now();
        watched.wake.notified().await;
        assert_eq!(start.elapsed(), WITHOUT_NATIVE);
        watched.watcher.follow(&BTreeSet::from([here]));
        assert!(watched.watcher.why_polling().is_none() && watched.watcher.polling.is_none(), "now all of it tells");
    }

    #[tokio::test]
    async fn the_file_system_of_a_test_tells() {
        let watched = Watched::natively();
        assert_eq!(tells_nothing_of_others(&watched.path), None);
        assert_eq!(tells_nothing_of_others(&watched.path.join("gone")), None);
    }
}
