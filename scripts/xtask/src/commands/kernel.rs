// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask kernel`: builds the test kernel.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    kernel,
    layout,
    outcome::Outcome, //
};

/// Build the test kernel with the module in it; print the build directory.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
}

/// The kernel's source, for every command that needs a kernel.
#[derive(clap::Args)]
pub struct SourceArgs {
    /// Build a copy of the kernel tree in DIR instead of Debian's source package.
    #[arg(long, value_name = "DIR")]
    pub kernel_source: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let logs = layout::new_log_dir("kernel")?;
    let kernel = kernel::prepare(args.source.kernel_source.as_deref(), &logs)?;
    println!("{}", kernel.build.display());
    Ok(Outcome::Pass)
}
