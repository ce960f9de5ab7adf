// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The command klp-gen.

#![forbid(unsafe_code)]

mod cli;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run(&cli::Cli::parse()) {
        Ok(verdict) => verdict.into(),
        Err(error) => {
            cli::message(&format_args!("{error:#}"));
            cli::Verdict::CouldNotRun.into()
        }
    }
}
