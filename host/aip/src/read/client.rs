//! Reading what clients send.

use super::envelope::Envelope;
use super::fields::{MessageFields, MetadataFields, ResultFields, Slot};
use crate::binary::Announcement;
use crate::flaw::{Flaw, ReadError};
use crate::id::Id;
use crate::json::Json;
use crate::limits::{QUOTED_BYTES, REQUEST_BYTES};
use crate::message::{
    Claim, ClientError, ClientHeartbeat, ClientMessage, CommandResult, CommandResults, DeviceInfoRequest,
    DeviceInfoUpdate, Outcome, Register, TaskReport, TaskRequest,
};
use crate::terms::{ClientKind, ClientType, Platform, ResultStatus, TaskStatus};
use crate::text::quoted;

impl ClientMessage {
    /// Reads a message of a client of which nothing is known.
    pub fn read(frame: &[u8]) -> Result<Self, ReadError> {
        Self::read_as(None, frame)
    }

    /// Reads a message of a client that registered as this.
    pub fn read_from(registered: ClientType, frame: &[u8]) -> Result<Self, ReadError> {
        Self::read_as(Some(registered), frame)
    }

    fn read_as(registered: Option<ClientType>, frame: &[u8]) -> Result<Self, ReadError> {
        let envelope = Envelope::read(frame)?;
        let said = envelope.fields.kind.text("type")?.ok_or(Flaw::NoType)?;
        let Some(kind) = ClientKind::read(&said) else {
            return Err(Flaw::UnknownType { value: quoted(said.trim(), QUOTED_BYTES) }.into());
        };
        let session_id = envelope.fields.session_id;
        message(kind, registered, envelope).map_err(|flaw| {
            // Whoever waits for the end of this session is to be told, if that much can be read.
            ReadError { flaw, kind: Some(kind), session_id: session_id.id("session_id").ok().flatten() }
        })
    }
}

fn message(kind: ClientKind, registered: Option<ClientType>, envelope: Envelope<'_>) -> Result<ClientMessage, Flaw> {
    let fields = &envelope.fields;
    let status = TaskStatus::read(fields.status.word().as_deref(), kind.usual_status());
    Ok(match kind {
        ClientKind::Register => ClientMessage::Register(register(fields)?),
        ClientKind::Heartbeat => {
            let client_type = fields.client_type.word().as_deref().and_then(ClientType::read);
            let from = Claim { client_id: client_id(fields)?, client_type };
            ClientMessage::Heartbeat(ClientHeartbeat { from, metadata: fields.metadata.object("metadata")? })
        }
        ClientKind::Task => ClientMessage::Task(task(registered, fields)?),
        ClientKind::CommandResults => ClientMessage::CommandResults(CommandResults {
            from: claim(fields)?,
            status,
            session_id: required(fields.session_id, "COMMAND_RESULTS", "session_id")?,
            prev_response_id: required(fields.prev_response_id, "COMMAND_RESULTS", "prev_response_id")?,
            request_id: fields.request_id.id("request_id")?,
            error: fields.error.error(),
            results: envelope.results.take("action_results", |item| result(&item))?,
        }),
        ClientKind::TaskEnd => ClientMessage::TaskEnd(TaskReport {
            from: claim(fields)?,
            session_id: required(fields.session_id, "TASK_END", "session_id")?,
            outcome: Outcome::from_parts(status, fields.error.error(), fields.result.json()),
        }),
        ClientKind::DeviceInfoRequest => {
            let from = claim(fields)?;
            let target_id = target_id(from.client_type.or(registered), fields, &metadata(fields))?;
            let request_id = fields.request_id.id("request_id")?;
            ClientMessage::DeviceInfoRequest(DeviceInfoRequest { from, target_id, request_id })
        }
        ClientKind::DeviceInfoResponse => ClientMessage::DeviceInfoResponse(DeviceInfoUpdate {
            from: claim(fields)?,
            info: match fields.metadata.object("metadata")? {
                Some(info) => info,
                None => fields
                    .result
                    .object("result")?
                    .ok_or(Flaw::Missing { kind: "DEVICE_INFO_RESPONSE", field: "metadata" })?,
            },
        }),
        ClientKind::Error => ClientMessage::Error(ClientError {
            from: claim(fields)?,
            session_id: fields.session_id.id("session_id")?,
            error: said_error(fields.error),
        }),
        ClientKind::BinaryData | ClientKind::FileTransferStart | ClientKind::FileTransferComplete => {
            ClientMessage::Transfer(Announcement::read(kind, fields)?)
        }
    })
}

