// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The command line: answers on stdout, messages on stderr.

mod audit;
mod build;
mod calls;
mod check;
mod collisions;
mod completion;
mod convert;
mod explain;
mod man;
mod modules;
mod options;
mod resolve;
mod symbols;
mod symvers;
mod ui;

pub use ui::{Console, Verdict};

use anyhow::Result;
use clap::{CommandFactory as _, Parser, Subcommand};
use ui::console;

/// Emits and checks the relocation metadata of kernel livepatches
#[derive(Debug, Parser)]
#[command(
    name = "klp-gen",
    version,
    after_help = "\
Examples:
  # the meaning of a name in a kernel
  $ klp-gen resolve init_once,2 --vmlinux vmlinux
  # convert a livepatch after modpost, and predict the kernel's verdict
  $ klp-gen convert livepatch.ko -o out.ko --vmlinux vmlinux
  $ klp-gen check out.ko --vmlinux vmlinux

Exit status: 0 yes, 1 no (not found, ambiguous, refused), 2 could not run."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,

    #[command(flatten)]
    pub options: console::Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    Symbols(symbols::Args),
    Resolve(resolve::Args),
    Convert(convert::Args),
    Symvers(symvers::Args),
    Modules(modules::Args),
    Check(check::Args),
    Explain(explain::Args),
    Audit(audit::Args),
    Build(build::Args),
    Collisions(collisions::Args),
    Man(man::Args),
    Completion(completion::Args),
}

/// Runs a command.
pub fn run(cli: &Cli, console: &Console) -> Result<Verdict> {
    let verdict = match &cli.command {
        Command::Symbols(args) => symbols::run(args, console),
        Command::Resolve(args) => resolve::run(args, console),
        Command::Convert(args) => convert::run(args, console),
        Command::Symvers(args) => symvers::run(args, console),
        Command::Modules(args) => modules::run(args, console),
        Command::Check(args) => check::run(args, console),
        Command::Explain(args) => explain::run(args, console),
        Command::Audit(args) => audit::run(args, console),
        Command::Build(args) => build::run(args, console),
        Command::Collisions(args) => collisions::run(args, console),
        Command::Man(args) => man::run(args, Cli::command(), console),
        Command::Completion(args) => completion::run(args, Cli::command(), console),
    }?;
    console.finish(verdict);
    Ok(verdict)
}
