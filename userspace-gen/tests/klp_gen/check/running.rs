// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A vmlinux that is, or is not, that of the kernel that runs.

use super::messages;
use crate::kernel::{vmlinux, Files, TEXT};
use crate::livepatch::Livepatch;
use klp_gen::check::{check_file, Report};
use klp_gen::target::{Target, TargetFiles};
use klp_policy::Policy;
use object::elf;
use std::fmt::Write as _;

fn check_with(files: &TargetFiles, notes: Option<&[u8]>) -> Report {
    let target = Target::load(files).unwrap();
    let bytes = Livepatch::of("cmdline_proc_show").build();
    let mut report = check_file("lp.ko".to_owned(), &bytes, &target, Policy::Exact, &[]).unwrap();
    if let Some(notes) = notes {
        report.check_notes(&"notes", notes, &target);
    }
    report
}

/// A note, and before it another one, as the kernel has.
fn notes(id: &[u8]) -> Vec<u8> {
    let mut notes = vec![6, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0];
    notes.extend_from_slice(b"Linux\0\0\0\0\0\0\0");
    let size = u8::try_from(id.len()).unwrap();
    notes.extend_from_slice(&[4, 0, 0, 0, size, 0, 0, 0, 3, 0, 0, 0]);
    notes.extend_from_slice(b"GNU\0");
    notes.extend_from_slice(id);
    notes
}

#[test]
fn build_ids() {
    let files = Files::new();
    let mut kernel = vmlinux();
    let section = kernel.section(".notes", elf::SHF_ALLOC, &notes(&[0xd9; 20]));
    kernel.sections[section].kind = elf::SHT_NOTE;
    kernel.sections[section].address = TEXT + 0x10_0000;
    files.write("vmlinux", &kernel.build());
    let opened = files.open();
    let unchecked = |notes: &[u8]| messages(&check_with(&opened, Some(notes)), "unchecked");
    assert_eq!(unchecked(&notes(&[0xd9; 20])), [""; 0]);
    let other = unchecked(&notes(&[0xd8; 20]));
    assert!(other[0].starts_with(&format!("build id {}, but ", "d8".repeat(20))));
    assert!(
        other[0].contains(&format!(" has {}: ", "d9".repeat(20))),
        "{other:?}"
    );
    let none = unchecked(b"no notes");
    assert!(none[0].contains("found no build id: it is not known whether"));
}

#[test]
fn kallsyms_of_the_running_kernel() {
    let files = Files::new();
    let plain = files.open();
    let target = Target::load(&plain).unwrap();
    // The kernel has moved.
    let text = |renamed: &str| {
        let mut text = String::new();
        for entry in target.objects()[0].symbols.entries() {
            let name = String::from_utf8(entry.name.0.to_vec()).unwrap();
            let name = name.replace("promoted.llvm.9a", renamed);
            let address = entry.address.wrapping_add(0x120_0000);
            let letter = char::from(entry.letter);
            writeln!(text, "{address:016x} {letter} {name}").unwrap();
        }
        text
    };
    let with = |text: &str| {
        let path = files.write("kallsyms", text.as_bytes());
        let opened = TargetFiles::open(Some(&files.path("vmlinux")), &[], Some(&path)).unwrap();
        messages(&check_with(&opened, None), "unchecked")
    };
    assert_eq!(with(&text("promoted.llvm.9a")), [""; 0]);
    let other = with(&text("promoted.llvm.9b"));
    assert!(
        other[0].ends_with(
            "which has promoted.llvm.9a at _text+0x600 instead of promoted.llvm.9b at _text+0x600"
        ),
        "{other:?}"
    );
    // By itself it is enough, and tells less.
    let path = files.write("kallsyms", text("promoted.llvm.9a").as_bytes());
    let alone = TargetFiles::open(None, &[], Some(&path)).unwrap();
    let unchecked = messages(&check_with(&alone, None), "unchecked");
    assert!(
        unchecked[0].starts_with("does not tell the version magic"),
        "{unchecked:?}"
    );
}
