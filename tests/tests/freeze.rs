//! The freeze check: proven on a copy of the current contract that is changed in one way at a time, then applied to the
//! releases that are kept.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic: that is how it fails")]

#[path = "freeze/exports.rs"]
mod exports;
#[path = "freeze/growth.rs"]
mod growth;
#[path = "freeze/releases.rs"]
mod releases;
#[path = "freeze/sample.rs"]
mod sample;
#[path = "freeze/types.rs"]
mod types;
#[path = "freeze/worlds.rs"]
mod worlds;

use std::path::{Path, PathBuf};

use hangar_tests::freeze;
use sample::Sample;
use semver::Version;

/// The current contract of a major version.
fn wit(major: u64) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(format!("../wit/v{major}"))
}

#[test]
fn the_same_contract_is_accepted() {
    Sample::new().is_accepted();
}

#[test]
fn the_contract_of_today_can_be_frozen() {
    assert_eq!(freeze::compare(&wit(1), &wit(1)).unwrap(), []);
}

#[test]
fn comments_are_free() {
    let sample = Sample::new().edit("events.wit", "interface events", "/// ", "/// Now clearer. ");
    sample.is_accepted();
}

#[test]
fn frozen_releases_are_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/frozen");
    let releases = freeze::releases(&folder).unwrap();
    let product = Version::parse(env!("CARGO_PKG_VERSION")).unwrap();
    assert!(
        !releases.is_empty() || product < Version::new(1, 0, 0),
        "nothing is frozen yet, although this is {product}: see tests/fixtures/frozen/README.md"
    );
    for release in releases {
        let breaks = freeze::compare(&release.wit, &wit(release.version.major)).unwrap();
        let sentences: Vec<_> = breaks.iter().map(ToString::to_string).collect();
        assert!(breaks.is_empty(), "the contract breaks plugins of {}:\n{}", release.version, sentences.join("\n"));
    }
}
