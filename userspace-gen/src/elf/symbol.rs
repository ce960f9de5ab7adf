// SPDX-License-Identifier: GPL-2.0 OR MIT

//! One symbol of an ELF symbol table.

use super::section::SectionId;
use object::elf;

/// The index of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SymbolId(pub usize);

/// The place of a symbol's definition: `st_shndx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Elsewhere.
    Undefined,
    /// Nowhere: its value is a number.
    Absolute,
    /// In no section yet.
    Common,
    /// Wherever the livepatch core finds it.
    Livepatch,
    /// Another of the reserved section numbers.
    Reserved(u16),
    /// In a section, which the file may not have.
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
    /// Who sees it, if it is global.
    pub visibility: elf::SymbolVisibility,
    /// The place of its definition.
    pub place: Place,
}

impl Symbol<'_> {
    /// Returns whether one file alone has it.
    ///
    /// The last link makes a hidden global symbol a local one; it stays hidden, which no static is.
    #[must_use]
    pub fn is_static(&self) -> bool {
        self.bind == elf::STB_LOCAL && self.visibility == elf::STV_DEFAULT
    }

    /// Returns whether it may stay unresolved.
    #[must_use]
    pub fn is_weak(&self) -> bool {
        self.bind == elf::STB_WEAK
    }

    /// The section it is defined in.
    #[must_use]
    pub fn section(&self) -> Option<SectionId> {
        match self.place {
            Place::Section(id) => Some(id),
            _ => None,
        }
    }
}
