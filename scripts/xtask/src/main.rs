// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask`: builds the test kernel, boots it, and runs every test and lint.
//!
//! This file only dispatches; each command has a file of its own in `commands/`.

mod bench;
mod commands;
mod guest;
mod host;
mod kernel;
mod mail;
mod report;
mod suite;

use clap::{Parser, Subcommand};
use report::outcome::Outcome;
use report::progress;
use std::process::ExitCode;

/// Builds the test kernel, boots it, and runs every test and lint of klp-sympos.
///
/// Exit status: 0 for yes, 1 for an honest no (a test failed), 2 if the command could not run.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    /// Print each command before it runs; without this, only those that fail.
    #[arg(short, long, global = true)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Audit(commands::audit::Args),
    Bench(commands::bench::Args),
    Calls(commands::calls::Args),
    Corpus(commands::corpus::Args),
    Deb(commands::deb::Args),
    Demo(commands::demo::Args),
    Fuzz(commands::fuzz::Args),
    Kernel(commands::kernel::Args),
    KlpBuild(commands::klp_build::Args),
    Lint(commands::lint::Args),
    #[command(hide = true)]
    Measure(commands::measure::Args),
    Qemu(commands::qemu::Args),
    Series(commands::series::Args),
    Test(commands::test::Args),
    Tracers(commands::tracers::Args),
    Twin(commands::twin::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    progress::begin(cli.verbose);
    let result = match cli.command {
        Command::Audit(args) => commands::audit::run(&args),
        Command::Bench(args) => commands::bench::run(&args),
        Command::Calls(args) => commands::calls::run(&args),
        Command::Corpus(args) => commands::corpus::run(&args),
        Command::Deb(args) => commands::deb::run(&args),
        Command::Demo(args) => commands::demo::run(&args),
        Command::Fuzz(args) => commands::fuzz::run(&args),
        Command::Kernel(args) => commands::kernel::run(&args),
        Command::KlpBuild(args) => commands::klp_build::run(&args),
        Command::Lint(args) => commands::lint::run(&args),
        Command::Measure(args) => commands::measure::run(&args),
        Command::Qemu(args) => commands::qemu::run(args),
        Command::Series(args) => commands::series::run(&args),
        Command::Test(args) => commands::test::run(&args),
        Command::Tracers(args) => commands::tracers::run(&args),
        Command::Twin(args) => commands::twin::run(&args),
    };
    progress::end_sections();
    match result {
        Ok(Outcome::Pass) => ExitCode::SUCCESS,
        Ok(Outcome::Fail) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}
