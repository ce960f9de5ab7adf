// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Files that are wrong: an answer or an error, never a panic.

use crate::convert::rejection;
use crate::kernel::{self, with_target, Files};
use crate::livepatch::Livepatch;
use crate::shell;
use klp_gen::check::{check, check_file, Installed};
use klp_gen::convert::{convert, Conversion};
use klp_gen::elf::{ElfFile, ElfInput};
use klp_gen::file::write_file;
use klp_gen::kallsyms::{embedded, module, text, vmlinux};
use klp_gen::target::{Symvers, Target, TargetFiles};
use klp_policy::Policy;
use proptest::collection::vec;
use proptest::prelude::*;
use std::fs;
use std::iter;
use std::ops::Range;
use std::thread;

/// Everything that reads a file.
fn read_all(bytes: &[u8], target: &Target<'_>) {
    if let Ok(elf) = ElfFile::parse("file".to_owned(), bytes) {
        let _ = vmlinux::read(&elf);
        let _ = module::read(&elf);
        let _ = embedded::unpack(&elf);
        for policy in Policy::ALL {
            let _ = check(&elf, target, policy, &[]);
            if let Ok(installed) = Installed::read(&elf) {
                let _ = check(&elf, target, policy, &[installed]);
            }
        }
    }
    let _ = check_file("file".to_owned(), bytes, target, Policy::Exact, &[]);
    let _ = convert("file", bytes, target, Policy::Llvm);
    let _ = convert("file", bytes, target, Policy::Exact);
}

fn livepatch() -> Vec<u8> {
    Livepatch::of("promoted")
        .call("promoted")
        .call("table")
        .build()
}

fn converted() -> Vec<u8> {
    with_target(|t| {
        let done = convert("lp", &livepatch(), t, Policy::Llvm);
        match done.unwrap() {
            Conversion::Done(converted) => converted.bytes,
            other => panic!("{other:?}"),
        }
    })
}

#[test]
fn every_file_may_end_anywhere() {
    let files = [livepatch(), converted(), kernel::module().build()];
    with_target(|t| {
        for file in files {
            for len in (0..file.len()).step_by(7) {
                read_all(&file[..len], t);
            }
        }
    });
}

/// Reads files in which a byte of the headers has this value, one byte after the other. A byte that has the value
/// already would make the file that is right.
fn read_with_wrong_headers(value: u8) {
    with_target(|t| {
        for file in [livepatch(), converted()] {
            let elf = ElfFile::parse("file".to_owned(), &file[..]).unwrap();
            let headers = usize::try_from(elf.header().e_shoff.get(elf.endian())).unwrap();
            let bytes = (0..64).chain(headers..file.len());
            for at in bytes.filter(|&at| file[at] != value) {
                let mut file = file.clone();
                file[at] = value;
                read_all(&file, t);
            }
        }
    });
}

