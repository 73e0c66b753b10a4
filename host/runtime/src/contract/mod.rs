//! The plugin contract as Rust types: each type once, for the WebAssembly boundary and for the JSON form.
//!
//! The reference is `wit/v1`; the modules here are named after its interfaces, and linking a component checks that the
//! types agree. The JSON form, in scripts and journals, follows from the WIT by four rules: names are written with
//! `_` for `-`; a record is an object, from which an absent option and an empty `extra` are left out; a variant is
//! `{"case": payload}`, or `"case"` where it has none; a string that holds JSON is that JSON (see `json_text.rs`), bytes
//! are base64.

pub mod actions;
pub mod blobs;
pub mod directory;
pub mod events;
pub(crate) mod json_text;
pub mod messages;
pub mod session;
pub mod values;

/// The contract's package, without its version.
pub const PACKAGE: &str = "hangar:plugin";

/// The version of the contract that this host was built with.
pub const VERSION: &str = "1.0.0";
