//! The ways in which people and programs put files into a directory: copied slowly, moved over, renamed, linked, removed.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::time::Duration;

use hangar_runtime::library::{Change, Standing, State, Why};

use super::stage::{PATIENCE, Stage, greeter, timing};
use crate::stage::plugin;

/// Writes a component in pieces, with a pause after each that is shorter or longer than the quiet that is waited for.
async fn written_in_pieces(pause: Duration) {
    let (mut stage, first) = Stage::with_greeter().await;
    let run = stage.run("greeter").await;
    // The manifest first, and then the component, in place.
    let whole = plugin("hostile/greeter-later");
    stage.write("greeter", Some(&greeter("1.1.0", "")), None);
    let mut file = File::create(stage.place("greeter/plugin.wasm")).unwrap();
    for piece in whole.chunks(whole.len() / 8) {
        assert_eq!(stage.live("greeter").await.generation, first.version.generation);
        assert_eq!(stage.run("greeter").await.finish().await, "goodbye");
        file.write_all(piece).unwrap();
        // This is somebody's network, and not a test that waits.
        tokio::time::sleep(pause).await;
    }
    drop(file);
    let second = loop {
        match stage.published_or_rejected("greeter").await {
            Ok(published) => break published,
            // Half a file that lay still for long enough is looked at, and never taken.
            Err(rejected) => {
                assert_eq!(rejected.serving.as_ref(), Some(&first.version));
                let of_half = rejected.why.starts_with("it is damaged") || rejected.why.starts_with("it is empty");
                let of_both = rejected.why.starts_with("plugin.toml says version");
                assert!(of_half || of_both, "{rejected:?}");
            }
        }
    };
    assert_eq!((second.version.version.as_str(), second.former), ("1.1.0", Some(first.version)));
    assert_eq!(stage.reason("greeter").await, None);
    assert_eq!(stage.run("greeter").await.finish().await, "farewell");
    assert_eq!(run.finish().await, "goodbye");
}

#[tokio::test]
async fn half_a_file_that_is_still_being_written() {
    written_in_pieces(timing().quiet / 4).await;
}

#[tokio::test]
async fn half_a_file_that_lies_still_in_between() {
    written_in_pieces(timing().quiet * 4).await;
}

#[tokio::test]
async fn a_new_plugin_that_is_written_file_by_file_serves_when_it_is_whole() {
    let mut stage = Stage::open();
    fs::create_dir(stage.place("greeter")).unwrap();
    stage.nothing_comes_of_it().await;
    fs::write(stage.place("greeter/plugin.toml"), greeter("1.0.0", "")).unwrap();
    let rejected = stage.rejected().await;
    assert_eq!(rejected.why, "greeter has no .wasm file yet: run `hangar plugin build`");
    assert_eq!(stage.status().await.strays[0].place, "greeter");
    stage.write("greeter", None, Some(&plugin("hostile/greeter")));
    assert_eq!(stage.published("greeter").await.former, None);
    assert_eq!(stage.status().await.strays, []);
}

#[tokio::test]
async fn a_file_that_is_moved_over_the_old_one() {
    let mut stage = Stage::open();
    stage.put_file("voice.wasm", &plugin("hostile/greeter"));
    let first = stage.published("voice").await;
    let run = stage.run("voice").await;
    fs::write(stage.path("voice.wasm"), plugin("hostile/greeter-later")).unwrap();
    fs::rename(stage.path("voice.wasm"), stage.place("voice.wasm")).unwrap();
    assert_eq!(stage.published("voice").await.former, Some(first.version));
    assert_eq!(stage.run("voice").await.finish().await, "farewell");
    assert_eq!(run.finish().await, "goodbye");
}

#[tokio::test]
async fn the_same_files_once_more_change_nothing() {
    let (mut stage, first) = Stage::with_greeter().await;
    stage.put("greeter", &greeter("1.0.0", "first"), "hostile/greeter");
    stage.nothing_comes_of_it().await;
    assert_eq!(stage.live("greeter").await.generation, first.version.generation);
}

