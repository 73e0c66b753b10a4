//! Who a client is.

use serde::Serialize;

use super::ClientError;
use crate::id::Id;
use crate::json::Json;
use crate::message::{Assignment, Claim, ClientHeartbeat, ClientMessage, DeviceInfo, Register, TaskRequest};
use crate::terms::{ClientType, Platform};

/// Who a client is, and how it introduces itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    register: Register,
    /// What the clients that are out there send along with a heartbeat and with a task.
    heartbeat_metadata: Option<Json>,
    task_metadata: Option<Json>,
}

impl Identity {
    /// A device.
    pub fn device(client_id: Id, platform: Platform, info: Option<&DeviceInfo>) -> Result<Self, ClientError> {
        #[derive(Serialize)]
        struct Metadata<'a> {
            platform: &'a Platform,
        }
        let task_metadata =
            Some(Json::of(&Metadata { platform: &platform }).map_err(|error| ClientError::json(&error))?);
        let register = Register::device(client_id, platform, info).map_err(|error| ClientError::json(&error))?;
        Ok(Self { register, heartbeat_metadata: None, task_metadata })
    }

    /// A constellation that works with one device. The id is `<name>@<device>`, as constellations have it.
    pub fn constellation(name: &str, device: Id) -> Result<Self, ClientError> {
        #[derive(Serialize)]
        struct Metadata<'a> {
            device_id: &'a Id,
        }
        let client_id = Id::new(&format!("{name}@{device}"))
            .map_err(|error| ClientError::Refused { text: format!("the constellation's name {error}") })?;
        let heartbeat_metadata =
            Some(Json::of(&Metadata { device_id: &device }).map_err(|error| ClientError::json(&error))?);
        let register =
            Register::constellation(client_id, name, Some(device)).map_err(|error| ClientError::json(&error))?;
        Ok(Self { register, heartbeat_metadata, task_metadata: None })
    }

    /// The id that it registers with.
    pub const fn client_id(&self) -> &Id {
        &self.register.client_id
    }

    /// What it is.
    pub const fn client_type(&self) -> ClientType {
        self.register.client_type
    }

    pub(super) const fn target_id(&self) -> Option<&Id> {
        self.register.target_id.as_ref()
    }

    pub(super) const fn task_metadata(&self) -> Option<&Json> {
        self.task_metadata.as_ref()
    }

    pub(super) fn claim(&self) -> Claim {
        Claim { client_id: Some(self.client_id().clone()), client_type: Some(self.client_type()) }
    }

    pub(super) fn registration(&self) -> ClientMessage {
        ClientMessage::Register(self.register.clone())
    }

    pub(super) fn heartbeat(&self) -> ClientMessage {
        ClientMessage::Heartbeat(ClientHeartbeat { from: self.claim(), metadata: self.heartbeat_metadata.clone() })
    }

    /// How a device takes up a task: it asks for it itself, by its name, and leaves the session to the server.
    pub(super) fn taking_up(&self, assignment: &Assignment) -> ClientMessage {
        ClientMessage::Task(TaskRequest {
            from: self.claim(),
            request: assignment.request.clone(),
            session_id: None,
            task_name: assignment.task_name.clone().or_else(|| Some(Id::fresh().to_string())),
            target_id: None,
            request_id: Some(Id::fresh()),
            metadata: self.task_metadata.clone(),
        })
    }
}
