//! The command line: what can be typed, and what the process answers to its caller.

mod completions;
mod config;
mod device;
mod dispatch;
mod doctor;
mod embedded;
mod ends;
mod plugin;
mod problem;
mod screen;
mod serve;
mod serve_options;
mod server_address;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use screen::Screen;

const EXAMPLES: &str = "\
Examples:
  hangar serve --plugins plugins            serve, with the plugins in there
  hangar device                             connect this machine to a server on this machine
  hangar dispatch '$ uname -a'              have that device run a command
  hangar plugin new greeter --lang python   make a plugin
  hangar plugin --help                      what else there is for plugin authors
  hangar config                             what a server would do that is started here
  hangar doctor                             whether it would do well, and what to mend
  hangar completions bash                   let the shell complete these commands

Exit codes: 0 all is well, 1 it is not, 2 the command line was not understood.";

/// The agent server whose behaviour is WebAssembly plugins, and the tools to write these.
#[derive(Parser)]
#[command(name = "hangar", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve devices, constellations and the HTTP API
    #[command(after_help = format!("{}\n\n{}", serve::EXAMPLES, serve_options::SOURCES))]
    Serve(serve::Serve),
    /// Connect this machine to a server, and do there what is wanted
    #[command(after_help = device::EXAMPLES)]
    Device(device::Device),
    /// Have a device do something, wait, and print what came of it
    #[command(after_help = dispatch::EXAMPLES)]
    Dispatch(dispatch::Dispatch),
    /// Make, build, check and try plugins
    Plugin(plugin::Plugin),
    /// Print the configuration of a server, and where each value comes from
    #[command(after_help = format!("{}\n\n{}", config::EXAMPLES, serve_options::SOURCES))]
    Config(config::ShowConfig),
    /// Find out whether a server would do well here, and what to do where it would not
    #[command(after_help = format!("{}\n\n{}", doctor::EXAMPLES, serve_options::SOURCES))]
    Doctor(doctor::Doctor),
    /// Print what a shell needs to complete these commands
    #[command(after_help = completions::EXAMPLES)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// How a command ended that was carried out to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// All is well.
    Ok,
    /// What was looked at is not well; what is wrong with it was printed.
    NotOk,
}

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| problem::report_mistake(&panic.to_string())));
    let CommandLine { command } = CommandLine::parse();
    let (json, done) = match command {
        Command::Device(device) => (false, device::work(&device, &mut Screen::new())),
        Command::Dispatch(dispatch) => (dispatch.json, dispatch::work(&dispatch, &mut Screen::new())),
        Command::Plugin(plugin) => (plugin.wants_json(), plugin.work(&mut Screen::new())),
        Command::Serve(serve) => (false, serve::work(&serve, &mut Screen::new())),
        Command::Config(show) => (show.json, config::work(&show, &mut Screen::new())),
        Command::Doctor(doctor) => (doctor.json, doctor::work(&doctor, &mut Screen::new())),
        Command::Completions { shell } => (false, completions::print(shell, &mut Screen::new())),
    };
    match done {
        Ok(Verdict::Ok) => ExitCode::SUCCESS,
        Ok(Verdict::NotOk) => ExitCode::FAILURE,
        // Whoever reads has seen enough.
        Err(error) if screen::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            problem::report(&error, json);
            ExitCode::FAILURE
        }
    }
}
