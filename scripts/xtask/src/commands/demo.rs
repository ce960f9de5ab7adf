// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask demo`: builds everything, boots once, and shows what the demo's script tells.

use super::kernel::SourceArgs;
use crate::host::paths;
use crate::kernel::{self, Lane};
use crate::report::outcome::Outcome;
use crate::suite::guest_files;
use crate::suite::livepatches::Livepatches;
use crate::suite::show::show;
use anyhow::{ensure, Result};
use std::time::Duration;

/// The wall-clock limit of the boot.
const LIMIT: Duration = Duration::from_secs(180);

/// Watch the test kernel load the module and live patches.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    source: SourceArgs,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let script = paths::repository().join("scripts/guest/demo.sh");
    ensure!(script.is_file(), "{} is missing", script.display());
    let logs = paths::new_log_dir("demo")?;
    let tree = args.source.kernel_source.as_deref();
    let kernel = kernel::prepare(Lane::Default, tree, &logs)?;
    let livepatches = Livepatches::build(&kernel, &logs)?;
    let contents = guest_files::all(&kernel, &livepatches, &logs)?;
    let script = "exec bash /klp/demo.sh\n";
    let report = show(&kernel, &contents, script, LIMIT, &logs)?;
    Ok(Outcome::from_bool(report.failure.is_none()))
}
