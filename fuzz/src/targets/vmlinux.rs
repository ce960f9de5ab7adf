// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Uses a kernel image as the target of all commands.

use crate::fixtures;
use klp_gen::check::check;
use klp_gen::convert::convert;
use klp_gen::elf::ElfFile;
use klp_gen::kallsyms::embedded;
use klp_gen::target::{Target, TargetFiles};
use klp_policy::{Policy, Query, Sympos};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Reads a kernel image and runs all commands with it.
pub fn run(data: &[u8]) {
    with_file(data, |path| ask(Some(path), &[]));
    if let Ok(elf) = ElfFile::parse("vmlinux".to_owned(), data) {
        let _ = embedded::unpack(&elf);
    }
}

/// Prints and resolves symbols of a target, and checks and converts a livepatch with it.
pub(super) fn ask(vmlinux: Option<&Path>, modules: &[PathBuf]) {
    static CONVERTED: OnceLock<Vec<u8>> = OnceLock::new();
    static LIVEPATCH: OnceLock<Vec<u8>> = OnceLock::new();
    let converted = CONVERTED.get_or_init(fixtures::converted);
    let livepatch = LIVEPATCH.get_or_init(fixtures::livepatch);
    let Ok(files) = TargetFiles::open(vmlinux, modules, None) else {
        return;
    };
    let Ok(target) = Target::load(&files) else {
        return;
    };
    for policy in Policy::ALL {
        for object in target.objects() {
            for (entry, position) in object.symbols.live(policy).take(64) {
                assert!((1..=position.matches).contains(&position.sympos));
                let query = Query::new(entry.name.0);
                let found = object.resolve(policy, &query, Sympos::UNIQUE);
                let _ = object.resolve_coming(policy, &query, Sympos(2));
                if let Ok(found) = found {
                    let _ = object.traceable(found.seq);
                }
                object.candidates(policy, &query, &mut |_, _| {});
            }
        }
        if let Ok(elf) = ElfFile::parse("livepatch".to_owned(), &converted[..]) {
            let _ = check(&elf, &target, policy, &[]);
        }
    }
    let _ = convert("livepatch", livepatch, &target, Policy::Llvm);
}

/// Runs `f` with the bytes as a file.
pub(super) fn with_file(data: &[u8], f: impl FnOnce(&Path)) {
    let mut name = tempfile::Builder::new();
    let name = name.prefix("klp_fuzz_").suffix(".ko");
    // In memory, where there is such a place.
    let file = name.tempfile_in("/dev/shm").or_else(|_| name.tempfile());
    let file = file.expect("a temporary file");
    fs::write(file.path(), data).expect("room for a temporary file");
    f(file.path());
}