#[tokio::test]
async fn a_folder_that_is_renamed_serves_without_a_gap() {
    let (mut stage, first) = Stage::with_greeter().await;
    let run = stage.run("greeter").await;
    fs::rename(stage.place("greeter"), stage.place("welcome")).unwrap();
    let moved = async {
        while stage.plugin("greeter").await.place.as_deref() != Some("welcome") {
            assert_eq!(stage.run("greeter").await.finish().await, "goodbye");
            stage.look().await;
        }
    };
    tokio::time::timeout(PATIENCE, moved).await.unwrap();
    stage.nothing_comes_of_it().await;
    let status = stage.plugin("greeter").await;
    assert_eq!(status.live.unwrap().generation, first.version.generation);
    assert_eq!((status.reason, status.candidate), (None, None));

    stage.put("welcome", &greeter("1.1.0", ""), "hostile/greeter-later");
    assert_eq!(stage.published("greeter").await.former, Some(first.version));
    assert_eq!(run.finish().await, "goodbye");
}

const WORKER: &str = "id = \"works-hard\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\n";

/// The greeter, and a plugin for another platform, each in a folder.
async fn two_plugins() -> (Stage, [u64; 2]) {
    let mut stage = Stage::open();
    stage.configure("[platforms]\nlinux = \"greeter\"\n").await;
    let first = stage.begin_with_greeter().await;
    stage.put("worker", WORKER, "hostile/works-hard");
    let second = stage.published("works-hard").await;
    (stage, [first.version.generation, second.version.generation])
}

#[tokio::test]
async fn a_folder_that_is_renamed_while_another_takes_its_name() {
    let (mut stage, generations) = two_plugins().await;
    fs::rename(stage.place("greeter"), stage.place("welcome")).unwrap();
    fs::rename(stage.place("worker"), stage.place("greeter")).unwrap();
    stage.nothing_comes_of_it().await;
    let [greeter, worker] = [stage.plugin("greeter").await, stage.plugin("works-hard").await];
    assert_eq!([greeter.place.unwrap(), worker.place.unwrap()], ["welcome", "greeter"]);
    assert_eq!([greeter.live.unwrap().generation, worker.live.unwrap().generation], generations);
    assert_eq!((greeter.reason, worker.reason, stage.status().await.strays), (None, None, vec![]));
}

#[tokio::test]
async fn two_folders_that_change_their_names() {
    let (mut stage, generations) = two_plugins().await;
    fs::rename(stage.place("greeter"), stage.path("aside")).unwrap();
    fs::rename(stage.place("worker"), stage.place("greeter")).unwrap();
    fs::rename(stage.path("aside"), stage.place("worker")).unwrap();
    stage.nothing_comes_of_it().await;
    let [greeter, worker] = [stage.plugin("greeter").await, stage.plugin("works-hard").await];
    assert_eq!([greeter.place.unwrap(), worker.place.unwrap()], ["worker", "greeter"]);
    assert_eq!([greeter.live.unwrap().generation, worker.live.unwrap().generation], generations);
    assert_eq!((greeter.reason, worker.reason, stage.status().await.strays), (None, None, vec![]));
}

/// Puts a link in the place of another one, at once.
fn swap(link: &std::path::Path, target: &str) {
    let temporary = link.with_file_name(".swap");
    symlink(target, &temporary).unwrap();
    fs::rename(temporary, link).unwrap();
}

#[tokio::test]
async fn a_link_to_a_folder_that_is_swapped() {
    let mut stage = Stage::open();
    stage.put("../releases/1", &greeter("1.0.0", ""), "hostile/greeter");
    stage.put("../releases/2", &greeter("1.1.0", ""), "hostile/greeter-later");
    symlink("../releases/1", stage.place("greeter")).unwrap();
    let first = stage.published("greeter").await;
    let run = stage.run("greeter").await;
    swap(&stage.place("greeter"), "../releases/2");
    assert_eq!(stage.published("greeter").await.former, Some(first.version.clone()));
    assert_eq!(stage.run("greeter").await.finish().await, "farewell");

    swap(&stage.place("greeter"), "../releases/3");
    let nowhere = stage.rejected().await;
    assert!(
        nowhere.why.starts_with("greeter: No such file") || nowhere.why.starts_with("greeter is neither"),
        "{nowhere:?}"
    );
    assert_eq!(stage.run("greeter").await.finish().await, "farewell");

    swap(&stage.place("greeter"), "../releases/1");
    let back = stage.published("greeter").await;
    assert_eq!((back.version.hash, back.why), (first.version.hash, Why::Files));
    assert_eq!(run.finish().await, "goodbye");
}

