// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A boot whose output is shown as it comes.

use crate::guest::boot::boot;
use crate::guest::image::Contents;
use crate::guest::vm::{Output, Vm, VmRun};
use crate::kernel::Kernel;
use crate::report::clock::took;
use crate::report::progress;
use anyhow::Result;
use std::path::Path;
use std::time::Duration;

/// Boots a kernel, has the guest run `script`, and prints the verdict behind its output.
///
/// # Errors
///
/// Fails if the guest cannot be run.
pub fn show(
    kernel: &Kernel,
    contents: &Contents,
    script: &str,
    limit: Duration,
    logs: &Path,
) -> Result<VmRun> {
    progress::section("boot");
    let vm = Vm {
        timeout: Some(limit),
        output: Output::Stream,
        ..Vm::new(&kernel.build, logs)
    };
    let report = boot(&vm, contents, Some(script))?;
    tell(&report);
    Ok(report)
}

/// Prints the verdict of a boot, and where the kernel's log is.
pub fn tell(report: &VmRun) {
    progress::end_sections();
    progress::note(&format!(
        "the guest ran {}; the kernel's log is {}",
        took(report.elapsed),
        report.console_log.display()
    ));
    println!("{}", report.verdict());
}
