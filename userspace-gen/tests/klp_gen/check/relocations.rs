// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatch symbols, sections and relocations, as any tool could have made them.

use super::{check_bytes, check_patch, messages};
use crate::elf::{Place, LIVEPATCH};
use crate::livepatch::Livepatch;
use klp_gen::elf::ElfFile;
use klp_policy::Policy;
use object::elf::{self, STB_GLOBAL, STT_NOTYPE};

/// A livepatch as some other tool could have made it: one relocation in a section of that name,
/// against a symbol of that name.
fn made(section: &str, symbol: &str, place: Place) -> Vec<u8> {
    let objects: [(Option<&str>, &[_]); 2] = [
        (None, &[("cmdline_proc_show", 0)]),
        (Some("net_mod"), &[("handle", 0)]),
    ];
    let mut livepatch = Livepatch::replacing(&objects).call("table");
    let symbol_id = livepatch.elf.symbols.len() - 1;
    livepatch.elf.symbols[symbol_id].place = place;
    symbol.clone_into(&mut livepatch.elf.symbols[symbol_id].name);
    livepatch.elf.symbols[symbol_id].bind = STB_GLOBAL;
    let text = livepatch.text;
    let code = livepatch.elf.sections[text].clone();
    // The relocations of .text move to a copy of it that has the wanted name.
    let kept = code.relocations.iter().filter(|r| r.symbol != symbol_id);
    let moved = code.relocations.iter().filter(|r| r.symbol == symbol_id);
    livepatch.elf.sections[text].relocations = kept.copied().collect();
    let at = livepatch.elf.section(section, code.flags, &[0; 0x40]);
    livepatch.elf.sections[at].relocations = moved.copied().collect();
    let mut bytes = livepatch.build();
    mark(&mut bytes, section);
    bytes
}

/// Makes a livepatch section of `.rela<section>`: its name without the `.rela`, and the flags.
fn mark(bytes: &mut [u8], section: &str) {
    let wanted = format!(".rela{section}");
    let elf = ElfFile::parse("made".to_owned(), &*bytes).unwrap();
    let found = elf.section_by_name(wanted.as_bytes()).unwrap().id.0;
    let shoff = usize::try_from(elf.header().e_shoff.get(elf.endian())).unwrap();
    let header = shoff + 64 * found;
    let name = u32::from_le_bytes(bytes[header..header + 4].try_into().unwrap());
    bytes[header..header + 4].copy_from_slice(&(name + 5).to_le_bytes());
    let flags = 0x0010_0000u64 | elf::SHF_ALLOC.0 | elf::SHF_INFO_LINK.0;
    bytes[header + 8..header + 16].copy_from_slice(&flags.to_le_bytes());
}

#[test]
fn livepatch_symbols() {
    let long = format!(".klp.sym.vmlinux.{},0", "n".repeat(512));
    let fits = format!(".klp.sym.vmlinux.{},0", "n".repeat(511));
    let fits_name = "n".repeat(511);
    let in_vmlinux = ".klp.rela.vmlinux.text";
    for (section, symbol, message) in [
        (in_vmlinux, ".klp.sym.vmlinux.table,0", None),
        (in_vmlinux, ".klp.sym.vmlinux.table,1", None),
        (in_vmlinux, ".klp.sym.vmlinux.init_once,2", None),
        (
            in_vmlinux,
            ".klp.sym.vmlinux.table,2",
            Some("symbol position 2 for symbol 'table' in object 'vmlinux' not found".to_owned()),
        ),
        (
            in_vmlinux,
            ".klp.sym.vmlinux.init_once,0",
            Some("unresolvable ambiguity for symbol 'init_once' in object '(null)'".to_owned()),
        ),
        (
            in_vmlinux,
            ".klp.sym.vmlinux.nosuch,0",
            Some("symbol 'nosuch' not found in symbol table".to_owned()),
        ),
        (
            in_vmlinux,
            ".klp.sym.vmlinux.promoted.llvm.*,0",
            Some("symbol 'promoted.llvm.*' not found in symbol table".to_owned()),
        ),
        (
            in_vmlinux,
            ".klp.sym.vmlinux.fixed_percpu,0",
            Some("symbol 'fixed_percpu' not found in symbol table".to_owned()),
        ),
        (
            in_vmlinux,
            ".klp.sym.vmlinux.a,b,0",
            Some("symbol .klp.sym.vmlinux.a,b,0 has an incorrectly formatted name".to_owned()),
        ),
        (
            in_vmlinux,
            &long,
            Some(format!("symbol {long} has an incorrectly formatted name")),
        ),
        (
            in_vmlinux,
            &fits,
            Some(format!("symbol '{fits_name}' not found in symbol table")),
        ),
        (
            ".klp.rela.net_mod.text",
            ".klp.sym.vmlinux.table,0",
            Some(
                "invalid access to vmlinux symbol 'table' from module-specific livepatch \
                 relocation section"
                    .to_owned(),
            ),
        ),
        (".klp.rela.net_mod.text", ".klp.sym.net_mod.quiet,0", None),
        (
            ".klp.rela..text",
            ".klp.sym.vmlinux.table,0",
            Some("section .klp.rela..text has an incorrectly formatted name".to_owned()),
        ),
    ] {
        let report = check_bytes(&made(section, symbol, LIVEPATCH), Policy::Exact);
        let refused = messages(&report, "refused");
        assert_eq!(refused, Vec::from_iter(message), "{section} {symbol}");
    }
}

