// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask demo`: builds the kernel and the few modules of the demo, boots once, and shows the demo.

use super::kernel::KernelArgs;
use crate::host::paths;
use crate::kernel::Link;
use crate::report::outcome::Outcome;
use crate::report::progress;
use crate::suite::show::show;
use crate::suite::{guest_files, livepatches, source_patches};
use anyhow::{ensure, Result};
use std::time::Duration;

/// The wall-clock limit of the boot.
const LIMIT: Duration = Duration::from_secs(180);

/// Watch the test kernel load the module and live patches.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    kernel: KernelArgs,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let script = paths::repository().join("scripts/guest/demo.sh");
    ensure!(script.is_file(), "{} is missing", script.display());
    let logs = paths::new_log_dir("demo")?;
    progress::section("kernel");
    let kernel = args.kernel.prepare(&Link::SUFFIXED, &logs)?;
    progress::section("modules of the demo");
    let mut contents = guest_files::scripts();
    for module in livepatches::of_demo(&kernel, &logs)? {
        livepatches::add_module(&mut contents, &module);
    }
    source_patches::add_for_demo(&mut contents, &kernel, &logs)?;
    let script = "exec bash /klp/demo.sh\n";
    let report = show(&kernel, &contents, script, LIMIT, &logs)?;
    Ok(Outcome::from_bool(report.failure.is_none()))
}
