// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Livepatch symbols, sections and relocations, as any tool could have made them.

use super::{check_bytes, check_patch, messages, set_header};
use crate::elf::{Place, ABSOLUTE, LIVEPATCH};
use crate::livepatch::{Livepatch, KLP_FUNC, KLP_OBJECT, KLP_PATCH};
use klp_gen::elf::{ElfFile, SymbolId};
use klp_gen::livepatch::rela::Relocation;
use klp_policy::Policy;
use object::elf::{self, STB_GLOBAL, STT_NOTYPE};

/// `include/uapi/linux/elf.h`
const SHF_RELA_LIVEPATCH: u64 = 0x0010_0000;

/// Each architecture has its own number for the relocation that changes nothing; powerpc has none.
#[test]
fn relocations_that_the_loader_skips() {
    for (machine, skipped) in [
        (elf::EM_X86_64, &[0][..]),
        (elf::EM_S390, &[0]),
        (elf::EM_LOONGARCH, &[0]),
        (elf::EM_AARCH64, &[0, 256]),
        (elf::EM_PPC64, &[]),
    ] {
        let is_skipped = |&kind: &u32| {
            let relocation = Relocation {
                index: 0,
                offset: 0,
                symbol: SymbolId(1),
                kind,
                addend: 0,
            };
            relocation.is_skipped(machine)
        };
        let found: Vec<_> = (0..300).filter(is_skipped).collect();
        assert_eq!(found, skipped, "{machine:?}");
    }
}

/// A livepatch as some other tool could have made it: one relocation in a section of that name,
/// against a symbol of that name.
fn made(section: &str, symbol: &str, place: Place) -> Vec<u8> {
    made_with(section, &[symbol], place)
}

