//! The server as its clients meet it: the real binary, real sockets, and the specification of the protocol as the only
//! judge. Nothing here knows what the server is made of.
#![cfg(test)]
#![cfg(unix)]

mod api;
mod checklist;
mod closing;
mod doors;
mod extensions;
mod floods;
mod frames;
mod guarding;
mod leaving;
mod liveness;
#[path = "../support/model_server.rs"]
mod model_server;
mod natural;
mod outcomes;
mod players;
mod queueing;
mod raw;
mod refusals;
mod reloading;
mod security;
mod spellings;
mod stage;
