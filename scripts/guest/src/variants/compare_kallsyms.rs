// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Checks a livepatch against /proc/kallsyms, and compares with what the host found by vmlinux.

use std::path::Path;

use anyhow::Result;
use klp_gen::{
    check::Kind,
    target::{
        Target,
        TargetFiles, //
    },
};
use klp_variants::{
    list::{
        Finding,
        Status, //
    },
    predict::predict,
    Listed,
    Rule,
    Verdict, //
};

/// The symbols of the running kernel, as klp-gen reads them.
pub struct RunningKernel {
    files: TargetFiles,
}

impl RunningKernel {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub fn read(kallsyms: &Path) -> Result<Self> {
        let files = TargetFiles::open(None, &[], Some(kallsyms))?;
        Ok(Self { files })
    }

    /// The kernel and its modules.
    ///
    /// # Errors
    ///
    /// Fails if the text is malformed.
    pub fn target(&self) -> Result<Target<'_>> {
        Ok(Target::load(&self.files)?)
    }
}

/// Returns the fault, if there is one: another verdict is a fault, an unknown verdict is none.
pub fn wrong(listed: &Listed, rule: Rule, bytes: &[u8], target: &Target<'_>) -> Option<String> {
    let by_vmlinux = listed.prediction(rule);
    let by_kallsyms = predict(&format!("{}.ko", listed.name), bytes, target, rule);
    let taken = by_kallsyms.verdict.taken();
    if taken.is_some() && taken != by_vmlinux.verdict.taken() {
        return Some(format!(
            "by vmlinux: {:?}\nby kallsyms: {:?}",
            by_vmlinux.verdict, by_kallsyms.verdict
        ));
    }
    // Nothing else was found of a file that is for no such kernel.
    if matches!(by_vmlinux.verdict, Verdict::NoModule(_)) {
        return None;
    }
    let mut right = by_kallsyms.findings;
    right.retain(|finding| finding.about.kind != Kind::Target);
    let mut left = by_vmlinux.findings.clone();
    left.retain(|finding| !only_in_vmlinux(finding, &right));
    if left.len() != right.len() {
        return Some(format!("by vmlinux: {left:#?}\nby kallsyms: {right:#?}"));
    }
    // They come as the kernel comes to them, and kallsyms does not know of all when that is.
    for findings in [&mut left, &mut right] {
        findings.sort_by(|a, b| a.about.cmp(&b.about));
    }
    let mut pairs = left.iter().zip(&right);
    let (left, right) = pairs.find(|(left, right)| !agree(left, right))?;
    Some(format!("by vmlinux: {left:?}\nby kallsyms: {right:?}"))
}

/// Returns true if two findings are the same, or if kallsyms does not tell what ftrace can trace.
fn agree(by_vmlinux: &Finding, by_kallsyms: &Finding) -> bool {
    let unknown =
        by_kallsyms.status == Status::Unchecked && by_kallsyms.about.kind == Kind::Function;
    by_vmlinux == by_kallsyms || unknown && by_vmlinux.about == by_kallsyms.about
}

/// Returns true for a refusal of which kallsyms does not tell: the version magic, the length of `struct module`,
/// a namespace.
fn only_in_vmlinux(finding: &Finding, by_kallsyms: &[Finding]) -> bool {
    finding.status == Status::Refused
        && matches!(finding.about.kind, Kind::Module | Kind::Import)
        && !by_kallsyms.contains(finding)
}
