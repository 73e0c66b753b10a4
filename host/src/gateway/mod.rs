//! From sockets to typed messages: what comes in by the doors is made into what the rooms behind understand.

mod frame_headers;
mod large_frames;
mod socket;
mod upgrade;

pub use large_frames::{FrameRefusal, Reservation};
pub use socket::Socket;
pub use upgrade::{UpgradeRefusal, Upgrades};

#[cfg(test)]
mod tests;
