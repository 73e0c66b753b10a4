//! Reading what servers send.

use super::client::{required, said_error};
use super::envelope::Envelope;
use super::fields::{CommandFields, Slot};
use crate::flaw::{Flaw, ReadError};
use crate::limits::{QUOTED_BYTES, REQUEST_BYTES};
use crate::message::{
    Assignment, Command, Commands, DeviceInfoAnswer, Outcome, ServerError, ServerHeartbeat, ServerMessage,
    ServerTaskEnd,
};
use crate::terms::{ServerKind, TaskStatus, ToolType};
use crate::text::quoted;

impl ServerMessage {
    /// Reads a message of a server.
    pub fn read(frame: &[u8]) -> Result<Self, ReadError> {
        let envelope = Envelope::read(frame)?;
        let said = envelope.fields.kind.text("type")?.ok_or(Flaw::NoType)?;
        let Some(kind) = ServerKind::read(&said) else {
            return Err(Flaw::UnknownType { value: quoted(said.trim(), QUOTED_BYTES) }.into());
        };
        let session_id = envelope.fields.session_id;
        message(kind, envelope).map_err(|flaw| {
            let session_id = session_id.id("session_id").ok().flatten();
            ReadError { flaw, kind: None, session_id }
        })
    }
}

fn message(kind: ServerKind, envelope: Envelope<'_>) -> Result<ServerMessage, Flaw> {
    let fields = &envelope.fields;
    let status = TaskStatus::read(fields.status.word().as_deref(), kind.usual_status());
    Ok(match kind {
        // Clients go by the status: what is not ok is a refusal, whatever it is called.
        ServerKind::Heartbeat if status != TaskStatus::Ok && status != TaskStatus::Completed => {
            ServerMessage::Error(ServerError {
                error: said_error(fields.error),
                session_id: fields.session_id.id("session_id")?,
            })
        }
        ServerKind::Heartbeat => {
            ServerMessage::Heartbeat(ServerHeartbeat { session_id: fields.session_id.id("session_id")? })
        }
        ServerKind::Task => ServerMessage::Task(Assignment {
            request: fields.request.bounded("user_request", REQUEST_BYTES)?.unwrap_or_default(),
            task_name: fields.task_name.name("task_name")?.filter(|name| !name.is_empty()),
            session_id: fields.session_id.id("session_id")?,
        }),
        ServerKind::TaskEnd => ServerMessage::TaskEnd(ServerTaskEnd {
            session_id: required(fields.session_id, "TASK_END", "session_id")?,
            outcome: Outcome::from_parts(status, fields.error.error(), fields.result.json()),
        }),
        ServerKind::Command => ServerMessage::Commands(Commands {
            response_id: required(fields.response_id, "COMMAND", "response_id")?,
            session_id: required(fields.session_id, "COMMAND", "session_id")?,
            status,
            agent_name: fields.agent_name.name("agent_name")?.unwrap_or_default(),
            process_name: fields.process_name.name("process_name")?,
            root_name: fields.root_name.name("root_name")?,
            task_name: fields.task_name.name("task_name")?.filter(|name| !name.is_empty()),
            actions: envelope.commands.take("actions", |item| command(&item))?,
        }),
        ServerKind::DeviceInfoRequest => {
            ServerMessage::DeviceInfoRequest { response_id: fields.response_id.id("response_id")? }
        }
        ServerKind::DeviceInfoResponse => ServerMessage::DeviceInfo(DeviceInfoAnswer {
            response_id: required(fields.response_id, "DEVICE_INFO_RESPONSE", "response_id")?,
            info: {
                let refused =
                    fields.result.find(super::fields::RefusedFields::of).and_then(|found| found.error.error());
                match (refused, status, fields.result.object("result")?) {
                    (Some(error), _, _) => Err(error),
                    (None, TaskStatus::Error | TaskStatus::Failed, _) | (None, _, None) => {
                        Err(said_error(fields.error))
                    }
                    (None, _, Some(info)) => Ok(info),
                }
            },
        }),
        ServerKind::Error => ServerMessage::Error(ServerError {
            error: said_error(fields.error),
            session_id: fields.session_id.id("session_id")?,
        }),
    })
}

fn command(fields: &CommandFields<'_>) -> Result<Command, Flaw> {
    Ok(Command {
        tool_name: fields.tool_name.name("tool_name")?.unwrap_or_default(),
        tool_type: tool_type(fields.tool_type)?,
        parameters: fields.parameters.json(),
        call_id: fields.call_id.id("call_id")?,
    })
}

fn tool_type(slot: Slot<'_>) -> Result<ToolType, Flaw> {
    const FIELD: &str = "tool_type";
    let said = slot.text(FIELD)?.ok_or(Flaw::Missing { kind: "COMMAND", field: FIELD })?;
    ToolType::read(&said).ok_or(Flaw::Wrong { field: FIELD, wanted: "\"action\" or \"data_collection\"" })
}
