//! The runtime, tried with real components. `make plugins` builds them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod caching;
mod capacity;
mod grants;
mod handlers;
mod hostile;
mod journal;
mod library;
mod loading;
mod scripts;
mod stage;
mod tour;