#[test]
fn every_byte_of_the_headers_may_be_wrong() {
    thread::scope(|scope| {
        for value in [0, 1, 0x7f, 0xff] {
            scope.spawn(move || read_with_wrong_headers(value));
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_may_be_wrong(changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        with_target(|t| {
            for mut file in [livepatch(), converted(), kernel::vmlinux().build()] {
                for (at, value) in &changes {
                    let at = at.index(file.len());
                    file[at] = *value;
                }
                read_all(&file, t);
            }
        });
    }

    #[test]
    fn any_text_may_be_kallsyms(bytes in vec(any::<u8>(), 0..200), lines in "([0-9a-f]{0,17} ?[a-zA-Z] ?[a-z.,\\t\\[\\]]{0,9}\n){0,5}") {
        let _ = text::read("kallsyms", &bytes);
        let _ = text::read("kallsyms", lines.as_bytes());
        let mut symvers = Symvers::default();
        let _ = symvers.add("symvers", &bytes);
        let _ = symvers.add("symvers", lines.as_bytes());
    }
}

#[test]
fn sections_that_overlap_are_not_copied() {
    let mut file = livepatch();
    let elf = ElfFile::parse("file".to_owned(), &file[..]).unwrap();
    let headers = usize::try_from(elf.header().e_shoff.get(elf.endian())).unwrap();
    let len = file.len() as u64;
    // Those of .llvm_addrsig and .debug_info, which the kernel does not load.
    for section in 6..8 {
        let at = headers + 64 * section;
        file[at + 24..at + 32].copy_from_slice(&0u64.to_le_bytes());
        file[at + 32..at + 40].copy_from_slice(&len.to_le_bytes());
    }
    let error = with_target(|t| convert("file", &file, t, Policy::Llvm).unwrap_err());
    assert!(error.to_string().contains("overlap"), "{error}");
}

/// Returns the offset of a section's header, and the part of the file that it names.
fn header_and_data(file: &[u8], name: &[u8]) -> (usize, Range<usize>) {
    let elf = ElfFile::parse("file".to_owned(), file).unwrap();
    let section = elf.section_by_name(name).unwrap();
    let number = |n: u64| usize::try_from(n).unwrap();
    let headers = number(elf.header().e_shoff.get(elf.endian()));
    let start = number(section.offset);
    (
        headers + 64 * section.id.0,
        start..start + number(section.size),
    )
}

// Found by the fuzz target `edited`: what was appended to the table named the others, too.
#[test]
fn names_that_lead_nowhere_are_not_copied() {
    let refused = |file: &[u8], expected: &str| {
        let error = with_target(|t| convert("file", file, t, Policy::Llvm).unwrap_err());
        assert!(error.to_string().contains(expected), "{error}");
    };
    let rejected = |file: &[u8], expected: &str| {
        let answer = with_target(|t| convert("file", file, t, Policy::Llvm).unwrap());
        let Conversion::Rejected(report) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(rejection(&report), format!("rejected: file: {expected}"));
    };
    let mut empty = livepatch();
    let (header, _) = header_and_data(&empty, b".shstrtab");
    empty[header + 32..header + 40].fill(0);
    rejected(&empty, "empty section name table");

    let mut section = livepatch();
    let (header, _) = header_and_data(&section, b".text");
    section[header..header + 4].copy_from_slice(&0x1000_u32.to_le_bytes());
    rejected(
        &section,
        "Invalid ELF section name in module (section 3 type 1)",
    );

    let mut symbol = livepatch();
    let (_, table) = header_and_data(&symbol, b".symtab");
    symbol[table.start + 24..][..4].copy_from_slice(&0x1000_u32.to_le_bytes());
    refused(&symbol, "symbol 1: expected a name, found none");
}

#[test]
fn relocations_that_overlap_are_not_read_again_and_again() {
    let mut file = converted();
    let (first, _) = header_and_data(&file, b".rela.data");
    let len = file.len() as u64;
    file[first + 24..first + 32].copy_from_slice(&0_u64.to_le_bytes());
    file[first + 32..first + 40].copy_from_slice(&len.to_le_bytes());
    let elf = ElfFile::parse("file".to_owned(), &file[..]).unwrap();
    let error = with_target(|t| check(&elf, t, Policy::Llvm, &[]).unwrap_err());
    let expected = format!("file: expected relocations of {len} bytes at most, found ");
    assert!(error.to_string().starts_with(&expected), "{error}");
}

/// 4 GB of names in a file of 2 MB.
#[test]
fn names_that_overlap_take_no_longer_each() {
    const SYMBOLS: usize = 2_000;
    for end in [b'\0', b'a'] {
        let mut kernel = kernel::vmlinux();
        let long = "a".repeat(2_000_000);
        let text = crate::elf::Place::Section(0);
        let (bind, kind) = (object::elf::STB_GLOBAL, object::elf::STT_FUNC);
        for name in iter::once(long.as_str()).chain(iter::repeat_n("b", SYMBOLS)) {
            kernel.symbol(name, bind, kind, text, kernel::TEXT, 8);
        }
        let mut file = kernel.build();
        let (_, symbols) = header_and_data(&file, b".symtab");
        let (_, strings) = header_and_data(&file, b".strtab");
        let start = strings.len() - 2 * SYMBOLS - long.len() - 1;
        file[strings.start + strings.len() - 2 * SYMBOLS - 1..strings.end].fill(end);
        for (offset, symbol) in (start..).zip(file[symbols].chunks_exact_mut(24).skip(1)) {
            symbol[..4].copy_from_slice(&u32::try_from(offset).unwrap().to_le_bytes());
        }
        let elf = ElfFile::parse("file".to_owned(), &file[..]).unwrap();
        let table = vmlinux::read(&elf).unwrap();
        assert!(table.entries().iter().all(|e| e.name.0.is_empty()));
    }
}

#[test]
fn an_output_that_cannot_be_written_leaves_the_old_one() {
    let files = Files::new();
    let path = files.write("out.ko", b"old");
    write_file(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    let absent = files.path("absent/out.ko");
    assert!(write_file(&absent, b"new").is_err());
    // A directory is no file that could be replaced.
    fs::create_dir(files.path("directory")).unwrap();
    assert!(write_file(&files.path("directory"), b"new").is_err());
    let left: Vec<_> = fs::read_dir(files.directory.path())
        .unwrap()
        .filter_map(|e| e.unwrap().file_name().into_string().ok())
        .filter(|name| name.starts_with(".klp-gen"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_file_that_is_no_kernel_is_named() {
    let files = Files::new();
    let path = files.write("bzImage", b"MZ rest of it");
    let input = ElfInput::open(&path).unwrap();
    let error = input.parse().unwrap_err().to_string();
    assert!(
        error.contains("bzImage: expected an ELF file, found a boot image"),
        "{error}"
    );
    let absent = files.path("absent");
    let error = TargetFiles::open(Some(&absent), &[], None).unwrap_err();
    assert!(error.to_string().contains("absent"), "{error}");
}

#[test]
fn many_queries_of_one_name_are_not_kept() {
    let files = Files::new();
    let line = |i: usize| format!("ffffffff81{i:06x} t init_once\n");
    let text: String = (0..20_000).map(line).collect();
    files.write("many.kallsyms", text.as_bytes());
    files.write("queries", "init_once\n".repeat(300).as_bytes());
    // All candidates at once would be 300 MB.
    let script = "ulimit -v 150000; klp-gen resolve --queries queries --kallsyms many.kallsyms";
    let (status, text) = shell::run(&files, script);
    assert_eq!(status, Some(1), "{}", &text[..text.len().min(1000)]);
    assert_eq!(text.matches("and 19980 more").count(), 300);
}
