//! `hangar`: the agent server, and the tools with which its plugins are written.

mod cli;
#[allow(dead_code, unused_imports)]
mod config;
#[allow(dead_code, unused_imports)]
mod models;

fn main() -> std::process::ExitCode {
    cli::main()
}
