// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The functions that ftrace can trace, by the rules of each architecture.

use crate::elf::{Elf, Place};
use crate::kernel::{vmlinux, Files, TEXT};
use klp_gen::symbols::Entry;
use klp_gen::target::{Target, TargetFiles, Traceable};
use klp_policy::ObjName;
use object::elf;
use object::elf::{SHF_ALLOC, SHF_EXECINSTR, STB_LOCAL, STT_FUNC};
use Traceable::{No, Unknown, Yes};

const CALLS: &str = "__mcount_loc";
const PATCHABLE: &str = "__patchable_function_entries";

/// A table of a module: its name, and where its entries are in the code.
type Table<'a> = (&'a str, &'a [u64]);

/// The functions: the first and the last are not to be traced. Between the second and the third is room.
const QUIET: u64 = 0x20;
const HANDLE: u64 = 0x40;
const SETUP: u64 = 0x68;
const SILENT: u64 = 0x80;

/// The verdicts on `quiet`, `handle`, `setup` and `silent`.
type Verdicts = [Traceable; 4];

fn of_module(machine: elf::Machine, flags: u32, tables: &[Table<'_>]) -> Verdicts {
    let mut module = Elf::new(elf::ET_REL);
    (module.machine, module.flags) = (machine, flags);
    let text = module.section(".text", SHF_ALLOC | SHF_EXECINSTR, &[0; 0x100]);
    let place = Place::Section(text);
    let section = module.symbol("", STB_LOCAL, elf::STT_SECTION, place, 0, 0);
    for (name, value) in [
        ("quiet", QUIET),
        ("handle", HANDLE),
        // kallsyms takes no function to end at these.
        ("$x.1", HANDLE + 1),
        (".Ltmp", HANDLE + 2),
        ("__cfi_setup", SETUP - 12),
        ("setup", SETUP),
        ("silent", SILENT),
    ] {
        module.symbol(name, STB_LOCAL, STT_FUNC, place, value, 0x10);
    }
    for (name, entries) in tables {
        let table = module.section(name, SHF_ALLOC, &vec![0; 8 * entries.len()]);
        for (at, &entry) in (0..).step_by(8).zip(*entries) {
            let addend = 0_i64.wrapping_add_unsigned(entry);
            module.relocate(table, at, section, elf::R_X86_64_64, addend);
        }
    }
    let files = Files::new();
    let kernel = files.write("kallsyms", b"ffffffff81000000 T _text\n");
    let path = files.write("net_mod.ko", &module.build());
    let opened = TargetFiles::open(None, &[path], Some(&kernel)).unwrap();
    let target = Target::load(&opened).unwrap();
    let object = target.object(ObjName::new(b"net_mod").unwrap()).unwrap();
    let entries = object.symbols.entries();
    ["quiet", "handle", "setup", "silent"].map(|name| {
        let is_it = |e: &Entry<'_>| e.name.as_bytes() == name.as_bytes();
        let seq = entries.iter().position(is_it).unwrap();
        object.traceable(u32::try_from(seq).unwrap())
    })
}

/// Returns the verdicts on `twin`, on the function behind it, and on one in the exit text.
fn of_image(machine: elf::Machine, flags: u32, distance: i64) -> [Traceable; 3] {
    let mut kernel = vmlinux();
    (kernel.machine, kernel.flags) = (machine, flags);
    // Nearly all entries have their functions; `twin` has none, and code without a symbol has one.
    let table = kernel.sections.iter_mut().find(|s| s.name == ".init.data");
    let entries = [0x100, 0x200, 0x300, 0x900, 0xf80, 0x1000 - 8];
    let entries = entries.map(|offset| (TEXT + offset).wrapping_add_signed(distance));
    let mut data: Vec<u8> = entries.iter().flat_map(|e| e.to_le_bytes()).collect();
    let table = table.unwrap();
    data.resize(table.data.len(), 0);
    table.data = data;
    for (name, offset) in [("__exittext_begin", 0xf80), ("__exittext_end", 0xff0)] {
        let (bind, kind) = (elf::STB_GLOBAL, elf::STT_NOTYPE);
        kernel.symbol(name, bind, kind, Place::Section(0), TEXT + offset, 0);
    }
    let files = Files::new();
    let path = files.write("vmlinux", &kernel.build());
    let opened = TargetFiles::open(Some(&path), &[], None).unwrap();
    let target = Target::load(&opened).unwrap();
    let object = target.object(ObjName::VMLINUX).unwrap();
    let entries = object.symbols.entries();
    [TEXT + 0x800, TEXT + 0x900, TEXT + 0xf80].map(|address| {
        let seq = entries.iter().position(|e| e.address == address).unwrap();
        object.traceable(u32::try_from(seq).unwrap())
    })
}

#[test]
fn entries_of_modules() {
    let both = [No, Yes, Yes, No];
    let none = [No; 4];
    let unknown = [Unknown; 4];
    let at = [HANDLE, SETUP];
    let behind = [HANDLE + 4, SETUP + 4];
    // DYNAMIC_FTRACE_WITH_CALL_OPS
    let before = [HANDLE - 8, SETUP - 8];
    // The padding of x86 is before every function.
    let padding = [QUIET - 16, HANDLE - 16, SETUP - 16, SILENT - 16];
    let elf_v2 = 2;
    for (machine, flags, tables, expected) in [
        (elf::EM_X86_64, 0, &[(CALLS, &behind[..])][..], both),
        (
            elf::EM_X86_64,
            0,
            &[(CALLS, &behind), (PATCHABLE, &padding)],
            both,
        ),
        (elf::EM_X86_64, 0, &[(PATCHABLE, &padding)], none),
        (elf::EM_X86_64, 0, &[], none),
        (elf::EM_S390, 0, &[(CALLS, &at)], both),
        (elf::EM_S390, 0, &[(PATCHABLE, &at)], none),
        (elf::EM_LOONGARCH, 0, &[(PATCHABLE, &at)], both),
        (elf::EM_AARCH64, 0, &[(PATCHABLE, &at)], both),
        (elf::EM_AARCH64, 0, &[(PATCHABLE, &behind)], both),
        (elf::EM_AARCH64, 0, &[(PATCHABLE, &before)], both),
        (elf::EM_RISCV, 0, &[(PATCHABLE, &before)], both),
        (elf::EM_RISCV, 0, &[(PATCHABLE, &at)], both),
        // Neither of the two forms.
        (elf::EM_AARCH64, 0, &[(PATCHABLE, &padding)], unknown),
        (elf::EM_PPC64, elf_v2, &[(CALLS, &behind)], both),
        (elf::EM_PPC64, elf_v2, &[(PATCHABLE, &behind)], both),
        (
            elf::EM_PPC64,
            elf_v2,
            &[(CALLS, &behind), (PATCHABLE, &at)],
            unknown,
        ),
        // A function is its descriptor there.
        (elf::EM_PPC64, 1, &[(CALLS, &behind)], unknown),
        (elf::EM_PARISC, 0, &[(PATCHABLE, &at)], unknown),
        (elf::EM_SPARCV9, 0, &[(CALLS, &at)], unknown),
    ] {
        let found = of_module(machine, flags, tables);
        assert_eq!(found, expected, "{machine:?} {flags} {tables:x?}");
    }
}

#[test]
fn entries_of_the_image() {
    for (machine, flags, distance, expected) in [
        (elf::EM_X86_64, 0, 4, [No, Yes, Yes]),
        (elf::EM_S390, 0, 0, [No, Yes, Yes]),
        (elf::EM_LOONGARCH, 0, 0, [No, Yes, Yes]),
        (elf::EM_AARCH64, 0, 0, [No, Yes, Yes]),
        (elf::EM_AARCH64, 0, 4, [No, Yes, Yes]),
        (elf::EM_AARCH64, 0, -8, [No, Yes, Yes]),
        // ftrace_call_adjust() leaves the exit text out.
        (elf::EM_RISCV, 0, 0, [No, Yes, No]),
        (elf::EM_PPC64, 2, 8, [No, Yes, No]),
        (elf::EM_PPC64, 0, 8, [Unknown; 3]),
        (elf::EM_PARISC, 0, 0, [Unknown; 3]),
    ] {
        let found = of_image(machine, flags, distance);
        assert_eq!(found, expected, "{machine:?} {flags} {distance}");
    }
}
