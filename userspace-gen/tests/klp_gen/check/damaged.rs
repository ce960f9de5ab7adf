// SPDX-License-Identifier: GPL-2.0 OR MIT

//! What the kernel takes without a look, and dies of: it cannot be tried. What it refuses of the same
//! kind is in scripts/variants.

use super::{check_bytes, check_patch, messages};
use crate::elf::{Place, ABSOLUTE};
use crate::livepatch::{Livepatch, KLP_OBJECT, KLP_PATCH};
use klp_gen::elf::ElfFile;
use klp_policy::Policy;
use object::elf;

/// Where the first function is in the data of a livepatch of one object and one function, and where
/// the objects are.
const OBJECT: u64 = KLP_PATCH;
const FUNCTION: u64 = KLP_PATCH + 2 * KLP_OBJECT;

fn refused(livepatch: &Livepatch) -> Vec<String> {
    messages(&check_patch(livepatch, Policy::Exact), "refused")
}

fn one() -> Livepatch {
    Livepatch::of("cmdline_proc_show")
}

#[test]
fn names_outside_of_their_table() {
    let good = one().build();
    let elf = ElfFile::parse("lp.ko".to_owned(), &good[..]).unwrap();
    let headers = usize::try_from(elf.header().e_shoff.get(elf.endian())).unwrap();
    let symtab = elf.section(elf.symtab_section().unwrap()).unwrap();
    let symbol = usize::try_from(symtab.offset).unwrap() + 24;
    let said = |at: usize, number: u32| {
        let mut bytes = good.clone();
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        messages(&check_bytes(&bytes, Policy::Exact), "refused")
    };
    assert_eq!(
        said(symbol, 0x0100_0000),
        ["the name of symbol 1 is not in the table of names"]
    );
    assert_eq!(
        said(headers, 0x0100_0000),
        ["the name of section 0 is not in the table of names"]
    );
}

#[test]
fn structs_that_are_in_use() {
    let expected = |name| {
        format!(
            "a {name} has no room for what the kernel keeps in it: not 0, not writable, or of \
             another struct"
        )
    };
    for (at, name) in [
        (40, "klp_patch"),
        (OBJECT + 60, "klp_object"),
        (FUNCTION + 100, "klp_func"),
    ] {
        let mut livepatch = one();
        let data = livepatch.data;
        livepatch.elf.sections[data].data[usize::try_from(at).unwrap()] = 1;
        assert_eq!(refused(&livepatch), [expected(name)]);
    }
    // The array of functions begins where the data ends.
    let mut beyond = one();
    let data = &mut beyond.elf.sections[beyond.data];
    let end = i64::try_from(data.data.len()).unwrap();
    let funcs = data.relocations.iter_mut().find(|r| r.offset == OBJECT + 8);
    funcs.unwrap().addend = end;
    assert_eq!(refused(&beyond), [expected("klp_func")]);
    // The array of functions is that of the objects.
    let mut overlapping = one();
    let data = overlapping.data;
    let relocations = &mut overlapping.elf.sections[data].relocations;
    let funcs = relocations.iter_mut().find(|r| r.offset == OBJECT + 8);
    funcs.unwrap().addend = i64::try_from(OBJECT).unwrap();
    assert!(refused(&overlapping).contains(&expected("klp_object")));
}

#[test]
fn a_patch_that_is_not_whole() {
    let without = |offset: u64| {
        let mut livepatch = one().enabled_by_code();
        let data = livepatch.data;
        let relocations = &mut livepatch.elf.sections[data].relocations;
        relocations.retain(|r| r.offset != offset);
        refused(&livepatch)
    };
    assert_eq!(refused(&one().enabled_by_code()), [""; 0]);
    assert_eq!(
        without(0),
        ["-EINVAL without a word: the mod of its klp_patch is NULL"]
    );
    assert_eq!(
        without(8),
        ["-EINVAL without a word: the objs of its klp_patch is NULL"]
    );
}

#[test]
fn an_array_that_begins_beside_its_first_pointer() {
    let mut livepatch = one();
    let data = livepatch.data;
    let relocations = &mut livepatch.elf.sections[data].relocations;
    let objs = relocations.iter_mut().find(|r| r.offset == 8).unwrap();
    objs.addend -= 7;
    let unchecked = messages(&check_patch(&livepatch, Policy::Exact), "unchecked");
    assert_eq!(
        unchecked,
        ["no klp_patch found in its data: its functions cannot be checked"]
    );
}

#[test]
fn what_is_jumped_to() {
    let data = one().data;
    let pointer = |offset: u64, change: &dyn Fn(&mut Livepatch, usize)| {
        let mut livepatch = one();
        let relocations = &livepatch.elf.sections[data].relocations;
        let index = relocations.iter().position(|r| r.offset == offset).unwrap();
        change(&mut livepatch, index);
        refused(&livepatch)
    };
    let moved = |distance: i64| {
        pointer(FUNCTION + 8, &|l, index| {
            l.elf.sections[data].relocations[index].addend = distance;
        })
    };
    assert_eq!(
        moved(4),
        ["its replacement is in the middle of replacement"]
    );
    assert_eq!(
        moved(0x1_0000),
        ["its replacement is not in .text, but beside it"]
    );
    let far = ["kallsyms size lookup failed for 'cmdline_proc_show' replacement"];
    assert_eq!(moved(1 << 32), far);
    // Half a pointer is none.
    let half = pointer(FUNCTION + 8, &|l, index| {
        l.elf.sections[data].relocations[index].kind = elf::R_X86_64_32S;
    });
    assert_eq!(half, far);
    // A symbol that is the number 0.
    let null = pointer(FUNCTION + 8, &|l, _| {
        l.elf.symbols[l.new_func].place = ABSOLUTE;
    });
    assert_eq!(null, ["-EINVAL without a word: new_func is NULL"]);
    let mut callback = one();
    let to = callback.new_func;
    callback.point(data, OBJECT + 16, to, 0);
    assert_eq!(refused(&callback), [""; 0]);
    callback.point(data, OBJECT + 24, to, 4);
    assert_eq!(
        refused(&callback),
        ["one of its callbacks is in the middle of replacement"]
    );
}

#[test]
fn what_is_not_loaded() {
    let mut livepatch = one();
    let comment = livepatch
        .elf
        .section(".comment", elf::SectionFlags(0), &[1]);
    let place = Place::Section(comment);
    let to = livepatch
        .elf
        .symbol("c", elf::STB_LOCAL, elf::STT_OBJECT, place, 0, 1);
    let (data, end) = (livepatch.data, FUNCTION + 2 * 152);
    livepatch.elf.sections[data]
        .data
        .resize(usize::try_from(end).unwrap() + 8, 0);
    livepatch.point(data, end, to, 0);
    assert_eq!(
        refused(&livepatch),
        ["it leads to a section that is not loaded"]
    );
    let last = livepatch.elf.sections[data].relocations.last_mut().unwrap();
    last.kind = elf::R_X86_64_32S;
    assert_eq!(refused(&livepatch), ["overflow in relocation type 11 val"]);
}

#[test]
fn an_identity_that_nobody_looks_at() {
    for (at, byte) in [(4, 1), (5, 2), (6, 0)] {
        let mut bytes = one().build();
        bytes[at] = byte;
        let report = check_bytes(&bytes, Policy::Exact);
        assert_eq!(messages(&report, "refused"), [""; 0]);
        assert!(messages(&report, "warning")[0].contains("e_ident"));
    }
}
