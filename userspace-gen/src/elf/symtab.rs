// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbol table of an ELF file.

use super::section::SectionId;
use super::strings::string_at;
use super::symbol::{Place, Symbol, SymbolId};
use super::SHN_LIVEPATCH;
use object::elf::{self, Sym64};
use object::read::elf::Sym as _;
use object::{Endianness, U32};

type E = Endianness;

/// The symbol table, with its names and section indexes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Symtab<'d> {
    pub(super) section: SectionId,
    pub(super) symbols: &'d [Sym64<E>],
    pub(super) strings: &'d [u8],
    /// The offset behind the last NUL of the names.
    pub(super) names_end: usize,
    pub(super) extended: &'d [U32<E>],
}

impl<'d> Symtab<'d> {
    /// Returns a symbol, if the table has it.
    pub(super) fn symbol(&self, id: SymbolId, endian: E) -> Option<Symbol<'d>> {
        let symbol = self.symbols.get(id.0)?;
        let place = match symbol.st_shndx(endian) {
            elf::SHN_UNDEF => Place::Undefined,
            elf::SHN_ABS => Place::Absolute,
            elf::SHN_COMMON => Place::Common,
            index if index.0 == SHN_LIVEPATCH => Place::Livepatch,
            elf::SHN_XINDEX => {
                let index = self.extended.get(id.0).map(|i| i.get(endian));
                Place::Section(SectionId(index.unwrap_or(u32::MAX) as usize))
            }
            index if index.is_reserved() => Place::Reserved(index.0),
            index => Place::Section(SectionId(index.0.into())),
        };
        Some(Symbol {
            id,
            name: string_at(self.strings, symbol.st_name(endian)).unwrap_or_default(),
            value: symbol.st_value(endian),
            size: symbol.st_size(endian),
            bind: symbol.st_bind(),
            kind: symbol.st_type(),
            visibility: symbol.st_visibility(),
            place,
        })
    }
}
