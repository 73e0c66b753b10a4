//! The files of one version, read once.