/// A container's mount of a configuration: the files are links through `..data`, which is swapped as a whole.
#[tokio::test]
async fn a_mount_that_is_swapped() {
    let mut stage = Stage::open();
    fs::create_dir(stage.place("greeter")).unwrap();
    stage.put("greeter/..1", &greeter("1.0.0", ""), "hostile/greeter");
    stage.put("greeter/..2", &greeter("1.1.0", ""), "hostile/greeter-later");
    symlink("..1", stage.place("greeter/..data")).unwrap();
    symlink("..data/plugin.toml", stage.place("greeter/plugin.toml")).unwrap();
    symlink("..data/plugin.wasm", stage.place("greeter/plugin.wasm")).unwrap();
    let first = stage.published("greeter").await;
    let run = stage.run("greeter").await;
    swap(&stage.place("greeter/..data"), "..2");
    let second = stage.published("greeter").await;
    assert_eq!((second.version.version.as_str(), second.former), ("1.1.0", Some(first.version)));
    fs::remove_dir_all(stage.place("greeter/..1")).unwrap();
    stage.nothing_comes_of_it().await;
    assert_eq!(stage.run("greeter").await.finish().await, "farewell");
    assert_eq!(run.finish().await, "goodbye");
}

#[tokio::test]
async fn a_plugin_that_is_removed_serves_no_more_and_its_runs_end_in_peace() {
    let (mut stage, first) = Stage::with_greeter().await;
    let run = stage.run("greeter").await;
    let generation = stage.library.catalog().plugin("greeter").unwrap().clone();
    fs::remove_dir_all(stage.place("greeter")).unwrap();
    assert_eq!(stage.withdrawn().await, ("greeter".into(), "its files are gone".into()));
    assert!(stage.library.catalog().plugin("greeter").is_none());
    assert_eq!(generation.standing(), Standing::Draining);
    let status = stage.plugin("greeter").await;
    assert_eq!((status.live, status.place, status.reason.as_deref()), (None, None, Some("its files are gone")));
    assert_eq!((status.former.len(), status.former[0].runs, status.former[0].state), (1, 1, State::Draining));
    let error = super::stage::Visit::begin(&stage.library, &generation, "desk").err().unwrap();
    assert_eq!(error.to_string(), "plugin `greeter` is not in service any more");

    assert_eq!(run.finish().await, "goodbye");
    assert_eq!(stage.drained().await, first.version.generation);
    assert_eq!(stage.status().await.plugins, []);

    stage.put("greeter", &greeter("1.0.0", "first"), "hostile/greeter");
    let again = stage.published("greeter").await;
    assert_eq!((again.version.hash, again.former), (first.version.hash, None));
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_is_not_taken_to_be_empty() {
    let (mut stage, first) = Stage::with_greeter().await;
    let aside = stage.path("aside");
    fs::rename(stage.path("plugins"), &aside).unwrap();
    let unreadable = stage
        .until(|change| match change {
            Change::Unreadable { why } => Some(why.clone()),
            _ => None,
        })
        .await;
    assert_eq!(stage.status().await.unreadable, Some(unreadable));
    assert_eq!(stage.run("greeter").await.generation(), first.version.generation);
    fs::rename(aside, stage.path("plugins")).unwrap();
    stage.library.look_now().await;
    stage.until(|change| matches!(change, Change::Readable).then_some(())).await;
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    assert_eq!(stage.published("greeter").await.former, Some(first.version));
}

#[tokio::test]
async fn many_plugins_at_once_all_come_to_serve() {
    let mut stage = Stage::open();
    let component = plugin("hostile/handler-counts-calls");
    let names: Vec<String> = (0..70).map(|number| format!("plugin-{number}")).collect();
    for name in &names {
        stage.put_file(&format!("{name}.wasm"), &component);
    }
    stage.put_file("plugin-broken.wasm", b"nonsense");
    let (mut live, mut broken) = (BTreeSet::new(), false);
    while live.len() < names.len() || !broken {
        let change = stage.next().await;
        match &*change {
            Change::Published { version, .. } => assert!(live.insert(version.id.clone()), "{version} twice"),
            Change::Rejected { place, .. } => {
                assert_eq!(place, "plugin-broken.wasm", "{change}");
                broken = true;
            }
            _ => {}
        }
    }
    assert_eq!(live, names.into_iter().collect());
    stage.close().await;
}
