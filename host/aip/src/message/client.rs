//! What clients send.

use serde::Serialize;

use super::{DeviceInfo, Outcome};
use crate::binary::Announcement;
use crate::id::Id;
use crate::json::Json;
use crate::terms::{ClientKind, ClientType, Platform, ResultStatus, TaskStatus};

/// A message of a client.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientMessage {
    /// Who it is; the first frame.
    Register(Register),
    /// That it is alive.
    Heartbeat(ClientHeartbeat),
    /// What it wants to be done.
    Task(TaskRequest),
    /// What came of commands.
    CommandResults(CommandResults),
    /// That a session is over, as the device sees it.
    TaskEnd(TaskReport),
    /// What a constellation wants to know of a device.
    DeviceInfoRequest(DeviceInfoRequest),
    /// What is new about the device that sends it.
    DeviceInfoResponse(DeviceInfoUpdate),
    /// That something went wrong.
    Error(ClientError),
    /// That binary frames follow, or that all have been sent.
    Transfer(Announcement),
}

impl ClientMessage {
    /// What kind of message it is.
    pub const fn kind(&self) -> ClientKind {
        match self {
            Self::Register(_) => ClientKind::Register,
            Self::Heartbeat(_) => ClientKind::Heartbeat,
            Self::Task(_) => ClientKind::Task,
            Self::CommandResults(_) => ClientKind::CommandResults,
            Self::TaskEnd(_) => ClientKind::TaskEnd,
            Self::DeviceInfoRequest(_) => ClientKind::DeviceInfoRequest,
            Self::DeviceInfoResponse(_) => ClientKind::DeviceInfoResponse,
            Self::Error(_) => ClientKind::Error,
            Self::Transfer(Announcement::Data(_)) => ClientKind::BinaryData,
            Self::Transfer(Announcement::Start(_)) => ClientKind::FileTransferStart,
            Self::Transfer(Announcement::Complete(_)) => ClientKind::FileTransferComplete,
        }
    }

    fn claim(&self) -> Option<&Claim> {
        match self {
            Self::Register(_) | Self::Transfer(_) => None,
            Self::Heartbeat(message) => Some(&message.from),
            Self::Task(message) => Some(&message.from),
            Self::CommandResults(message) => Some(&message.from),
            Self::TaskEnd(message) => Some(&message.from),
            Self::DeviceInfoRequest(message) => Some(&message.from),
            Self::DeviceInfoResponse(message) => Some(&message.from),
            Self::Error(message) => Some(&message.from),
        }
    }

    /// The client that it says it comes from.
    pub fn client_id(&self) -> Option<&Id> {
        match self {
            Self::Register(register) => Some(&register.client_id),
            _ => self.claim()?.client_id.as_ref(),
        }
    }

    /// The kind of client that it says it comes from.
    pub fn client_type(&self) -> Option<ClientType> {
        match self {
            Self::Register(register) => Some(register.client_type),
            _ => self.claim()?.client_type,
        }
    }
}

/// Who a message says that it comes from. It is a claim and no more: who somebody is was settled at registration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claim {
    /// The client.
    pub client_id: Option<Id>,
    /// What it is.
    pub client_type: Option<ClientType>,
}

/// REGISTER: a client says who it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Register {
    /// Who it is.
    pub client_id: Id,
    /// What it is.
    pub client_type: ClientType,
    /// The device that a constellation comes for. Ignored of devices.
    pub target_id: Option<Id>,
    /// What the device runs on, where it says so; an operator may have said otherwise. Else take the default.
    pub platform: Option<Platform>,
    /// What a device says of itself; [`DeviceInfo`] reads it.
    pub system_info: Option<Json>,
    /// All that came along, a JSON object.
    pub metadata: Option<Json>,
}

