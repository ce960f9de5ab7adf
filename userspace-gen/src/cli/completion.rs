// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen completion`

use super::ui::{Console, Verdict};
use anyhow::Result;
use clap::Command;
use clap_complete::Shell;

/// Print a script that completes klp-gen's arguments in a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # for all new shells
  $ klp-gen completion bash > klp-gen.bash

Exit status: 0 printed, 2 there is no such shell.")]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Runs the command for the arguments of `klp_gen`.
pub fn run(args: &Args, mut klp_gen: Command, console: &Console) -> Result<Verdict> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut klp_gen, "klp-gen", &mut script);
    console.table(|page| page.raw().write_all(&script))?;
    Ok(Verdict::Yes)
}
