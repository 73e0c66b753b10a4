//! The door for device agents and constellations: each socket is one task, which registers a client, hears what it says and
//! writes what there is for it.

mod hearing;
mod registration;
mod transfers;
mod wire;

use std::sync::Arc;

use hangar_aip::limits::FRAME_BYTES;
use hangar_aip::{ServerError, ServerMessage, Stamp};
use tokio::sync::watch;

use crate::access::Admitted;
use crate::clients::{Clients, Outbox};
use crate::config::{ConnectionLimits, DeviceMetadata, DevicesConfig};
use crate::gateway::{Room, Socket};
use crate::handlers::Handlers;
use crate::sessions::Sessions;
use crate::telemetry::Metrics;

use hearing::Hearing;
use wire::{Gone, Happening, Wire};

/// What every connection of this door stands on; cheap to clone.
#[derive(Clone)]
pub struct Aip {
    /// Who is there.
    pub clients: Arc<Clients>,
    /// What goes on.
    pub sessions: Sessions,
    /// Who is asked about those who come and go.
    pub handlers: Handlers,
    /// What connections may take.
    pub limits: Arc<ConnectionLimits>,
    /// What the operator says of devices.
    pub devices: Arc<DevicesConfig>,
    /// The same, one by one.
    pub metadata: Arc<DeviceMetadata>,
    /// Where figures go.
    pub metrics: Arc<Metrics>,
    /// The room that large messages and files share.
    pub room: Arc<Room>,
    /// Whether the server is about to stop.
    pub draining: watch::Receiver<bool>,
}

impl Aip {
    /// Serves a connection until it is over.
    pub async fn serve(self, mut socket: Socket, admitted: Admitted) {
        self.metrics.connected();
        let _connected = Connected(Arc::clone(&self.metrics));
        let (outbox, parcels) = Outbox::new(self.limits.outbox_frames, self.limits.outbox_bytes);
        socket.take_at_most(FIRST_FRAME);
        let mut wire = Wire::new(socket, parcels, Arc::clone(&self.limits), self.metrics.traffic());
        // A registration needs much that a connection does not need afterwards.
        let registered = Box::pin(async {
            let mut draining = self.draining.clone();
            tokio::select! {
                biased;
                registered = self.register(&mut wire, outbox.clone(), &admitted) => Some(registered),
                _ = draining.wait_for(|draining| *draining) => None,
            }
        });
        let Some(registered) = registered.await else {
            outbox.close(RESTART, "the server restarts");
            return Box::pin(wire.say_good_bye()).await;
        };
        let client = match registered {
            Ok(client) => client,
            Err(Some(refusal)) => {
                self.metrics.refused_connection("registration");
                let error = ServerError { error: refusal.to_string(), session_id: None };
                let _ = outbox.answer(ServerMessage::Error(error).write(&Stamp::now()));
                outbox.close(refusal.close_code().unwrap_or(POLICY), "registration refused");
                return Box::pin(wire.say_good_bye()).await;
            }
            Err(None) => return,
        };
        wire.socket().take_at_most(FRAME_BYTES);
        wire.begin_pings();
        tracing::info!(client = %client.id, kind = %client.kind, "a client has registered");
        let mut hearing = Hearing::new(&self, &client);
        let gone = loop {
            match wire.next().await {
                Happening::Text(text) => {
                    client.was_heard();
                    let reservation = wire.socket().take_reservation();
                    at_length(text.len(), || hearing.text(text.as_bytes(), reservation));
                }
                Happening::Binary(bytes) => {
                    client.was_heard();
                    let reservation = wire.socket().take_reservation();
                    at_length(bytes.len(), || hearing.binary(bytes, reservation));
                }
                Happening::Sign => {
                    client.was_heard();
                    hearing.look();
                }
                Happening::Gone(gone) => break gone,
            }
        };
        // First of all: whoever comes back at once finds the id free.
        self.clients.remove(&client);
        client.left();
        self.sessions.gone(&client);
        tracing::info!(client = %client.id, why = %gone, "a client is gone");
        self.tell_gone(&client);
        Box::pin(self.farewell(wire, &client, &gone)).await;
    }

    /// Says why, where the peer may still hear it.
    async fn farewell(&self, wire: Wire, client: &crate::clients::Client, gone: &Gone) {
        if let Gone::Unfit(why) = gone {
            let error = ServerError { error: format!("The connection is closed: {why}"), session_id: None };
            let _ = client.answer(&ServerMessage::Error(error));
            client.outbox().close(TOO_BIG, "unfit frame");
        } else {
            client.outbox().cut("the connection is over");
        }
        if !matches!(gone, Gone::Broken(_) | Gone::Silent(_) | Gone::TooSlow(_)) {
            wire.say_good_bye().await;
        }
    }
}

/// Works on a message. While it is a large one, the other tasks of this thread go on elsewhere.
fn at_length(bytes: usize, work: impl FnOnce()) {
    const LONG: usize = 256 << 10;
    if bytes > LONG { tokio::task::block_in_place(work) } else { work() }
}

/// Bytes of the first frame: nobody is given much room before it is known who it is.
const FIRST_FRAME: usize = 1 << 20;

/// What a connection is closed with that does not keep to the rules.
const POLICY: u16 = 1008;

/// What connections are closed with when the server stops: it comes back, and so may they.
pub const RESTART: u16 = 1012;

/// What a connection is closed with whose frames cannot be read.
const TOO_BIG: u16 = 1009;

/// Counts a connection as long as it is there.
struct Connected(Arc<Metrics>);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.disconnected();
    }
}
