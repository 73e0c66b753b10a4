//! The Agent Interaction Protocol (AIP), which device agents and constellations speak with an agent server.
//!
//! Bytes in, typed messages out, and the reverse. [`ClientMessage`] is what clients send, [`ServerMessage`] what servers
//! send. Reading forgives all that other programs have been seen to send, [`read`] says what; writing gives the one
//! canonical form, all keys and nulls included. A message that was read is whole: ids are not empty, states are typed,
//! what has a default has its value. JSON that merely passes through, such as a screenshot in a result, stays as it is
//! ([`Json`]): it is checked in the one pass that reads the frame, and is never built up or written anew.
//!
//! [`binary`] is the state machine of file transfers, without I/O. [`client`] is for those who are on the other side of
//! the server: devices and constellations. The crate knows nothing of the server, its sessions or its plugins.
//!
//! Where to find what: limits are in `limits.rs`, what is wrong with a frame in `flaw.rs`, every text that a server
//! refuses something with in `refusal.rs`.

pub mod binary;
pub mod client;
mod flaw;
mod id;
mod json;
pub mod limits;
mod message;
pub mod read;
mod refusal;
mod terms;
mod text;
mod write;

pub use flaw::{Flaw, ReadError};
pub use id::{Id, IdError};
pub use json::Json;
pub use message::{
    Assignment, Claim, ClientError, ClientHeartbeat, ClientMessage, Command, CommandResult, CommandResults, Commands,
    DeviceInfo, DeviceInfoAnswer, DeviceInfoRequest, DeviceInfoUpdate, Outcome, Register, ServerError, ServerHeartbeat,
    ServerMessage, ServerTaskEnd, TaskReport, TaskRequest, ToolInfo, ToolListError,
};
pub use refusal::{Refusal, Registered};
pub use terms::{ClientKind, ClientType, Platform, ResultStatus, ServerKind, TaskStatus, ToolType};
pub use write::Stamp;
