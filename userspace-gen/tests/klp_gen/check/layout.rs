// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Sizes, alignments and places of sections, which the loader trusts.

use super::{check_bytes, messages, set_header, SH_ADDRALIGN, SH_OFFSET, SH_TYPE};
use crate::livepatch::Livepatch;
use klp_gen::elf::ElfFile;
use klp_policy::Policy;
use object::elf;

const WRITE: elf::SectionFlags = elf::SectionFlags(elf::SHF_ALLOC.0 | elf::SHF_WRITE.0);

/// A livepatch with two more sections in the memory for data, behind which nothing is but the symbols.
fn two_more() -> Vec<u8> {
    let mut livepatch = Livepatch::of("cmdline_proc_show");
    livepatch.elf.section(".data.first", WRITE, &[1; 16]);
    livepatch.elf.section(".data.second", WRITE, &[2; 16]);
    livepatch.build()
}

/// Returns what is said to a livepatch with another field in the header of a section.
fn said(name: &str, field: usize, number: u64, status: &str) -> Vec<String> {
    let mut bytes = two_more();
    set_header(&mut bytes, name, field, &number.to_le_bytes());
    messages(&check_bytes(&bytes, Policy::Exact), status)
}

#[test]
fn alignments() {
    let refused = |align| said(".data.second", SH_ADDRALIGN, align, "refused");
    for align in [0, 1, 8, 4096, 1 << 20] {
        assert_eq!(refused(align), [""; 0], "{align:#x}");
    }
    // 2 GiB of memory are more than there is for modules.
    let no_memory = ["execmem: unable to allocate memory"];
    assert_eq!(refused(1 << 31), no_memory);
    // ALIGN() of an unsigned int: the mask is 0, or leaves the lowest bit alone.
    for align in [1 << 32, 1 << 63, u64::MAX, u64::MAX - 7] {
        assert_eq!(
            refused(align),
            [format!(
                "alignment {align:#x}: the loader counts in 32 bits, and puts the section over the sections before it"
            )]
        );
    }
    // The first section of its memory is at 0, whatever it wants.
    for align in [1 << 31, 1 << 32, u64::MAX] {
        assert_eq!(said(".text", SH_ADDRALIGN, align, "refused"), [""; 0]);
    }
    // The symbols are put behind the data and behind what is freed after init.
    let symbols = said(".symtab", SH_ADDRALIGN, 1 << 32, "refused");
    assert!(symbols[0].contains("puts the section over"), "{symbols:?}");
    assert_eq!(said(".symtab", SH_ADDRALIGN, 1 << 31, "refused"), no_memory);
    // What the kernel only reads takes no memory.
    assert_eq!(said(".modinfo", SH_ADDRALIGN, 1 << 31, "refused"), [""; 0]);
    assert_eq!(
        said(".data.second", SH_ADDRALIGN, 24, "warning"),
        ["alignment 0x18: the loader only supports powers of two up to a page"]
    );
    assert_eq!(said(".data.second", SH_ADDRALIGN, 8192, "warning").len(), 1);
    let unchecked = said(".data.second", SH_ADDRALIGN, 1 << 28, "unchecked");
    assert!(unchecked[0].contains("need 256 MiB"), "{unchecked:?}");
}

#[test]
fn sizes() {
    let with = |size: u64, status: &str| {
        let mut livepatch = Livepatch::of("cmdline_proc_show");
        let bss = livepatch.elf.section(".bss", WRITE, &[]);
        livepatch.elf.sections[bss].kind = elf::SHT_NOBITS;
        livepatch.elf.sections[bss].size = size;
        messages(&check_bytes(&livepatch.build(), Policy::Exact), status)
    };
    assert_eq!(with(1 << 20, "refused"), [""; 0]);
    assert_eq!(with(1 << 20, "unchecked"), [""; 0]);
    assert_eq!(with(1 << 30, "unchecked").len(), 1);
    for size in [1 << 31, 0xffff_0000] {
        assert_eq!(
            with(size, "refused"),
            ["execmem: unable to allocate memory"]
        );
    }
    for size in [1 << 32, u64::MAX] {
        assert_eq!(
            with(size, "refused"),
            [format!(
                "size {size:#x} with alignment 0x8: the loader counts in 32 bits and reserves less"
            )]
        );
    }
}

#[test]
fn contents_that_are_not_in_the_file() {
    let mut bytes = two_more();
    set_header(&mut bytes, ".data.second", SH_TYPE, &0_u32.to_le_bytes());
    let refused = |bytes: &[u8]| messages(&check_bytes(bytes, Policy::Exact), "refused");
    // They are copied, whatever the type is.
    assert_eq!(refused(&bytes), [""; 0]);
    set_header(
        &mut bytes,
        ".data.second",
        SH_OFFSET,
        &(1_u64 << 40).to_le_bytes(),
    );
    assert_eq!(
        refused(&bytes),
        ["its type is SHT_NULL, and its contents are not in the file"]
    );
}

#[test]
fn per_cpu_variables() {
    let with = |size: usize, align: u64, status: &str| {
        let mut livepatch = Livepatch::of("cmdline_proc_show");
        livepatch
            .elf
            .section(".data..percpu", WRITE, &vec![0; size]);
        let mut bytes = livepatch.build();
        set_header(
            &mut bytes,
            ".data..percpu",
            SH_ADDRALIGN,
            &align.to_le_bytes(),
        );
        messages(&check_bytes(&bytes, Policy::Exact), status)
    };
    for align in [0, 3, 4, 4096, 8192, 1 << 40] {
        assert_eq!(with(64, align, "refused"), [""; 0]);
    }
    assert_eq!(
        with(64, 24, "refused"),
        ["lp: Could not allocate 64 bytes percpu data"]
    );
    assert_eq!(
        with(0x8001, 8, "refused"),
        ["lp: Could not allocate 32769 bytes percpu data"]
    );
    assert_eq!(with(0x2001, 8, "unchecked").len(), 1);
    // Nothing is allocated for nothing.
    assert_eq!(with(0, 24, "refused"), [""; 0]);
}

#[test]
fn contents_that_the_loader_writes_over() {
    let bytes = two_more();
    let elf = ElfFile::parse("lp.ko".to_owned(), &bytes[..]).unwrap();
    let headers = elf.header().e_shoff.get(elf.endian());
    let module = elf.section_by_name(b".gnu.linkonce.this_module").unwrap();
    let expected = |what| {
        [format!(
            "it overlaps {what} in the file, which the loader writes to"
        )]
    };
    for (offset, what) in [
        (headers, "the section headers"),
        (headers - 8, "the section headers"),
        (module.offset, "struct module"),
        (module.offset - 8, "struct module"),
        (module.offset + module.size - 1, "struct module"),
    ] {
        assert_eq!(
            said(".data.second", SH_OFFSET, offset, "refused"),
            expected(what)
        );
    }
    // What is not read may be anywhere.
    assert_eq!(
        said(".debug_info", SH_OFFSET, module.offset, "refused"),
        [""; 0]
    );
}
