//! Every text that a server refuses something with, and whether the connection stays.

use crate::flaw::{Flaw, ReadError};
use crate::id::Id;
use crate::message::{ClientMessage, Register};
use crate::terms::{ClientKind, ClientType, Platform};

/// Why a server does not do what it was asked for. The text is the protocol's and goes into the ERROR as it is: clients
/// and their tests know it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The frame was not understood.
    #[error(transparent)]
    Unreadable(#[from] ReadError),
    /// The first frame was not understood, or is not one to begin with.
    #[error("{0}")]
    UnreadableFirst(ReadError),
    /// Something else came before the registration.
    #[error("First message must be a registration message")]
    NotRegisterFirst,
    /// Nothing came for too long.
    #[error("No registration message was received in time")]
    RegistrationTimeout,
    /// The device that a constellation registers for is not there.
    #[error("Target device '{0}' is not connected")]
    RegistrationTargetAbsent(Id),
    /// The id is taken by a connection that lives.
    #[error("client_id '{0}' is already registered; duplicate registrations are not allowed")]
    DuplicateClientId(Id),
    /// It registered before.
    #[error("Connection is already registered")]
    AlreadyRegistered,
    /// It wants something before it has said who it is.
    #[error("Connection is not registered; refusing privileged message")]
    NotRegistered,
    /// It says that it is another client.
    #[error("client_id does not match the registered connection")]
    ClientIdMismatch,
    /// It says that it is another kind of client.
    #[error("client_type does not match the registered connection")]
    ClientTypeMismatch,
    /// A constellation does not say which device a task is for.
    #[error("Constellation task requests require target_id")]
    NoTarget,
    /// The device that a task is for is not there.
    #[error("Target device '{0}' is not connected")]
    TargetAbsent(Id),
    /// A task for a constellation.
    #[error("Constellation tasks may only target device clients")]
    TargetNotADevice,
    /// A device's task for another device.
    #[error("Device clients may not target other devices")]
    DeviceTargetsOther,
    /// The session is somebody else's.
    #[error("session_id '{0}' is owned by another client")]
    SessionOwned(Id),
    /// The session goes on already.
    #[error("session_id '{0}' is already running")]
    SessionRunning(Id),
    /// Nothing serves this platform.
    #[error("Service session not supported on {0}")]
    UnsupportedPlatform(Platform),
    /// A task that wants nothing.
    #[error("Empty task content")]
    EmptyTask,
    /// A device asks about a device.
    #[error("DEVICE_INFO_REQUEST is permitted only for constellation clients")]
    DeviceInfoForConstellations,
    /// A constellation asks about a device that it did not register for.
    #[error("Not authorized to request device info for this device")]
    DeviceInfoOutOfScope,
    /// Too many tasks wait for the device.
    #[error("Device '{0}' has too many tasks waiting; try again when some of them are done")]
    DeviceBusy(Id),
    /// Too many tasks of the client, or of all, go on.
    #[error("Too many tasks go on at once; try again when some of them are done")]
    TooManyTasks,
    /// The server is about to stop.
    #[error("The server is shutting down; ask again in a moment")]
    ShuttingDown,
    /// The server's operator, or a plugin of theirs, does not want it; in their words.
    #[error("{0}")]
    Rejected(String),
    /// An end of something that is not going on, or not there.
    #[error("session_id '{0}' is not running on this device")]
    UnknownTaskEnd(Id),
    /// A binary frame that was not announced.
    #[error("Unexpected binary frame: announce it with a binary_data message")]
    UnexpectedBinary,
}

impl Refusal {
    /// The code to close the connection with after the ERROR; none where it stays. A first frame that is refused is
    /// followed by a close, later ones never are.
    pub const fn close_code(&self) -> Option<u16> {
        match self {
            Self::UnreadableFirst(_)
            | Self::NotRegisterFirst
            | Self::RegistrationTimeout
            | Self::RegistrationTargetAbsent(_)
            | Self::DuplicateClientId(_) => Some(1008),
            _ => None,
        }
    }

    /// Whether a constellation whose TASK is refused so is to get a TASK_END after the ERROR. Without it, it waits for the
    /// task's end until its own timeout. It is not told so where that would end somebody else's session, its own that is
    /// still going on, or where it is not who it says.
    pub const fn ends_task(&self) -> bool {
        match self {
            Self::Unreadable(ReadError { kind, session_id, .. }) => {
                matches!(kind, Some(ClientKind::Task)) && session_id.is_some()
            }
            Self::NoTarget
            | Self::TargetAbsent(_)
            | Self::TargetNotADevice
            | Self::DeviceTargetsOther
            | Self::UnsupportedPlatform(_)
            | Self::EmptyTask
            | Self::DeviceBusy(_)
            | Self::TooManyTasks
            | Self::ShuttingDown
            | Self::Rejected(_) => true,
            _ => false,
        }
    }
}

impl Register {
    /// Reads the first frame of a connection, which must be a registration.
    pub fn read_first(frame: &[u8]) -> Result<Self, Refusal> {
        match ClientMessage::read(frame) {
            Ok(ClientMessage::Register(register)) => Ok(register),
            Ok(_) => Err(Refusal::NotRegisterFirst),
            // It was read far enough to see that it is no registration.
            Err(ReadError { kind: Some(kind), .. }) if kind != ClientKind::Register => Err(Refusal::NotRegisterFirst),
            Err(ReadError { flaw: Flaw::UnknownType { .. }, .. }) => Err(Refusal::NotRegisterFirst),
            Err(error) => Err(Refusal::UnreadableFirst(error)),
        }
    }
}

/// Who a connection was settled to be when it registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The client.
    pub client_id: Id,
    /// What it is.
    pub client_type: ClientType,
}

impl Registered {
    /// Reads a later frame of this connection, and refuses what claims to come from another client or another kind of
    /// client. From here on only the identity that is pinned here counts.
    pub fn read(&self, frame: &[u8]) -> Result<ClientMessage, Refusal> {
        let message = ClientMessage::read_from(self.client_type, frame)?;
        self.admit(&message)?;
        Ok(message)
    }

    /// Whether a message may come from this connection. Heartbeats carry no authority, and some constellations send theirs
    /// as devices, so their `client_type` is not looked at.
    pub fn admit(&self, message: &ClientMessage) -> Result<(), Refusal> {
        if message.client_id().is_some_and(|claimed| *claimed != self.client_id) {
            Err(Refusal::ClientIdMismatch)
        } else if message.client_type().is_some_and(|claimed| claimed != self.client_type)
            && message.kind() != ClientKind::Heartbeat
        {
            Err(Refusal::ClientTypeMismatch)
        } else if message.kind() == ClientKind::Register {
            Err(Refusal::AlreadyRegistered)
        } else {
            Ok(())
        }
    }
}
