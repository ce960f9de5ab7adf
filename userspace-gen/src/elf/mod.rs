// SPDX-License-Identifier: GPL-2.0 OR MIT

//! ELF files as the kernel uses them: [`mod@file`] reads a file, [`mod@write`] makes a changed file.

mod debug_only;
mod expect;
pub mod file;
pub mod input;
pub(crate) mod machine;
pub mod note;
pub mod number;
pub mod section;
pub(crate) mod strings;
pub mod symbol;
mod symbols;
mod symtab;
pub mod write;

pub use file::ElfFile;
pub use input::ElfInput;
pub use section::{Section, SectionId};
pub use symbol::{Place, Symbol, SymbolId};

/// `SHN_LIVEPATCH` in `include/uapi/linux/elf.h`.
pub const SHN_LIVEPATCH: u16 = 0xff20;

/// `SHF_RELA_LIVEPATCH` in `include/uapi/linux/elf.h`.
pub const SHF_RELA_LIVEPATCH: u64 = 0x0010_0000;
