//! A device agent: it connects this machine to a server and does there what the server's behaviours want done.
//!
//! It stands on the client of [`hangar_aip`] and knows nothing of the server in this binary: it would serve any other
//! one as well. What it is told to do comes from outside, so what it may do is settled when it is started: which programs
//! ([`Policy`]), which files ([`Files`]), how long and how much.

mod agent;
mod batch;
mod commands;
mod files;
mod screen;
mod system;
mod tool;
mod toolbox;

pub use agent::{Agent, Ended, News};
pub use commands::{Allowed, Commands, Policy};
pub use files::Files;
pub use screen::Screen;
pub use system::{device_info, host_name};
pub use toolbox::Toolbox;
