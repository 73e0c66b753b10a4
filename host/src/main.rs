//! `hangar`: the agent server, and the tools with which its plugins are written.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
