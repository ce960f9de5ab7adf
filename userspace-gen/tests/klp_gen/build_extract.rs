// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The parts that are taken out of a patched file, and how they refer to the kernel that runs.

use crate::build_compare::{unit, Source, CALL, CODE, DATA, INC, MOV, PC32, PLT32, S32, STRINGS};
use crate::elf::{Elf, Place, ABSOLUTE};
use crate::kernel::Files;
use klp_gen::build::code::{Code, Layouts};
use klp_gen::build::compare::{compare, Pairings, Versions};
use klp_gen::build::extract::{extract, Extraction, Inputs};
use klp_gen::build::identity::content::Proof;
use klp_gen::build::identity::Image;
use klp_gen::build::{BuildRefusal, KbuildObject, RefusalKind};
use klp_gen::elf::{ElfFile, ElfInput};
use klp_gen::livepatch::rela_sections;
use klp_gen::target::{Target, TargetFiles};
use klp_policy::ObjName;
use object::elf::{
    self, SHF_ALLOC, SHF_MERGE, STB_GLOBAL, STB_LOCAL, STT_FILE, STT_FUNC, STT_SECTION,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The address of the first section of the kernel.
const START: u64 = 0xffff_ffff_8100_0000;

/// Links files: their local symbols behind a symbol for each file, then those that all may use.
fn link(files: &[(&str, &Source)], is_last_link: bool) -> Elf {
    let kind = if is_last_link {
        elf::ET_EXEC
    } else {
        elf::ET_REL
    };
    let mut linked = Elf::new(kind);
    let mut numbers: Vec<Vec<usize>> = Vec::new();
    let mut first_sections = Vec::new();
    for (_, source) in files {
        first_sections.push(linked.sections.len());
        linked
            .sections
            .extend(source.elf.sections.iter().cloned().map(|mut section| {
                section.relocations.clear();
                section
            }));
    }
    if is_last_link {
        for (section, at) in linked.sections.iter_mut().zip(0..) {
            section.address = START + 0x1000 * at;
        }
    }
    for is_local in [true, false] {
        for (at, (name, source)) in files.iter().enumerate() {
            if is_local {
                linked.symbol(name, STB_LOCAL, STT_FILE, ABSOLUTE, 0, 0);
                numbers.push(vec![usize::MAX; source.elf.symbols.len()]);
            }
            for (number, symbol) in source.elf.symbols.iter().enumerate() {
                let Place::Section(section) = symbol.place else {
                    continue;
                };
                let is_section = symbol.kind == STT_SECTION;
                // scripts/Makefile.vmlinux of 7.3 strips the names that modpost has read.
                let is_stripped = is_section || symbol.name.starts_with("__mod_device_table__");
                if (symbol.bind == STB_LOCAL) != is_local || is_stripped && is_last_link {
                    continue;
                }
                let section = first_sections[at] + section;
                let mut symbol = symbol.clone();
                symbol.place = Place::Section(section);
                symbol.value += linked.sections[section].address;
                numbers[at][number] = linked.symbols.len();
                linked.symbols.push(symbol);
            }
        }
    }
    if !is_last_link {
        for (at, (_, source)) in files.iter().enumerate() {
            for (section, of_file) in source.elf.sections.iter().enumerate() {
                for relocation in &of_file.relocations {
                    let mut relocation = *relocation;
                    let name = &source.elf.symbols[relocation.symbol].name;
                    let number = numbers[at][relocation.symbol];
                    relocation.symbol = if number == usize::MAX {
                        let found = linked.symbols.iter().position(|s| s.name == *name);
                        found.unwrap_or_else(|| linked.undefined(name))
                    } else {
                        number
                    };
                    let section = first_sections[at] + section;
                    linked.sections[section].relocations.push(relocation);
                }
            }
        }
    }
    linked
}

/// Extracts what `patched` changes in the first of `files`, after the proof that it is part of the kernel.
fn extracted<T>(
    files: &[(&str, &Source)],
    patched: &Source,
    with: impl FnOnce(&Extraction, &ElfFile<'_>) -> T,
) -> Result<T, Vec<BuildRefusal>> {
    let directory = Files::new();
    let relocatable = directory.write("vmlinux.o", &link(files, false).build());
    let linked = directory.write("vmlinux", &link(files, true).build());
    let (before, after) = (files[0].1.build(), patched.build());
    let layouts = Layouts::X86_64;
    let versions = [Versions {
        original: Code::read("original.o".to_owned(), &before, &layouts).unwrap(),
        patched: Code::read("patched.o".to_owned(), &after, &layouts).unwrap(),
    }];
    let inputs = [&relocatable, &linked].map(|path| ElfInput::open(path).unwrap());
    let [relocatable, image] = [&inputs[0], &inputs[1]].map(|input| input.parse().unwrap());
    let opened = TargetFiles::open(Some(&linked), &[], None).unwrap();
    let target = Target::load(&opened).unwrap();
    let object = target.object(ObjName::VMLINUX).unwrap();
    let members: Vec<_> = files.iter().map(|(name, _)| member(name)).collect();
    let image = Image::new(&relocatable, &image, object, &members).map_err(|r| vec![r])?;
    let located = [image
        .locate(&members[0], &versions[0].original)
        .map_err(|r| vec![r])?];
    let proof = Proof::new(&image, &[&located[0]]).unwrap();
    proof.check(&members[0], &versions[0].original, &located[0])?;
    let units = [unit()];
    let pairings = Pairings::new(&versions, &layouts, &|_, _| Ok(None)).unwrap();
    let changes = compare(&units, &versions, &pairings);
    let extraction = extract(
        &Inputs {
            units: &units,
            versions: &versions,
            pairings: &pairings,
            layouts: &layouts,
            target: &target,
            images: &BTreeMap::from([(KbuildObject::Vmlinux, image)]),
            located: &located,
        },
        &changes,
    );
    let refusals = [&changes.refusals[..], &extraction.refusals].concat();
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let bytes = extraction.body.write(versions[0].patched.elf()).unwrap();
    let body = ElfFile::parse("body.o".to_owned(), &bytes[..]).unwrap();
    Ok(with(&extraction, &body))
}

fn member(name: &str) -> PathBuf {
    Path::new("fs").join(name).with_extension("o")
}

/// Returns the relocations of a file without the list of functions that have no ENDBR.
fn relocations(body: &ElfFile<'_>) -> Vec<String> {
    let mut all = all_relocations(body);
    all.retain(|relocation| !relocation.starts_with(".discard."));
    all
}

/// Returns `section+offset symbol+addend` for each relocation of a file; a section by its contents.
fn all_relocations(body: &ElfFile<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for rela in rela_sections(body).unwrap() {
        let section = String::from_utf8_lossy(rela.target.name).into_owned();
        for relocation in rela.relocations() {
            let symbol = body.symbol(relocation.symbol).unwrap();
            let of_section = symbol.section().map(|id| body.section(id).unwrap());
            let name = match of_section {
                Some(of_section) if symbol.kind == STT_SECTION => of_section.name,
                _ => symbol.name,
            };
            all.push(format!(
                "{section}+{:#x} {}{:+}",
                relocation.offset,
                String::from_utf8_lossy(name),
                relocation.addend
            ));
        }
    }
    all
}

/// A file with a function that uses one of everything, and whose first byte may differ.
fn user(first: u8, more: &[&str]) -> Source {
    let mut source = Source::new();
    let calls: Vec<_> = more.iter().flat_map(|_| CALL).collect();
    let show = source.function("show", &[&[first], &MOV, &INC, &calls, &[0xc3]]);
    let (_, strings) = source.section(".rodata.str1.1", STRINGS, b"some\0text\0");
    let count = source.variable("count", &[0; 8]);
    source.elf.relocate(show, 4, strings, S32, 5);
    source.elf.relocate(show, 10, count, PC32, -4);
    for (at, name) in (0..).zip(more) {
        let symbol = source.elf.undefined(name);
        source.elf.relocate(show, 15 + 5 * at, symbol, PLT32, -4);
    }
    source
}

/// Another file, with a static, or a function for others.
fn other(name: &str, is_global: bool) -> Source {
    let mut source = Source::new();
    source.function(name, &[&[0xc3]]);
    if is_global {
        source.elf.symbols[0].bind = STB_GLOBAL;
    }
    source
}

#[test]
fn a_function_comes_with_what_it_uses() {
    let all = ["helper", "promoted.llvm.12", "twin.llvm.7"];
    let before = user(0x90, &all);
    let helper = other("helper", true);
    let promoted = other("promoted.llvm.12", true);
    let twin = other("twin", false);
    let promoted_twin = other("twin.llvm.7", true);
    let files: [(&str, &Source); 5] = [
        ("user.c", &before),
        ("helper.c", &helper),
        ("promoted.c", &promoted),
        ("twin.c", &twin),
        ("other.c", &promoted_twin),
    ];
    let found = extracted(&files, &user(0xf8, &all), |extraction, body| {
        let functions = extraction.functions.iter().map(|f| f.name.clone());
        assert_eq!(functions.collect::<Vec<_>>(), ["show"]);
        let kernel_name = &extraction.functions[0].kernel_name;
        assert_eq!(
            (&kernel_name.name[..], kernel_name.sympos.0),
            (&b"show"[..], 0)
        );
        assert!(extraction.additions.is_empty());
        let strings = body.section_by_name(b".rodata.str1.1").unwrap();
        assert_eq!(body.section_data(&strings).unwrap(), b"text\0");
        relocations(body)
    });
    assert_eq!(
        found.unwrap(),
        [
            ".text.show+0x4 .rodata.str1.1+0",
            ".text.show+0xa count-4",
            ".text.show+0xf helper-4",
            // Unique among cleaned names.
            ".text.show+0x14 promoted-4",
            // Two have that name, one of them by its exact name, which counts first.
            ".text.show+0x19 .klp.sym.vmlinux.twin.llvm.*,2-4",
        ]
    );
}

#[test]
fn a_lock_has_the_name_of_the_running_kernel_if_keys_have_bytes() {
    // The kernel has the sections 0 (code), 1 (strings), 2 (key) and 3 (constants).
    let address = |section: u64| START + 0x1000 * section;
    for (size, expected) in [(8, "__start_rodata-8187"), (0, ".rodata.str1.1+0")] {
        let make = |first: u8| {
            let mut source = Source::new();
            let mut name = MOV;
            let field = u32::try_from((address(1) + 5) & 0xffff_ffff).unwrap();
            name[3..7].copy_from_slice(&field.to_le_bytes());
            let show = source.function("show", &[&[first], &name, &INC, &[0xc3]]);
            let (_, strings) = source.section(".rodata.str1.1", STRINGS, b"some\0name\0");
            let bss = source.elf.section(".bss.show.__key", DATA, &[]);
            source.elf.sections[bss].kind = elf::SHT_NOBITS;
            source.elf.sections[bss].size = size;
            let key = source.object(bss, "show.__key", 0, size);
            source.elf.relocate(show, 4, strings, S32, 5);
            source.elf.relocate(show, 10, key, PC32, -4);
            source
        };
        let mut constants = Source::new();
        let rodata = constants.elf.section(".rodata", DATA, &[0; 8]);
        constants.object(rodata, "__start_rodata", 0, 8);
        constants.elf.symbols[0].bind = STB_GLOBAL;
        let before = make(0x90);
        let files = [("user.c", &before), ("constants.c", &constants)];
        let found = extracted(&files, &make(0xf8), |_, body| relocations(body)).unwrap();
        let expected = [
            format!(".text.show+0x4 {expected}"),
            ".text.show+0xa show.__key-4".to_owned(),
        ];
        assert_eq!(found, expected);
    }
}

#[test]
fn a_function_of_another_file_that_the_kernel_frees_is_refused() {
    let (before, after) = (user(0x90, &["helper"]), user(0xf8, &["helper"]));
    let mut helper = other("helper", true);
    helper.elf.sections[0].name = ".init.text".to_owned();
    let files = [("user.c", &before), ("helper.c", &helper)];
    let refusals = extracted(&files, &after, |_, _| ()).unwrap_err();
    let [refusal] = &refusals[..] else {
        panic!("{refusals:?}")
    };
    assert_eq!(
        (refusal.kind, &*refusal.subject),
        (RefusalKind::Init, "helper")
    );
}

#[test]
fn one_of_two_statics_is_told_by_its_position() {
    let make = |first: u8| {
        let mut source = Source::new();
        source.function("show", &[&[first], &CALL, &[0xc3]]);
        source.function("twin", &[&[0xc3]]);
        source.elf.relocate(0, 2, 1, PLT32, -4);
        source
    };
    let (before, after) = (make(0x90), make(0xf8));
    let twin = other("twin", false);
    for (files, expected) in [
        (
            [("user.c", &before), ("twin.c", &twin)],
            ".klp.sym.vmlinux.twin,1",
        ),
        (
            [("user.c", &before), ("user.c", &twin)],
            ".klp.sym.vmlinux.twin,1",
        ),
    ] {
        let found = extracted(&files, &after, |_, body| relocations(body)).unwrap();
        assert_eq!(found, [format!(".text.show+0x2 {expected}-4")]);
    }
}

#[test]
fn takes_new_functions_and_variables() {
    let make = |patched: bool| {
        let mut source = Source::new();
        let code: &[u8] = if patched { &CALL } else { &[0x90] };
        let show = source.function("show", &[code, &[0xc3]]);
        if patched {
            let new = source.function("new", &[&INC, &[0xc3]]);
            let bss = source.elf.section(".bss.new.calls", DATA, &[]);
            source.elf.sections[bss].kind = elf::SHT_NOBITS;
            source.elf.sections[bss].size = 8;
            let calls = source.object(bss, "new.calls", 0, 8);
            source.elf.relocate(new, 2, calls, PC32, -4);
            source.elf.relocate(show, 1, 1, PLT32, -4);
        }
        source
    };
    let before = make(false);
    let found = extracted(&[("user.c", &before)], &make(true), |extraction, body| {
        let additions = extraction.additions.iter();
        let additions: Vec<_> = additions.map(|a| (&a.name[..], a.is_function)).collect();
        assert_eq!(additions, [("new", true), ("new.calls", false)]);
        // Without its size, something else would lie over it.
        assert_eq!(body.section_by_name(b".bss.new.calls").unwrap().size, 8);
        relocations(body)
    });
    assert_eq!(
        found.unwrap(),
        [".text.show+0x1 new-4", ".text.new+0x2 new.calls-4"]
    );
}

#[test]
fn changed_functions_call_each_other_but_have_the_addresses_of_the_originals() {
    let make = |first: u8| {
        let mut source = Source::new();
        let caller = source.function("caller", &[&[first], &CALL, &MOV, &[0xc3]]);
        source.function("callee", &[&[first, 0xc3]]);
        source.elf.relocate(caller, 2, 1, PLT32, -4);
        source.elf.relocate(caller, 9, 1, S32, 0);
        source
    };
    let before = make(0x90);
    let found = extracted(&[("user.c", &before)], &make(0xf8), |_, body| {
        relocations(body)
    });
    assert_eq!(
        found.unwrap(),
        [
            ".text.caller+0x2 callee-4",
            ".text.caller+0x9 .klp.sym.vmlinux.callee,0+0"
        ]
    );
}

#[test]
fn entries_of_tables_come_along_with_what_they_lead_to() {
    let make = |first: u8| {
        let mut source = Source::new();
        source.function("same", &[&[0x90; 8], &[0xc3]]);
        source.function("show", &[&[first], &[0x90; 8], &[0xc3]]);
        let mut entries = [0; 28];
        entries[13] = 1;
        entries[27] = 2;
        let (table, _) = source.section(".altinstructions", SHF_ALLOC, &entries);
        let bytes = [0xcc, 0xf3, 0x90];
        let (_, chunks) = source.section(".altinstr_replacement", CODE, &bytes);
        for (at, function) in [(0, 0), (14, 1)] {
            source.elf.relocate(table, at, function, PC32, 2);
            let chunk = i64::from(at > 0);
            source.elf.relocate(table, at + 4, chunks, PC32, chunk);
        }
        source
    };
    let before = make(0x90);
    let found = extracted(&[("user.c", &before)], &make(0xf8), |_, body| {
        let chunks = body.section_by_name(b".altinstr_replacement").unwrap();
        assert_eq!(body.section_data(&chunks).unwrap(), [0xf3, 0x90]);
        let table = body.section_by_name(b".altinstructions").unwrap();
        assert_eq!(table.size, 14);
        relocations(body)
    });
    assert_eq!(
        found.unwrap(),
        [
            ".altinstructions+0x0 .text.show+2",
            ".altinstructions+0x4 .altinstr_replacement+0"
        ]
    );
}

#[test]
fn code_refers_to_the_new_place_of_its_entry() {
    // Of WARN() on 7.3: the code hands the address of its entry on.
    let make = |first: u8| {
        let mut source = Source::new();
        source.function("same", &[&[0x90; 8], &[0xc3]]);
        let lea = [0x48, 0x8d, 0x3d, 0, 0, 0, 0];
        let show = source.function("show", &[&[first], &lea, &[0xc3]]);
        let (table, entries) = source.section("__bug_table", DATA, &[0; 24]);
        for (at, function) in [(0, 0), (12, 1)] {
            source.elf.relocate(table, at, function, PC32, 1);
        }
        source.elf.relocate(show, 4, entries, PC32, 12 - 4);
        source
    };
    let before = make(0x90);
    let found = extracted(&[("user.c", &before)], &make(0xf8), |_, body| {
        relocations(body)
    });
    assert_eq!(
        found.unwrap(),
        [
            ".text.show+0x4 __bug_table-4",
            "__bug_table+0x0 .text.show+1"
        ]
    );
}

#[test]
fn a_jump_into_the_middle_of_a_function_is_no_call_of_its_symbol() {
    let make = |first: u8| {
        let mut source = Source::new();
        source.function("show", &[&[first], &[0x90; 8], &[0xc3]]);
        let mut entry = [0; 14];
        entry[13] = 5;
        let (table, _) = source.section(".altinstructions", SHF_ALLOC, &entry);
        let (chunk, replacement) =
            source.section(".altinstr_replacement", CODE, &[0xe9, 0, 0, 0, 0]);
        source.elf.relocate(table, 0, 0, PC32, 1);
        source.elf.relocate(table, 4, replacement, PC32, 0);
        // jmp show+7
        source.elf.relocate(chunk, 1, 0, PLT32, 7 - 4);
        source
    };
    let before = make(0x90);
    let found = extracted(&[("user.c", &before)], &make(0xf8), |_, body| {
        relocations(body)
    });
    assert_eq!(
        found.unwrap(),
        [
            ".altinstructions+0x0 .text.show+1",
            ".altinstructions+0x4 .altinstr_replacement+0",
            ".altinstr_replacement+0x1 .text.show+3",
        ]
    );
}

#[test]
fn objtool_is_told_which_replacements_have_no_endbr() {
    let make = |first: u8| {
        let mut source = Source::new();
        source.function("called", &[&[first], &[0xc3]]);
        source.function("pointed_to", &[&[0xf3, 0x0f, 0x1e, 0xfa, first], &[0xc3]]);
        source
    };
    let before = make(0x90);
    let found = extracted(&[("user.c", &before)], &make(0xf8), |_, body| {
        all_relocations(body)
    });
    assert_eq!(
        found.unwrap(),
        [
            ".discard.noendbr+0x0 .text.called+0",
            ".discard.annotate_insn+0x0 .text.called+0"
        ]
    );
}

#[test]
fn a_file_that_is_not_the_one_in_the_kernel_is_refused() {
    let in_kernel = user(0x90, &[]);
    assert_eq!(differences(&in_kernel, &in_kernel), [""; 0]);
    let found = differences(&in_kernel, &user(0x91, &[]));
    let expected = "show: fs/user.o as compiled here has other bytes at 0x0";
    assert!(found[0].starts_with(expected), "{found:?}");
    let mut elsewhere = user(0x90, &[]);
    elsewhere.elf.sections[0].relocations[0].addend = 0;
    let found = differences(&in_kernel, &elsewhere);
    assert!(
        found[0].contains("refers to something else at 0x4"),
        "{found:?}"
    );
    let mut renamed = user(0x90, &[]);
    renamed.elf.symbols[2].name = "number".to_owned();
    let found = differences(&in_kernel, &renamed);
    let expected = "number there: the files are not of the same build";
    assert!(found[0].contains(expected), "{found:?}");
}

#[test]
fn a_file_with_a_table_whose_name_was_stripped_is_the_one_in_the_kernel() {
    let make = |name: &str| {
        let mut source = user(0x90, &[]);
        source.variable(name, &[0; 8]);
        source.function("last", &[&[0xc3]]);
        source
    };
    let table = make("__mod_device_table__kmod_a__pci__ids");
    assert_eq!(differences(&table, &table), [""; 0]);
    let found = differences(&table, &make("__mod_device_table__kmod_b__pci__ids"));
    assert!(found[0].contains("not of the same build"), "{found:?}");
}

/// Returns how a file differs from the one that is in the kernel.
fn differences(in_kernel: &Source, here: &Source) -> Vec<String> {
    let directory = Files::new();
    let files = [("user.c", in_kernel)];
    let relocatable = directory.write("vmlinux.o", &link(&files, false).build());
    let linked = directory.write("vmlinux", &link(&files, true).build());
    let inputs = [&relocatable, &linked].map(|path| ElfInput::open(path).unwrap());
    let [relocatable, image] = [&inputs[0], &inputs[1]].map(|input| input.parse().unwrap());
    let opened = TargetFiles::open(Some(&linked), &[], None).unwrap();
    let target = Target::load(&opened).unwrap();
    let object = target.object(ObjName::VMLINUX).unwrap();
    let members = [member("user.c")];
    let image = Image::new(&relocatable, &image, object, &members).unwrap();
    let bytes = here.build();
    let code = Code::read("here.o".to_owned(), &bytes, &Layouts::X86_64).unwrap();
    let answer = image
        .locate(&members[0], &code)
        .map_err(|refusal| vec![refusal]);
    let answer = answer.and_then(|located| {
        let proof = Proof::new(&image, &[&located]).unwrap();
        proof.check(&members[0], &code, &located)
    });
    let refusals = answer.err().unwrap_or_default();
    refusals
        .iter()
        .map(|r| format!("{}: {}", r.subject, r.reason))
        .collect()
}

#[test]
fn a_call_within_a_section_becomes_a_relocation_of_an_empty_field() {
    let make = |first: u8| {
        let mut source = Source::new();
        let code = [&[first], &CALL[..1], &[1, 0, 0, 0], &[0xc3, 0xc3]].concat();
        let section = source.elf.section(".sched.text", CODE, &code);
        for (name, value, size) in [("caller", 0, 7), ("callee", 7, 1)] {
            let place = Place::Section(section);
            source
                .elf
                .symbol(name, STB_LOCAL, STT_FUNC, place, value, size);
        }
        source
    };
    let before = make(0x90);
    let found = extracted(&[("user.c", &before)], &make(0xf8), |_, body| {
        let section = body.section_by_name(b".sched.text").unwrap();
        let code = body.section_data(&section).unwrap();
        assert_eq!(code, [0xf8, 0xe8, 0, 0, 0, 0, 0xc3]);
        relocations(body)
    });
    assert_eq!(found.unwrap(), [".sched.text+0x2 callee-4"]);
}

#[test]
fn a_function_of_another_file_is_no_new_one() {
    let before = user(0x90, &[]);
    let there = other("shared", true);
    let mut patched = user(0xf8, &[]);
    patched.function("shared", &[&[0xf8, 0xc3]]);
    let last = patched.elf.symbols.last_mut().unwrap();
    last.bind = STB_GLOBAL;
    let files = [("user.c", &before), ("other.c", &there)];
    let refusals = extracted(&files, &patched, |_, _| ()).unwrap_err();
    assert_eq!(refusals[0].subject, "shared");
    let expected = "defines a function that the running kernel has in another file";
    assert!(refusals[0].reason.contains(expected), "{refusals:?}");
}

#[test]
fn a_new_per_cpu_variable_is_where_the_module_loader_looks() {
    let make = |first: u8| {
        let mut source = Source::new();
        let show = source.function("show", &[&[first], &INC, &[0xc3]]);
        if first == 0xf8 {
            let (section, _) = source.section(".data..percpu..read_mostly", DATA, &[1; 8]);
            let limit = source.object(section, "limit", 0, 8);
            source.elf.relocate(show, 3, limit, PC32, -4);
        }
        source
    };
    let before = make(0x90);
    let found = extracted(&[("user.c", &before)], &make(0xf8), |_, body| {
        let section = body.section_by_name(b".data..percpu").unwrap();
        body.section_data(&section).unwrap().to_vec()
    });
    assert_eq!(found.unwrap(), [1; 8]);
}

#[test]
fn parts_of_a_variable_are_not_told_by_their_names() {
    let make = |numbers: [u8; 2], first: u8| {
        let mut source = Source::new();
        let symbols = numbers.map(|n| source.variable(&format!("state.{n}"), &[0; 8]));
        for (at, (name, byte)) in [("same", 0x90), ("other", first)].iter().enumerate() {
            let section = source.function(name, &[&[*byte], &INC, &[0xc3]]);
            source.elf.relocate(section, 3, symbols[at], PC32, -4);
        }
        source
    };
    let before = make([1, 2], 0x90);
    let files = [("user.c", &before)];
    let refusals = extracted(&files, &make([2, 3], 0xf8), |_, _| ()).unwrap_err();
    let subjects: Vec<_> = refusals.iter().map(|r| r.subject.as_str()).collect();
    assert_eq!(subjects, ["state.2", "state.3"]);
    assert!(
        refusals[0].reason.contains("cannot be told apart"),
        "{refusals:?}"
    );
}

/// A function with two static locals of one name and of other contents, of which the patch makes three.
fn locals_of_one_name(section: &str, flags: elf::SectionFlags, is_patched: bool) -> Source {
    let mut source = Source::new();
    let first = if is_patched { 0xf8 } else { 0x90 };
    let count = 2 + u64::from(is_patched);
    let uses: Vec<_> = (0..count).flat_map(|_| MOV).collect();
    let show = source.function("show", &[&[first], &uses, &[0xc3]]);
    for number in 0..count {
        let name = format!("show.__msg.{number}");
        let bytes = [u8::try_from(number).unwrap() + 1; 8];
        let (section, _) = source.section(&format!("{section}.{name}"), flags, &bytes);
        let symbol = source.object(section, &name, 0, 8);
        source.elf.relocate(show, 4 + 7 * number, symbol, S32, 0);
    }
    source
}

#[test]
fn variables_of_one_name_are_refused_but_constants_are_copied() {
    let make = |section, flags, is_patched| locals_of_one_name(section, flags, is_patched);
    let before = make(".data", DATA, false);
    let patched = make(".data", DATA, true);
    let refusals = extracted(&[("user.c", &before)], &patched, |_, _| ()).unwrap_err();
    assert!(
        refusals[0].reason.contains("cannot be told apart"),
        "{refusals:?}"
    );
    let before = make(".rodata", SHF_ALLOC, false);
    let patched = make(".rodata", SHF_ALLOC, true);
    let found = extracted(&[("user.c", &before)], &patched, |_, body| {
        relocations(body)
    });
    let expected = [4, 11, 18]
        .iter()
        .zip(0..)
        .map(|(at, number)| format!(".text.show+{at:#x} show.__msg.{number}+0"));
    assert_eq!(found.unwrap(), expected.collect::<Vec<_>>());
}

/// A file with a function that loads the second half of a constant of 16 bytes, which has a symbol or none.
fn user_of_a_half(first: u8, is_named: bool) -> Source {
    let mut source = Source::new();
    let show = source.function("show", &[&[first], &INC, &[0xc3]]);
    let (section, symbol) =
        source.section(".rodata.cst16", SHF_ALLOC | SHF_MERGE, b"one half another");
    source.elf.sections[section].entry_size = 16;
    let symbol = if is_named {
        source.object(section, ".L__const.show.halves", 0, 16)
    } else {
        symbol
    };
    source.elf.relocate(show, 4, symbol, PC32, 8 - 4);
    source
}

#[test]
fn a_part_of_a_constant_is_told_by_the_whole_constant() {
    for is_named in [true, false] {
        let before = user_of_a_half(0x90, is_named);
        assert_eq!(differences(&before, &before), [""; 0]);
        let found = extracted(
            &[("user.c", &before)],
            &user_of_a_half(0xf8, is_named),
            |_, body| {
                let constants = body.section_by_name(b".rodata.cst16").unwrap();
                assert_eq!(body.section_data(&constants).unwrap(), b"one half another");
                relocations(body)
            },
        );
        // Through a section's symbol, a linker that merges would take -4 or 4 for a place among the
        // constants.
        assert_eq!(found.unwrap(), [".text.show+0x4 .Lconstant+4"]);
    }
}

#[test]
fn objtool_makes_calls_to_ftrace_instructions_without_effect() {
    let make = |call: &[u8], callee: Option<&str>| {
        let mut source = Source::new();
        let show = source.function("show", &[call, &[0xc3]]);
        if let Some(callee) = callee {
            let callee = source.elf.undefined(callee);
            source.elf.relocate(show, 1, callee, PLT32, -4);
        }
        source
    };
    let in_kernel = make(&[0x0f, 0x1f, 0x44, 0, 0], None);
    assert_eq!(
        differences(&in_kernel, &make(&CALL, Some("__fentry__"))),
        [""; 0]
    );
    // It does not do that to other calls.
    assert_eq!(
        differences(&in_kernel, &make(&CALL, Some("panic"))).len(),
        1
    );
}
