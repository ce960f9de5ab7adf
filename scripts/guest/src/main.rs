// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-guest`: what a shell cannot do in the tests, or is too slow for, as one static program for the guest.
//!
//! This file only dispatches; each command has a file of its own. Exit status: 0 for yes, 1 for an
//! honest no, 2 if the command could not run.

mod bpf;
mod failslab;
mod kallsyms;
mod lookups;
mod oracle;
mod positions;
mod promoted;
mod query;
mod stress;
mod table;
mod variants;
mod watch;

use std::process::ExitCode;

use clap::{
    Parser,
    Subcommand, //
};

#[derive(Parser)]
#[command(name = "klp-guest")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Failslab(failslab::Args),
    Fentry(bpf::FentryArgs),
    Ksym(bpf::KsymArgs),
    Lookups(lookups::Args),
    Oracle(oracle::Args),
    Promoted(promoted::Args),
    Stress(stress::Args),
    Table(table::Args),
    Variants(variants::Args),
    Watch(watch::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Failslab(args) => failslab::run(&args),
        Command::Fentry(args) => bpf::fentry(&args),
        Command::Ksym(args) => bpf::ksym(&args),
        Command::Lookups(args) => lookups::run(&args),
        Command::Oracle(args) => oracle::run(&args),
        Command::Promoted(args) => promoted::run(&args),
        Command::Stress(args) => stress::run(&args),
        Command::Table(args) => table::run(&args),
        Command::Variants(args) => variants::run(&args),
        Command::Watch(args) => watch::run(&args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
