//! Compiled plugins on disk.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hangar_runtime::{Behaviour, Limits, Runtime, RuntimeConfig, RuntimeError};
use tempfile::TempDir;

use crate::stage::{Player, plugin, statuses};

fn runtime(cache: &Path) -> Result<Runtime, RuntimeError> {
    let cache = Some(cache.to_owned());
    Runtime::new(&RuntimeConfig { max_live_instances: Some(4), cache, ..RuntimeConfig::default() })
}

/// Loads the plugin with a runtime of its own, and shows that it works.
async fn load(cache: &Path) -> Behaviour {
    let behaviour = runtime(cache).unwrap().behaviour(plugin("hostile/well-behaved"), Limits::default()).await.unwrap();
    assert_eq!(statuses(&Player::new(&behaviour).start("hello").await.unwrap()), ["hello"]);
    behaviour
}

/// The one file of the cache.
fn only_file(cache: &Path) -> PathBuf {
    let files: Vec<_> = fs::read_dir(cache).unwrap().map(|file| file.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    file.clone()
}

fn modified(file: &Path) -> SystemTime {
    fs::metadata(file).unwrap().modified().unwrap()
}

fn age(file: &Path, days: u64) {
    let then = SystemTime::now() - Duration::from_secs(days * 24 * 60 * 60);
    File::options().append(true).open(file).unwrap().set_modified(then).unwrap();
}

#[tokio::test]
async fn what_is_compiled_is_kept_and_used_again() {
    let home = TempDir::new().unwrap();
    let cache = home.path().join("made/on/demand");
    let behaviour = load(&cache).await;
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
    let file = only_file(&cache);
    let name = file.file_name().unwrap().to_str().unwrap();
    let compatibility = name.strip_prefix(behaviour.hash()).unwrap();
    assert!(compatibility.len() == "-0123456789abcdef.cwasm".len() && compatibility.ends_with(".cwasm"), "{name}");

    age(&file, 29);
    let before = modified(&file);
    load(&cache).await;
    assert_eq!(modified(&only_file(&cache)), before, "it was not written again");
}

#[tokio::test]
async fn a_damaged_file_is_replaced() {
    let home = TempDir::new().unwrap();
    load(home.path()).await;
    let file = only_file(home.path());
    let whole = fs::read(&file).unwrap();
    for damaged in [&b""[..], b"no machine code", &whole[..whole.len() / 2]] {
        // A new file: the old one may still be in use.
        fs::remove_file(&file).unwrap();
        fs::write(&file, damaged).unwrap();
        load(home.path()).await;
        assert_eq!(fs::metadata(only_file(home.path())).unwrap().len(), whole.len() as u64);
    }
}

#[test]
fn what_is_old_is_removed_but_nothing_of_others() {
    let home = TempDir::new().unwrap();
    let file = |name: &str, days| {
        let file = home.path().join(name);
        fs::write(&file, "").unwrap();
        age(&file, days);
        file
    };
    let gone = [file("aa-00.cwasm", 31), file(".new-x", 31)];
    let kept = [file("bb-00.cwasm", 29), file("letters.txt", 31)];
    runtime(home.path()).unwrap();
    assert_eq!(gone.map(|file| file.exists()), [false, false]);
    assert_eq!(kept.map(|file| file.exists()), [true, true]);
}

#[test]
fn a_directory_that_others_could_write_to_is_refused() {
    let home = TempDir::new().unwrap();
    let complaint = |path: &Path| runtime(path).err().unwrap().to_string();
    let at = |name: &str| home.path().join(name);

    fs::create_dir(at("shared")).unwrap();
    for mode in [0o770, 0o702] {
        fs::set_permissions(at("shared"), Permissions::from_mode(mode)).unwrap();
        assert_eq!(
            complaint(&at("shared")),
            format!(
                "the compile cache cannot be used: {} can be written to by others, who may have put compiled code there; remove it",
                at("shared").display()
            )
        );
    }
    fs::create_dir(at("private")).unwrap();
    symlink(at("private"), at("link")).unwrap();
    symlink(at("nowhere"), at("broken-link")).unwrap();
    fs::write(at("file"), "").unwrap();
    for name in ["link", "broken-link", "file"] {
        let text = format!("{} is a link or a file; it must be a directory", at(name).display());
        assert_eq!(complaint(&at(name)), format!("the compile cache cannot be used: {text}"));
    }
}

#[tokio::test]
async fn two_hosts_share_a_directory() {
    let home = TempDir::new().unwrap();
    let (one, other) = tokio::join!(load(home.path()), load(home.path()));
    assert_eq!(one.hash(), other.hash());
    only_file(home.path());
    load(home.path()).await;
}

#[tokio::test]
async fn a_file_that_others_could_have_written_is_not_run() {
    let home = TempDir::new().unwrap();
    load(home.path()).await;
    let file = only_file(home.path());
    fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
    load(home.path()).await;
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o022, 0, "it was compiled again and replaced");

    let elsewhere = home.path().join("elsewhere");
    fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    load(home.path()).await;
    assert!(fs::symlink_metadata(&file).unwrap().is_file(), "nor is one that lies elsewhere");
}
