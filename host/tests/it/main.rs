//! The command `hangar`, as somebody meets it who types it: real processes, real projects, real builds.
#![cfg(test)]

mod command_line;
mod configuring;
mod guide;
mod journals;
mod mistakes;
mod mistakes_in_code;
mod moves;
mod projects;
mod shipped;
mod stage;
#[cfg(unix)]
mod toolchains;
#[cfg(unix)]
mod watching;