#[test]
fn a_symbol_that_is_not_marked() {
    let place = Place::Special(0xfff1);
    let report = check_bytes(
        &made(".klp.rela.vmlinux.text", ".klp.sym.vmlinux.table,0", place),
        Policy::Llvm,
    );
    assert_eq!(
        messages(&report, "refused"),
        ["symbol .klp.sym.vmlinux.table,0 is not marked as a livepatch symbol"]
    );
}

#[test]
fn with_klp_sympos_cleaned_names_are_found() {
    let symbol = ".klp.sym.vmlinux.promoted.llvm.*,0";
    let report = check_bytes(
        &made(".klp.rela.vmlinux.text", symbol, LIVEPATCH),
        Policy::Llvm,
    );
    assert!(messages(&report, "refused").is_empty());
    let warnings = messages(&report, "warning");
    assert!(warnings[0].contains("klp_sympos_v1"), "{warnings:?}");
    assert!(report.needs_klp_sympos);
    // It names the object where the stock kernel prints a null pointer.
    let symbol = ".klp.sym.vmlinux.init_once,0";
    let report = check_bytes(
        &made(".klp.rela.vmlinux.text", symbol, LIVEPATCH),
        Policy::Llvm,
    );
    assert_eq!(
        messages(&report, "refused"),
        ["unresolvable ambiguity for symbol 'init_once' in object 'vmlinux'"]
    );
}

#[test]
fn relocations() {
    // The kernel takes it, and jumps to 0.
    let mut livepatch = Livepatch::of("cmdline_proc_show");
    let name = ".klp.sym.vmlinux.table,0";
    let symbol = livepatch
        .elf
        .symbol(name, STB_GLOBAL, STT_NOTYPE, LIVEPATCH, 0, 0);
    livepatch.refer(symbol);
    let refused = messages(&check_patch(&livepatch, Policy::Llvm), "refused");
    assert!(refused[0].contains("0 is used"), "{refused:?}");

    let section = ".klp.rela.vmlinux.text";
    let change = |f: &dyn Fn(&mut [u8])| {
        let mut bytes = made(section, name, LIVEPATCH);
        let elf = ElfFile::parse("made".to_owned(), &bytes[..]).unwrap();
        let found = elf
            .sections()
            .find(klp_gen::elf::Section::is_livepatch_rela)
            .unwrap();
        let start = usize::try_from(found.offset).unwrap();
        f(&mut bytes[start..start + 24]);
        messages(&check_bytes(&bytes, Policy::Exact), "refused")
    };
    assert_eq!(
        change(&|rela| rela[8] = 9),
        ["lp: Unknown rela relocation: 9"]
    );
    assert_eq!(
        change(&|rela| rela[8] = 10),
        ["overflow in relocation type 10 val ffffffff8200000c"]
    );
    let outside = change(&|rela| rela[0] = 0x3e);
    assert!(outside[0].contains("at offset 0x3e"), "{outside:?}");
    let no_symbol = change(&|rela| rela[15] = 1);
    assert!(no_symbol[0].contains("no symbol"), "{no_symbol:?}");
}

#[test]
fn a_section_that_is_never_applied() {
    let symbol = ".klp.sym.vmlinux.table,0";
    let report = check_bytes(
        &made(".klp.rela.absent.text", symbol, LIVEPATCH),
        Policy::Llvm,
    );
    assert!(messages(&report, "refused").is_empty());
    assert!(messages(&report, "warning")[0].contains("never applied"));
}

#[test]
fn a_section_that_is_applied_too_late() {
    let objects: [(Option<&str>, &[_]); 1] = [(Some("net_mod"), &[("handle", 0)])];
    let mut livepatch = Livepatch::replacing(&objects);
    let code = elf::SHF_ALLOC | elf::SHF_EXECINSTR;
    let init = livepatch.elf.section(".init.text", code, &[0; 16]);
    let symbol = livepatch.elf.undefined("quiet");
    livepatch
        .elf
        .relocate(init, 4, symbol, elf::R_X86_64_PLT32, -4);
    let converted = crate::convert::run(&livepatch, Policy::Llvm).unwrap();
    let warnings = messages(&check_bytes(&converted.bytes, Policy::Llvm), "warning");
    assert_eq!(warnings, [".init.text is freed before net_mod may come"]);
}
