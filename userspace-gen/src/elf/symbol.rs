// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A symbol of an ELF symbol table.

use super::section::SectionId;
use object::elf;

/// The index of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub usize);

/// The place of a symbol's definition: `st_shndx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The symbol is not defined in this file.
    Undefined,
    /// The symbol is a number, not a place.
    Absolute,
    /// A common symbol, which has no section yet.
    Common,
    /// A livepatch symbol, which the livepatch core resolves.
    Livepatch,
    /// Another reserved section number.
    Reserved(u16),
    /// A section. The file may not have a section of this index.
    Section(SectionId),
}

/// A symbol, decoded.
#[derive(Clone, Copy, Debug)]
pub struct Symbol<'d> {
    /// Its index.
    pub id: SymbolId,
    /// Its name.
    pub name: &'d [u8],
    /// `st_value`.
    pub value: u64,
    /// `st_size`.
    pub size: u64,
    /// The binding.
    pub bind: elf::SymbolBind,
    /// The type.
    pub kind: elf::SymbolType,
    /// The visibility of a global symbol.
    pub visibility: elf::SymbolVisibility,
    /// The place of its definition.
    pub place: Place,
}

impl Symbol<'_> {
    /// Returns true if the symbol is static: local to its file.
    ///
    /// The last link makes hidden global symbols local. These stay hidden; a static symbol is never hidden.
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.bind == elf::STB_LOCAL && self.visibility == elf::STV_DEFAULT
    }

    /// Returns true if the symbol is weak, and may stay unresolved.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.bind == elf::STB_WEAK
    }

    /// Returns the section in which the symbol is defined.
    #[must_use]
    pub fn section(&self) -> Option<SectionId> {
        match self.place {
            Place::Section(id) => Some(id),
            _ => None,
        }
    }
}
