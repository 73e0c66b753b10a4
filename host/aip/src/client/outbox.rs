//! What is to be written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Notify, mpsc, oneshot};
use tokio_tungstenite::tungstenite::Message;

use super::ClientError;

/// Frames that are written one right after another.
pub struct Parcel {
    /// The connection that they are for. They go over no other: who is answered there would not know what to.
    pub connection: u64,
    pub frames: Vec<Message>,
    /// Is told when they were written, or why not.
    pub written: oneshot::Sender<Result<(), ClientError>>,
}

impl Parcel {
    pub fn refuse(self, error: ClientError) {
        // Whoever sent it may have stopped waiting.
        let _ = self.written.send(Err(error));
    }
}

/// Where parcels are put in.
#[derive(Debug, Clone)]
pub struct Outbox {
    parcels: mpsc::Sender<Parcel>,
    shared: Arc<Shared>,
}

/// One that does not keep the connection open.
#[derive(Debug)]
pub struct WeakOutbox {
    parcels: mpsc::WeakSender<Parcel>,
    shared: Arc<Shared>,
}

/// Where they come out.
pub struct Parcels {
    parcels: mpsc::Receiver<Parcel>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    closing: Notify,
    connection: AtomicU64,
}

pub fn with_room_for(parcels: usize) -> (Outbox, Parcels) {
    let (sender, receiver) = mpsc::channel(parcels.max(1));
    let shared = Arc::<Shared>::default();
    (Outbox { parcels: sender, shared: Arc::clone(&shared) }, Parcels { parcels: receiver, shared })
}

impl Outbox {
    /// The connection that there is, or the last one.
    pub fn connection(&self) -> u64 {
        self.shared.connection.load(Ordering::Acquire)
    }

    /// Waits for room and until it was written.
    pub async fn send(&self, connection: u64, frames: Vec<Message>) -> Result<(), ClientError> {
        let (written, outcome) = oneshot::channel();
        let parcel = Parcel { connection, frames, written };
        self.parcels.send(parcel).await.map_err(|_| ClientError::Closed)?;
        outcome.await.map_err(|_| ClientError::Closed)?
    }

    /// Takes no more; what is in it is still written.
    pub fn close(&self) {
        self.shared.closing.notify_one();
    }

    pub fn downgrade(&self) -> WeakOutbox {
        WeakOutbox { parcels: self.parcels.downgrade(), shared: Arc::clone(&self.shared) }
    }
}

impl WeakOutbox {
    pub fn upgrade(&self) -> Option<Outbox> {
        self.parcels.upgrade().map(|parcels| Outbox { parcels, shared: Arc::clone(&self.shared) })
    }
}

impl Parcels {
    /// From now on parcels are for this connection.
    pub fn connected(&self, connection: u64) {
        self.shared.connection.store(connection, Ordering::Release);
    }

    /// The next; none when nobody can put in another. Nothing is lost when it is dropped while it waits.
    pub async fn next(&mut self) -> Option<Parcel> {
        loop {
            tokio::select! {
                parcel = self.parcels.recv() => return parcel,
                () = self.shared.closing.notified() => self.parcels.close(),
            }
        }
    }
}
