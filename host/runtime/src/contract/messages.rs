//! Messages on their way, and what a handler may say about them. Mirrors the WIT interface `messages`.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::json_text;
use super::values::{BlobId, Named};

/// A message on its way.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The host's id of this message.
    #[serde(default)]
    pub id: String,
    /// Open: `task`, `command`, `results`, `task-end`, `chat`, `client-registered`, `client-gone`, and the extension
    /// kinds that the plugin's `describe` lists.
    #[serde(default)]
    pub kind: String,
    /// When it came, in milliseconds since 1970.
    #[component(name = "time-ms")]
    pub time_ms: u64,
    /// Who sent it, as registered. Nothing in the message can change it.
    pub sender: Party,
    /// Whom it is for, as far as that is settled.
    #[serde(default)]
    pub receivers: Vec<Party>,
    /// The session that it belongs to; empty if none.
    #[component(name = "session-id")]
    #[serde(default)]
    pub session_id: String,
    /// Where it came in. Open: `aip`, `http`, `sessions`, `messaging`, `run`.
    #[serde(default)]
    pub door: String,
    /// JSON: the message. Pictures and long strings in it are `{"$blob": "<id>"}`.
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub body: String,
    /// The blobs that `body` names.
    #[serde(default)]
    pub blobs: Vec<BlobId>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A client.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// The id under which it registered.
    #[serde(default)]
    pub id: String,
    /// Open: `device`, `constellation`, `frontend`, `agent`, `broker`, `http`, `run`.
    #[serde(default)]
    pub kind: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// What is to become of a message.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(variant)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Let it go on as it is.
    #[component(name = "pass")]
    Pass,
    /// Let this body go on in its place. JSON.
    #[component(name = "replace")]
    #[serde(with = "json_text")]
    Replace(String),
    /// Send this to the sender and stop. JSON.
    #[component(name = "reply")]
    #[serde(with = "json_text")]
    Reply(String),
    /// Stop it and tell the sender why.
    #[component(name = "reject")]
    Reject(Rejection),
    /// Send it to these, each an id that `directory` shows.
    #[component(name = "route")]
    Route(Vec<String>),
    /// Send it to everyone that may receive it.
    #[component(name = "broadcast")]
    Broadcast,
    /// Keep it until a receiver is there or the time is up.
    #[component(name = "hold")]
    Hold(Hold),
    /// Let a behaviour answer it.
    #[component(name = "start-session")]
    StartSession(StartSession),
    /// Take single calls out of a `command`; the rest goes on.
    #[component(name = "deny")]
    Deny(Vec<Denial>),
    /// A later minor version's verdict; a host that does not know it rejects the message.
    #[component(name = "extension")]
    Extension(Named),
}

/// Why a message is stopped.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Rejection {
    /// Open; see [`super::values::Failure`].
    #[serde(default)]
    pub code: String,
    /// For the sender.
    #[serde(default)]
    pub text: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Keep a message.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// The client that it waits for; empty for any that fits.
    #[serde(default)]
    pub receiver: String,
    /// How long; none for the host's own bound, which also caps this one.
    #[component(name = "timeout-ms")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u32>,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// Let a behaviour answer a message.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct StartSession {
    /// The behaviour's plugin id.
    #[serde(default)]
    pub behaviour: String,
    /// The device to run on, an id that `directory` shows; empty for none.
    #[serde(default)]
    pub executor: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}

/// A call that must not run.
#[derive(Debug, Clone, PartialEq, ComponentType, Lift, Lower, Serialize, Deserialize)]
#[component(record)]
#[serde(deny_unknown_fields)]
pub struct Denial {
    /// The call's `call-id`.
    #[component(name = "call-id")]
    #[serde(default)]
    pub call_id: String,
    /// For the behaviour that asked for it.
    #[serde(default)]
    pub reason: String,
    /// See [`super::values`].
    #[serde(default, with = "json_text", skip_serializing_if = "String::is_empty")]
    pub extra: String,
}
