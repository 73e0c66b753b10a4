//! The world `handler` of the plugin contract, generated from `wit/v1`, which has the documentation; and short ways to
//! write its values.

wit_bindgen::generate!({
    path: "../../wit/v1",
    world: "handler",
    pub_export_macro: true,
    export_macro_name: "export_handler",
    default_bindings_module: "hangar_plugin_handler",
    additional_derives: [PartialEq],
});

mod verdicts;

pub use self::exports::hangar::plugin::handlers::{Guest as HandlersGuest, GuestHandler};
pub use self::exports::hangar::plugin::meta::Guest as MetaGuest;
pub use self::hangar::plugin::{blob, directory, log, messages, values};
