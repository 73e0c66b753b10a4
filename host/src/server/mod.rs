//! The sockets of the server: listening, TLS, and HTTP up to the router. What is asked for, and by whom, is decided behind.

mod bodies;
mod connection;
mod conversation;
mod detail;
mod listener;
mod seldom;
mod tls;

pub use connection::{Connection, Peer};
pub use detail::detail;
pub use listener::{Counters, Listener};
pub use tls::{Tls, TlsReloader};

#[cfg(test)]
mod tests;
