// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask demo`: builds everything, boots once, and shows what the demo's script tells.

use super::kernel::SourceArgs;
use crate::guest::image;
use crate::guest::vm::{Output, Vm};
use crate::host::paths;
use crate::kernel::{self, Lane};
use crate::report::outcome::Outcome;
use crate::suite::guest_files;
use crate::suite::livepatches::Livepatches;
use anyhow::{ensure, Result};
use std::fs;
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
    let vm = Vm {
        image: logs.join("initramfs.cpio"),
        build: kernel.build,
        kaslr: true,
        parallel: false,
        count_instructions: false,
        append: String::new(),
        timeout: Some(LIMIT),
        output: Output::Stream,
        logs,
    };
    image::write(
        &vm.build,
        &contents,
        Some("exec bash /klp/demo.sh\n"),
        &vm.image,
    )?;
    let report = vm.run()?;
    fs::remove_file(&vm.image)?;
    eprintln!(
        "  {:.1} s; the kernel's log is {}",
        report.elapsed.as_secs_f32(),
        report.console_log.display()
    );
    println!("{}", report.verdict());
    Ok(Outcome::from_bool(report.failure.is_none()))
}
