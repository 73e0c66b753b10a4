//! What it takes to strain a server from outside: starting it as a process of its own and reading its figures, and sockets
//! and frames of devices and constellations that cost little on this side.
//!
//! The program `load` measures with it, the soak of the server looks for what breaks. Frames are written here from the
//! protocol and not by its crate: what both sides had from one place, no strain would find.

pub mod chosen;
pub mod crowd;
pub mod frames;
pub mod http;
pub mod open_files;
pub mod plugin_file;
pub mod process;
pub mod said;
pub mod scripted;
pub mod server;
pub mod socket;
