//! The files of one version, read once.

use bytes::Bytes;

use crate::manifest::Manifest;

/// The files of one version, read once.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Package {
    pub(crate) place: String,
    pub(crate) id: String,
    pub(crate) manifest: Option<Manifest>,
    pub(crate) manifest_text: Option<String>,
    pub(crate) component: Bytes,
    pub(crate) component_hash: String,
    pub(crate) hash: String,
}
