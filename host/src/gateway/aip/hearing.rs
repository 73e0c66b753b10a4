//! What each message of a registered client means. Nothing here waits: what takes time is handed to a session.

use std::sync::Arc;

use bytes::Bytes;
use hangar_aip::{
    ClientMessage, ClientType, DeviceInfoAnswer, DeviceInfoRequest, Id, Refusal, Registered, ServerHeartbeat,
    ServerMessage,
};

use super::Aip;
use super::transfers::Transfers;
use crate::clients::Client;
use crate::gateway::Reservation;
use crate::sessions::Held;

/// One registered connection, as far as it is listened to.
pub(super) struct Hearing<'a> {
    aip: &'a Aip,
    client: &'a Arc<Client>,
    registered: Registered,
    /// Few connections ever send a file.
    transfers: Option<Box<Transfers>>,
}

impl<'a> Hearing<'a> {
    pub fn new(aip: &'a Aip, client: &'a Arc<Client>) -> Self {
        let registered = Registered { client_id: client.id.clone(), client_type: client.kind };
        Self { aip, client, registered, transfers: None }
    }

    /// A text frame came.
    pub fn text(&mut self, frame: &[u8], reservation: Option<Reservation>) {
        let message = match self.registered.read(frame) {
            Ok(message) => message,
            Err(refusal) => {
                self.interrupt();
                return self.refuse(&refusal);
            }
        };
        if !matches!(message, ClientMessage::Transfer(_)) {
            self.interrupt();
        }
        self.message(message, reservation);
    }

    /// A binary frame came: bytes that were announced, or a message all the same.
    pub fn binary(&mut self, frame: Bytes, reservation: Option<Reservation>) {
        if let Some(transfers) = self.transfers.as_mut().filter(|transfers| transfers.expects_binary()) {
            let arrived = transfers.binary(frame, &self.aip.room);
            return self.arrived(arrived);
        }
        match self.registered.read(&frame) {
            Ok(message) => self.message(message, reservation),
            Err(Refusal::Unreadable(error)) if error.kind.is_none() => {
                self.interrupt();
                self.refuse(&Refusal::UnexpectedBinary);
                self.strike();
            }
            Err(refusal) => self.refuse(&refusal),
        }
    }

    fn message(&mut self, message: ClientMessage, reservation: Option<Reservation>) {
        match message {
            ClientMessage::Heartbeat(_) => self.answer(&ServerMessage::Heartbeat(ServerHeartbeat::default())),
            ClientMessage::Task(task) => self.aip.sessions.task(self.client, task),
            ClientMessage::CommandResults(results) => {
                let held = reservation.map(|room| Box::new(room) as Held);
                self.aip.sessions.results(self.client, results, held);
            }
            ClientMessage::DeviceInfoRequest(request) => self.device_info(&request),
            ClientMessage::DeviceInfoResponse(update) => {
                if self.client.kind == ClientType::Device {
                    let info = self.aip.sessions.clean(&self.client.id, update.info);
                    self.client.set_info(self.aip.metadata.merge(Some(&info), &self.client.id));
                }
            }
            ClientMessage::TaskEnd(report) => {
                if let Err(refusal) = self.aip.sessions.reported(self.client, report) {
                    self.refuse(&refusal);
                }
            }
            ClientMessage::Error(error) => {
                let error = self.aip.sessions.clean_text(&self.client.id, error.error);
                tracing::warn!(client = %self.client.id, error, "a client reports an error");
            }
            ClientMessage::Transfer(announcement) => {
                let transfers = self.transfers.get_or_insert_default();
                let arrived = transfers.announced(&announcement);
                self.arrived(arrived);
            }
            // `Registered` has refused it.
            ClientMessage::Register(_) => self.refuse(&Refusal::AlreadyRegistered),
        }
    }

    fn device_info(&self, request: &DeviceInfoRequest) {
        if self.client.kind != ClientType::Constellation {
            return self.refuse(&Refusal::DeviceInfoForConstellations);
        }
        if let (Some(managed), target) = (&self.client.target, &request.target_id)
            && target.as_ref() != Some(managed)
        {
            return self.refuse(&Refusal::DeviceInfoOutOfScope);
        }
        let target = request.target_id.as_deref().unwrap_or_default();
        let device = self.aip.clients.get(target).filter(|client| client.kind == ClientType::Device);
        let unknown = || format!("Device {target} not found or no system info available");
        let info = device.and_then(|device| device.info()).ok_or_else(unknown);
        let response_id = request.request_id.clone().unwrap_or_else(Id::fresh);
        self.answer(&ServerMessage::DeviceInfo(DeviceInfoAnswer { response_id, info }));
    }

    /// Nothing was said, but time has passed.
    pub fn look(&mut self) {
        if let Some(Err(text)) = self.transfers.as_mut().map(|transfers| transfers.look()) {
            self.complain(text);
        }
    }

    /// Something else came where bytes were announced.
    fn interrupt(&mut self) {
        if let Some(Err(error)) = self.transfers.as_mut().map(|transfers| transfers.interrupted()) {
            self.complain(error.to_string());
        }
    }

    fn arrived(&mut self, arrived: Result<Option<super::transfers::Received>, String>) {
        let kept = arrived.and_then(|received| match received {
            Some((file, content)) => self.aip.sessions.file(self.client, &file, content),
            None => Ok(()),
        });
        if let Err(text) = kept {
            self.complain(text);
        }
        if self.transfers.as_ref().is_some_and(|transfers| transfers.is_idle()) {
            self.transfers = None;
        }
    }

    /// Who sends bytes again and again that nobody has asked for does not speak this protocol.
    fn strike(&mut self) {
        const STRIKES: u32 = 3;
        let transfers = self.transfers.get_or_insert_default();
        transfers.strikes += 1;
        if transfers.strikes >= STRIKES {
            self.client.outbox().close(1003, "unexpected binary frames");
        }
    }

    fn refuse(&self, refusal: &Refusal) {
        self.aip.metrics.refused_message();
        let session_id = match refusal {
            Refusal::Unreadable(error) => error.session_id.clone(),
            Refusal::UnknownTaskEnd(id) => Some(id.clone()),
            _ => None,
        };
        self.aip.sessions.refuse(self.client, session_id.as_ref(), refusal);
    }

    fn complain(&self, text: String) {
        self.refuse(&Refusal::Rejected(text));
    }

    fn answer(&self, message: &ServerMessage) {
        // Who is too slow is about to be cut off.
        let _ = self.client.answer(message);
    }
}
