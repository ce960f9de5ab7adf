// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The places of the entries of ftrace's table, by architecture.
//!
//! ftrace computes the instruction to be patched from each entry (`ftrace_call_adjust()`). A function can
//! be traced if that instruction is in the function (`ftrace_location()`). On most architectures the entry
//! itself is in the function. In a kernel with `DYNAMIC_FTRACE_WITH_CALL_OPS`, the entry is the first of
//! two words in front of the function, and so counts as part of the function before.
//!
//! The loader reads one table of a module, `FTRACE_CALLSITE_SECTION`. x86 compilers also write
//! `__patchable_function_entries`, with the padding in front of every function (`PADDING_CFLAGS`).

use crate::elf::ElfFile;
use object::elf;
use object::read::elf::FileHeader as _;
use object::read::ReadRef;

const CALLS: &[u8] = b"__mcount_loc";
const PATCHABLE: &[u8] = b"__patchable_function_entries";

/// The size of ftrace's data in front of a function: two words on arm64, two or four instructions on riscv.
const BEFORE: u64 = 8;

/// The `ELFv2` ABI in `e_flags` of powerpc64. With `ELFv1`, the symbol of a function is that of its
/// descriptor.
const ELF_V2: u32 = 2;

/// The rules of an architecture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries {
    /// The possible names of a module's table. A kernel uses one of them.
    pub(super) sections: &'static [&'static [u8]],
    /// True if entries may be in front of their functions.
    may_precede: bool,
    /// True if ftrace skips entries in the exit text of the kernel image.
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
        // Kernels for other architectures have no livepatches, or their rules are not known.
        _ => return None,
    })
}

impl Entries {
    /// Returns the distance from the entries to their functions, if it is known.
    ///
    /// `begins` returns true if a symbol begins at a distance behind an entry. The majority of entries decides, because
    /// code without a symbol (an overridden weak function) has entries as well.
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
            // No traced function is as short as the data in front of it.
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
