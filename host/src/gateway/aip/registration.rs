//! Registration: the first frame says who somebody is, and from then on that does not change.

use std::sync::Arc;

use hangar_aip::{ClientType, Id, Json, Platform, Refusal, Register, ServerHeartbeat, ServerMessage, Stamp};
use hangar_runtime::contract::messages::{Envelope, Party};
use hangar_runtime::{Blobs, Scope};
use serde::Serialize;
use tokio::time::timeout;

use super::Aip;
use super::wire::{Happening, Wire};
use crate::access::Admitted;
use crate::clients::{Client, Introduction, NotTaken, Outbox, View};
use crate::config::Scope as KeyScope;
use crate::handlers::{Way, kind};

/// How often somebody whose id is taken by one that is gone tries again: another one may be faster.
const ATTEMPTS: usize = 3;

/// What handlers are told of those who come and go.
#[derive(Serialize)]
struct ClientBody<'a> {
    id: &'a str,
    kind: &'a str,
    platform: Option<&'a str>,
    target: Option<&'a str>,
    info: Option<&'a Json>,
}

impl Aip {
    /// Waits for the registration and answers it. Without a refusal there is nobody left to tell one.
    pub(super) async fn register(
        &self,
        wire: &mut Wire,
        outbox: Outbox,
        admitted: &Admitted,
    ) -> Result<Arc<Client>, Option<Refusal>> {
        let Ok(register) = timeout(self.limits.registration, first_frame(wire)).await else {
            return Err(Some(Refusal::RegistrationTimeout));
        };
        let register = register?;
        let scope = match register.client_type {
            ClientType::Device => KeyScope::Device,
            ClientType::Constellation => KeyScope::Constellation,
        };
        if !admitted.allows(scope) {
            let text = format!("The key does not allow to register as a {}", register.client_type);
            return Err(Some(Refusal::Rejected(text)));
        }
        let introduction = self.introduce(register, outbox, admitted);
        self.ask_about(&introduction).await?;
        // The answer waits in the outbox before anybody can find the client and send it something else.
        let answer = ServerMessage::Heartbeat(ServerHeartbeat::default()).write(&Stamp::now());
        for _ in 0..ATTEMPTS {
            let holder = match self.clients.register(&introduction, &answer) {
                Ok(client) => return Ok(client),
                Err(NotTaken::TargetAbsent(target)) => return Err(Some(Refusal::RegistrationTargetAbsent(target))),
                Err(NotTaken::Taken(holder)) => holder,
            };
            if holder.is_alive(self.limits.probe).await {
                break;
            }
            tracing::warn!(client = %holder.id, "a connection that does not answer gives its place to a new one");
            holder.outbox().cut("another connection took its place");
            if self.clients.remove(&holder) {
                self.sessions.gone(&holder);
            }
        }
        Err(Some(Refusal::DuplicateClientId(introduction.id)))
    }

    /// What is known of the client, from itself and from the operator.
    fn introduce(&self, register: Register, outbox: Outbox, admitted: &Admitted) -> Introduction {
        let is_device = register.client_type == ClientType::Device;
        let said = register.platform.filter(|_| !self.devices.force_platform);
        let platform = said.or_else(|| self.devices.platform.clone()).unwrap_or_default();
        let info = register.system_info.map(|info| self.sessions.clean(&register.client_id, info));
        let info = is_device.then(|| self.metadata.merge(info.as_ref(), &register.client_id)).flatten();
        Introduction {
            id: register.client_id,
            kind: register.client_type,
            platform: is_device.then_some(platform),
            target: register.target_id.filter(|_| !is_device),
            info,
            key: admitted.key_name.clone(),
            outbox,
        }
    }

    /// Asks handlers whether it may come in.
    async fn ask_about(&self, introduction: &Introduction) -> Result<(), Option<Refusal>> {
        if !self.handlers.concern(kind::CLIENT_REGISTERED) {
            return Ok(());
        }
        let body = ClientBody {
            id: &introduction.id,
            kind: introduction.kind.as_str(),
            platform: introduction.platform.as_ref().map(Platform::as_str),
            target: introduction.target.as_deref(),
            info: introduction.info.as_ref(),
        };
        let (envelope, scope) = self.about(kind::CLIENT_REGISTERED, &introduction.id, &body);
        match self.handlers.judge(&introduction.id, envelope, scope).await.way {
            Way::On(_) => Ok(()),
            Way::Reject { text, .. } => Err(Some(Refusal::Rejected(text))),
            Way::Reply(_) | Way::Route(_) | Way::StartSession(_) => Err(Some(Refusal::Rejected(
                "a handler gave a verdict that means nothing for a registration".to_owned(),
            ))),
        }
    }

    /// Tells handlers that it is gone.
    pub(super) fn tell_gone(&self, client: &Client) {
        if !self.handlers.concern(kind::CLIENT_GONE) {
            return;
        }
        let body = ClientBody {
            id: &client.id,
            kind: client.kind.as_str(),
            platform: client.platform.as_ref().map(Platform::as_str),
            target: client.target.as_deref(),
            info: None,
        };
        let (envelope, scope) = self.about(kind::CLIENT_GONE, &client.id, &body);
        let (handlers, id) = (self.handlers.clone(), client.id.clone());
        tokio::spawn(async move { handlers.judge(&id, envelope, scope).await });
    }

    fn about(&self, kind: &str, id: &Id, body: &ClientBody<'_>) -> (Envelope, Scope) {
        let sender = Party { id: id.to_string(), kind: body.kind.to_owned(), extra: String::new() };
        let envelope = Envelope {
            id: Id::fresh().to_string(),
            kind: kind.to_owned(),
            time_ms: u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default(),
            sender,
            receivers: Vec::new(),
            session_id: String::new(),
            door: "aip".to_owned(),
            body: serde_json::to_string(body).unwrap_or_default(),
            blobs: Vec::new(),
            extra: String::new(),
        };
        let directory = Arc::new(View::of_itself(&self.clients, id));
        (envelope, Scope { directory, blobs: Arc::<Blobs>::default() })
    }
}

/// The first frame, which must be a registration.
async fn first_frame(wire: &mut Wire) -> Result<Register, Option<Refusal>> {
    loop {
        let frame = match wire.next().await {
            Happening::Text(text) => bytes::Bytes::from(text),
            Happening::Binary(bytes) => bytes,
            Happening::Sign => continue,
            Happening::Gone(super::Gone::Unfit(why)) => return Err(Some(Refusal::Rejected(why))),
            Happening::Gone(_) => return Err(None),
        };
        let register = Register::read_first(&frame).map_err(Some);
        drop(wire.socket().take_reservation());
        return register;
    }
}
