//! `hangar completions`: lets a shell complete the commands.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::screen::Screen;
use super::{CommandLine, Verdict};

/// How each shell takes them.
pub const EXAMPLES: &str = "\
Examples:
  hangar completions bash >~/.local/share/bash-completion/completions/hangar
  hangar completions zsh  >~/.zfunc/_hangar      after `fpath+=~/.zfunc` in ~/.zshrc
  hangar completions fish >~/.config/fish/completions/hangar.fish
  hangar completions powershell >>$PROFILE";

/// Prints the completions for a shell.
pub fn print(shell: Shell, screen: &mut Screen) -> anyhow::Result<Verdict> {
    // Not straight to the screen: clap panics when nobody reads it.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "hangar", &mut script);
    screen.write_all(&script)?;
    Ok(Verdict::Ok)
}