fn register(fields: &MessageFields<'_>) -> Result<Register, Flaw> {
    let metadata = metadata(fields);
    let client_type = match said_client_type(fields)? {
        Some(client_type) => client_type,
        None if metadata.kind.word().as_deref() == Some("constellation_client") => ClientType::Constellation,
        None => ClientType::Device,
    };
    let is_device = client_type == ClientType::Device;
    let own_device = if is_device { fields.device_id } else { Slot::default() };
    let client_id = fields.client_id.or(own_device).or(fields.agent_id).id("client_id")?.ok_or(Flaw::NoClientId)?;
    let info = metadata.system_info.object("system_info")?;
    let told = info.as_ref().and_then(|info| MetadataFields::of(info.raw())).unwrap_or_default();
    let platform = [metadata.platform, fields.platform, told.platform];
    let platform = platform.into_iter().find_map(|slot| Platform::new(&slot.word()?));
    let all = fields.metadata.object("metadata")?;
    Ok(Register {
        target_id: target_id(Some(client_type), fields, &metadata)?,
        platform,
        // What says more than the connection's own keys do says it of the device.
        system_info: info.or_else(|| all.clone().filter(|_| metadata.others > 0)).filter(|_| is_device),
        metadata: all,
        client_id,
        client_type,
    })
}

fn task(registered: Option<ClientType>, fields: &MessageFields<'_>) -> Result<TaskRequest, Flaw> {
    let from = claim(fields)?;
    Ok(TaskRequest {
        request: fields.request.bounded("request", REQUEST_BYTES)?.unwrap_or_default(),
        session_id: fields.session_id.id("session_id")?,
        task_name: fields.task_name.name("task_name")?.filter(|name| !name.is_empty()),
        target_id: target_id(from.client_type.or(registered), fields, &metadata(fields))?,
        request_id: fields.request_id.id("request_id")?,
        metadata: fields.metadata.object("metadata")?,
        from,
    })
}

fn result(fields: &ResultFields<'_>) -> Result<CommandResult, Flaw> {
    let error = fields.error.error();
    let said = fields.status.word().as_deref().and_then(ResultStatus::read);
    let failed = error.as_deref().is_some_and(|error| !error.is_empty());
    Ok(CommandResult {
        status: said.unwrap_or(if failed { ResultStatus::Failure } else { ResultStatus::Success }),
        result: fields.result.json(),
        error,
        namespace: fields.namespace.name("namespace")?,
        call_id: fields.call_id.id("call_id")?,
    })
}

fn metadata<'a>(fields: &MessageFields<'a>) -> MetadataFields<'a> {
    fields.metadata.find(MetadataFields::of).unwrap_or_default()
}

fn client_id(fields: &MessageFields<'_>) -> Result<Option<Id>, Flaw> {
    fields.client_id.or(fields.agent_id).id("client_id")
}

fn claim(fields: &MessageFields<'_>) -> Result<Claim, Flaw> {
    Ok(Claim { client_id: client_id(fields)?, client_type: said_client_type(fields)? })
}

fn said_client_type(fields: &MessageFields<'_>) -> Result<Option<ClientType>, Flaw> {
    let Some(said) = fields.client_type.text("client_type")? else { return Ok(None) };
    let unknown = || Flaw::UnknownClientType { value: quoted(said.trim(), QUOTED_BYTES) };
    ClientType::read(&said).ok_or_else(unknown).map(Some)
}

/// The device that is meant. Constellations may say it in their metadata alone.
fn target_id(
    client_type: Option<ClientType>,
    fields: &MessageFields<'_>,
    metadata: &MetadataFields<'_>,
) -> Result<Option<Id>, Flaw> {
    match fields.target_id.id("target_id")? {
        None if client_type == Some(ClientType::Constellation) => match metadata.targeted_device_id.id("target_id")? {
            None => metadata.device_id.id("target_id"),
            target => Ok(target),
        },
        target => Ok(target),
    }
}

pub(super) fn required(slot: Slot<'_>, kind: &'static str, field: &'static str) -> Result<Id, Flaw> {
    slot.id(field)?.ok_or(Flaw::Missing { kind, field })
}

/// What an ERROR says.
pub(super) fn said_error(slot: Slot<'_>) -> String {
    slot.error().filter(|error| !error.is_empty()).unwrap_or_else(|| "Unknown error".to_owned())
}

impl TaskRequest {
    /// The platform that is named in the metadata.
    pub fn platform(&self) -> Option<Platform> {
        Platform::new(&MetadataFields::of(self.metadata.as_ref().map(Json::raw)?)?.platform.word()?)
    }
}
