//! The doors: where bytes become typed messages and where it is settled who sends them. Nothing behind them sees a socket.

pub mod aip;
mod large_frames;

pub use large_frames::Reservation;
