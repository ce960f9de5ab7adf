// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The code that the kernel rewrites when a module loads, and the types that CFI compares. The kernel
//! dies of a wrong one, or warns: it cannot be tried.

use super::messages;
use crate::elf::{Elf, Place};
use crate::kernel::{vmlinux, Files};
use crate::livepatch::Livepatch;
use klp_gen::check::check_file;
use klp_gen::target::Target;
use klp_policy::Policy;
use object::elf;

/// The code of a module's functions, each in 64 bytes: the type, padding to byte 16, then the function.
const TYPE: [u8; 16] = [
    0xb8, 0x78, 0x56, 0x34, 0x12, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90,
];

/// A jump to the return thunk, with the prefix that `-mindirect-branch-cs-prefix` adds.
const RETURN: [u8; 6] = [0x2e, 0xe9, 0, 0, 0, 0];

/// The place of the jump in its function.
const JUMP: u64 = 32;

/// A livepatch whose `struct module` has an init function, with the tables that objtool makes.
struct Made {
    livepatch: Livepatch,
    code: usize,
    types: usize,
    returns: usize,
}

impl Made {
    fn new() -> Self {
        let mut livepatch = Livepatch::of("cmdline_proc_show");
        let mut bytes = [0x90; 64];
        bytes[..16].copy_from_slice(&TYPE);
        bytes[32..38].copy_from_slice(&RETURN);
        let flags = elf::SHF_ALLOC | elf::SHF_EXECINSTR;
        let elf = &mut livepatch.elf;
        let code = elf.section(".init.text", flags, &bytes);
        let (local, global) = (elf::STB_LOCAL, elf::STB_GLOBAL);
        let place = Place::Section(code);
        let kind = elf.symbol("__cfi_init_module", local, elf::STT_FUNC, place, 0, 5);
        let init = elf.symbol("init_module", global, elf::STT_FUNC, place, 16, 32);
        let thunk = elf.undefined("__x86_return_thunk");
        elf.relocate(code, JUMP + 2, thunk, elf::R_X86_64_PLT32, -4);
        let types = elf.section(".cfi_sites", elf::SHF_ALLOC, &[0; 4]);
        elf.relocate(types, 0, kind, elf::R_X86_64_PC32, 0);
        let returns = elf.section(".return_sites", elf::SHF_ALLOC, &[0; 4]);
        elf.relocate(returns, 0, init, elf::R_X86_64_PC32, 16);
        let module = elf.sections.iter();
        let mut module = module.map(|s| s.name == ".gnu.linkonce.this_module");
        let module = module.position(|is_it| is_it).unwrap();
        livepatch.elf.sections[module].relocations.clear();
        livepatch.point(module, 0, init, 0);
        Self {
            livepatch,
            code,
            types,
            returns,
        }
    }

    fn byte(mut self, at: usize, byte: u8) -> Self {
        self.livepatch.elf.sections[self.code].data[at] = byte;
        self
    }

    fn elf(&mut self) -> &mut Elf {
        &mut self.livepatch.elf
    }

    /// The refusals of a kernel that has these symbols besides its own.
    fn refused(&self, symbols: &[&str]) -> Vec<String> {
        let files = Files::new();
        let mut kernel = vmlinux();
        for name in symbols {
            let place = Place::Section(1);
            kernel.symbol(name, elf::STB_GLOBAL, elf::STT_NOTYPE, place, 0, 0);
        }
        let thunk = "__x86_return_thunk";
        for name in [thunk, &format!("__ksymtab_{thunk}")] {
            let place = Place::Section(1);
            kernel.symbol(name, elf::STB_GLOBAL, elf::STT_NOTYPE, place, 0, 0);
        }
        files.write("vmlinux", &kernel.build());
        let opened = files.open();
        let target = Target::load(&opened).unwrap();
        let bytes = self.livepatch.build();
        let report = check_file("lp.ko".to_owned(), &bytes, &target, Policy::Exact, &[]);
        messages(&report.unwrap(), "refused")
    }
}

const CFI: &[&str] = &["__cfi_do_one_initcall"];
const FINEIBT: &[&str] = &["__cfi_do_one_initcall", "__cfi_sites"];

#[test]
fn a_module_that_objtool_has_seen() {
    for kernel in [&[][..], CFI, FINEIBT] {
        assert_eq!(Made::new().refused(kernel), [""; 0], "{kernel:?}");
    }
}

