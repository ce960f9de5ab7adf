// SPDX-License-Identifier: GPL-2.0 OR MIT

//! One boot that loads every livepatch, uses the kernel with it, and takes it back.

use super::answer::{Answer, Built};
use crate::guest::boot::boot;
use crate::guest::vm::Vm;
use crate::host::paths;
use crate::kernel::Kernel;
use crate::report::ktap;
use crate::report::progress;
use crate::report::tally::Tally;
use crate::suite::guest_files;
use anyhow::{Context, Result};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The script of the guest, the directory of the livepatches beside it, and the list of them in there.
const SCRIPT: &str = "corpus.sh";
const IN_GUEST: &str = "klp/corpus";
const LIST: &str = "list";

/// The time that one livepatch may take in the guest: a task that sleeps gets a signal after 15 seconds.
const EACH: Duration = Duration::from_secs(60);

/// Loads the livepatches and counts the cases.
///
/// # Errors
///
/// Fails if a file cannot be written, or the guest cannot be run.
pub fn load(kernel: &Kernel, all: &[Built], logs: &Path) -> Result<Tally> {
    let directory = logs.join("corpus");
    fs::create_dir_all(&directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    let mut list = String::new();
    let mut count = 0;
    for one in all {
        let Answer::Built { modules, .. } = &one.answer else {
            continue;
        };
        let name = one.livepatch.file_name().context("no file name")?;
        fs::copy(&one.livepatch, directory.join(name))
            .with_context(|| format!("cannot copy {}", one.livepatch.display()))?;
        // Writing to a string does not fail.
        let _ = writeln!(
            list,
            "{} {} {}",
            name.to_string_lossy(),
            one.file,
            modules.join(" ")
        );
        count += 1;
    }
    fs::write(directory.join(LIST), list)?;

    let mut contents = guest_files::scripts();
    let script = paths::repository().join("scripts/guest").join(SCRIPT);
    contents.add(script, format!("klp/{SCRIPT}"));
    contents.add(directory, IN_GUEST.to_owned());
    let vm = Vm {
        timeout: Some(EACH * (count + 1)),
        ..Vm::new(&kernel.build, logs)
    };
    progress::section(&format!("boot: {count} livepatches"));
    let report = boot(&vm, &contents, Some(&format!("exec bash /klp/{SCRIPT}\n")))?;
    let mut tally = Tally::default();
    let end = report.failure.map_or(Ok(()), Err);
    tally.count("the guest boots, runs and ends", end);
    for suite in ktap::parse(&report.output) {
        for case in suite.cases {
            tally.count(&case.name, case.failure.map_or(Ok(()), Err));
        }
        for complaint in suite.complaints {
            tally.fail(suite.name.clone(), complaint);
        }
    }
    Ok(tally)
}
