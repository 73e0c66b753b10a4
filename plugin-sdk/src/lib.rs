//! For authors of Hangar plugins.
//!
//! A plugin that drives sessions is an [`Agent`](agent_loop::Agent): one `async fn` that asks the host for things and
//! awaits the answers.
//!
//! ```
//! use hangar_plugin_sdk::agent_loop::{Agent, AgentLoop, Call, Cx, Finish, Outcome};
//! use hangar_plugin_sdk::{export_behaviour, json};
//!
//! pub struct Greeter;
//!
//! impl Agent for Greeter {
//!     async fn run(cx: Cx) -> Outcome {
//!         let name = cx.command("LinuxAgent", Call::new("execute_command", json!({"command": "uname -a"}))).await?;
//!         Ok(Finish::new(format!("Hello from {}", name.value()["stdout"])))
//!     }
//! }
//!
//! export_behaviour!(AgentLoop<Greeter>);
//! ```
//!
//! A plugin that judges messages is a [`Handler`](handler::Handler), exported with [`export_handler!`]. Whoever wants
//! the bare events and actions implements [`Behaviour`](behaviour::Behaviour). Lines for the log are written with the
//! macros of [`log`], pictures and files are in [`blobs`], and [`testing`] plays all of it under `cargo test`.

pub mod agent_loop;
pub mod behaviour;
pub mod blobs;
pub mod handler;
mod identity;
mod imports;
mod logger;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

#[doc(hidden)]
pub use hangar_plugin_behaviour as behaviour_bindings;
#[doc(hidden)]
pub use hangar_plugin_handler as handler_bindings;
#[doc(hidden)]
pub use identity::Identity;
pub use log;
pub use serde;
pub use serde_json::{self, Value, json};

/// Exports a [`Behaviour`](behaviour::Behaviour) as this plugin. Its name, version and summary are those of the
/// package.
#[macro_export]
macro_rules! export_behaviour {
    ($behaviour:ty) => {
        $crate::__export!($behaviour, behaviour, behaviour_bindings, export_behaviour);
    };
}

/// Exports a [`Handler`](handler::Handler) as this plugin. Its name, version and summary are those of the package.
#[macro_export]
macro_rules! export_handler {
    ($handler:ty) => {
        $crate::__export!($handler, handler, handler_bindings, export_handler);
    };
}

/// Exports a type of one of the worlds. Natively there is nothing to export to, but the type must fit all the same.
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($plugin:ty, $world:ident, $bindings:ident, $export:ident) => {
        $crate::__identify!(__HangarIdentity);

        #[cfg(target_family = "wasm")]
        const _: () = {
            type __HangarPlugin = $crate::$world::Exported<$plugin, __HangarIdentity>;
    $crate::$bindings::$export!(__HangarPlugin with_types_in $crate::$bindings);
        };

        #[cfg(not(target_family = "wasm"))]
        const _: ::core::marker::PhantomData<$crate::$world::Exported<$plugin, __HangarIdentity>> =
            ::core::marker::PhantomData;
    };
}

/// What cargo knows of the package that the macro stands in.
#[doc(hidden)]
#[macro_export]
macro_rules! __identify {
    ($name:ident) => {
        #[doc(hidden)]
        pub struct $name;

        impl $crate::Identity for $name {
            const ID: &'static str = env!("CARGO_PKG_NAME");
            const VERSION: &'static str = env!("CARGO_PKG_VERSION");
            const SUMMARY: &'static str = env!("CARGO_PKG_DESCRIPTION");
        }
    };
}
