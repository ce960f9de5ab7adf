// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Objects that are given: assembler, and bitcode inside of code.

use super::{bitcode, module, Link};
use crate::elf::{Elf, Place};
use crate::shell::command;
use object::elf;
use object::write::elf::{Encoder, FileHeader, FileHeaderLayout, SectionHeader, Sym};
use object::Endianness;

#[test]
fn a_global_in_assembler() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    link.assembler("weak.o", elf::STB_WEAK, true);
    assert_eq!(
        link.found(1, "a.o strong.o"),
        ["foo strong loud: static function in a.c (a.o); strong in strong.o"]
    );
    assert_eq!(
        link.found(1, "a.o weak.o"),
        ["foo weak silent: static function in a.c (a.o); weak in weak.o"]
    );
}

#[test]
fn a_common_symbol_yields_to_the_static() {
    let link = Link::new();
    let mut file = Elf::new(elf::ET_REL);
    let common = Place::Special(0xfff2);
    file.symbol("foo", elf::STB_GLOBAL, elf::STT_OBJECT, common, 8, 8);
    link.write("common.o", &file.build());
    assert_eq!(
        link.found(1, "a.o common.o"),
        ["foo weak silent: static function in a.c (a.o); weak in common.o"]
    );
}

#[test]
fn a_reference_to_what_nobody_defines() {
    let link = Link::new();
    link.assembler("undefined.o", elf::STB_GLOBAL, false);
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    let found = "foo undefined silent: static function in a.c (a.o); undefined in undefined.o";
    assert_eq!(link.found(1, "a.o undefined.o"), [found]);
    // What is defined is not meant to be the static.
    assert_eq!(link.found(1, "a.o undefined.o strong.o").len(), 1);
    // C may refer to it, too.
    link.bitcode(
        "c.o",
        "U foo",
        "source_filename = \"c.c\"\ndeclare i32 @foo()",
    );
    let found = "foo undefined silent: static function in a.c (a.o); undefined in c.c (c.o)";
    assert_eq!(link.found(1, "a.o c.o"), [found]);
}

#[test]
fn an_object_of_32_bits() {
    let link = Link::new();
    link.write("arm.o", &assembler_of_32_bits());
    assert_eq!(
        link.found(1, "a.o arm.o"),
        ["foo strong loud: static function in a.c (a.o); strong in arm.o"]
    );
}

/// A big-endian object with a symbol foo.
fn assembler_of_32_bits() -> Vec<u8> {
    let encoder = Encoder::new(Endianness::Big, false, elf::EM_ARM);
    let (names, mut symbols) = (b"\0foo\0".to_vec(), Vec::new());
    encoder.null_symbol(&mut symbols);
    encoder.symbol(
        &mut symbols,
        &Sym {
            section: None,
            st_name: 1,
            st_info: elf::SymbolInfo::new(elf::STB_GLOBAL, elf::STT_FUNC),
            st_other: elf::SymbolOther(0),
            st_shndx: elf::SHN_ABS,
            st_value: 0,
            st_size: 0,
        },
    );
    let at = encoder.file_header_size();
    let section = |sh_type, sh_offset, sh_size, sh_link| SectionHeader {
        sh_name: 0,
        sh_type,
        sh_flags: elf::SectionFlags(0),
        sh_addr: 0,
        sh_offset,
        sh_size,
        sh_link,
        sh_info: 1,
        sh_addralign: 1,
        sh_entsize: 16,
    };
    let (end, length) = (at + symbols.len() as u64, names.len() as u64);
    let layout = FileHeaderLayout {
        e_phoff: 0,
        segment_num: 0,
        e_shoff: end + length,
        section_num: 3,
        shstrtab_index: 2,
    };
    let header = FileHeader {
        os_abi: elf::ELFOSABI_NONE,
        abi_version: 0,
        e_type: elf::ET_REL,
        e_machine: elf::EM_ARM,
        e_entry: 0,
        e_flags: elf::FileFlags(0),
    };
    let mut file = Vec::new();
    encoder.file_header(&mut file, &header, &layout).unwrap();
    file.extend_from_slice(&symbols);
    file.extend_from_slice(&names);
    encoder.null_section_header(&mut file, &layout);
    encoder.section_header(
        &mut file,
        &section(elf::SHT_SYMTAB, at, symbols.len() as u64, 2),
    );
    encoder.section_header(&mut file, &section(elf::SHT_STRTAB, end, length, 0));
    file
}

#[test]
fn an_object_with_code_and_bitcode() {
    let link = Link::new();
    link.assembler("strong.o", elf::STB_GLOBAL, true);
    let mut file = Elf::new(elf::ET_REL);
    let text = file.section(".text", elf::SHF_ALLOC | elf::SHF_EXECINSTR, &[0xc3; 16]);
    let inner = bitcode(
        "t foo\nT bar",
        &module("fat.c", "define internal i32 @foo()"),
    );
    let lto = file.section(".llvm.lto", elf::SHF_EXCLUDE, &inner);
    file.sections[lto].kind = elf::SectionType(0x6fff_4c0c);
    file.symbol(
        "foo",
        elf::STB_LOCAL,
        elf::STT_FUNC,
        Place::Section(text),
        0,
        1,
    );
    link.write("fat.o", &file.build());
    let status = command("ar")
        .current_dir(link.0.path())
        .args(["rcS", "fat.a", "fat.o"])
        .status();
    assert!(status.unwrap().success());
    for (input, inner) in [("fat.o", "fat.o"), ("fat.a", "fat.a(fat.o)")] {
        let found =
            format!("foo strong loud: static function in fat.c ({inner}); strong in strong.o");
        assert_eq!(
            link.found(1, &format!("--fat-lto-objects {input} strong.o")),
            [found]
        );
        // By itself, the linker takes the code.
        let (status, stdout, stderr) = link.run(&format!("{input} strong.o"));
        assert_eq!((status, stdout.as_str()), (Some(0), ""));
        let expected = format!("{inner}: has code and bitcode; the linker uses the code");
        assert!(stderr.contains(&expected), "{stderr}");
    }
    let found = link.found(0, "a.o fat.o");
    assert_eq!(
        found,
        ["foo local harmless: static function in a.c (a.o); local in fat.o"]
    );
    // What -fembed-bitcode adds is nothing to any linker.
    file.sections[lto].kind = elf::SHT_PROGBITS;
    file.sections[lto].name = ".llvmbc".to_owned();
    link.write("embedded.o", &file.build());
    let (status, stdout, stderr) = link.run("--fat-lto-objects embedded.o strong.o");
    assert_eq!((status, stdout.as_str()), (Some(0), ""));
    assert!(!stderr.contains("has code and bitcode"), "{stderr}");
}
