// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask measure`: what `cargo xtask bench` starts for each run.

use crate::bench;
use crate::report::outcome::Outcome;
use anyhow::Result;
use std::ffi::OsString;

/// Run a program and print the nanoseconds of processor time and the bytes of memory that it took.
#[derive(clap::Args)]
pub struct Args {
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let usage = bench::usage(&args.program)?;
    println!("{} {}", usage.time.as_nanos(), usage.peak);
    Ok(Outcome::Pass)
}
