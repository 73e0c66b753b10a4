//! Taking secrets, pictures and long strings out of what devices answer, off the threads that serve sockets when it is much.

use std::sync::Arc;

use hangar_aip::Json;
use hangar_runtime::{Blobs, TakenOut};

use super::secrets::Applicable;

/// What takes about as long as handing it to another thread, in bytes.
const AT_ONCE: usize = 64 << 10;

/// Leaves secrets out, puts what is large into blobs, and gives the rest.
pub(super) async fn taken_out(
    blobs: &Arc<Blobs>,
    secrets: Applicable,
    payload: Json,
    longest: usize,
) -> Result<TakenOut, String> {
    let is_much = payload.get().len() > AT_ONCE;
    let blobs = Arc::clone(blobs);
    let work = move || blobs.take_out(secrets.take_out_of(payload).get(), longest).map_err(|error| error.to_string());
    match is_much {
        false => work(),
        true => {
            tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err("the work on it was given up".to_owned()))
        }
    }
}
