//! The canonical writer: lower-case words, every key of the protocol in its order, explicit nulls, because that is what
//! the clients and servers that are out there exchange. Payloads go out as they came in.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use jiff::tz::Offset;
use serde::Serialize;

use crate::binary::Announcement;
use crate::id::Id;
use crate::json::Json;
use crate::message::{Claim, ClientMessage, Command, CommandResult, Outcome, ServerMessage};
use crate::terms::{ClientKind, ClientType, Platform, ServerKind, TaskStatus};

/// When a message of a server is written, and its number.
#[derive(Debug, Clone, PartialEq)]
pub struct Stamp {
    /// When.
    pub timestamp: Timestamp,
    /// Its number. Messages that answer with a number, or whose number is answered with, have their own.
    pub response_id: Id,
}

impl Stamp {
    /// Now, and a number that nobody has used.
    pub fn now() -> Self {
        Self { timestamp: Timestamp::now(), response_id: Id::fresh() }
    }
}

/// A time as the protocol writes it: ISO 8601 in UTC, with microseconds and `+00:00`.
pub(crate) fn written(timestamp: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(6));
    PRINTER.timestamp_with_offset_to_string(&timestamp, Offset::UTC)
}

/// A message of a server, as it goes over the wire.
#[derive(Serialize)]
struct ServerFrame<'a> {
    r#type: ServerKind,
    status: TaskStatus,
    user_request: Option<&'a str>,
    agent_name: Option<&'a str>,
    process_name: Option<&'a str>,
    root_name: Option<&'a str>,
    actions: Option<&'a [Command]>,
    /// Reserved.
    messages: Option<()>,
    error: Option<&'a str>,
    session_id: Option<&'a Id>,
    task_name: Option<&'a str>,
    timestamp: String,
    response_id: &'a Id,
    result: Option<&'a Json>,
}

impl ServerMessage {
    /// Writes the frame.
    pub fn write(&self, stamp: &Stamp) -> String {
        let refused;
        let mut frame = ServerFrame {
            r#type: self.kind(),
            status: self.kind().usual_status(),
            user_request: None,
            agent_name: None,
            process_name: None,
            root_name: None,
            actions: None,
            messages: None,
            error: None,
            session_id: None,
            task_name: None,
            timestamp: written(stamp.timestamp),
            response_id: &stamp.response_id,
            result: None,
        };
        match self {
            Self::Heartbeat(heartbeat) => frame.session_id = heartbeat.session_id.as_ref(),
            Self::Task(task) => {
                frame.user_request = Some(&task.request);
                frame.session_id = task.session_id.as_ref();
                frame.task_name = task.task_name.as_deref();
            }
            Self::TaskEnd(end) => {
                frame.status = end.outcome.status();
                frame.error = end.outcome.error();
                frame.session_id = Some(&end.session_id);
                frame.result = end.outcome.result();
            }
            Self::Commands(commands) => {
                frame.status = commands.status;
                frame.agent_name = Some(&commands.agent_name);
                frame.process_name = commands.process_name.as_deref();
                frame.root_name = commands.root_name.as_deref();
                frame.actions = Some(&commands.actions);
                frame.session_id = Some(&commands.session_id);
                frame.task_name = commands.task_name.as_deref();
                frame.response_id = &commands.response_id;
            }
            Self::DeviceInfoRequest { response_id } => {
                frame.response_id = response_id.as_ref().unwrap_or(frame.response_id);
            }
            Self::DeviceInfo(answer) => {
                frame.response_id = &answer.response_id;
                match &answer.info {
                    Ok(info) => frame.result = Some(info),
                    Err(error) => {
                        // Clients look for it in the result only.
                        refused = Json::of(&Refused { error }).ok();
                        frame.status = TaskStatus::Error;
                        frame.error = Some(error);
                        frame.result = refused.as_ref();
                    }
                }
            }
            Self::Error(error) => {
                frame.error = Some(&error.error);
                frame.session_id = error.session_id.as_ref();
            }
        }
        text(&frame)
    }
}

#[derive(Serialize)]
struct Refused<'a> {
    error: &'a str,
}

/// A message of a client, as it goes over the wire.
#[derive(Serialize)]
struct ClientFrame<'a> {
    r#type: ClientKind,
    status: TaskStatus,
    client_type: Option<ClientType>,
    client_id: Option<&'a Id>,
    target_id: Option<&'a Id>,
    session_id: Option<&'a Id>,
    task_name: Option<&'a str>,
    request: Option<&'a str>,
    action_results: Option<&'a [CommandResult]>,
    request_id: Option<&'a Id>,
    prev_response_id: Option<&'a Id>,
    error: Option<&'a str>,
    metadata: Option<&'a Json>,
    timestamp: String,
    /// Not among the keys that every client sends: only who reports the end of a session has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a Json>,
    /// Neither; for who registers without metadata that say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'a Platform>,
}

