//! For authors of Hangar plugins: the contract (`wit/v1`) as Rust types, one module for each of its two worlds.
//!
//! A behaviour implements `behaviour::MetaGuest` and `behaviour::RunsGuest` for one type and ends with
//! `behaviour::export_behaviour!(ThatType with_types_in behaviour);`. A handler does the same with `handler`.

pub use hangar_plugin_behaviour as behaviour;
pub use hangar_plugin_handler as handler;
