//! `hangar plugin`: the tools of plugin authors.

mod build;
mod check;
mod config_file;
mod files;
mod grants;
mod inspect;
mod json_lines;
pub mod language;
mod list;
mod loading;
mod log_lines;
mod new;
mod project;
mod remedies;
mod replaying;
mod run;
mod scripts;
mod shown;
mod test;
mod transcript;
mod user_folders;
mod watch;

use clap::{Args, Subcommand};

pub use files::{config_problem, file_problem, load_problem, world_problem};
pub use grants::NotGranted;

use super::Verdict;
use super::screen::Screen;

const EXAMPLES: &str = "\
From nothing to a tested plugin:
  hangar plugin new greeter
  cd greeter
  hangar plugin build
  hangar plugin test

Before it goes to a server:
  hangar plugin check      finds what a server would refuse, and says what its operator must grant
  hangar plugin inspect    what the plugin is, wants and gets

On a server:
  hangar plugin watch plugins    do with a plugin directory what a server does, and tell what happens
  hangar plugin list plugins     what serves, what drains, what was refused and why";

/// Make, build, check and try plugins
#[derive(Args)]
#[command(after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Plugin {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a new plugin project
    #[command(after_help = new::EXAMPLES)]
    New(new::New),
    /// Compile a project to a component
    #[command(after_help = build::EXAMPLES)]
    Build(build::Build),
    /// Find out whether a server would take a plugin, and what its operator must grant
    #[command(after_help = check::EXAMPLES)]
    Check(check::Check),
    /// Show what a plugin is, wants and gets
    #[command(after_help = inspect::EXAMPLES)]
    Inspect(inspect::Inspect),
    /// Play a script and show what the plugin answers
    #[command(after_help = run::EXAMPLES)]
    Run(run::Run),
    /// Play the scripts in tests/ and compare the answers with what they expect
    #[command(after_help = test::EXAMPLES)]
    Test(test::Test),
    /// Watch a plugin directory as a server does, and tell what happens
    #[command(after_help = watch::EXAMPLES)]
    Watch(watch::Watch),
    /// Show how the plugins of a watched directory stand
    #[command(after_help = list::EXAMPLES)]
    List(list::List),
}

impl Plugin {
    /// Does what was typed.
    pub fn work(&self, screen: &mut Screen) -> anyhow::Result<Verdict> {
        match &self.command {
            Command::New(new) => new::work(new, screen),
            Command::Build(build) => build::work(build, screen),
            Command::Check(check) => check::work(check, screen),
            Command::Inspect(inspect) => inspect::work(inspect, screen),
            Command::Run(run) => run::work(run, screen),
            Command::Test(test) => test::work(test, screen),
            Command::Watch(watch) => watch::work(watch, screen),
            Command::List(list) => list::work(list, screen),
        }
    }

    /// Whether a program reads what is printed.
    pub fn wants_json(&self) -> bool {
        match &self.command {
            Command::New(_) => false,
            Command::Build(build) => build.json,
            Command::Check(check) => check.json,
            Command::Inspect(inspect) => inspect.json,
            Command::Run(run) => run.json,
            Command::Test(test) => test.json,
            Command::Watch(watch) => watch.json,
            Command::List(list) => list.json,
        }
    }
}
