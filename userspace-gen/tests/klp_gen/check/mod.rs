// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Predictions of check. That the kernel says the same was seen in a guest, case by case.

mod damaged;
mod functions;
mod installed;
mod klp_build;
mod layout;
mod loader;
mod made_by_others;
mod modinfo;
mod release;
mod relocations;
mod running;
mod sites;

use crate::convert::run;
use crate::elf::Place;
use crate::kernel::{with_symvers, with_target};
use crate::livepatch::Livepatch;
use klp_gen::check::{check_file, Finding, Report};
use klp_gen::elf::ElfFile;
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

/// Fields of a section header: where they are.
const SH_TYPE: usize = 4;
const SH_OFFSET: usize = 24;
const SH_SIZE: usize = 32;
const SH_ADDRALIGN: usize = 48;

/// Returns the offset of the header of a section. Relocations come behind what they change, which may have
/// the same name: then it is theirs.
fn header_of(bytes: &[u8], name: &str) -> usize {
    let elf = ElfFile::parse("made".to_owned(), bytes).unwrap();
    let named = elf.sections().filter(|s| s.name == name.as_bytes());
    let start = usize::try_from(elf.header().e_shoff.get(elf.endian())).unwrap();
    start + 64 * named.last().unwrap().id.0
}

/// Changes a field of a section header: four bytes if the number has four, or else eight.
fn set_header(bytes: &mut [u8], name: &str, field: usize, number: &[u8]) {
    let at = header_of(bytes, name) + field;
    bytes[at..at + number.len()].copy_from_slice(number);
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
    for (name, warning) in [
        ("nosuch", "it is not exported"),
        (
            "promoted",
            "it is not exported; klp-gen convert resolves it to the symbol of vmlinux",
        ),
        (
            "setup",
            "it is not exported; klp-gen convert resolves it to the symbol of net_mod",
        ),
    ] {
        let mut weak = Livepatch::of("cmdline_proc_show");
        let symbol = weak
            .elf
            .symbol(name, elf::STB_WEAK, STT_NOTYPE, place, 0, 0);
        weak.refer(symbol);
        let expected = format!("it is weak and stays 0, since {warning}");
        assert_eq!(
            messages(&check_patch(&weak, Policy::Llvm), "warning"),
            [expected]
        );
    }
    let needs = Livepatch::of("cmdline_proc_show").call("klp_sympos_v1");
    assert!(messages(&check_patch(&needs, Policy::Llvm), "refused").is_empty());
    assert_eq!(
        messages(&check_patch(&needs, Policy::Exact), "refused"),
        ["lp: Unknown symbol klp_sympos_v1 (err -2)"]
    );
}

#[test]
fn converted_livepatches_pass_the_check() {
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

/// Modules that are not given, as far as Module.symvers tells.
#[test]
fn exports_of_others() {
    let listed = b"0x0\tof_ext\tdrivers/net/ext-mod\tEXPORT_SYMBOL\t\n\
        0x0\tof_image\tvmlinux\tEXPORT_SYMBOL\t\n\
        0x0\tof_net\tnet/net-mod\tEXPORT_SYMBOL\t\n\
        0x0\tin_space\tdrivers/net/ext-mod\tEXPORT_SYMBOL\tSPACE\n\
        0x0\tfor_gpl\tdrivers/net/ext-mod\tEXPORT_SYMBOL_GPL\t\n";
    let unknown = |name: &str| format!("lp: Unknown symbol {name} (err -2)");
    let no_depends = "ext_mod exports it, but depends= does not name ext_mod";
    for (depends, import, status, said) in [
        ("ext_mod", "of_ext", "ok", vec![]),
        ("ext_mod,third", "of_ext", "ok", vec![]),
        (
            "",
            "of_ext",
            "refused",
            vec![
                unknown("of_ext"),
                format!("{no_depends}: modprobe does not load that module first"),
            ],
        ),
        // All exports of ext_mod are known, those of third are not.
        (
            "ext_mod",
            "of_nobody",
            "refused",
            vec![unknown("of_nobody")],
        ),
        (
            "third",
            "of_nobody",
            "unchecked",
            vec![
                "third may export it: give the module with --module, or its exports with --symvers".into(),
            ],
        ),
        (
            "ext_mod",
            "in_space",
            "refused",
            vec![
                "lp: module uses symbol (in_space) from namespace SPACE, but does not import it."
                    .into(),
            ],
        ),
        ("ext_mod", "for_gpl", "ok", vec![]),
        (
            "",
            "of_image",
            "refused",
            vec![
                unknown("of_image"),
                "Module.symvers lists it as an export of vmlinux, but the given vmlinux does not export it: the two files are not of the same build"
                    .into(),
            ],
        ),
        (
            "net_mod",
            "of_net",
            "refused",
            vec![
                unknown("of_net"),
                "Module.symvers lists it as an export of net_mod, but the given net_mod does not export it: the two files are not of the same build"
                    .into(),
            ],
        ),
        // It is given, so somebody may load it.
        (
            "",
            "net_export",
            "warning",
            vec!["net_mod exports it, but depends= does not name net_mod: load that module first".into()],
        ),
        ("net_mod", "net_export", "ok", vec![]),
    ] {
        let depends = format!("depends={depends}");
        let strings = ["livepatch=Y", "license=GPL", "name=lp", &depends];
        let livepatch = Livepatch::of("cmdline_proc_show").call(import);
        let bytes = livepatch.with_modinfo(&strings).build();
        let report = with_symvers(listed, |t| {
            check_file("lp.ko".to_owned(), &bytes, t, Policy::Llvm, &[]).unwrap()
        });
        let import_row = report.findings.iter().find(|f| f.subject == import);
        let found = import_row.map_or("ok", Finding::status);
        assert_eq!(found, status, "{import}: {report:?}");
        let found = import_row.map(|f| f.message().into_iter().chain(f.warnings.clone()));
        let found: Vec<_> = found.into_iter().flatten().collect();
        assert_eq!(found, said, "{import}");
    }
}
