// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The names of architectures.

use object::{elf, Endianness};

/// Returns the name of an architecture.
pub(crate) fn machine_name(machine: elf::Machine, endian: Endianness) -> String {
    let name = match machine {
        elf::EM_X86_64 => "x86-64",
        elf::EM_AARCH64 => "arm64",
        elf::EM_PPC64 => "powerpc64",
        elf::EM_S390 => "s390",
        elf::EM_RISCV => "riscv",
        elf::EM_LOONGARCH => "loongarch",
        machine => return format!("ELF machine {} ({endian:?} endian)", machine.0),
    };
    format!("{name} ({endian:?} endian)")
}
