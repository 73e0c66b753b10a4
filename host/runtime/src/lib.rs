//! Runs Hangar's plugins: WebAssembly components that drive sessions and judge messages.
//!
//! This crate knows the plugin contract ([`contract`]) and nothing of sockets, protocols or HTTP. A [`Runtime`] loads
//! a component as a [`Behaviour`] or a [`HandlerPlugin`]. A behaviour starts [`Run`]s, which take events and give
//! actions; a handler takes envelopes and gives verdicts. Whatever a plugin does wrong ends its own run with a
//! [`Fault`] that says why, and touches nothing else.
//!
//! What a plugin asks for and is granted stands in [`manifest`]; [`script`] tries a plugin without a server. A
//! [`library`] keeps a directory of plugins live, and places runs on the versions that serve.
//!
//! Where to find what: the limits are in `limits.rs`, traps are classified in `fault.rs`, actions are checked in
//! `rules.rs`, against grants in `permission.rs`, and what a plugin can reach of the world is in `imports.rs` and `wasi.rs`.

pub mod contract;

mod behaviour;
mod blobs;
mod cache;
mod compiling;
mod component;
mod described;
mod directory;
mod engine;
mod fault;
mod flaws;
mod guest;
mod handler;
mod handover;
mod imports;
pub mod journal;
pub mod library;
mod limits;
mod live;
mod load;
mod load_error;
mod log;
mod machine;
pub mod manifest;
mod meter;
mod outline;
mod permission;
mod plugin;
mod private_dir;
mod rules;
mod run;
mod runtime;
pub mod script;
mod stamp;
mod step;
mod take_out;
mod wasi;
mod workers;

pub use behaviour::Behaviour;
pub use blobs::{Blob, BlobError, Blobs, id_of as blob_id};
pub use described::{Description, Difference};
pub use directory::Directory;
pub use engine::Allocation;
pub use fault::Fault;
pub use handler::{Handler, HandlerPlugin, HandlerSetup, Scope};
pub use handover::Handover;
pub use limits::{BlobLimits, COMPONENT_BYTES, Limits};
pub use live::RunSetup;
pub use load_error::LoadError;
pub use log::{Level, LogSink, TracingSink};
pub use machine::instances_below_map_limit;
pub use manifest::Granted;
pub use outline::{Outline, World};
pub use plugin::Plugin;
pub use private_dir::check as check_private_directory;
pub use run::Run;
pub use runtime::{Runtime, RuntimeConfig, RuntimeError};
pub use stamp::Stamp;
pub use step::Step;
pub use take_out::{TakeOutError, TakenOut};
