//! `tillbox completions`: what a shell needs to complete our arguments.

use std::io::{self, Write};

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::failure::Failure;

/// Print the completions of a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tillbox completions bash > ~/.local/share/bash-completion/completions/tillbox
  tillbox completions zsh > \"${fpath[1]}/_tillbox\"
  tillbox completions fish > ~/.config/fish/completions/tillbox.fish")]
pub(super) struct CompletionsArguments {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(arguments: &CompletionsArguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut super::Cli::command(), "tillbox", &mut script);
    Ok(io::stdout().lock().write_all(&script)?)
}
