// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The command klp-gen.

#![forbid(unsafe_code)]

mod cli;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let console = cli::Console::new(cli.options);
    match cli::run(&cli, &console) {
        Ok(verdict) => verdict.into(),
        Err(error) => {
            console.error(&format_args!("{error:#}"));
            console.finish(cli::Verdict::CouldNotRun);
            cli::Verdict::CouldNotRun.into()
        }
    }
}
