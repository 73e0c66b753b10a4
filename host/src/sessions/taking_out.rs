//! Taking pictures and long strings out of what devices answer, off the threads that serve sockets when it is much.

use std::sync::Arc;

use hangar_aip::Json;
use hangar_runtime::{Blobs, TakenOut};

/// What takes about as long as handing it to another thread, in bytes.
const AT_ONCE: usize = 64 << 10;

/// Puts what is large into blobs and gives the rest.
pub(super) async fn taken_out(blobs: &Arc<Blobs>, payload: Json, longest: usize) -> Result<TakenOut, String> {
    if payload.get().len() <= AT_ONCE {
        return blobs.take_out(payload.get(), longest).map_err(|error| error.to_string());
    }
    let blobs = Arc::clone(blobs);
    let work = tokio::task::spawn_blocking(move || blobs.take_out(payload.get(), longest));
    match work.await {
        Ok(taken) => taken.map_err(|error| error.to_string()),
        Err(_) => Err("the work on it was given up".to_owned()),
    }
}
