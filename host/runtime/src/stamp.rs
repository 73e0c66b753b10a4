//! What a system keeps of a file besides its content, to tell without opening it whether it has changed.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What a system keeps of a file besides its content. Another one means that the file has changed, or that it is another
/// file of the same name; links are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    newest: Option<SystemTime>,
    identity: Identity,
}

/// Which file it is, and when anything about it was changed: device, inode, change in seconds and nanoseconds.
type Identity = (u64, u64, i64, i64);

impl Stamp {
    /// That of the file at this path; none if there is no file.
    #[must_use]
    pub fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }

    fn of(metadata: &Metadata) -> Self {
        let (modified, identity) = (metadata.modified().ok(), identity(metadata));
        let changed = u64::try_from(identity.2).ok().and_then(|seconds| {
            let since = Duration::new(seconds, u32::try_from(identity.3).unwrap_or_default());
            SystemTime::UNIX_EPOCH.checked_add(since)
        });
        Self { length: metadata.len(), modified, newest: modified.max(changed), identity }
    }

    /// The latest time that it has.
    pub(crate) fn newest(&self) -> Option<SystemTime> {
        self.newest
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {
    (0, 0, 0, 0)
}
