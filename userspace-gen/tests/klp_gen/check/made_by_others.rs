// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatches of kpatch-build and klp-build, whose `klp_patch` only their init code puts together.

use super::check_patch;
use crate::elf::Place;
use crate::livepatch::{Func, Livepatch};
use klp_gen::check::{Kind, Report};
use klp_policy::Policy;

const FUNCTIONS: &[Func<'_>] = &[("cmdline_proc_show", 0), ("init_once", 9)];
const OBJECTS: &[(Option<&str>, &[Func<'_>])] =
    &[(None, FUNCTIONS), (Some("net_mod"), &[("handle", 0)])];

/// Returns the checks of functions and objects: subject and status.
fn patched(report: &Report) -> Vec<(&str, &str, &str)> {
    let findings = report.findings.iter();
    findings
        .filter(|f| matches!(f.kind, Kind::Object | Kind::Function))
        .map(|f| (f.object.as_str(), f.subject.as_str(), f.status()))
        .collect()
}

#[test]
fn klp_build() {
    for prefix in [".init.", "__"] {
        let report = check_patch(&Livepatch::klp_build(prefix, OBJECTS), Policy::Exact);
        assert_eq!(
            patched(&report),
            [
                ("vmlinux", "vmlinux", "ok"),
                ("vmlinux", "cmdline_proc_show,0", "ok"),
                ("vmlinux", "init_once,9", "refused"),
                ("net_mod", "net_mod", "ok"),
                ("net_mod", "handle,0", "ok"),
            ]
        );
        assert!(report.unchecked().next().is_none());
    }
}

#[test]
fn kpatch() {
    let livepatch = Livepatch::kpatch(OBJECTS, &["net_mod", "absent"]);
    let report = check_patch(&livepatch, Policy::Exact);
    // Its hook puts what it finds first at the end.
    assert_eq!(
        patched(&report),
        [
            ("absent", "absent", "ok"),
            ("net_mod", "net_mod", "ok"),
            ("net_mod", "handle,0", "ok"),
            ("vmlinux", "vmlinux", "ok"),
            ("vmlinux", "init_once,9", "refused"),
            ("vmlinux", "cmdline_proc_show,0", "ok"),
        ]
    );
    assert!(report.unchecked().next().is_none());
}

/// klp-build's init code reads the arrays to which its objects point: check knows what becomes of that.
#[test]
fn arrays_with_pointers_to_nowhere_are_not_accepted() {
    let sections = [".init.klp_objects", ".init.klp_funcs", ".kpatch.funcs"];
    for livepatch in [
        Livepatch::klp_build(".init.", OBJECTS),
        Livepatch::kpatch(OBJECTS, &[]),
    ] {
        for name in sections {
            let mut broken = livepatch.clone();
            let Some(section) = broken.elf.sections.iter().position(|s| s.name == name) else {
                continue;
            };
            for relocation in &mut broken.elf.sections[section].relocations {
                relocation.addend = i64::MAX;
            }
            let report = check_patch(&broken, Policy::Exact);
            let refused = report.refusals().count();
            assert_eq!(refused > 0, name == ".init.klp_objects", "{name}");
            assert_eq!(report.unchecked().next().is_some(), refused == 0, "{name}");
            let nowhere = Place::Section(1000);
            for symbol in &mut broken.elf.symbols {
                if symbol.place == Place::Section(section) {
                    symbol.place = nowhere;
                }
            }
            check_patch(&broken, Policy::Exact);
        }
    }
}
