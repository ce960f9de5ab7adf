// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask series`: writes the patches as they would be sent.

use super::kernel::SeriesArgs;
use crate::host::paths;
use crate::kernel::build::steps::Steps;
use crate::kernel::source::Source;
use crate::mail::{self, Sender};
use crate::report::outcome::Outcome;
use crate::report::progress;
use crate::report::tally::Tally;
use anyhow::Result;
use std::path::PathBuf;

/// Write the patches as they would be sent, in series with cover letters; print their names.
///
/// They are from whoever git is configured for (user.name, user.email), and have that person's sign-off.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    series: SeriesArgs,
    /// The directory to write to.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// The address at which this repository is published, for MAINTAINERS and the patches that need a
    /// tool of it; by default that of the remote `origin`.
    #[arg(long, value_name = "URL")]
    repository: Option<String>,
    /// Apply one patch after the other to a scratch tree and build what each touches, with warnings as
    /// errors; exit with 1 if one does not build.
    #[arg(long)]
    build: bool,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    // First, so that a missing identity is said before anything is installed.
    let repository = paths::repository();
    let sender = Sender::configured(&repository)?;
    let sender = sender.published(args.repository.as_deref(), &repository);
    let logs = paths::new_log_dir("series")?;
    let source = Source::find(&args.series.origin()?, &logs)?;
    let all = mail::write(&source, &args.output, &sender)?;
    for patch in all.iter().flat_map(|series| &series.patches) {
        println!("{}", patch.display());
    }
    let without_address = mail::without_address(&args.output)?;
    if !without_address.is_empty() {
        eprintln!(
            "warning: {} stands for the address of this repository in the files below, since there is no \
             remote `origin` with an https address: give the address with --repository URL",
            mail::NOWHERE
        );
        for file in without_address {
            eprintln!("  {}", file.display());
        }
    }
    if !args.build {
        return Ok(Outcome::Pass);
    }
    let mut tally = Tally::default();
    let steps = Steps::new(&source, &logs)?;
    for series in &all {
        steps.build(&series.before, &series.patches, &mut tally)?;
    }
    progress::finish(&logs);
    tally.print();
    Ok(Outcome::from_bool(tally.failed() == 0))
}
