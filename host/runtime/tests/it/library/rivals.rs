//! Plugins that want the same: a platform, an id.

use std::fs;

use super::stage::{Rejected, Stage, greeter};
use crate::stage::plugin;

const WORKER: &str = "id = \"works-hard\"\nversion = \"0.1.0\"\nworld = \"behaviour\"\nplatforms = [\"linux\"]\n";

const CLAIMED: &str = "the platform `linux` is claimed by the plugin `greeter`. Say in the host's configuration which of \
    the two serves it, with `linux = \"greeter\"` under [platforms], or take it out of one of the manifests";

/// Who drives the runs of the platform.
fn of_linux(stage: &Stage) -> String {
    stage.library.catalog().behaviour_for("linux").unwrap().id.clone()
}

/// The greeter serves, and another plugin that wants its platform came and was refused.
async fn contested() -> Stage {
    let (mut stage, _) = Stage::with_greeter().await;
    let run = stage.run("greeter").await;
    stage.put("worker", WORKER, "hostile/works-hard");
    let rejected = stage.rejected().await;
    let expected = Rejected {
        place: "worker".into(),
        id: Some("works-hard".into()),
        stage: "conflict",
        why: CLAIMED.into(),
        serving: None,
    };
    assert_eq!(rejected, expected);
    let status = stage.plugin("works-hard").await;
    assert_eq!((status.live, status.reason.as_deref()), (None, Some(CLAIMED)));
    assert!(status.candidate.is_some_and(|candidate| !candidate.checking));
    stage.nothing_comes_of_it().await;
    assert_eq!(of_linux(&stage), "greeter");
    assert_eq!(run.finish().await, "goodbye");
    stage
}

#[tokio::test]
async fn the_first_plugin_that_claims_a_platform_has_it() {
    let mut stage = contested().await;
    fs::remove_dir_all(stage.place("greeter")).unwrap();
    assert_eq!(stage.withdrawn().await.0, "greeter");
    assert_eq!(stage.published("works-hard").await.version.version, "0.1.0");
    assert_eq!(of_linux(&stage), "works-hard");
    assert_eq!(stage.reason("works-hard").await, None);
}

#[tokio::test]
async fn a_platform_that_is_given_to_nobody_is_told() {
    let (stage, _) = Stage::with_greeter().await;
    assert_eq!(stage.plugin("greeter").await.live.unwrap().serves, ["linux"]);
    stage.configure("[platforms]\nlinux = \"greter\"\n").await;
    let live = stage.plugin("greeter").await.live.unwrap();
    assert!(live.serves.is_empty());
    assert!(stage.library.catalog().behaviour_for("linux").is_none());
    let note = "nobody serves the platform `linux`: the host's configuration gives it to `greter` under [platforms], \
        which does not serve it";
    assert_eq!(live.notes, [note]);
}

#[tokio::test]
async fn the_configuration_decides_who_has_a_platform() {
    let mut stage = contested().await;
    stage.configure("[platforms]\nlinux = \"works-hard\"\n").await;
    stage.published("works-hard").await;
    assert_eq!(of_linux(&stage), "works-hard");
    assert!(stage.library.catalog().plugin("greeter").is_some(), "it is there and has nothing to do");

    stage.configure("[platforms]\nlinux = \"greeter\"\n").await;
    stage.nothing_comes_of_it().await;
    assert_eq!(of_linux(&stage), "greeter");

    fs::remove_dir_all(stage.place("greeter")).unwrap();
    assert_eq!(stage.withdrawn().await.0, "greeter");
    assert!(stage.library.catalog().behaviour_for("linux").is_none(), "the configuration gives it to nobody else");
    stage.configure("").await;
    stage.nothing_comes_of_it().await;
    assert_eq!(of_linux(&stage), "works-hard");
}

#[tokio::test]
async fn a_plugin_may_claim_less_and_make_room() {
    let mut stage = contested().await;
    let manifest = WORKER.replace("linux", "macos");
    stage.write("worker", Some(&manifest), None);
    let rejected = stage.rejected().await;
    assert_eq!(rejected.stage, "describe");
    assert!(
        rejected.why.contains("plugin.toml says platforms [\"macos\"], the component says [\"linux\"]"),
        "{rejected:?}"
    );
    stage.configure("[plugins.greeter]\nenabled = false\n").await;
    assert_eq!(stage.withdrawn().await.1, "the host's configuration says `enabled = false`");
    stage.write("worker", Some(WORKER), None);
    stage.published("works-hard").await;
    // Now the other one is in the way.
    stage.configure("").await;
    let rejected = stage.rejected().await;
    assert_eq!((rejected.id.as_deref(), rejected.stage), (Some("greeter"), "conflict"));
    assert_eq!(of_linux(&stage), "works-hard");
}

#[tokio::test]
async fn two_places_with_one_plugin() {
    let (mut stage, first) = Stage::with_greeter().await;
    let run = stage.run("greeter").await;
    // By its name it comes first. What is there already stays nevertheless.
    stage.put("another", &greeter("1.1.0", ""), "hostile/greeter-later");
    let rejected = stage.rejected().await;
    let why = "the plugin `greeter` is in `greeter` already. Remove one of the two, or give this one another id";
    assert_eq!((rejected.place.as_str(), rejected.why.as_str(), rejected.stage), ("another", why, "files"));
    let status = stage.status().await;
    assert_eq!((status.strays[0].place.as_str(), status.strays[0].why.as_str()), ("another", why));
    assert_eq!(stage.reason("greeter").await, None, "nothing is wrong with what serves");
    stage.nothing_comes_of_it().await;
    assert_eq!(stage.run("greeter").await.generation(), first.version.generation);

    fs::remove_dir_all(stage.place("greeter")).unwrap();
    let second = stage.published("greeter").await;
    assert_eq!((second.version.version.as_str(), second.former), ("1.1.0", Some(first.version)));
    assert_eq!(stage.plugin("greeter").await.place.as_deref(), Some("another"));
    assert_eq!(stage.status().await.strays, []);
    assert_eq!(run.finish().await, "goodbye");
}

#[tokio::test]
async fn a_bare_component_and_a_folder_with_one_id() {
    let mut stage = Stage::open();
    stage.put_file("greeter.wasm", &plugin("hostile/greeter"));
    let bare = stage.published("greeter").await;
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    let rejected = stage.rejected().await;
    assert!(rejected.why.starts_with("the plugin `greeter` is in `greeter.wasm` already"), "{rejected:?}");
    fs::remove_file(stage.place("greeter.wasm")).unwrap();
    assert_eq!(stage.published("greeter").await.former, Some(bare.version));
}
