// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `klp-gen man`

use super::ui::{Console, Verdict};
use anyhow::{Context as _, Result};
use clap::Command;
use std::path::PathBuf;

/// Write the man pages of klp-gen and of each of its commands
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # klp-gen(1), klp-gen-check(1) and so on
  $ klp-gen man -o man1

Exit status: 0 written, 2 the directory cannot be written to.")]
pub struct Args {
    /// The directory for the pages; it is made if it does not exist
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

/// Runs the command for the pages of `klp_gen`.
pub fn run(args: &Args, klp_gen: Command, console: &Console) -> Result<Verdict> {
    let directory = &args.output;
    let cannot = || format!("cannot write the manual to {}", directory.display());
    std::fs::create_dir_all(directory).with_context(cannot)?;
    clap_mangen::generate_to(klp_gen, directory).with_context(cannot)?;
    console.detail(&format_args!("the pages are in {}", directory.display()));
    Ok(Verdict::Yes)
}
