//! The doors: where bytes become typed messages and where it is settled who sends them. Nothing behind them sees a socket.

pub mod aip;
mod frame_headers;
pub mod http;
mod large_frames;
mod socket;
mod upgrade;

pub use large_frames::{FrameRefusal, Reservation, Room};
pub use socket::Socket;
pub use upgrade::Upgrades;

#[cfg(test)]
mod tests;