impl<'a> ClientFrame<'a> {
    fn from(kind: ClientKind, from: &'a Claim, timestamp: Timestamp) -> Self {
        Self {
            r#type: kind,
            status: kind.usual_status(),
            client_type: from.client_type,
            client_id: from.client_id.as_ref(),
            target_id: None,
            session_id: None,
            task_name: None,
            request: None,
            action_results: None,
            request_id: None,
            prev_response_id: None,
            error: None,
            metadata: None,
            timestamp: written(timestamp),
            result: None,
            platform: None,
        }
    }

    fn ending(&mut self, outcome: &'a Outcome) {
        self.status = outcome.status();
        self.error = outcome.error();
        self.result = outcome.result();
    }
}

impl ClientMessage {
    /// Writes the frame.
    pub fn write(&self, timestamp: Timestamp) -> String {
        let kind = self.kind();
        let frame = match self {
            Self::Register(register) => ClientFrame {
                client_type: Some(register.client_type),
                client_id: Some(&register.client_id),
                target_id: register.target_id.as_ref(),
                metadata: register.metadata.as_ref(),
                platform: register.platform.as_ref().filter(|_| register.metadata.is_none()),
                ..ClientFrame::from(kind, &Claim { client_id: None, client_type: None }, timestamp)
            },
            Self::Heartbeat(heartbeat) => ClientFrame {
                metadata: heartbeat.metadata.as_ref(),
                ..ClientFrame::from(kind, &heartbeat.from, timestamp)
            },
            Self::Task(task) => ClientFrame {
                target_id: task.target_id.as_ref(),
                session_id: task.session_id.as_ref(),
                task_name: task.task_name.as_deref(),
                request: Some(&task.request),
                request_id: task.request_id.as_ref(),
                metadata: task.metadata.as_ref(),
                ..ClientFrame::from(kind, &task.from, timestamp)
            },
            Self::CommandResults(results) => ClientFrame {
                status: results.status,
                session_id: Some(&results.session_id),
                action_results: Some(&results.results),
                request_id: results.request_id.as_ref(),
                prev_response_id: Some(&results.prev_response_id),
                error: results.error.as_deref(),
                ..ClientFrame::from(kind, &results.from, timestamp)
            },
            Self::TaskEnd(report) => {
                let session_id = Some(&report.session_id);
                let mut frame = ClientFrame { session_id, ..ClientFrame::from(kind, &report.from, timestamp) };
                frame.ending(&report.outcome);
                frame
            }
            Self::DeviceInfoRequest(request) => ClientFrame {
                target_id: request.target_id.as_ref(),
                request_id: request.request_id.as_ref(),
                ..ClientFrame::from(kind, &request.from, timestamp)
            },
            Self::DeviceInfoResponse(update) => {
                ClientFrame { metadata: Some(&update.info), ..ClientFrame::from(kind, &update.from, timestamp) }
            }
            Self::Error(error) => ClientFrame {
                session_id: error.session_id.as_ref(),
                error: Some(&error.error),
                ..ClientFrame::from(kind, &error.from, timestamp)
            },
            Self::Transfer(announcement) => return announcement.write(timestamp),
        };
        text(&frame)
    }
}

impl Announcement {
    /// Writes the frame; unlike other messages it has only the keys that it needs.
    pub fn write(&self, timestamp: Timestamp) -> String {
        #[derive(Serialize)]
        struct Timed<'a, T> {
            r#type: ClientKind,
            #[serde(flatten)]
            announcement: &'a T,
            timestamp: String,
        }
        let timestamp = written(timestamp);
        match self {
            Self::Data(announcement) => text(&Timed { r#type: ClientKind::BinaryData, announcement, timestamp }),
            Self::Start(announcement) => {
                text(&Timed { r#type: ClientKind::FileTransferStart, announcement, timestamp })
            }
            Self::Complete(announcement) => {
                text(&Timed { r#type: ClientKind::FileTransferComplete, announcement, timestamp })
            }
        }
    }
}

/// All of these have a JSON form: their keys are strings, and what is raw was JSON before.
fn text(frame: &impl Serialize) -> String {
    serde_json::to_string(frame).unwrap_or_default()
}
