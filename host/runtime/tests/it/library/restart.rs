//! What outlasts the process: the last good version, what speaks against others, pins.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use hangar_runtime::library::{Library, LibraryConfig, Order, Why};
use tempfile::TempDir;

use super::stage::{Published, Stage, Visit, greeter};
use crate::stage::{RUNTIME, plugin};

/// A library on this folder, which keeps in it what must outlast the process.
fn open(folder: &Arc<TempDir>) -> Stage {
    Stage::on(folder, &RUNTIME, |config| config.state = Some(folder.path().join("state")))
}

/// The first version is in service, and kept.
async fn with_greeter() -> (Stage, Arc<TempDir>, Published) {
    let folder = Arc::new(tempfile::tempdir().unwrap());
    fs::create_dir(folder.path().join("plugins")).unwrap();
    let mut stage = open(&folder);
    let first = stage.begin_with_greeter().await;
    (stage, folder, first)
}

/// Both versions are known, the later one serves.
async fn two_versions() -> (Stage, Arc<TempDir>, Published, Published) {
    let (mut stage, folder, first) = with_greeter().await;
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    let second = stage.published("greeter").await;
    (stage, folder, first, second)
}

async fn restart(stage: Stage) -> Stage {
    let folder = stage.folder();
    stage.close().await;
    open(&folder)
}

/// Where a version is kept.
fn kept(folder: &TempDir, published: &Published) -> PathBuf {
    let file = find(&folder.path().join("state"), &published.version.hash);
    file.unwrap_or_else(|| panic!("{:?} is not kept", published.version))
}

fn find(folder: &std::path::Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(folder)
        .ok()?
        .flatten()
        .find_map(|entry| if entry.file_name() == name { Some(entry.path()) } else { find(&entry.path(), name) })
}

#[tokio::test]
async fn nothing_has_changed() {
    let (stage, _folder, first) = with_greeter().await;
    let mut stage = restart(stage).await;
    let again = stage.published("greeter").await;
    assert_eq!((again.version.hash, again.why, again.former), (first.version.hash, Why::Files, None));
    stage.nothing_comes_of_it().await;
    assert_eq!(stage.reason("greeter").await, None);
}

#[tokio::test]
async fn a_newer_version_came_meanwhile() {
    let (stage, folder, first) = with_greeter().await;
    stage.close().await;
    let files = folder.path().join("plugins/greeter");
    fs::write(files.join("plugin.toml"), greeter("1.1.0", "")).unwrap();
    fs::write(files.join("plugin.wasm"), plugin("hostile/greeter-later")).unwrap();
    let mut stage = open(&folder);
    let second = stage.published("greeter").await;
    assert_eq!((second.version.version.as_str(), second.why), ("1.1.0", Why::Files));
    stage.nothing_comes_of_it().await;
    stage.order("greeter", Order::Rollback).await;
    let back = stage.published("greeter").await;
    assert_eq!((back.version.hash, back.why), (first.version.hash, Why::RolledBack));
}

