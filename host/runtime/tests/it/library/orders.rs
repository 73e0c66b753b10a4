//! What people order: switch off, pin, roll back, load again.

use hangar_runtime::library::{Change, Order, OrderError, State, VersionName, Why};

use super::stage::{Published, Stage, greeter};

/// The second version serves, and the first one stands by.
async fn two_versions() -> (Stage, Published, Published) {
    let (mut stage, first) = Stage::with_greeter().await;
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    let second = stage.published("greeter").await;
    assert_eq!(stage.live("greeter").await.state, State::OnProbation);
    (stage, first, second)
}

async fn set_aside(stage: &mut Stage) -> (VersionName, String) {
    stage
        .until(|change| match change {
            Change::SetAside { version, why } => Some((version.clone(), why.clone())),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn switched_off_and_on_again() {
    let (mut stage, first) = Stage::with_greeter().await;
    let run = stage.run("greeter").await;
    for (by_hand, why) in
        [(true, "somebody has disabled it"), (false, "the host's configuration says `enabled = false`")]
    {
        match by_hand {
            true => stage.order("greeter", Order::Disable).await,
            false => stage.configure("[plugins.greeter]\nenabled = false\n").await,
        }
        assert_eq!(stage.withdrawn().await, ("greeter".into(), why.into()));
        let status = stage.plugin("greeter").await;
        assert_eq!((status.live, status.reason.as_deref()), (None, Some(why)));
        assert!(stage.library.catalog().plugin("greeter").is_none());
        stage.nothing_comes_of_it().await;
        match by_hand {
            true => stage.order("greeter", Order::Enable).await,
            false => {
                let error = stage.library.order("greeter", Order::Enable).await.unwrap_err();
                let text =
                    "the host's configuration decides this with `enabled` under [plugins.greeter]: change it there";
                assert_eq!(error.to_string(), text);
                stage.configure("").await;
            }
        }
        let again = stage.published("greeter").await;
        assert_eq!((again.version.hash, again.former), (first.version.hash.clone(), None));
    }
    assert_eq!(run.finish().await, "goodbye");
}

#[tokio::test]
async fn pinned_and_unpinned() {
    let (mut stage, first, second) = two_versions().await;
    let run = stage.run("greeter").await;
    stage.order("greeter", Order::Pin(first.version.hash[..12].to_owned())).await;
    let pinned = stage.published("greeter").await;
    assert_eq!((&pinned.version.hash, pinned.why), (&first.version.hash, Why::Pinned));
    let status = stage.plugin("greeter").await;
    assert_eq!(status.pin.as_deref(), Some(&*first.version.hash));
    assert_eq!(status.reason.as_deref(), Some("another version is pinned"));
    let error = stage.library.order("greeter", Order::Rollback).await.unwrap_err();
    assert!(matches!(error, OrderError::Pinned { .. }), "{error}");
    let error = stage.library.order("greeter", Order::Pin("0123456789".into())).await.unwrap_err();
    assert!(error.to_string().starts_with("`greeter` has no version whose hash begins with `0123456789`; there are "));

    // Whatever comes, the pin holds.
    stage.put("greeter", &greeter("1.1.0", "newer"), "hostile/greeter-later");
    stage.nothing_comes_of_it().await;
    assert_eq!(stage.live("greeter").await.hash, first.version.hash);

    stage.order("greeter", Order::Unpin).await;
    let newest = stage.published("greeter").await;
    assert_eq!((newest.version.version.as_str(), newest.why), ("1.1.0", Why::Files));
    assert!(newest.version.hash != second.version.hash);
    assert_eq!(stage.plugin("greeter").await.pin, None);
    assert_eq!(run.finish().await, "farewell");
}

#[tokio::test]
async fn pinned_by_the_configuration() {
    let (mut stage, first, second) = two_versions().await;
    stage.configure(&format!("[plugins.greeter]\npin = \"{}\"\n", &first.version.hash[..8])).await;
    let pinned = stage.published("greeter").await;
    assert_eq!((&pinned.version.hash, pinned.why), (&first.version.hash, Why::Pinned));
    for order in [Order::Pin(second.version.hash.clone()), Order::Unpin] {
        let error = stage.library.order("greeter", order).await.unwrap_err();
        assert!(matches!(error, OrderError::Configured { key: "pin", .. }), "{error}");
    }
    stage.configure("[plugins.greeter]\npin = \"0123456789\"\n").await;
    stage.nothing_comes_of_it().await;
    assert_eq!(stage.live("greeter").await.hash, first.version.hash, "a pin to nothing that is known changes nothing");
    let reason = "it is pinned to 0123456789, and no version that is known has this hash";
    assert_eq!(stage.reason("greeter").await.as_deref(), Some(reason));
    stage.configure("").await;
    assert_eq!(stage.published("greeter").await.version.hash, second.version.hash);
}

#[tokio::test]
async fn rolled_back_and_loaded_again() {
    let (mut stage, first, second) = two_versions().await;
    let run = stage.run("greeter").await;
    stage.order("greeter", Order::Rollback).await;
    let why = "somebody has rolled it back";
    assert_eq!(set_aside(&mut stage).await, (second.version.clone(), why.into()));
    let back = stage.published("greeter").await;
    assert_eq!((&back.version, back.why), (&first.version, Why::RolledBack));
    assert_eq!(back.former.as_ref(), Some(&second.version));
    let status = stage.plugin("greeter").await;
    assert_eq!(status.reason.as_deref(), Some(why));
    assert_eq!(status.history[1].set_aside.as_deref(), Some(why));
    assert_eq!(stage.run("greeter").await.finish().await, "goodbye");

    // It is not come back to, and there is nothing further to go back to.
    stage.nothing_comes_of_it().await;
    stage.put("greeter", &greeter("1.1.0", ""), "hostile/greeter-later");
    stage.nothing_comes_of_it().await;
    let error = stage.library.order("greeter", Order::Rollback).await.unwrap_err();
    let text = "there is no former version of `greeter` that can serve: put its files into the plugin directory";
    assert_eq!(error.to_string(), text);

    stage.order("greeter", Order::Reload).await;
    let again = stage.published("greeter").await;
    assert_eq!((&again.version.hash, again.why), (&second.version.hash, Why::Files));
    assert_eq!(stage.reason("greeter").await, None);
    assert_eq!(stage.run("greeter").await.finish().await, "farewell");
    assert_eq!(run.finish().await, "farewell");
}

#[tokio::test]
async fn orders_about_what_there_is_not() {
    let (stage, _) = Stage::with_greeter().await;
    let error = stage.library.order("greetr", Order::Reload).await.unwrap_err();
    assert_eq!(error.to_string(), "there is no plugin `greetr`; there are greeter");
    let error = stage.library.order("greeter", Order::Rollback).await.unwrap_err();
    assert!(matches!(error, OrderError::NoFormer { .. }), "{error}");
    let library = stage.library.clone();
    stage.close().await;
    let error = library.order("greeter", Order::Reload).await.unwrap_err();
    assert_eq!((error.to_string().as_str(), library.status().await), ("the host is shutting down", None));
}
