//! `hangar`: the agent server, and the tools with which its plugins are written.

mod access;
mod app;
mod cli;
mod clients;
mod config;
mod device;
mod gateway;
mod handlers;
mod models;
mod server;
mod sessions;
mod telemetry;

fn main() -> std::process::ExitCode {
    cli::main()
}
