//! What is read and written, and how it goes over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]
#![allow(clippy::needless_pass_by_value, reason = "tables are easier to read without ampersands")]

mod binary;
mod client;
mod golden;
mod properties;
mod refusals;
mod spellings;
