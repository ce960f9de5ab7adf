// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What check predicts. That the kernel says the same was seen in a guest, case by case.

mod damaged;
mod functions;
mod installed;
mod loader;
mod made_by_others;
mod relocations;
mod running;

use crate::convert::run;
use crate::elf::Place;
use crate::kernel::with_target;
use crate::livepatch::Livepatch;
use klp_gen::check::{check_file, Finding, Report};
use klp_policy::Policy;
use object::elf::{self, STT_NOTYPE};

fn check_bytes(bytes: &[u8], policy: Policy) -> Report {
    with_target(|t| check_file("lp.ko".to_owned(), bytes, t, policy, &[]).unwrap())
}

fn check_patch(livepatch: &Livepatch, policy: Policy) -> Report {
    check_bytes(&livepatch.build(), policy)
}

/// The messages of everything that is not simply right.
fn messages(report: &Report, status: &str) -> Vec<String> {
    let with_status = |f: &&Finding| f.status() == status;
    let findings = report.findings.iter().filter(with_status);
    findings
        .flat_map(|f| f.message().into_iter().chain(f.warnings.clone()))
        .collect()
}

#[test]
fn imports() {
    let livepatch = Livepatch::of("cmdline_proc_show")
        .call("_printk")
        .call("nobody_has_it");
    assert_eq!(
        messages(&check_patch(&livepatch, Policy::Exact), "refused"),
        ["lp: Unknown symbol nobody_has_it (err -2)"]
    );
    let unconverted = Livepatch::of("cmdline_proc_show").call(".klp.sym.vmlinux.table,0");
    assert_eq!(
        messages(&check_patch(&unconverted, Policy::Llvm), "refused"),
        ["lp: Unknown symbol .klp.sym.vmlinux.table,0 (err -2)"]
    );
    let mut weak = Livepatch::of("cmdline_proc_show");
    let place = Place::Special(0);
    let symbol = weak.elf.symbol(
        ".klp.sym.vmlinux.table,0",
        elf::STB_WEAK,
        STT_NOTYPE,
        place,
        0,
        0,
    );
    weak.refer(symbol);
    let refused = messages(&check_patch(&weak, Policy::Llvm), "refused");
    assert!(refused[0].contains("weak"), "{refused:?}");
    let needs = Livepatch::of("cmdline_proc_show").call("klp_sympos_v1");
    assert!(messages(&check_patch(&needs, Policy::Llvm), "refused").is_empty());
    assert_eq!(
        messages(&check_patch(&needs, Policy::Exact), "refused"),
        ["lp: Unknown symbol klp_sympos_v1 (err -2)"]
    );
}

#[test]
fn what_convert_makes_is_clean() {
    let livepatch = Livepatch::of("promoted").call("promoted").read("table");
    let converted = run(&livepatch, Policy::Llvm).unwrap();
    let report = check_bytes(&converted.bytes, Policy::Llvm);
    assert!(
        report.findings.iter().all(|f| f.status() == "ok"),
        "{report:?}"
    );
    let exact = check_bytes(&converted.bytes, Policy::Exact);
    assert!(exact.refusals().next().is_some());
}
