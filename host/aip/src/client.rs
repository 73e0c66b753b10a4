//! A client of an agent server, for those who write a device agent or a constellation.
//!
//! ```no_run
//! use hangar_aip::client::{Client, Event, Identity};
//! use hangar_aip::{DeviceInfo, Id, Platform};
//!
//! # async fn device() -> Result<(), Box<dyn std::error::Error>> {
//! let id = Id::new("lab-linux-7")?;
//! let info = DeviceInfo::of_this_machine(&id);
//! let identity = Identity::device(id, Platform::new("linux").unwrap_or_default(), Some(&info))?;
//! let mut client = Client::connect("ws://localhost:5000/ws", identity).await?;
//! while let Some(event) = client.next().await {
//!     match event {
//!         Event::Commands(received) => {
//!             let results = Vec::new(); // one for each of received.commands().actions
//!             received.answer(results).await?;
//!         }
//!         other => println!("{other:?}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! On the wire it behaves as the clients that are out there do, all keys and nulls included: it registers, sends
//! heartbeats, takes up tasks that it is assigned, and comes back when the connection is lost. Two things it does
//! better: the heartbeats of a constellation say that it is one, and it does not give up unless it is told to.
//!
//! A socket is served by one task, which writes what is in a bounded outbox in its order and goes on reading while it
//! writes. Nothing waits for a connection that is away: what is asked for then fails at once, and what was asked for
//! before it was lost does, too, because a session is never resumed.

mod error;
mod identity;
mod options;
mod outbox;
mod pending;
mod serve;
mod socket;
mod supervise;
mod task;

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

pub use error::ClientError;
pub use identity::Identity;
pub use options::{Backoff, Options};
pub use task::{Task, TaskOrder, TaskUpdate};

use crate::binary::{Outgoing, OutgoingFrame};
use crate::id::Id;
use crate::json::Json;
use crate::limits::FRAME_BYTES;
use crate::message::{
    Assignment, ClientMessage, Command, CommandResult, CommandResults, Commands, DeviceInfo, DeviceInfoRequest,
    DeviceInfoUpdate, ServerTaskEnd, TaskRequest,
};
use crate::terms::{ClientType, ResultStatus};
use outbox::{Outbox, Parcel};
use pending::Pending;

/// A registered client. When it and all its handles and unanswered commands are dropped, the connection is closed.
#[derive(Debug)]
pub struct Client {
    handle: Handle,
    events: mpsc::Receiver<Event>,
    supervisor: JoinHandle<()>,
}

/// What a client hears without having asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A device is to do something.
    Commands(Box<ReceivedCommands>),
    /// A device was assigned a task. It has been taken up already; commands will follow.
    Assigned(Assignment),
    /// A session is over that no [`Task`] of this client waits for.
    Ended(ServerTaskEnd),
    /// The server refused something, or something went wrong there.
    Error(String),
    /// The connection was lost, or could not be had again.
    Lost {
        /// Why.
        why: ClientError,
        /// When it is tried again; never, if it is given up. Then this is the last event.
        again_in: Option<std::time::Duration>,
    },
    /// It is registered again.
    Back,
}

impl Client {
    /// Connects and registers, with the options that fit the identity. A first connection that fails is an error; later
    /// ones are tried again.
    pub async fn connect(url: &str, identity: Identity) -> Result<Self, ClientError> {
        let options = Options::of(identity.client_type());
        Self::connect_with(url, identity, options).await
    }

    /// The same with other options.
    pub async fn connect_with(url: &str, identity: Identity, options: Options) -> Result<Self, ClientError> {
        let identity = Arc::new(identity);
        let dial = socket::Dial::new(url, options.clone())?;
        let socket = dial.register(&identity).await?;
        let (outbox, parcels) = outbox::with_room_for(options.outbox);
        let (heard, events) = mpsc::channel(options.events.max(1));
        let pending = Arc::new(Pending::default());
        let handle = Handle { outbox, pending: Arc::clone(&pending), identity: Arc::clone(&identity), options };
        let weak = handle.downgrade();
        let supervisor = tokio::spawn(supervise::supervise(dial, identity, socket, parcels, heard, pending, weak));
        Ok(Self { handle, events, supervisor })
    }

    /// The next event; none when the connection was given up. It can be dropped while it waits without losing one.
    pub async fn next(&mut self) -> Option<Event> {
        self.events.recv().await
    }

    /// What can be used by several at once.
    pub const fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Writes what is in the outbox, says good-bye and waits until the server has, too, or has taken too long. Events that
    /// were not taken are lost.
    pub async fn close(self) {
        let Self { handle, events, supervisor } = self;
        drop(events);
        handle.outbox.close();
        drop(handle);
        if let Err(error) = supervisor.await {
            tracing::error!(%error, "the client's task ended badly");
        }
    }
}

/// Speaks through a client's connection. It is cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle {
    outbox: Outbox,
    pending: Arc<Pending>,
    identity: Arc<Identity>,
    options: Options,
}

/// A handle that does not keep the connection open.
#[derive(Debug)]
struct WeakHandle {
    outbox: outbox::WeakOutbox,
    pending: Arc<Pending>,
    identity: Arc<Identity>,
    options: Options,
}

impl WeakHandle {
    fn upgrade(&self) -> Option<Handle> {
        let outbox = self.outbox.upgrade()?;
        let (pending, identity) = (Arc::clone(&self.pending), Arc::clone(&self.identity));
        Some(Handle { outbox, pending, identity, options: self.options.clone() })
    }
}

