//! Serving one socket until it is gone: one half reads, one half writes, both in one task.

use std::future::Future;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use super::outbox::Parcels;
use super::pending::Pending;
use super::socket::Socket;
use super::{ClientError, Event, Identity, Options, Parcel, ReceivedCommands, WeakHandle};
use crate::message::{ClientMessage, ServerMessage};
use crate::terms::ClientType;

/// Tasks that a device may be about to take up; a server gives one at a time.
const TAKING_UP: usize = 16;

/// What a connection is served with.
pub struct Service<'a> {
    pub number: u64,
    pub identity: &'a Identity,
    pub options: &'a Options,
    pub pending: &'a Pending,
    pub events: &'a mpsc::Sender<Event>,
    pub handle: &'a WeakHandle,
}

impl Service<'_> {
    /// Serves a socket until it is lost, or until nobody wants it any more ([`ClientError::Closed`]).
    pub async fn serve(&self, socket: Socket, parcels: &mut Parcels) -> ClientError {
        let (mut sink, mut stream) = socket.split();
        let (take_up, taken_up) = mpsc::channel(TAKING_UP);
        // Both halves go on at once: a server that waits for us to read while we wait for it to read is waited for by
        // neither.
        let why = tokio::select! {
            why = self.read(&mut stream, &take_up) => why,
            why = self.write(&mut sink, parcels, taken_up) => why,
        };
        if why == ClientError::Closed {
            let good_bye = async {
                sink.close().await?;
                while stream.next().await.is_some_and(|frame| frame.is_ok_and(|frame| !frame.is_close())) {}
                Ok::<_, Error>(())
            };
            let _ = timeout(self.options.close, good_bye).await;
        }
        why
    }

    async fn read(&self, stream: &mut SplitStream<Socket>, take_up: &mpsc::Sender<ClientMessage>) -> ClientError {
        loop {
            let message = match timeout(self.options.silence, stream.next()).await {
                Err(_) => return ClientError::lost(format!("nothing came for {:?}", self.options.silence)),
                Ok(None) => return ClientError::lost("the server ended it"),
                Ok(Some(Err(error))) => return ClientError::lost(error.to_string()),
                Ok(Some(Ok(Message::Close(frame)))) => {
                    let code = frame.map(|frame| format!(" with {}", u16::from(frame.code)));
                    return ClientError::lost(format!("the server closed it{}", code.unwrap_or_default()));
                }
                Ok(Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)))) => continue,
                Ok(Some(Ok(message))) => message.into_data(),
            };
            match ServerMessage::read(&message) {
                Ok(message) => {
                    if let Err(why) = self.hear(message, take_up) {
                        return why;
                    }
                }
                // As other clients do: what is not understood is passed over, and reading goes on.
                Err(error) => tracing::warn!(%error, "a message of the server was not understood"),
            }
        }
    }

    fn hear(&self, message: ServerMessage, take_up: &mpsc::Sender<ClientMessage>) -> Result<(), ClientError> {
        let is_device = self.identity.client_type() == ClientType::Device;
        match message {
            ServerMessage::Heartbeat(heartbeat) => {
                if let Some(session_id) = &heartbeat.session_id {
                    self.pending.accepted(session_id);
                }
                Ok(())
            }
            ServerMessage::TaskEnd(end) => match self.pending.ended(end) {
                Some(end) => self.tell(Event::Ended(end)),
                None => Ok(()),
            },
            ServerMessage::DeviceInfo(answer) => {
                self.pending.informed(answer);
                Ok(())
            }
            ServerMessage::Error(error) => {
                self.pending.refused(error.session_id.as_ref(), &error.error);
                self.tell(Event::Error(error.error))
            }
            ServerMessage::Commands(commands) if is_device => match self.handle.upgrade() {
                Some(handle) => {
                    self.tell(Event::Commands(Box::new(ReceivedCommands { commands, connection: self.number, handle })))
                }
                // Nobody is there to carry them out, and the connection is about to be closed.
                None => Ok(()),
            },
            ServerMessage::Task(assignment) if is_device => {
                take_up
                    .try_send(self.identity.taking_up(&assignment))
                    .map_err(|_| ClientError::lost("the server assigns tasks faster than they can be taken up"))?;
                self.tell(Event::Assigned(assignment))
            }
            other => {
                tracing::debug!(kind = %other.kind(), "a message of the server says nothing to this client");
                Ok(())
            }
        }
    }

    fn tell(&self, event: Event) -> Result<(), ClientError> {
        match self.events.try_send(event) {
            Err(mpsc::error::TrySendError::Full(_)) => Err(ClientError::lost("events were not taken in time")),
            // Not everybody listens.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
        }
    }

    async fn write(
        &self,
        sink: &mut SplitSink<Socket, Message>,
        parcels: &mut Parcels,
        mut taken_up: mpsc::Receiver<ClientMessage>,
    ) -> ClientError {
        let options = self.options;
        let mut heartbeats = every(options.heartbeat, options.heartbeat_at_once);
        let mut pings = every(options.ping, false);
        loop {
            let written = tokio::select! {
                biased;
                _ = pings.tick() => self.send(sink.send(Message::Ping(Vec::new().into()))).await,
                _ = heartbeats.tick() => self.send_message(sink, &self.identity.heartbeat()).await,
                Some(task) = taken_up.recv() => self.send_message(sink, &task).await,
                parcel = parcels.next() => match parcel {
                    Some(parcel) => self.deliver(sink, parcel).await,
                    None => Err(ClientError::Closed),
                },
            };
            if let Err(why) = written {
                return why;
            }
        }
    }

    async fn send_message(
        &self,
        sink: &mut SplitSink<Socket, Message>,
        message: &ClientMessage,
    ) -> Result<(), ClientError> {
        self.send(sink.send(Message::from(message.write(Timestamp::now())))).await
    }

    async fn deliver(&self, sink: &mut SplitSink<Socket, Message>, parcel: Parcel) -> Result<(), ClientError> {
        if parcel.connection != self.number {
            parcel.refuse(ClientError::Away);
            return Ok(());
        }
        for frame in parcel.frames {
            if let Err(why) = self.send(sink.send(frame)).await {
                let _ = parcel.written.send(Err(why.clone()));
                return Err(why);
            }
        }
        let _ = parcel.written.send(Ok(()));
        Ok(())
    }

    async fn send(&self, sending: impl Future<Output = Result<(), Error>>) -> Result<(), ClientError> {
        match timeout(self.options.write, sending).await {
            Ok(sent) => sent.map_err(|error| ClientError::lost(error.to_string())),
            Err(_) => Err(ClientError::lost(format!("the server took nothing for {:?}", self.options.write))),
        }
    }
}

fn every(period: Duration, at_once: bool) -> Interval {
    let period = period.max(Duration::from_millis(1));
    let first = if at_once { Instant::now() } else { Instant::now() + period };
    let mut interval = interval_at(first, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
