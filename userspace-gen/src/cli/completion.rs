// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen completion`

use super::console::Console;
use super::{Cli, Verdict};
use anyhow::Result;
use clap::CommandFactory as _;
use clap_complete::Shell;

/// Print what makes a shell complete klp-gen's arguments
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # for the shells that start from now on
  $ klp-gen completion bash > klp-gen.bash

Exit status: 0 printed, 2 there is no such shell.")]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Result<Verdict> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "klp-gen", &mut script);
    console.table(|page| page.raw().write_all(&script))?;
    Ok(Verdict::Yes)
}
