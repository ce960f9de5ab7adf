// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask kernel`: builds the test kernel.

use crate::host::paths;
use crate::kernel::{self, Lane};
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
    /// Build a copy of the kernel tree in DIR instead of Debian's source package.
    #[arg(long, value_name = "DIR")]
    pub kernel_source: Option<PathBuf>,
}

/// Which of the kernels, for every command that needs one.
#[derive(clap::Args)]
pub struct LaneArgs {
    /// Which kernel: as LLVM 22 links it, with the suffix reduction of LLD 23, or with BTF.
    #[arg(long, value_enum, default_value_t)]
    pub lane: Lane,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let logs = paths::new_log_dir("kernel")?;
    let kernel = kernel::prepare(args.lane.lane, args.source.kernel_source.as_deref(), &logs)?;
    progress::finish(&logs);
    println!("{}", kernel.build.display());
    Ok(Outcome::Pass)
}