#[tokio::test]
async fn broken_files_at_the_start_are_not_the_end_of_a_service() {
    let (stage, folder, first) = with_greeter().await;
    stage.close().await;
    fs::write(folder.path().join("plugins/greeter/plugin.wasm"), "half").unwrap();
    let mut stage = open(&folder);
    let rejected = stage.rejected().await;
    let published = stage.published("greeter").await;
    assert_eq!((rejected.stage, rejected.id.as_deref()), ("load", Some("greeter")));
    assert!(rejected.why.starts_with("it is not WebAssembly"), "{rejected:?}");
    assert_eq!((published.version.hash, published.why), (first.version.hash, Why::LastGood));
    assert_eq!(stage.reason("greeter").await, Some(rejected.why));
    assert_eq!(stage.run("greeter").await.finish().await, "goodbye");

    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    assert_eq!(stage.published("greeter").await.why, Why::Files);
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read_at_the_start_neither() {
    let (stage, folder, first) = with_greeter().await;
    stage.close().await;
    fs::write(folder.path().join("plugins/greeter/plugin.toml"), "id = ").unwrap();
    let mut stage = open(&folder);
    let rejected = stage.rejected().await;
    assert_eq!((rejected.stage, rejected.id.as_deref()), ("files", Some("greeter")));
    let published = stage.published("greeter").await;
    assert_eq!((published.version.hash, published.why), (first.version.hash, Why::LastGood));
    assert_eq!(stage.reason("greeter").await, Some(rejected.why));
}

#[tokio::test]
async fn a_plugin_that_was_removed_meanwhile_does_not_come_back() {
    let (stage, folder, _) = with_greeter().await;
    stage.close().await;
    fs::remove_dir_all(folder.path().join("plugins/greeter")).unwrap();
    let mut stage = open(&folder);
    stage.nothing_comes_of_it().await;
    assert!(stage.library.catalog().plugin("greeter").is_none());
    assert_eq!(stage.status().await.plugins, []);
}

#[tokio::test]
async fn a_version_that_was_set_aside_stays_set_aside() {
    let (mut stage, folder, first, _) = two_versions().await;
    stage.order("greeter", Order::Rollback).await;
    stage.published("greeter").await;
    for _ in 0..2 {
        stage = restart(stage).await;
        let again = stage.published("greeter").await;
        assert_eq!((&again.version.hash, again.why), (&first.version.hash, Why::RolledBack));
        assert_eq!(stage.reason("greeter").await.as_deref(), Some("somebody has rolled it back"));
        stage.nothing_comes_of_it().await;
    }
    // Not so if it comes with other bytes.
    stage.close().await;
    fs::write(folder.path().join("plugins/greeter/plugin.toml"), greeter("1.1.0", "mended")).unwrap();
    let mut stage = open(&folder);
    let mended = stage.published("greeter").await;
    assert_eq!((mended.version.version.as_str(), mended.why), ("1.1.0", Why::Files));
    assert_eq!(stage.run("greeter").await.finish().await, "farewell");
}

#[tokio::test]
async fn a_version_that_was_struck_stays_struck() {
    let (mut stage, _folder, first) = with_greeter().await;
    stage.put("greeter", &greeter("1.2.0", ""), "hostile/greeter-panics");
    stage.published("greeter").await;
    for client in ["a", "b", "c"] {
        let mut run = stage.start("greeter", client).unwrap();
        run.request("now").await.unwrap_err();
    }
    assert_eq!(stage.published("greeter").await.why, Why::RolledBack);
    let reason = stage.reason("greeter").await.unwrap();
    let mut stage = restart(stage).await;
    let again = stage.published("greeter").await;
    assert_eq!((again.version.hash, again.why), (first.version.hash, Why::RolledBack));
    assert_eq!(stage.reason("greeter").await, Some(reason));
}

#[tokio::test]
async fn what_was_rejected_is_looked_at_again() {
    let (mut stage, _folder, first) = with_greeter().await;
    stage.put("greeter", &greeter("1.3.0", ""), "hostile/greeter-unfit");
    let rejected = stage.rejected().await;
    let mut stage = restart(stage).await;
    assert_eq!(stage.rejected().await, super::stage::Rejected { serving: None, ..rejected });
    let again = stage.published("greeter").await;
    assert_eq!((again.version.hash, again.why), (first.version.hash, Why::LastGood));
}

#[tokio::test]
async fn a_pin_and_a_switch_hold() {
    let (mut stage, _folder, first, _) = two_versions().await;
    stage.order("greeter", Order::Pin(first.version.hash.clone())).await;
    stage.published("greeter").await;
    let mut stage = restart(stage).await;
    let again = stage.published("greeter").await;
    assert_eq!((again.version.hash, again.why), (first.version.hash.clone(), Why::Pinned));
    stage.order("greeter", Order::Disable).await;
    stage.withdrawn().await;
    let mut stage = restart(stage).await;
    stage.nothing_comes_of_it().await;
    let status = stage.plugin("greeter").await;
    assert_eq!((status.live, status.reason.as_deref()), (None, Some("somebody has disabled it")));
    stage.order("greeter", Order::Enable).await;
    assert_eq!(stage.published("greeter").await.version.hash, first.version.hash);
}

#[tokio::test]
async fn a_damaged_archive_is_told_and_harms_nothing_else() {
    let (stage, folder, first, second) = two_versions().await;
    stage.close().await;
    let component = kept(&folder, &second).join("component.wasm");
    fs::write(component, "damaged").unwrap();
    fs::write(folder.path().join("plugins/greeter/plugin.toml"), "id = ").unwrap();
    let mut stage = open(&folder);
    let of_files = stage.rejected().await;
    assert_eq!(of_files.stage, "files");
    let of_archive = stage.rejected().await;
    let why = "its files are not in the archive any more: put them into the plugin directory";
    assert_eq!((of_archive.stage, of_archive.why.as_str()), ("files", why));
    let published = stage.published("greeter").await;
    assert_eq!(
        (published.version.hash, published.why),
        (first.version.hash, Why::LastGood),
        "the one before it is whole"
    );
    assert_eq!(stage.reason("greeter").await, Some(of_files.why));
}

#[tokio::test]
async fn a_damaged_ledger_is_begun_anew() {
    let (stage, folder, first) = with_greeter().await;
    stage.close().await;
    let ledger = find(&folder.path().join("state"), "ledger.json").unwrap();
    fs::write(ledger, "{\"version\":").unwrap();
    let mut stage = open(&folder);
    assert_eq!(stage.published("greeter").await.version.hash, first.version.hash);
}

#[tokio::test]
async fn two_libraries_do_not_share_what_they_keep() {
    let (stage, folder, _) = with_greeter().await;
    let config =
        LibraryConfig { state: Some(folder.path().join("state")), ..LibraryConfig::of(&folder.path().join("plugins")) };
    let error = Library::open(RUNTIME.clone(), config).err().unwrap();
    assert!(error.to_string().ends_with("is in use by another host: give each host its own"), "{error}");
    stage.close().await;
}

/// Runs that are on their way when the library is closed go on.
#[tokio::test]
async fn runs_outlast_the_library() {
    let (stage, _folder, _) = with_greeter().await;
    let run: Visit = stage.run("greeter").await;
    stage.close().await;
    assert_eq!(run.finish().await, "goodbye");
}

#[tokio::test]
async fn without_a_place_to_keep_things_a_rollback_goes_back_nevertheless() {
    let (mut stage, first) = Stage::with_greeter().await;
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    stage.published("greeter").await;
    // Under another configuration the first version has to be examined anew, and its files are gone.
    stage.configure("[plugins.greeter]\non-reload = \"move\"\n").await;
    stage.published("greeter").await;
    stage.order("greeter", Order::Rollback).await;
    let back = stage.published("greeter").await;
    assert_eq!((back.version.hash, back.why), (first.version.hash, Why::RolledBack));
}

#[tokio::test]
async fn only_what_has_served_is_kept() {
    let (mut stage, folder, _) = with_greeter().await;
    // It is good, and another plugin has its platform; each new build of it would be kept otherwise.
    let worker = "id = \"works-hard\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\nplatforms = [\"linux\"]\n";
    stage.put("worker", worker, "hostile/works-hard");
    assert_eq!(stage.rejected().await.stage, "conflict");
    stage.close().await;
    assert!(find(&folder.path().join("state"), "greeter").is_some());
    assert!(find(&folder.path().join("state"), "works-hard").is_none());
}
