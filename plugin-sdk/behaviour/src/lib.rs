//! The world `behaviour` of the plugin contract, generated from `wit/v1`, which has the documentation; and short ways
//! to write its values.

wit_bindgen::generate!({
    path: "../../wit/v1",
    world: "behaviour",
    pub_export_macro: true,
    export_macro_name: "export_behaviour",
    default_bindings_module: "hangar_plugin_behaviour",
    additional_derives: [PartialEq],
});

mod answers;
mod endings;
mod requests;
mod words;

pub use self::exports::hangar::plugin::meta::Guest as MetaGuest;
pub use self::exports::hangar::plugin::runs::{Guest as RunsGuest, GuestRun, Run, RunBorrow};
pub use self::hangar::plugin::{actions, blob, events, log, session, values};
