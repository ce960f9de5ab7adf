// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Checks a livepatch against /proc/kallsyms, and compares with what the host found by vmlinux.

use std::path::Path;

use anyhow::Result;
use klp_gen::{
    check::Kind,
    release::Release,
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
    /// The release that it has.
    pub release: &'static Release,
}

impl RunningKernel {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be read.
    pub fn read(kallsyms: &Path) -> Result<Self> {
        let files = TargetFiles::open(None, &[], Some(kallsyms))?;
        let release = Release::of_vermagic(Some(rustix::system::uname().release().to_bytes()));
        Ok(Self { files, release })
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
pub fn wrong(
    listed: &Listed,
    rule: Rule,
    bytes: &[u8],
    target: &Target<'_>,
    release: &Release,
) -> Option<String> {
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
    differ(by_vmlinux.findings.clone(), by_kallsyms.findings, release)
}

/// Returns the difference of two lists of findings, if kallsyms tells anything else and not only less.
fn differ(mut left: Vec<Finding>, mut right: Vec<Finding>, release: &Release) -> Option<String> {
    right.retain(|f| f.about.kind != Kind::Target && !is_untold_export(f, release));
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

/// Returns true for an import of which kallsyms does not tell whether GPL modules only may have it: it lists the section
/// of these exports, and not the bytes with the flags that newer kernels have instead.
fn is_untold_export(by_kallsyms: &Finding, release: &Release) -> bool {
    release.export_flags
        && by_kallsyms.about.kind == Kind::Import
        && by_kallsyms.status == Status::Unchecked
}

/// Returns true for a refusal of which kallsyms does not tell: the version magic, the length of `struct module`,
/// a namespace.
fn only_in_vmlinux(finding: &Finding, by_kallsyms: &[Finding]) -> bool {
    finding.status == Status::Refused
        && matches!(finding.about.kind, Kind::Module | Kind::Import)
        && !by_kallsyms.contains(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use klp_gen::release::KNOWN;
    use klp_variants::list::Subject;

    fn finding(kind: Kind, name: &str, status: Status, message: &str) -> Finding {
        Finding {
            about: Subject {
                kind,
                object: String::new(),
                name: name.to_owned(),
            },
            status,
            by_klp_gen: false,
            message: (!message.is_empty()).then(|| message.to_owned()),
            name: None,
            address: None,
        }
    }

    /// Returns true if the lists differ for a kernel with `__ksymtab_gpl`, and for one with flags.
    fn differs(left: &[&Finding], right: &[&Finding]) -> [bool; 2] {
        let owned = |list: &[&Finding]| list.iter().copied().cloned().collect();
        [false, true].map(|flags| {
            let mut known = KNOWN.into_iter();
            let release = known.find(|known| known.export_flags == flags).unwrap();
            differ(owned(left), owned(right), release).is_some()
        })
    }

    #[test]
    fn kallsyms_may_not_tell_which_exports_are_for_gpl_modules() {
        let module = &finding(Kind::Module, "m", Status::Ok, "");
        let untold = &finding(Kind::Import, "f", Status::Unchecked, "does not tell");
        let closed = &finding(Kind::Import, "f", Status::Refused, "Unknown symbol f");
        assert_eq!(differs(&[module], &[module, untold]), [true, false]);
        assert_eq!(differs(&[module, closed], &[module, untold]), [true, false]);
        // It does not tell of namespaces, but does not find what vmlinux does not have.
        assert_eq!(differs(&[module, closed], &[module]), [false; 2]);
        assert_eq!(differs(&[module], &[module, closed]), [true; 2]);
        // It tells of symbols.
        let symbol = &finding(Kind::Symbol, "f", Status::Unchecked, "does not tell");
        assert_eq!(differs(&[module], &[module, symbol]), [true; 2]);
    }

    #[test]
    fn kallsyms_does_not_tell_what_ftrace_can_trace() {
        let known = &finding(Kind::Function, "f,0", Status::Ok, "");
        let untold = &finding(Kind::Function, "f,0", Status::Unchecked, "does not tell");
        assert_eq!(differs(&[known], &[untold]), [false; 2]);
        assert_eq!(differs(&[untold], &[known]), [true; 2]);
    }
}
