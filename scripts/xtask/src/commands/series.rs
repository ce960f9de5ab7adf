// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask series`: writes the patches as they would be sent.

use std::path::PathBuf;

use anyhow::Result;

use super::kernel::SourceArgs;
use crate::{
    kernel::source::Source,
    layout,
    outcome::Outcome,
    series::{self, Sender}, //
};

/// Write the patches as they would be sent, in series with cover letters; print their names.
///
/// They are from whoever git is configured for (user.name, user.email), and have that person's sign-off.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// The directory to write to.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    // First, so that a missing identity is said before anything is installed.
    let sender = Sender::configured(&layout::repository())?;
    let logs = layout::new_log_dir("series")?;
    let source = Source::find(args.source.kernel_source.as_deref(), &logs)?;
    for patch in series::write(&source, &args.output, &sender)? {
        println!("{}", patch.display());
    }
    Ok(Outcome::Pass)
}
