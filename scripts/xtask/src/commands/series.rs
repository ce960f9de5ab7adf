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
    /// The address at which this repository is published, for the patches that need a tool of it; by
    /// default that of the remote `origin`.
    #[arg(long, value_name = "URL")]
    repository: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    // First, so that a missing identity is said before anything is installed.
    let repository = layout::repository();
    let sender = Sender::configured(&repository)?;
    let sender = sender.published(args.repository.as_deref(), &repository);
    if sender.repository.is_none() {
        eprintln!(
            "warning: the patches for kbuild cannot say where klp-gen comes from: give the address at \
             which this repository is published with --repository URL"
        );
    }
    let logs = layout::new_log_dir("series")?;
    let source = Source::find(args.source.kernel_source.as_deref(), &logs)?;
    for patch in series::write(&source, &args.output, &sender)? {
        println!("{}", patch.display());
    }
    Ok(Outcome::Pass)
}
