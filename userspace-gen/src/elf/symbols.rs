// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbols of an ELF file.

use super::file::ElfFile;
use super::section::SectionId;
use super::symbol::{Place, Symbol, SymbolId};
use crate::error::Result;
use object::elf::Sym64;
use object::read::elf::Sym as _;
use object::read::ReadRef;
use object::Endianness;

impl<'d, R: ReadRef<'d>> ElfFile<'d, R> {
    /// Returns the section that has the symbol table.
    #[must_use]
    pub fn symtab_section(&self) -> Option<SectionId> {
        self.symtab.map(|t| t.section)
    }

    /// Returns true if the name of a symbol begins and ends within the table of names.
    pub(crate) fn has_name(&self, id: SymbolId) -> bool {
        let symbol = self.raw_symbols().get(id.0);
        let end = self.symtab.map_or(0, |table| table.names_end);
        symbol.is_some_and(|symbol| (symbol.st_name(self.endian) as usize) < end)
    }

    /// Returns the symbols as they are in the file, including the null one.
    pub(crate) fn raw_symbols(&self) -> &'d [Sym64<Endianness>] {
        self.symtab.map_or(&[], |t| t.symbols)
    }

    /// Returns the number of symbols, including the null one.
    #[must_use]
    pub fn symbol_count(&self) -> usize {
        self.symtab.map_or(0, |t| t.symbols.len())
    }

    /// Returns a symbol.
    ///
    /// # Errors
    ///
    /// The file has no such symbol.
    pub fn symbol(&self, id: SymbolId) -> Result<Symbol<'d>> {
        self.get_symbol(id).ok_or_else(|| {
            self.malformed(format_args!(
                "expected a symbol index below {}, found {}",
                self.symbol_count(),
                id.0
            ))
        })
    }

    /// Returns a symbol, if the file has it.
    #[must_use]
    pub fn get_symbol(&self, id: SymbolId) -> Option<Symbol<'d>> {
        self.symtab?.symbol(id, self.endian)
    }

    /// Returns the symbols, without the null one.
    pub fn symbols(&self) -> impl Iterator<Item = Symbol<'d>> + '_ {
        (1..self.symbol_count()).filter_map(|i| self.get_symbol(SymbolId(i)))
    }

    /// Returns true if the file has an undefined symbol of a name.
    #[must_use]
    pub fn imports(&self, name: &[u8]) -> bool {
        let mut undefined = self.symbols().filter(|s| s.place == Place::Undefined);
        undefined.any(|symbol| symbol.name == name)
    }
}