/// A module that was built without `CONFIG_CFI_CLANG` has the same version magic.
#[test]
fn an_init_function_without_a_type() {
    let mut unlisted = Made::new();
    let types = unlisted.types;
    unlisted.elf().sections[types].name = ".unknown".to_owned();
    let expected =
        "its init function has no type in .cfi_sites, which this kernel's CFI requires: build the livepatch with the configuration of this kernel";
    assert_eq!(unlisted.refused(FINEIBT), [expected]);
    assert_eq!(unlisted.refused(CFI), [""; 0]);
    let kind = |s: &&mut crate::elf::Symbol| s.name == "__cfi_init_module";
    unlisted.elf().symbols.iter_mut().find(kind).unwrap().name = "other".to_owned();
    let expected =
        "its init function has no type in front of it, which this kernel's CFI requires: build the livepatch with the configuration of this kernel";
    assert_eq!(unlisted.refused(CFI), [expected]);
    assert_eq!(unlisted.refused(&[]), [""; 0]);
}

#[test]
fn a_type_that_is_none() {
    let expected =
        "entry 0 points to offset 0x0 of .init.text, where the kernel expects the type of a \
                    function";
    assert_eq!(Made::new().byte(0, 0x90).refused(FINEIBT), [expected]);
    let mut zero = Made::new();
    for at in 1..5 {
        zero = zero.byte(at, 0);
    }
    assert_eq!(zero.refused(&[]), [expected]);
}

#[test]
fn a_return_that_is_none() {
    let expected =
        "entry 0 points to offset 0x20 of .init.text, where the kernel expects a jump to \
                    __x86_return_thunk";
    assert_eq!(Made::new().byte(33, 0xc3).refused(&[]), [expected]);
    let mut elsewhere = Made::new();
    let code = elsewhere.code;
    elsewhere.elf().sections[code].relocations.clear();
    assert_eq!(elsewhere.refused(&[]), [expected]);
}

#[test]
fn sites_that_lead_out_of_the_code() {
    let mut beyond = Made::new();
    let returns = beyond.returns;
    beyond.elf().sections[returns].relocations[0].addend = 0x1000;
    assert_eq!(
        beyond.refused(&[]),
        [
            "entry 0 points to offset 0x1010 of .init.text, where the kernel expects a jump to \
          __x86_return_thunk"
        ]
    );
    let mut unrelocated = Made::new();
    unrelocated.elf().sections[returns].relocations.clear();
    assert_eq!(
        unrelocated.refused(&[]),
        ["entry 0 does not point to a place in the module"]
    );
    let mut short = Made::new();
    short.elf().sections[returns].data.push(0);
    assert_eq!(short.refused(&[]), ["the section ends within entry 1"]);
    let mut unloaded = Made::new();
    unloaded.elf().sections[returns].flags = elf::SectionFlags(0);
    assert_eq!(
        unloaded.refused(&[]),
        ["the kernel reads the section, but it is not loaded"]
    );
}

#[test]
fn branches_through_thunks() {
    let with = |code: [u8; 6]| {
        let mut made = Made::new();
        let at = 40;
        for (i, byte) in code.into_iter().enumerate() {
            made = made.byte(at + i, byte);
        }
        let code = made.code;
        let elf = made.elf();
        let branches = elf.section(".retpoline_sites", elf::SHF_ALLOC, &[0; 4]);
        let place = Place::Section(code);
        let branch = elf.symbol("branch", elf::STB_LOCAL, elf::STT_NOTYPE, place, 40, 0);
        elf.relocate(branches, 0, branch, elf::R_X86_64_PC32, 0);
        made.refused(FINEIBT)
    };
    assert_eq!(with([0xe8, 0, 0, 0, 0, 0x90]), [""; 0]);
    assert_eq!(with([0x2e, 0xe8, 0, 0, 0, 0]), [""; 0]);
    assert_eq!(with([0x0f, 0x85, 0, 0, 0, 0]), [""; 0]);
    let expected =
        "entry 0 points to offset 0x28 of .init.text, where the kernel expects a call or a jump";
    assert_eq!(with([0x0f, 0x05, 0, 0, 0, 0]), [expected]);
    assert_eq!(with([0xff, 0xd0, 0, 0, 0, 0]), [expected]);
}

/// `unwind_module_init()` warns, and leaves the module without a table.
#[test]
fn tables_of_the_unwinder_that_differ_in_length() {
    let with = |places: usize, entries: usize| {
        let mut made = Made::new();
        let elf = made.elf();
        elf.section(".orc_unwind_ip", elf::SHF_ALLOC, &vec![0; places]);
        elf.section(".orc_unwind", elf::SHF_ALLOC, &vec![0; entries]);
        made.refused(&[])
    };
    assert_eq!(with(8, 12), [""; 0]);
    assert_eq!(
        with(8, 18),
        ["its size, 0x12 bytes, does not match the 0x8 bytes of .orc_unwind_ip"]
    );
    assert_eq!(
        with(9, 12),
        ["its size, 0xc bytes, does not match the 0x9 bytes of .orc_unwind_ip"]
    );
}
