//! `hangar`: the agent server, and the tools with which its plugins are written.

mod cli;
#[allow(dead_code, unused_imports)]
mod config;
mod device;

fn main() -> std::process::ExitCode {
    cli::main()
}
