// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Holds `klp-gen check` to the livepatches that come with the kernel, before any kernel boots.
//!
//! The boot `selftests` sees what the kernel does with its selftests: all of them load, but for one that does not
//! get along with one that is installed. Its samples are as simple.

use crate::host::{klp_gen, run};
use crate::report::tally::Tally;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A livepatch that the kernel refuses: what is installed then, and what it says (test-state.sh).
const REFUSED: (&str, &str, &str) = (
    "test_klp_state",
    "test_klp_state2",
    "Livepatch patch (test_klp_state) is not compatible with the already installed livepatches.",
);

/// Checks every module of the selftests, and of the samples in a kernel's build, each with all others as targets.
///
/// # Errors
///
/// Fails if klp-gen does not run.
pub fn check(selftests: &[PathBuf], build: &Path, tally: &mut Tally) -> Result<()> {
    let samples = build.join("samples/livepatch");
    let samples = samples
        .read_dir()
        .with_context(|| format!("cannot read {}", samples.display()))?;
    let mut modules: Vec<PathBuf> = selftests.to_vec();
    for sample in samples {
        let path = sample?.path();
        if path.extension().is_some_and(|e| e == "ko") {
            modules.push(path);
        }
    }
    modules.sort();
    for module in &modules {
        let others = modules.iter().filter(|other| *other != module);
        let mut check = command(build, module);
        for other in others {
            check.arg("--module").arg(other);
        }
        judge(&mut check, &stem(module), 0, "", tally)?;
    }
    let (module, installed, text) = REFUSED;
    let path = |name: &str| {
        let found = selftests.iter().find(|path| stem(path) == name);
        found.with_context(|| format!("the kernel's selftests have no {name}"))
    };
    let mut check = command(build, path(module)?);
    check.arg("--installed").arg(path(installed)?);
    judge(&mut check, module, 1, text, tally)?;
    let mut the_other_way = command(build, path(installed)?);
    the_other_way.arg("--installed").arg(path(module)?);
    judge(&mut the_other_way, installed, 0, "", tally)
}

fn command(build: &Path, module: &Path) -> Command {
    let mut check = klp_gen::command();
    check
        .args(["check", "--policy", "exact", "--vmlinux"])
        .arg(build.join("vmlinux"))
        .arg(module);
    check
}

fn judge(
    check: &mut Command,
    name: &str,
    status: i32,
    text: &str,
    tally: &mut Tally,
) -> Result<()> {
    run::announce(check);
    let output = check.output().context("cannot run klp-gen")?;
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(status) && said.contains(text) {
        tally.pass();
    } else {
        let complained = String::from_utf8_lossy(&output.stderr);
        let reason = format!(
            "{}, expected were status {status} and `{text}`; it said:\n{said}{complained}",
            output.status
        );
        tally.fail(format!("klp-gen check: {name}"), reason);
    }
    Ok(())
}

fn stem(module: &Path) -> String {
    let stem = module.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}
