//! Directories that are this user's alone: what lies in them was put there by us, and is believed because of it.

use std::fs;
use std::io;
use std::path::Path;

/// Opens the directory, made if missing, or says why `what` is not to be kept there.
pub(crate) fn open(directory: &Path, what: &str) -> io::Result<()> {
    if fs::symlink_metadata(directory).is_err() {
        make(directory).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", directory.display())))?;
    }
    check(directory, what)
}

#[cfg(unix)]
fn make(directory: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)
}

#[cfg(not(unix))]
fn make(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)
}

/// Whether the directory is this user's alone, or why `what` is not to be kept there.
#[cfg(unix)]
pub fn check(directory: &Path, what: &str) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::symlink_metadata(directory)?;
    let complaint = if !metadata.is_dir() {
        "is a link or a file; it must be a directory".to_owned()
    } else if metadata.uid() != rustix::process::geteuid().as_raw() {
        format!("belongs to another user; {what} from others is not run")
    } else if metadata.mode() & 0o022 != 0 {
        format!("can be written to by others, who may have put {what} there; remove it")
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {complaint}", directory.display())))
}

/// Whether the directory is this user's alone, or why `what` is not to be kept there.
#[cfg(not(unix))]
pub fn check(_: &Path, _: &str) -> io::Result<()> {
    Ok(())
}

/// Whether this is a file of ours, which nobody else could have written.
#[cfg(unix)]
pub(crate) fn is_own_file(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    metadata.is_file() && ours && metadata.mode() & 0o022 == 0
}

#[cfg(not(unix))]
pub(crate) fn is_own_file(metadata: &fs::Metadata) -> bool {
    metadata.is_file()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Why it is refused, with the name of the test's folder taken out.
    fn complaint(folder: &Path, directory: &Path) -> String {
        let error = open(directory, "code").unwrap_err();
        error.to_string().replace(&folder.display().to_string(), "DIR")
    }

    #[test]
    fn it_is_made_for_us_alone() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("a/b");
        open(&directory, "code").unwrap();
        assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
        open(&directory, "code").unwrap();
    }

    #[test]
    fn what_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let shared = folder.path().join("shared");
        fs::create_dir(&shared).unwrap();
        set_mode(&shared, 0o770);
        let text = "DIR/shared can be written to by others, who may have put code there; remove it";
        assert_eq!(complaint(folder.path(), &shared), text);
        set_mode(&shared, 0o700);
        symlink(&shared, folder.path().join("link")).unwrap();
        let text = "DIR/link is a link or a file; it must be a directory";
        assert_eq!(complaint(folder.path(), &folder.path().join("link")), text);

        let file = shared.join("file");
        fs::write(&file, "").unwrap();
        set_mode(&file, 0o600);
        assert!(is_own_file(&fs::symlink_metadata(&file).unwrap()));
        set_mode(&file, 0o620);
        assert!(!is_own_file(&fs::symlink_metadata(&file).unwrap()));
        assert!(!is_own_file(&fs::symlink_metadata(&shared).unwrap()));
        assert!(complaint(folder.path(), &file.join("x")).starts_with("DIR/shared/file/x: "));
    }
}
