// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The places in which compilers put the entries of ftrace's table, by architecture.
//!
//! ftrace takes each entry through `ftrace_call_adjust()` to the instruction that it patches, and a
//! function can be traced if that instruction is in it (`ftrace_location()`). On most architectures the
//! entry itself is in the function. Where a kernel has `DYNAMIC_FTRACE_WITH_CALL_OPS`, the entry is the
//! first of two words before the function, and so in the function before.
//!
//! The loader reads one table of a module, `FTRACE_CALLSITE_SECTION`. x86 compilers also write
//! `__patchable_function_entries`, of the padding before every function (`PADDING_CFLAGS`).

use crate::elf::ElfFile;
use object::elf;
use object::read::elf::FileHeader as _;
use object::read::ReadRef;

const CALLS: &[u8] = b"__mcount_loc";
const PATCHABLE: &[u8] = b"__patchable_function_entries";

/// How much room there is before a function for what ftrace keeps there: two words on arm64, two or four
/// instructions on riscv.
const BEFORE: u64 = 8;

/// The `ELFv2` ABI in `e_flags` of powerpc64. With `ELFv1`, a function's symbol is that of its descriptor.
const ELF_V2: u32 = 2;

/// The rules of an architecture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries {
    /// The names that the table of a module may have. A kernel has one of them.
    pub(super) sections: &'static [&'static [u8]],
    /// Entries may lie before their functions.
    may_precede: bool,
    /// Entries in the exit text of the kernel image are skipped.
    pub(super) skips_exit_text: bool,
}

/// Returns the rules of a file's architecture, if they are known.
pub(super) fn of<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Option<Entries> {
    let entries = Entries {
        sections: &[CALLS],
        may_precede: false,
        skips_exit_text: false,
    };
    Some(match elf.machine() {
        elf::EM_X86_64 | elf::EM_S390 => entries,
        elf::EM_LOONGARCH => Entries {
            sections: &[PATCHABLE],
            ..entries
        },
        elf::EM_AARCH64 => Entries {
            sections: &[PATCHABLE],
            may_precede: true,
            ..entries
        },
        elf::EM_RISCV => Entries {
            sections: &[PATCHABLE],
            may_precede: true,
            skips_exit_text: true,
        },
        elf::EM_PPC64 if elf.header().e_flags(elf.endian()).0 & 3 == ELF_V2 => Entries {
            sections: &[CALLS, PATCHABLE],
            skips_exit_text: true,
            ..entries
        },
        // No kernel for it has livepatches, or nobody has looked.
        _ => return None,
    })
}

impl Entries {
    /// Returns how far behind the entries the functions are that they belong to, if that can be told.
    ///
    /// `begins` says whether a symbol begins so far behind an entry. Code that a linker left without its
    /// symbol (a weak function that is overridden) has entries as well, so the majority decides.
    pub(super) fn distance<E: Copy>(
        &self,
        entries: impl Iterator<Item = E>,
        begins: impl Fn(E, i64) -> bool,
    ) -> Option<u64> {
        if !self.may_precede {
            return Some(0);
        }
        let (mut before, mut within) = (0_usize, 0_usize);
        for entry in entries {
            // No function that is traced is as short as the room before it.
            if begins(entry, 8) {
                before += 1;
            } else if begins(entry, 0) || begins(entry, -4) {
                // arm64 has a BTI before the entry.
                within += 1;
            }
        }
        match before.cmp(&within) {
            std::cmp::Ordering::Greater => Some(BEFORE),
            std::cmp::Ordering::Less => Some(0),
            std::cmp::Ordering::Equal => None,
        }
    }
}
