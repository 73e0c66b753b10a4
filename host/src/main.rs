//! `hangar`: the agent server, and the tools with which its plugins are written.

#[allow(dead_code, unused_imports)]
mod access;
mod cli;
#[allow(dead_code, unused_imports)]
mod config;
#[allow(dead_code, unused_imports)]
mod gateway;
#[allow(dead_code, unused_imports)]
mod server;

fn main() -> std::process::ExitCode {
    cli::main()
}
