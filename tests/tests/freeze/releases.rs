//! How the kept releases are found.

use hangar_tests::freeze::{self, Error};
use semver::Version;
use tempfile::TempDir;

/// A folder with a README and one release for each pair of folder name and contract version.
fn folder_with(releases: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("README.md"), "What this is.").unwrap();
    for (name, version) in releases {
        let wit = folder.path().join(name).join("wit");
        std::fs::create_dir_all(&wit).unwrap();
        std::fs::write(wit.join("all.wit"), format!("package a:b@{version};")).unwrap();
    }
    folder
}

#[test]
fn they_are_listed_from_the_oldest_on() {
    let folder = folder_with(&[("v1.10.0", "1.10.0"), ("v1.9.0", "1.9.0")]);
    let releases = freeze::releases(folder.path()).unwrap();
    let versions: Vec<_> = releases.into_iter().map(|release| release.version).collect();
    assert_eq!(versions, [Version::new(1, 9, 0), Version::new(1, 10, 0)]);
}

#[test]
fn a_folder_of_another_kind_is_refused() {
    let folder = folder_with(&[("1.0.0", "1.0.0")]);
    let error = freeze::releases(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Misfiled { .. }), "{error}");
}

#[test]
fn a_folder_named_after_another_version_is_refused() {
    let folder = folder_with(&[("v1.1.0", "1.0.0")]);
    let error = freeze::releases(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Misfiled { .. }), "{error}");
}

#[test]
fn a_release_without_contract_is_refused() {
    let folder = TempDir::new().unwrap();
    std::fs::create_dir(folder.path().join("v1.0.0")).unwrap();
    let error = freeze::releases(folder.path()).unwrap_err();
    assert!(matches!(error, Error::Unreadable { .. }), "{error}");
}
