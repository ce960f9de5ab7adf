// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A section header.

use object::elf;

/// The index of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SectionId(pub usize);

/// A section header, decoded.
#[derive(Clone, Copy, Debug)]
pub struct Section<'d> {
    /// Its index.
    pub id: SectionId,
    /// Its name.
    pub name: &'d [u8],
    /// `sh_type`.
    pub kind: elf::SectionType,
    /// `sh_flags`.
    pub flags: elf::SectionFlags,
    /// `sh_addr`.
    pub address: u64,
    /// `sh_offset`.
    pub offset: u64,
    /// `sh_size`.
    pub size: u64,
    /// `sh_link`.
    pub link: u32,
    /// `sh_info`.
    pub info: u32,
    /// `sh_addralign`.
    pub align: u64,
    /// `sh_entsize`.
    pub entsize: u64,
}

impl Section<'_> {
    /// Returns true if the section is in memory when the file is loaded.
    #[must_use]
    pub fn is_alloc(&self) -> bool {
        self.flags.contains(elf::SHF_ALLOC)
    }

    /// Returns true if the section is writable.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.flags.contains(elf::SHF_WRITE)
    }

    /// Returns true if the section contains code.
    #[must_use]
    pub fn is_code(&self) -> bool {
        self.flags.contains(elf::SHF_EXECINSTR)
    }

    /// Returns true if the section has no bytes in the file.
    #[must_use]
    pub fn is_nobits(&self) -> bool {
        self.kind == elf::SHT_NOBITS
    }

    /// Returns true if the livepatch core applies the relocations in the section.
    #[must_use]
    pub fn is_livepatch_rela(&self) -> bool {
        self.flags.0 & super::SHF_RELA_LIVEPATCH != 0
    }

    /// Returns true if `address` is in the section.
    #[must_use]
    pub fn contains_address(&self, address: u64) -> bool {
        address
            .checked_sub(self.address)
            .is_some_and(|offset| offset < self.size)
    }
}
