// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Holds `klp-gen check` to refusing positions that change when a module has initialised.
//!
//! The same list says what the kernel does with those livepatches, in each order of loading.

use crate::host::{klp_gen, paths, run};
use crate::kernel::Kernel;
use crate::report::tally::Tally;
use crate::suite::livepatches::Livepatches;
use anyhow::{bail, Context, Result};
use std::fs;
use std::path::PathBuf;

/// The livepatches, klp-gen's verdicts, and what the kernel does.
const LIST: &str = "scripts/fixtures/livepatches/sections.txt";
/// The place of the list in the guest.
pub const LIST_IN_GUEST: &str = "klp/sections.txt";
/// The module that the livepatches are for.
const TARGET: &str = "klp_sections";

/// The list as a file of the host.
pub fn list() -> PathBuf {
    paths::repository().join(LIST)
}

/// Checks every livepatch of the list.
///
/// # Errors
///
/// Fails if the list is malformed or a module of it was not built.
pub fn check(livepatches: &Livepatches, kernel: &Kernel, tally: &mut Tally) -> Result<()> {
    let path = list();
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<_> = line.split('\t').collect();
        let [livepatch, verdict @ ("ok" | "refused"), _, _] = fields[..] else {
            bail!("{LIST}: expected a livepatch, ok or refused, and two results: {line}");
        };
        let built = |name: &str| {
            let module = livepatches.get(name);
            module.with_context(|| format!("{LIST}: {name} was not built"))
        };
        let mut check = klp_gen::command();
        check
            .args(["check", "--vmlinux"])
            .arg(kernel.build.join("vmlinux"))
            .arg("--module")
            .args([built(TARGET)?, built(livepatch)?]);
        run::announce(&check);
        let output = check.output().context("cannot run klp-gen")?;
        let said = match output.status.code() {
            Some(0) => "ok",
            Some(1) => "refused",
            _ => "neither",
        };
        if said == verdict {
            tally.pass();
        } else {
            let text = String::from_utf8_lossy(&output.stdout);
            tally.fail(
                format!("klp-gen check: {livepatch}"),
                format!("{said} instead of {verdict}; it said:\n{text}"),
            );
        }
    }
    Ok(())
}