/// The same with several relocations, each against another symbol.
fn made_with(section: &str, symbols: &[&str], place: Place) -> Vec<u8> {
    let objects: [(Option<&str>, &[_]); 2] = [
        (None, &[("cmdline_proc_show", 0)]),
        (Some("net_mod"), &[("handle", 0)]),
    ];
    let mut livepatch = Livepatch::replacing(&objects);
    let first = livepatch.elf.symbols.len();
    for symbol in symbols {
        livepatch = livepatch.call(symbol);
        livepatch.elf.symbols.last_mut().unwrap().place = place;
    }
    let text = livepatch.text;
    let code = livepatch.elf.sections[text].clone();
    // The relocations of .text move to a copy of it that has the wanted name.
    let kept = code.relocations.iter().filter(|r| r.symbol < first);
    let moved = code.relocations.iter().filter(|r| r.symbol >= first);
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
    let code = elf.section_by_name(section.as_bytes()).unwrap().id.0;
    bytes[header..header + 4].copy_from_slice(&(name + 5).to_le_bytes());
    // /sys/module cannot have two of a name.
    bytes[shoff + 64 * code] += 1;
    let flags = SHF_RELA_LIVEPATCH | elf::SHF_ALLOC.0 | elf::SHF_INFO_LINK.0;
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

/// The relocations for a module are applied when it comes, and the kernel has used the livepatch by then.
#[test]
fn relocations_of_a_module_where_the_kernel_writes() {
    const NAME: &str = ".klp.rela.net_mod.text";
    let changing = |target: &str, offset: u64| {
        let mut bytes = made(NAME, ".klp.sym.net_mod.quiet,0", LIVEPATCH);
        let elf = ElfFile::parse("made".to_owned(), &bytes[..]).unwrap();
        let target = elf.section_by_name(target.as_bytes()).unwrap().id.0;
        let target = u32::try_from(target).unwrap();
        let rela = elf.section_by_name(NAME.as_bytes()).unwrap().offset;
        let rela = usize::try_from(rela).unwrap();
        bytes[rela..rela + 8].copy_from_slice(&offset.to_le_bytes());
        set_header(&mut bytes, NAME, 44, &target.to_le_bytes());
        messages(&check_bytes(&bytes, Policy::Exact), "refused")
    };
    // A klp_patch, two objects and the one that ends them, a function of each and the ones that end them.
    let functions = KLP_PATCH + 3 * KLP_OBJECT;
    let own = "it changes the kernel's own members of a klp_patch, klp_object or klp_func";
    for offset in [
        40,
        KLP_PATCH + 48,
        KLP_PATCH + KLP_OBJECT + 60,
        functions + 24,
    ] {
        assert_eq!(changing(".data", offset), [own], "{offset}");
    }
    assert_eq!(
        changing(".gnu.linkonce.this_module", 8),
        ["it changes the struct module, which the kernel has filled in before"]
    );
    // The array that ends is the livepatch's own.
    assert_eq!(changing(".data", functions + KLP_FUNC + 8), [""; 0]);
}

/// `apply_relocations()` passes over what changes nothing that is loaded, and vmlinux has no other time.
#[test]
fn the_name_of_a_section_that_is_never_applied() {
    let marked = |objname, function| {
        let mut livepatch = Livepatch::replacing(&[(objname, &[(function, 0)])]);
        let flags = elf::SectionFlags(SHF_RELA_LIVEPATCH);
        livepatch.elf.section(".note.odd", flags, &[]);
        livepatch.build()
    };
    let report = check_bytes(&marked(None, "cmdline_proc_show"), Policy::Exact);
    assert!(messages(&report, "refused").is_empty());
    assert_eq!(
        messages(&report, "warning"),
        ["never applied: the section to be changed is not loaded"]
    );
    let report = check_bytes(&marked(Some("net_mod"), "handle"), Policy::Exact);
    assert_eq!(
        messages(&report, "refused"),
        ["section .note.odd has an incorrectly formatted name"]
    );
    // The number of a section that there is not is no reason to pass over the name, and what is looked up
    // comes later.
    let unnamed = |objname, function| {
        let mut bytes = marked(objname, function);
        let flags = elf::SHF_STRINGS.0 | SHF_RELA_LIVEPATCH;
        set_header(&mut bytes, ".symtab", 8, &flags.to_le_bytes());
        set_header(&mut bytes, ".symtab", 44, &1000_u32.to_le_bytes());
        set_header(&mut bytes, ".note.odd", 8, &0_u64.to_le_bytes());
        messages(&check_bytes(&bytes, Policy::Exact), "refused")
    };
    assert_eq!(unnamed(None, "cmdline_proc_show"), [""; 0]);
    assert_eq!(
        unnamed(Some("net_mod"), "no_such_function")[0],
        "section .symtab has an incorrectly formatted name"
    );
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
    assert!(refused[0].contains("would write address 0"), "{refused:?}");

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
    assert!(
        no_symbol[0].contains("not refer to a symbol"),
        "{no_symbol:?}"
    );
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
    assert_eq!(
        warnings,
        [".init.text is freed before net_mod may be loaded"]
    );
}

/// A livepatch with a relocation of its data against a symbol of its own.
fn own_relocation(kind: elf::RelocationType, addend: i64) -> Livepatch {
    let mut livepatch = Livepatch::of("cmdline_proc_show");
    let write = elf::SHF_ALLOC | elf::SHF_WRITE;
    let section = livepatch.elf.section(".data.own", write, &[0; 16]);
    let symbol = livepatch.new_func;
    livepatch.elf.relocate(section, 8, symbol, kind, addend);
    livepatch
}

#[test]
fn checks_relocations_that_the_module_loader_applies() {
    let said = |livepatch: &Livepatch| messages(&check_patch(livepatch, Policy::Exact), "refused");
    let none = Vec::<String>::new();
    assert_eq!(said(&own_relocation(elf::R_X86_64_64, 0)), none);
    assert_eq!(said(&own_relocation(elf::R_X86_64_32S, 0)), none);
    // A module is in the upper 2 GiB.
    assert_eq!(
        said(&own_relocation(elf::R_X86_64_32, 0)),
        ["overflow in relocation type 10 val"]
    );
    assert_eq!(
        said(&own_relocation(elf::R_X86_64_32S, i64::MIN)),
        ["overflow in relocation type 11 val"]
    );
    assert_eq!(
        said(&own_relocation(elf::R_X86_64_GOTPCREL, 0)),
        ["lp: Unknown rela relocation: 9"]
    );
    let mut number = own_relocation(elf::R_X86_64_32, 0);
    let symbol = &mut number.elf.symbols[number.new_func];
    (symbol.place, symbol.value) = (ABSOLUTE, 0x1_0000_0001);
    assert!(said(&number).contains(&"overflow in relocation type 10 val 100000001".to_owned()));
    number.elf.symbols[number.new_func].value = 0xffff_ffff;
    let overflows = said(&number).iter().any(|w| w.contains("overflow"));
    assert!(!overflows);

    let not_empty =
        ["x86/modules: Invalid relocation target, existing value is nonzero for type 1"];
    let mut nonzero = own_relocation(elf::R_X86_64_64, 0);
    nonzero.elf.sections.last_mut().unwrap().data[15] = 1;
    assert_eq!(said(&nonzero), not_empty);
    let mut twice = own_relocation(elf::R_X86_64_64, 0);
    let symbol = twice.new_func;
    let last = twice.elf.sections.len() - 1;
    twice.elf.relocate(last, 4, symbol, elf::R_X86_64_64, 0);
    assert_eq!(said(&twice), not_empty);
    let mut outside = own_relocation(elf::R_X86_64_64, 0);
    outside.elf.sections.last_mut().unwrap().data.truncate(15);
    assert!(said(&outside)[0].starts_with("it changes 8 bytes at offset 0x8"));
}

/// A relocation may find at its place what others have written.
#[test]
fn relocations_that_meet() {
    let with = |number: u64, second: (u64, elf::RelocationType)| {
        let mut livepatch = own_relocation(elf::R_X86_64_64, 0);
        let place = (elf::STB_LOCAL, elf::STT_NOTYPE, ABSOLUTE);
        let symbol = livepatch
            .elf
            .symbol("number", place.0, place.1, place.2, number, 0);
        let last = livepatch.elf.sections.len() - 1;
        let section = &mut livepatch.elf.sections[last];
        section.data.resize(32, 0);
        section.relocations.last_mut().unwrap().symbol = symbol;
        let symbol = livepatch.new_func;
        livepatch.elf.relocate(last, second.0, symbol, second.1, 0);
        messages(&check_patch(&livepatch, Policy::Exact), "refused")
    };
    let nonzero = |kind: elf::RelocationType| {
        format!(
            "x86/modules: Invalid relocation target, existing value is nonzero for type {}",
            kind.0
        )
    };
    let (pointer, half) = (elf::R_X86_64_64, elf::R_X86_64_32S);
    // At 8 is a number of 8 bytes.
    assert_eq!(with(0, (8, pointer)), [""; 0]);
    assert_eq!(with(1, (8, pointer)), [nonzero(pointer)]);
    assert_eq!(with(1, (9, pointer)), [""; 0]);
    assert_eq!(with(1, (5, half)), [nonzero(half)]);
    assert_eq!(with(1, (4, half)), [""; 0]);
    assert_eq!(with(0x100, (5, half)), [""; 0]);
    // Of a distance nobody knows a byte.
    let mut twice = own_relocation(elf::R_X86_64_PC32, 0);
    let (symbol, last) = (twice.new_func, twice.elf.sections.len() - 1);
    twice.elf.relocate(last, 10, symbol, elf::R_X86_64_PC32, 0);
    assert_eq!(
        messages(&check_patch(&twice, Policy::Exact), "refused"),
        ["another relocation writes to the same place"]
    );
}

/// The loader gives memory to the symbols, and so applies relocations to them.
#[test]
fn relocations_of_what_the_loader_goes_by() {
    let retargeted = |name: &str| {
        let mut bytes = own_relocation(elf::R_X86_64_64, 0).build();
        let elf = ElfFile::parse("made".to_owned(), &bytes[..]).unwrap();
        let target = elf.section_by_name(name.as_bytes()).unwrap().id.0;
        let number = u32::try_from(target).unwrap().to_le_bytes();
        change_header(&mut bytes, ".rela.data.own", |h| {
            h[44..48].copy_from_slice(&number);
        });
        bytes
    };
    let refused = |bytes: &[u8]| messages(&check_bytes(bytes, Policy::Exact), "refused");
    for name in [".symtab", ".strtab"] {
        assert_eq!(
            refused(&retargeted(name)),
            [format!("it changes {name}, which has the module's symbols")]
        );
    }
    // What it only reads stays as it is.
    assert_eq!(refused(&retargeted(".modinfo")), [""; 0]);
    let mut name = own_relocation(elf::R_X86_64_64, 0);
    let sections = &name.elf.sections;
    let module = sections
        .iter()
        .position(|s| s.name == ".gnu.linkonce.this_module");
    let (symbol, module) = (name.new_func, module.unwrap());
    name.elf.relocate(module, 48, symbol, elf::R_X86_64_64, 0);
    assert_eq!(
        messages(&check_patch(&name, Policy::Exact), "refused"),
        ["it changes the name of the module"]
    );
}

#[test]
fn relocations_of_per_cpu_variables() {
    let mut livepatch = own_relocation(elf::R_X86_64_64, 0);
    let section = livepatch.elf.sections.last_mut().unwrap();
    section.name = ".data..percpu".to_owned();
    section.data[8] = 1;
    let report = check_patch(&livepatch, Policy::Exact);
    assert_eq!(messages(&report, "refused"), [""; 0]);
    assert_eq!(
        messages(&report, "warning"),
        ["not applied by kernels before 6.17: the per-cpu variables that it changes stay 0"]
    );
}

/// By the order of `klp_write_section_relocs()` and of `apply_relocations()`.
#[test]
fn what_is_noticed_first_of_several_relocations() {
    let section = ".klp.rela.vmlinux.text";
    let names = [".klp.sym.vmlinux.table,0", ".klp.sym.vmlinux.nobody,0"];
    let mut bytes = made_with(section, &names, LIVEPATCH);
    let elf = ElfFile::parse("made".to_owned(), &bytes[..]).unwrap();
    let found = elf
        .sections()
        .find(klp_gen::elf::Section::is_livepatch_rela)
        .unwrap();
    let start = usize::try_from(found.offset).unwrap();
    bytes[start + 8] = 9;
    let unknown = "symbol 'nobody' not found in symbol table";
    let refused = messages(&check_bytes(&bytes, Policy::Exact), "refused");
    assert_eq!(refused, [unknown, "lp: Unknown rela relocation: 9"]);

    let mut two = own_relocation(elf::R_X86_64_GOTPCREL, 0);
    let (flags, symbol) = (elf::SHF_ALLOC | elf::SHF_WRITE, two.new_func);
    let rel = two.elf.section(".data.rel", flags, &[0; 16]);
    two.elf.relocate(rel, 0, symbol, elf::R_X86_64_64, 0);
    let mut bytes = two.build();
    change_header(&mut bytes, ".rela.data.rel", |h| h[4] = 9);
    assert_eq!(
        messages(&check_bytes(&bytes, Policy::Exact), "refused"),
        [
            "lp: Unknown rela relocation: 9",
            "module lp: REL relocation unsupported"
        ]
    );
}

/// It has no bytes in the file, but in memory it has zeros.
#[test]
fn a_livepatch_section_without_bytes() {
    let section = ".klp.rela.vmlinux.text";
    let mut bytes = made(section, ".klp.sym.vmlinux.table,0", LIVEPATCH);
    change_header(&mut bytes, section, |h| h[4] = 8);
    assert_eq!(
        messages(&check_bytes(&bytes, Policy::Exact), "refused"),
        ["symbol  is not marked as a livepatch symbol"]
    );
    // Without memory of its own, the file is read.
    change_header(&mut bytes, section, |h| h[8] &= !2);
    assert_eq!(
        messages(&check_bytes(&bytes, Policy::Exact), "refused"),
        [""; 0]
    );
}

/// Changes the header of a section.
fn change_header(bytes: &mut [u8], name: &str, change: impl FnOnce(&mut [u8])) {
    let elf = ElfFile::parse("made".to_owned(), &*bytes).unwrap();
    // The relocations come behind what they change, which may have the same name.
    let named = elf.sections().filter(|s| s.name == name.as_bytes());
    let found = named.last().unwrap().id.0;
    let shoff = usize::try_from(elf.header().e_shoff.get(elf.endian())).unwrap();
    change(&mut bytes[shoff + 64 * found..][..64]);
}

#[test]
fn sections_of_relocations() {
    let mut rel = own_relocation(elf::R_X86_64_64, 0).build();
    change_header(&mut rel, ".rela.data.own", |h| h[4] = 9);
    assert_eq!(
        messages(&check_bytes(&rel, Policy::Exact), "refused"),
        ["module lp: REL relocation unsupported"]
    );
    let mut odd = own_relocation(elf::R_X86_64_64, 0).build();
    change_header(&mut odd, ".rela.data.own", |h| h[32] += 1);
    assert_eq!(
        messages(&check_bytes(&odd, Policy::Exact), "warning"),
        ["its size, 25 bytes, is not a multiple of 24"]
    );
    let section = ".klp.rela.net_mod.text";
    let mut freed = made(section, ".klp.sym.net_mod.quiet,0", LIVEPATCH);
    change_header(&mut freed, section, |h| h[8] &= !2);
    let report = check_bytes(&freed, Policy::Exact);
    assert!(messages(&report, "refused")[0].starts_with("it has no SHF_ALLOC"));
}

#[test]
fn warns_of_symbols_that_the_author_may_not_mean() {
    let section = ".klp.rela.vmlinux.text";
    let warnings = |symbol: &str| {
        let report = check_bytes(&made(section, symbol, LIVEPATCH), Policy::Exact);
        messages(&report, "warning")
    };
    assert_eq!(
        warnings(".klp.sym.vmlinux.table,0"),
        ["the livepatch calls it, but it is data"]
    );
    assert_eq!(
        warnings(".klp.sym.vmlinux.mixed,1"),
        ["1 of the 2 symbols of that name are data"]
    );
    assert_eq!(
        warnings(".klp.sym.vmlinux.mixed,2"),
        [
            "1 of the 2 symbols of that name are code",
            "the livepatch calls it, but it is data"
        ]
    );
    let report = check_bytes(
        &made(section, ".klp.sym.net-mod.handle,0", LIVEPATCH),
        Policy::Exact,
    );
    assert_eq!(
        messages(&report, "refused"),
        [
            "symbol 'handle' not found in symbol table",
            "no module is called net-mod: the name of a module has no path and no suffix, and '_' instead of '-' (write net_mod)"
        ]
    );
}

#[test]
fn a_section_that_changes_no_section() {
    let section = ".klp.rela.vmlinux.text";
    let mut bytes = made(section, ".klp.sym.vmlinux.nobody,0", LIVEPATCH);
    // sh_info
    change_header(&mut bytes, section, |h| {
        h[44..48].copy_from_slice(&900_u32.to_le_bytes());
    });
    let report = check_bytes(&bytes, Policy::Exact);
    assert_eq!(
        messages(&report, "warning"),
        ["no livepatch relocation uses it"]
    );
    assert_eq!(report.refusals().count(), 0);
}

#[test]
fn one_symbol_by_two_names() {
    let names = [".klp.sym.vmlinux.alias_c,0", ".klp.sym.vmlinux.alias_c,1"];
    let bytes = made_with(".klp.rela.vmlinux.text", &names, LIVEPATCH);
    let report = check_bytes(&bytes, Policy::Exact);
    assert_eq!(
        messages(&report, "warning"),
        ["means the same symbol as .klp.sym.vmlinux.alias_c,0"]
    );
}

#[test]
fn what_is_referred_to_is_inside_its_section() {
    let refer = |size_of_section: u64, value: u64, size: u64| {
        let mut livepatch = Livepatch::of("cmdline_proc_show");
        let flags = elf::SHF_ALLOC | elf::SHF_WRITE;
        let bss = livepatch.elf.section(".bss.count", flags, &[]);
        livepatch.elf.sections[bss].kind = elf::SHT_NOBITS;
        livepatch.elf.sections[bss].size = size_of_section;
        let place = Place::Section(bss);
        let count = livepatch
            .elf
            .symbol("count", STB_GLOBAL, elf::STT_OBJECT, place, value, size);
        livepatch.refer(count);
        messages(&check_patch(&livepatch, Policy::Llvm), "refused")
    };
    assert_eq!(refer(8, 0, 8), [""; 0]);
    // The end of a section is a place in it.
    assert_eq!(refer(8, 8, 0), [""; 0]);
    assert_eq!(
        refer(0, 0, 8),
        ["it refers to count, 8 bytes at offset 0x0 of .bss.count, but the section has 0x0 bytes"]
    );
    assert_eq!(
        refer(8, 4, 8),
        ["it refers to count, 8 bytes at offset 0x4 of .bss.count, but the section has 0x8 bytes"]
    );
    assert_eq!(
        refer(8, u64::MAX, 8),
        ["it refers to count, 8 bytes at offset 0xffffffffffffffff of .bss.count, but the section has 0x8 bytes"]
    );
}
