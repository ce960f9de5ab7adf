// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask kernel`: builds the test kernel.

use crate::host::paths;
use crate::kernel::source::Origin;
use crate::kernel::{self, series, Lane, Series};
use crate::report::outcome::Outcome;
use crate::report::progress;
use anyhow::Result;
use std::path::PathBuf;

/// Build the test kernel with the module in it; print the build directory.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    lane: LaneArgs,
}

/// The kernel's source, for every command that needs a kernel.
#[derive(clap::Args)]
pub struct SourceArgs {
    /// Build the kernel of this series, from Debian's source package: a folder of kmod/series.
    #[arg(long, default_value = series::DEFAULT)]
    series: String,
    /// Build a copy of the kernel tree in DIR instead, which may be of any of the series.
    #[arg(long, value_name = "DIR", conflicts_with = "series")]
    kernel_source: Option<PathBuf>,
}

impl SourceArgs {
    /// Returns the place of the source.
    ///
    /// # Errors
    ///
    /// Fails if there is no such series.
    pub fn origin(&self) -> Result<Origin> {
        match &self.kernel_source {
            Some(tree) => Ok(Origin::Tree(tree.clone())),
            None => Series::named(&self.series).map(Origin::Package),
        }
    }
}

/// The choice of a kernel, for every command that needs one.
#[derive(clap::Args)]
pub struct LaneArgs {
    /// The kernel: as LLVM 22 links it, with the suffix reduction of LLD 23, or with BTF.
    #[arg(long, value_enum, default_value_t)]
    pub lane: Lane,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let logs = paths::new_log_dir("kernel")?;
    let kernel = kernel::prepare(args.lane.lane, &args.source.origin()?, &logs)?;
    progress::finish(&logs);
    println!("{}", kernel.build.display());
    Ok(Outcome::Pass)
}
