//! From bytes to a proven component. What takes long, compiling, is done in the background and by few at once; what was
//! compiled before does not wait for it.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::blobs::hex;
use crate::compiling::Compilers;
use crate::component::{Check, Component, link_error};
use crate::handler;
use crate::limits::Limits;
use crate::live;
use crate::load_error::LoadError;
use crate::outline::{Outline, World};
use crate::runtime::Shared;

/// Who loads.
pub(crate) struct Loaders {
    /// What is at hand: milliseconds.
    ready: Compilers,
    /// What has to be compiled: seconds.
    compiling: Compilers,
}

/// What is known of a component before it is compiled.
pub(crate) struct Checked {
    pub(crate) outline: Outline,
    /// The SHA-256 of its bytes.
    pub(crate) hash: String,
    /// Bytes of the file.
    pub(crate) size: usize,
}

impl Loaders {
    pub(crate) fn new() -> Self {
        Self { ready: Compilers::new(), compiling: Compilers::new() }
    }
}

/// Loads a component, which is to be of this world if one is given.
pub(crate) async fn load(
    shared: Arc<Shared>,
    bytes: Bytes,
    wanted: Option<World>,
    limits: Limits,
) -> Result<Arc<Component>, LoadError> {
    let (at, source) = (Arc::clone(&shared), bytes.clone());
    let (checked, compiled) = shared
        .loaders
        .ready
        .run(move || {
            let checked = check(&source, wanted)?;
            let compiled = at.cache.as_ref().and_then(|cache| cache.find(&at.engine.wasm, &checked.hash));
            Ok((checked, compiled))
        })
        .await?;
    let compiled = match compiled {
        Some(compiled) => compiled,
        None => compile(&shared, bytes, checked.hash.clone()).await?,
    };
    let at = Arc::clone(&shared);
    shared
        .loaders
        .ready
        .run(move || {
            let (check, limits): (Check, _) = match checked.outline.world {
                World::Behaviour => (live::check, limits),
                // An instance of a handler has no end of its own: its log is bounded by the call alone.
                World::Handler => (handler::check, Limits { log_lines: u32::MAX, ..limits }),
            };
            Component::link(at, &compiled, checked, limits, check).map(Arc::new)
        })
        .await
}

fn check(bytes: &[u8], wanted: Option<World>) -> Result<Checked, LoadError> {
    let outline = Outline::of(bytes)?;
    let found = outline.world;
    if let Some(wanted) = wanted.filter(|wanted| *wanted != found) {
        return Err(LoadError::OtherWorld { found, wanted });
    }
    Ok(Checked { outline, hash: hex(&Sha256::digest(bytes)), size: bytes.len() })
}

async fn compile(
    shared: &Arc<Shared>,
    bytes: Bytes,
    hash: String,
) -> Result<wasmtime::component::Component, LoadError> {
    let at = Arc::clone(shared);
    let compile = move || {
        let engine = &at.engine.wasm;
        let compiled = match &at.cache {
            Some(cache) => cache.compile(engine, &bytes, &hash),
            None => wasmtime::component::Component::new(engine, &bytes),
        };
        compiled.map_err(|error| link_error(&error))
    };
    shared.loaders.compiling.run(compile).await
}