impl Register {
    /// A device as it introduces itself. Fails only where `info` has no JSON form.
    pub fn device(client_id: Id, platform: Platform, info: Option<&DeviceInfo>) -> Result<Self, serde_json::Error> {
        #[derive(Serialize)]
        struct Metadata<'a> {
            platform: &'a Platform,
            registration_time: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            system_info: Option<&'a Json>,
        }
        let system_info = info.map(Json::of).transpose()?;
        let registration_time = crate::write::written(jiff::Timestamp::now());
        let metadata = Metadata { platform: &platform, registration_time, system_info: system_info.as_ref() };
        let metadata = Some(Json::of(&metadata)?);
        let (client_type, target_id, platform) = (ClientType::Device, None, Some(platform));
        Ok(Self { client_id, client_type, target_id, platform, system_info, metadata })
    }

    /// A constellation as it introduces itself, for one device, or for none in particular.
    pub fn constellation(client_id: Id, task_name: &str, target_id: Option<Id>) -> Result<Self, serde_json::Error> {
        #[derive(Serialize)]
        struct Metadata<'a> {
            r#type: &'static str,
            task_name: &'a str,
            targeted_device_id: Option<&'a Id>,
            capabilities: [&'static str; 3],
            version: &'static str,
        }
        let metadata = Some(Json::of(&Metadata {
            r#type: "constellation_client",
            task_name,
            targeted_device_id: target_id.as_ref(),
            capabilities: ["task_distribution", "session_management", "device_coordination"],
            version: "2.0",
        })?);
        let (client_type, platform, system_info) = (ClientType::Constellation, None, None);
        Ok(Self { client_id, client_type, target_id, platform, system_info, metadata })
    }
}

/// HEARTBEAT: a client says that it is alive.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ClientHeartbeat {
    /// Who says so. Constellations are known to send heartbeats as if they were devices.
    pub from: Claim,
    /// What came along, a JSON object: constellations name their device there.
    pub metadata: Option<Json>,
}

/// TASK: a client wants something to be done.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRequest {
    /// Who wants it.
    pub from: Claim,
    /// What is to be done. It may be empty: what is refused first is for the server to say.
    pub request: String,
    /// The session that it is to become.
    pub session_id: Option<Id>,
    /// What it is to be called. It comes from outside: no file may be named so without being cleaned.
    pub task_name: Option<String>,
    /// The device that is to do it.
    pub target_id: Option<Id>,
    /// The client's own number for it.
    pub request_id: Option<Id>,
    /// What came along, a JSON object.
    pub metadata: Option<Json>,
}

/// COMMAND_RESULTS: a device says what came of commands.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandResults {
    /// Who says so.
    pub from: Claim,
    /// The status of the commands, as it came with them.
    pub status: TaskStatus,
    /// The session that the commands belong to.
    pub session_id: Id,
    /// The `response_id` of the commands.
    pub prev_response_id: Id,
    /// The device's own number for it.
    pub request_id: Option<Id>,
    /// What came of each command, in their order.
    pub results: Vec<CommandResult>,
    /// What went wrong with all of them.
    pub error: Option<String>,
}

/// What came of one command.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CommandResult {
    /// How it went.
    pub status: ResultStatus,
    /// What it gave.
    pub result: Option<Json>,
    /// What went wrong.
    pub error: Option<String>,
    /// The tool server that ran it.
    pub namespace: Option<String>,
    /// The command.
    pub call_id: Option<Id>,
}

/// TASK_END: a device says that a session is over.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskReport {
    /// Who says so.
    pub from: Claim,
    /// The session.
    pub session_id: Id,
    /// How it ended.
    pub outcome: Outcome,
}

/// DEVICE_INFO_REQUEST: a constellation wants to know something of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceInfoRequest {
    /// Who wants to know.
    pub from: Claim,
    /// Of which device.
    pub target_id: Option<Id>,
    /// Comes back as the `response_id` of the answer.
    pub request_id: Option<Id>,
}

/// DEVICE_INFO_RESPONSE: a device says what is new about it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceInfoUpdate {
    /// Who says so.
    pub from: Claim,
    /// What is to take the place of what it said at registration; [`DeviceInfo`] reads it.
    pub info: Json,
}

/// ERROR: a client says that something went wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientError {
    /// Who says so.
    pub from: Claim,
    /// The session that it happened in.
    pub session_id: Option<Id>,
    /// What went wrong; never empty.
    pub error: String,
}