impl Handle {
    fn downgrade(&self) -> WeakHandle {
        let (pending, identity) = (Arc::clone(&self.pending), Arc::clone(&self.identity));
        WeakHandle { outbox: self.outbox.downgrade(), pending, identity, options: self.options.clone() }
    }

    /// Who speaks.
    pub fn client_id(&self) -> &Id {
        self.identity.client_id()
    }

    /// Asks for something to be done: a constellation of a device, a device of itself. Returns when it was written.
    pub async fn task(&self, order: TaskOrder) -> Result<Task, ClientError> {
        let session_id = order.session_id.unwrap_or_else(Id::fresh);
        let target = order.target_id.or_else(|| self.identity.target_id().cloned());
        let request = ClientMessage::Task(TaskRequest {
            from: self.identity.claim(),
            request: order.request,
            session_id: Some(session_id.clone()),
            task_name: order.task_name,
            target_id: target.filter(|_| self.identity.client_type() == ClientType::Constellation),
            request_id: None,
            metadata: self.identity.task_metadata().cloned(),
        });
        // First of all: should the connection be lost from here on, the task is told so and the request is not sent.
        let connection = self.outbox.connection();
        let task = self.pending.task(session_id)?;
        self.send(connection, &request).await?;
        Ok(task)
    }

    /// What the server knows of a device; only constellations may ask.
    pub async fn device_info(&self, device: &Id) -> Result<DeviceInfo, ClientError> {
        if self.identity.client_type() != ClientType::Constellation {
            return Err(ClientError::NotForDevices);
        }
        let connection = self.outbox.connection();
        let (request_id, answer) = self.pending.info(device)?;
        let request = ClientMessage::DeviceInfoRequest(DeviceInfoRequest {
            from: self.identity.claim(),
            target_id: Some(device.clone()),
            request_id: Some(request_id.clone()),
        });
        let asked = async {
            self.send(connection, &request).await?;
            answer.await.map_err(|_| ClientError::Away)?
        };
        let after = self.options.device_info;
        let answer = tokio::time::timeout(after, asked).await;
        self.pending.forget_info(&request_id);
        let info: Json = answer.map_err(|_| ClientError::Timeout { what: "the device's information", after })??;
        Ok(DeviceInfo::read(&info))
    }

    /// Tells the server what is new about this device.
    pub async fn update_info(&self, info: &DeviceInfo) -> Result<(), ClientError> {
        let info = Json::of(info).map_err(|error| ClientError::json(&error))?;
        let update = DeviceInfoUpdate { from: self.identity.claim(), info };
        self.send(self.outbox.connection(), &ClientMessage::DeviceInfoResponse(update)).await
    }

    /// Sends bytes, in chunks where they are many. Nothing else is written between them.
    pub async fn send_file(&self, file: &Outgoing<'_>) -> Result<(), ClientError> {
        let chunk = usize::try_from(crate::binary::CHUNK_BYTES).unwrap_or(usize::MAX);
        let message = |frame: OutgoingFrame<'_>| match frame {
            OutgoingFrame::Text(announcement) => Message::from(announcement.write(Timestamp::now())),
            OutgoingFrame::Binary(bytes) => Message::from(bytes.to_vec()),
        };
        let frames: Vec<Message> = if file.bytes.len() <= chunk {
            file.whole().into_iter().map(message).collect()
        } else {
            file.chunked(chunk).map(message).collect()
        };
        self.outbox.send(self.outbox.connection(), frames).await
    }

    async fn send(&self, connection: u64, message: &ClientMessage) -> Result<(), ClientError> {
        let frame = message.write(Timestamp::now());
        if frame.len() > FRAME_BYTES {
            return Err(ClientError::TooLarge { bytes: frame.len() });
        }
        self.outbox.send(connection, vec![Message::from(frame)]).await
    }
}

/// Commands that are to be answered. If they are not, the server waits until it has waited too long.
#[derive(Debug)]
pub struct ReceivedCommands {
    commands: Commands,
    connection: u64,
    handle: Handle,
}

impl ReceivedCommands {
    /// What is to be done.
    pub const fn commands(&self) -> &Commands {
        &self.commands
    }

    /// Says what came of each command, in their order. It goes over the connection that the commands came over, or not
    /// at all: to another connection of the server it would mean nothing. Results that are too large for a frame are an
    /// error here, and the server is told that they are, so that it does not wait for them.
    pub async fn answer(self, results: Vec<CommandResult>) -> Result<(), ClientError> {
        let sent = self.send(results).await;
        if let Err(error @ ClientError::TooLarge { .. }) = &sent {
            let failed = |command: &Command| CommandResult {
                status: ResultStatus::Failure,
                result: None,
                error: Some(error.to_string()),
                namespace: None,
                call_id: command.call_id.clone(),
            };
            self.send(self.commands.actions.iter().map(failed).collect()).await?;
        }
        sent
    }

    async fn send(&self, results: Vec<CommandResult>) -> Result<(), ClientError> {
        let message = ClientMessage::CommandResults(CommandResults {
            from: self.handle.identity.claim(),
            status: self.commands.status,
            session_id: self.commands.session_id.clone(),
            prev_response_id: self.commands.response_id.clone(),
            request_id: Some(Id::fresh()),
            results,
            error: None,
        });
        self.handle.send(self.connection, &message).await
    }
}
