//! What is read and written, and how it goes over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod binary;
mod golden;
mod properties;
mod refusals;
mod spellings;
