// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `cargo xtask tracers`: what people trace with, asked for promoted functions by the names in the source.

use super::kernel::KernelArgs;
use crate::host::paths;
use crate::kernel::Link;
use crate::report::outcome::Outcome;
use crate::suite::clients;
use crate::suite::guest_files::GuestFiles;
use crate::suite::needs::Need;
use crate::suite::show::show;
use crate::suite::tracing_tables::TracingTable;
use anyhow::{ensure, Context, Result};
use std::collections::BTreeSet;
use std::time::Duration;
use std::{env, fs};

/// The wall-clock limit of the boot: bpftrace compiles each program.
const LIMIT: Duration = Duration::from_secs(3600);

/// Ask bpftrace, perf, trace-cmd and programs of libbpf for promoted functions, and print the tables of
/// docs/tracing.md.
///
/// Fails if a table differs from the document; with `KLP_BLESS=1` the document gets what was measured.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    kernel: KernelArgs,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<Outcome> {
    let logs = paths::new_log_dir("tracers")?;
    let kernel = args.kernel.prepare(&[Link::Btf], &logs)?;
    let needs = [Need::Program, Need::Modules, Need::Clients];
    let files = GuestFiles::build(&kernel, &BTreeSet::from(needs), &logs)?;
    let mut contents = files.of(&needs);
    clients::add_slow(&mut contents, &logs)?;
    let script = "exec bash /klp/clients/all.sh\n";
    let report = show(&kernel, &contents, script, LIMIT, &logs)?;
    ensure!(
        report.failure.is_none(),
        "the guest did not end well; the kernel's log is {}",
        report.console_log.display()
    );

    let path = clients::document();
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut document = text.clone();
    for block in TracingTable::ALL {
        document = block.replace(&document, &block.rows(&report.output)?)?;
    }
    if document == text {
        return Ok(Outcome::Pass);
    }
    if env::var_os("KLP_BLESS").is_some() {
        fs::write(&path, document).with_context(|| format!("cannot write {}", path.display()))?;
        return Ok(Outcome::Pass);
    }
    eprintln!(
        "{} differs from what was measured; KLP_BLESS=1 writes it anew",
        path.display()
    );
    Ok(Outcome::Fail)
}
