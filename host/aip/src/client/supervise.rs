//! Coming back when a connection is lost.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::outbox::Parcels;
use super::pending::Pending;
use super::serve::Service;
use super::socket::{Dial, Socket};
use super::{ClientError, Event, Identity, WeakHandle};

/// Serves one connection after another, until nobody wants one any more or it is of no use to try again.
pub async fn supervise(
    dial: Dial,
    identity: Arc<Identity>,
    socket: Socket,
    mut parcels: Parcels,
    events: mpsc::Sender<Event>,
    pending: Arc<Pending>,
    handle: WeakHandle,
) {
    let mut socket = socket;
    for number in 0.. {
        parcels.connected(number);
        let service = Service {
            number,
            identity: &identity,
            options: &dial.options,
            pending: &pending,
            events: &events,
            handle: &handle,
        };
        let why = service.serve(socket, &mut parcels).await;
        pending.lost(&why);
        match come_back(&dial, &identity, why, &mut parcels, &events).await {
            Some(back) => socket = back,
            None => break,
        }
        // Whoever has stopped listening has stopped wanting to know.
        if refusing(&mut parcels, events.send(Event::Back)).await.is_none() {
            break;
        }
    }
    // What was put in since, and who waits for an answer to it, must hear that none will come.
    pending.lost(&ClientError::Closed);
}

/// A new connection; none when it is given up.
async fn come_back(
    dial: &Dial,
    identity: &Identity,
    mut why: ClientError,
    parcels: &mut Parcels,
    events: &mpsc::Sender<Event>,
) -> Option<Socket> {
    for attempt in 0.. {
        if why == ClientError::Closed {
            return None;
        }
        let pause = if why.is_final() { None } else { dial.options.backoff.pause(attempt, fastrand::f64()) };
        tracing::debug!(%why, ?pause, "the connection to the server is gone");
        refusing(parcels, events.send(Event::Lost { why, again_in: pause })).await?.ok();
        refusing(parcels, sleep(pause?)).await?;
        match refusing(parcels, dial.register(identity)).await? {
            Ok(socket) => return Some(socket),
            Err(error) => why = error,
        }
    }
    None
}

/// Waits for something while there is no connection: what is to be written now is refused. None when nobody wants
/// a connection any more.
async fn refusing<T>(parcels: &mut Parcels, wait: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(wait);
    loop {
        tokio::select! {
            waited = &mut wait => return Some(waited),
            parcel = parcels.next() => parcel?.refuse(ClientError::Away),
        }
    }
}
