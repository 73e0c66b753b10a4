//! The machine's world, in earnest: places are folders, versions are generations.

use std::sync::Arc;
use std::time::Duration;

use super::change::Stage;
use super::examine::Rejection;
use super::fingerprint::Fingerprint;
use super::generation::Generation;
use super::lifecycle::{Claims, Offer, World};
use super::package::Package;
use crate::manifest::{Manifest, Mode};

/// Plugins that are files.
pub(super) struct Files;

/// A package, and how long it took to read it.
#[derive(Clone)]
pub(super) struct ReadPackage {
    pub(super) package: Arc<Package>,
    pub(super) took: Duration,
}

impl World for Files {
    type Fingerprint = Fingerprint;
    type Package = ReadPackage;
    type Version = Arc<Generation>;
}

/// What a package has to offer, as far as its manifest says.
pub(super) fn offer(package: &Package) -> Offer {
    let manifest = package.manifest.as_ref();
    let claims = |manifest: &Manifest| claims(&manifest.platforms, &manifest.kinds, manifest.mode);
    Offer {
        id: package.id.clone(),
        version: manifest.map(|manifest| manifest.version.clone()),
        hash: package.hash.clone(),
        claims: manifest.map(claims).unwrap_or_default(),
    }
}

/// What a version wants to have for itself.
pub(super) fn claims_of(generation: &Generation) -> Claims {
    claims(&generation.platforms, &generation.kinds, generation.mode)
}

fn claims(platforms: &[String], kinds: &[String], mode: Mode) -> Claims {
    let kinds = if mode == Mode::Own { kinds.to_vec() } else { Vec::new() };
    Claims { platforms: platforms.to_vec(), kinds }
}

/// An archive that does not have what it should have.
pub(super) fn not_in_archive() -> Rejection {
    let why = "its files are not in the archive any more: put them into the plugin directory".to_owned();
    Rejection { stage: Stage::Files, why, of_host: false }
}
