// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The command line: answers on stdout, messages on stderr.

mod check;
mod convert;
mod output;
mod resolve;
mod symbols;
mod target;

pub use output::message;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Emits and checks the relocation metadata of kernel livepatches
#[derive(Debug, Parser)]
#[command(
    name = "klp-gen",
    version,
    after_help = "Exit status: 0 yes, 1 no (not found, ambiguous, check failed), 2 could not run."
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Symbols(symbols::Args),
    Resolve(resolve::Args),
    Convert(convert::Args),
    Check(check::Args),
}

/// What the command says with its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Done, and the answer is yes.
    Yes,
    /// Done, and the answer is no.
    No,
    /// Not done.
    CouldNotRun,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> Self {
        Self::from(match verdict {
            Verdict::Yes => 0,
            Verdict::No => 1,
            Verdict::CouldNotRun => 2,
        })
    }
}

/// Runs a command.
pub fn run(cli: &Cli) -> Result<Verdict> {
    match &cli.command {
        Command::Symbols(args) => symbols::run(args),
        Command::Resolve(args) => resolve::run(args),
        Command::Convert(args) => convert::run(args),
        Command::Check(args) => check::run(args),
    }
}
