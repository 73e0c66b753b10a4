//! Why a file does not become a plugin, with what to do about it.

use crate::contract::VERSION;
use crate::fault::Fault;
use crate::outline::World;

/// Why a file does not become a plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// It could not be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is larger than any plugin should be.
    #[error(
        "it has {bytes} bytes; a plugin may have {limit}. Strip debug information, or leave out what it does not need"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// What is allowed.
        limit: usize,
    },
    /// There is nothing in it.
    #[error("it is empty. Was it still being written? Copy it again")]
    Empty,
    /// It is something else.
    #[error("it is not WebAssembly. Build a component, for example with `cargo build --target wasm32-wasip2`")]
    NotWebAssembly,
    /// It is machine code, which would run unchecked.
    #[error(
        "it is precompiled machine code, which cannot be checked. Put the .wasm there; the host compiles and caches it"
    )]
    Precompiled,
    /// It is a module, not a component.
    #[error(
        "it is a core module, not a component. Build for the target `wasm32-wasip2`, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    /// It breaks off or is damaged.
    #[error("it is damaged: {0}. Was it still being written? Copy it again")]
    Damaged(#[from] wasmparser::BinaryReaderError),
    /// It is no plugin.
    #[error(
        "it exports neither `hangar:plugin/runs` (a behaviour) nor `hangar:plugin/handlers` (a handler). Build it for one of the two worlds of hangar:plugin@{VERSION}; in Rust, `export_behaviour!` or `export_handler!` does so"
    )]
    NoWorld,
    /// It is two plugins at once.
    #[error("it exports both `runs` and `handlers`. A plugin is either a behaviour or a handler: make it two")]
    TwoWorlds,
    /// It was built for another contract.
    #[error(
        "it is built for hangar:plugin@{found}; this host serves version {VERSION} and later ones of the same major. Rebuild it with a matching SDK"
    )]
    WrongMajor {
        /// The version it was built for.
        found: String,
    },
    /// A part is missing.
    #[error("it does not export `hangar:plugin/{interface}`, which the world `{}` has. Rebuild it with the SDK", world.name())]
    MissingExport {
        /// The missing interface.
        interface: &'static str,
        /// Its world.
        world: World,
    },
    /// It wants something that no plugin gets.
    #[error("it imports `{name}`: {why}")]
    Import {
        /// What it wants.
        name: String,
        /// Why it is not given.
        why: &'static str,
    },
    /// It is for the other world.
    #[error(
        "it is a {}, not a {}. Configure it as a {}, or build it for the world `{}`",
        found.name(), wanted.name(), found.name(), wanted.name()
    )]
    OtherWorld {
        /// What it is.
        found: World,
        /// What was asked for.
        wanted: World,
    },
    /// Compiling or linking failed.
    #[error("it does not fit the contract: {0}. Rebuild it with the SDK for hangar:plugin@{VERSION}")]
    Link(String),
    /// It could not even be started.
    #[error("it does not start: {0}")]
    Probe(Fault),
    /// What it says about itself is no JSON object.
    #[error("its `describe` must return a JSON object: {0}")]
    Description(String),
    /// Its own self-test failed.
    #[error("its self-test failed: {0}")]
    SelfTest(String),
    /// The host stopped meanwhile.
    #[error("the host is shutting down")]
    ShuttingDown,
}
