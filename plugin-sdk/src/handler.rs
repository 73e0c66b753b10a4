//! A handler: says what is to become of messages on their way.

use std::marker::PhantomData;

pub use hangar_plugin_handler::messages::{Envelope, Party, Verdict};
use hangar_plugin_handler::{GuestHandler, HandlersGuest, MetaGuest};
pub use hangar_plugin_handler::{messages, values};
use serde_json::Value;

use crate::identity::{Identity, describe};
use crate::logger;

/// Gives verdicts on messages. The host may make several of it, and drop any at any time: what it remembers between
/// messages is a cache, not a promise.
pub trait Handler: Sized + 'static {
    /// The kinds of extension messages that it understands.
    const EXTENSIONS: &'static [&'static str] = &[];

    /// Prepares a handler with these settings. An error rejects every message with its text, so check what can be
    /// checked.
    fn new(settings: Value) -> Result<Self, String>;

    /// Says what is to become of a message.
    fn handle(&self, envelope: &Envelope) -> Verdict;

    /// Checks what can be checked without a message. An error keeps this version from going live.
    fn self_test() -> Result<(), String> {
        Ok(())
    }
}

/// A handler in the form in which the contract exports it.
#[doc(hidden)]
pub struct Exported<H, I>(PhantomData<(H, I)>);

impl<H: Handler, I: Identity> MetaGuest for Exported<H, I> {
    fn describe() -> String {
        describe::<I>(H::EXTENSIONS, None)
    }

    fn self_test() -> Result<(), String> {
        logger::install();
        H::self_test()
    }
}

impl<H: Handler, I: Identity> HandlersGuest for Exported<H, I> {
    type Handler = Settled<H>;
}

/// A handler with its settings, or why they are no good.
#[doc(hidden)]
pub struct Settled<H>(Result<H, String>);

impl<H: Handler> GuestHandler for Settled<H> {
    fn new(settings: String) -> Self {
        logger::install();
        let parsed = serde_json::from_str(&settings).map_err(|error| format!("the settings are no JSON: {error}"));
        Self(parsed.and_then(H::new))
    }

    fn handle(&self, envelopes: Vec<Envelope>) -> Vec<Verdict> {
        match &self.0 {
            Ok(handler) => envelopes.iter().map(|envelope| handler.handle(envelope)).collect(),
            Err(why) => {
                log::error!("The settings cannot be used: {why}");
                let text = "A plugin that guards this message is not set up; ask the operator to look at its log";
                envelopes.iter().map(|_| Verdict::reject("internal", text)).collect()
            }
        }
    }
}

/// Who is there, as far as messages may reach.
pub mod directory {
    pub use hangar_plugin_handler::directory::{Entry, Filter, PageResult};

    #[cfg(not(target_family = "wasm"))]
    pub use crate::testing::directory::{get, page, pick, version};
    #[cfg(target_family = "wasm")]
    pub use hangar_plugin_handler::directory::{get, page, pick, version};
}
