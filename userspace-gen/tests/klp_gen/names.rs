// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Names at the kernel's limits, and indexes beyond a file's.

use crate::convert::rejection;
use crate::kernel::{with_target, Files};
use crate::livepatch::Livepatch;
use klp_gen::convert::{convert, Conversion};
use klp_gen::elf::ElfFile;
use klp_gen::printable::shown;
use klp_gen::symbols::{Entry, ObjectView, SymbolTable};
use klp_gen::target::{Target, TargetFiles};
use klp_policy::{resolve_in_index, resolve_in_sequence, Policy, Query, SymbolName, Sympos};
use object::elf;

/// A kernel whose only promoted function has a name of `len` bytes before `.llvm.`.
fn convert_reference_of(len: usize) -> Result<usize, String> {
    let name = "n".repeat(len);
    let files = Files::new();
    let text = format!(
        "ffffffff81000000 t {name}.llvm.1\nffffffff81000010 T __ksymtab_klp_enable_patch\n\
         ffffffff81000020 T promoted\n"
    );
    let path = files.write("kallsyms", text.as_bytes());
    let files = TargetFiles::open(None, &[], Some(&path)).unwrap();
    let target = Target::load(&files).unwrap();
    let livepatch = Livepatch::of("promoted").call(&name).build();
    match convert("lp", &livepatch, &target, Policy::Llvm) {
        Ok(Conversion::Done(done)) => Ok(done.references[0].kernel_name.name.len()),
        Ok(Conversion::Refused(problems)) => Err(problems[0].to_string()),
        Ok(Conversion::Rejected(report)) => Err(rejection(&report)),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn the_longest_name_that_can_be_written_has_511_bytes() {
    // `.llvm.*` has seven.
    assert_eq!(convert_reference_of(504), Ok(511));
    for len in 505..=512 {
        let why = convert_reference_of(len).unwrap_err();
        assert!(
            why.contains("cannot be named in a livepatch"),
            "{len}: {why}"
        );
    }
    // These are not even asked for.
    let why = convert_reference_of(2000).unwrap_err();
    assert!(why.len() < 3000, "{why}");
}

#[test]
fn shown_names_have_no_control_characters() {
    assert_eq!(shown(b"init_once.llvm.12"), "init_once.llvm.12");
    assert_eq!(shown(b"a\xff\x1b[2J\n"), "a\u{fffd}\\u{1b}[2J\\n");
    assert_eq!(shown(&[b'x'; 1024]).len(), 1024);
    assert!(shown(&[b'x'; 1030]).ends_with("x… (6 more bytes)"));
}

/// Returns the offset of a section header in a file.
pub fn header(file: &[u8], name: &[u8]) -> usize {
    let elf = ElfFile::parse("file".to_owned(), file).unwrap();
    let headers = usize::try_from(elf.header().e_shoff.get(elf.endian())).unwrap();
    headers + 64 * elf.section_by_name(name).unwrap().id.0
}

/// Returns the reason for which a file is not converted: the kernel's message, or why it cannot be changed.
fn not_converted(file: &[u8]) -> String {
    match with_target(|t| convert("file", file, t, Policy::Llvm)) {
        Ok(Conversion::Rejected(report)) => rejection(&report),
        Err(error) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_index_that_leads_nowhere_is_not_written_as_0() {
    let good = Livepatch::of("promoted").call("promoted").build();
    let elf = ElfFile::parse("file".to_owned(), &good[..]).unwrap();
    let symtab = elf.section(elf.symtab_section().unwrap()).unwrap();
    let count = elf.section_count();
    let function = elf.symbols().find(|s| s.name == b"replacement").unwrap();
    let at = usize::try_from(symtab.offset).unwrap() + 24 * function.id.0;

    // st_shndx
    let mut file = good.clone();
    file[at + 6..at + 8].copy_from_slice(&200_u16.to_le_bytes());
    let error = not_converted(&file);
    let max = count - 1;
    let expected = format!("Symbol replacement has an invalid section index 200 (max {max})");
    assert!(error.contains(&expected), "{error}");

    // sh_link
    let mut file = good.clone();
    let at = header(&good, b".text") + 40;
    file[at..at + 4].copy_from_slice(&200_u32.to_le_bytes());
    let error = not_converted(&file);
    let expected = format!("expected a section index below {count}, found 200");
    assert!(
        error.contains(".text") && error.contains(&expected),
        "{error}"
    );

    // r_info
    let mut file = good.clone();
    let rela = elf.section_by_name(b".rela.text").unwrap();
    let at = usize::try_from(rela.offset).unwrap() + 12;
    file[at..at + 4].copy_from_slice(&999_u32.to_le_bytes());
    let error = not_converted(&file);
    let expected = "rejected: .rela.text[0]: it does not refer to a symbol";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn a_string_table_without_an_end_swallows_no_name() {
    let mut livepatch = Livepatch::of("promoted").call("promoted");
    let text = crate::elf::Place::Section(livepatch.text);
    livepatch
        .elf
        .symbol("last", elf::STB_GLOBAL, elf::STT_FUNC, text, 0, 0);
    let mut file = livepatch.build();
    let strings = {
        let elf = ElfFile::parse("file".to_owned(), &file[..]).unwrap();
        elf.section_by_name(b".strtab").unwrap()
    };
    let end = usize::try_from(strings.offset + strings.size).unwrap();
    assert!(file[..end].ends_with(b"last\0"));
    file[end - 1] = b'x';
    let error = with_target(|t| convert("file", &file, t, Policy::Llvm).unwrap_err());
    let expected = "file: section .strtab: expected strings that begin and end with a NUL";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn many_modules_take_no_longer_each() {
    let lines = (0..100_000).map(|i| format!("ffffffff81{i:06x} t x\t[m{i}]\n"));
    let text: String = lines.collect();
    let files = Files::new();
    let path = files.write("kallsyms", text.as_bytes());
    let files = TargetFiles::open(None, &[], Some(&path)).unwrap();
    // Comparing each with each would take minutes.
    assert_eq!(Target::load(&files).unwrap().objects().len(), 100_000);
}

#[test]
fn a_module_is_searched_by_name_as_the_kernel_walks_through_it() {
    let names = [
        "b",
        "a.llvm.9",
        "a",
        "c.x",
        "a.llvm.1",
        "a",
        "a.llvm.5.cold",
        "b.llvm.f",
    ];
    let entries = (0..64).map(|i: u32| Entry {
        name: SymbolName(names[(i * 5 % 8) as usize].as_bytes()),
        address: (i * 37 % 64).into(),
        letter: b't',
        index: i,
        live: i % 3 != 0,
    });
    let table = SymbolTable::new(entries.collect());
    for view in [ObjectView::live(&table), ObjectView::coming(&table)] {
        for policy in Policy::ALL {
            for name in names.iter().chain(&["a.llvm.*", "b.llvm.*", "a.cold", "d"]) {
                let query = Query::new(name.as_bytes());
                for sympos in (0..40).map(Sympos) {
                    assert_eq!(
                        resolve_in_index(&view, policy, &query, sympos),
                        resolve_in_sequence(&view, policy, &query, sympos),
                        "{name},{sympos} by {policy}"
                    );
                }
            }
        }
    }
}
