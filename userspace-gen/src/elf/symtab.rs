// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbol table of a file.

use super::file::ElfFile;
use super::section::SectionId;
use super::symbol::{Place, Symbol, SymbolId};
use super::SHN_LIVEPATCH;
use crate::error::Result;
use object::elf::{self, Sym64};
use object::read::elf::Sym as _;
use object::read::ReadRef;
use object::{Endianness, U32};
use std::ffi::CStr;

type E = Endianness;

/// The symbol table and what belongs to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Symtab<'d> {
    section: SectionId,
    symbols: &'d [Sym64<E>],
    strings: &'d [u8],
    /// Behind the last NUL of the names.
    names_end: usize,
    extended: &'d [U32<E>],
}

impl<'d, R: ReadRef<'d>> ElfFile<'d, R> {
    pub(super) fn find_symtab(&self) -> Result<Option<Symtab<'d>>> {
        let Some(section) = self.sections().find(|s| s.kind == elf::SHT_SYMTAB) else {
            return Ok(None);
        };
        let strings = self.section(SectionId(section.link as usize))?;
        if strings.is_nobits() {
            let what = "symbol name table: expected contents, found none (SHT_NOBITS)";
            return Err(self.malformed(what));
        }
        let extended = self
            .sections()
            .find(|s| s.kind == elf::SHT_SYMTAB_SHNDX && s.link as usize == section.id.0);
        let strings = self.section_data(&strings)?;
        Ok(Some(Symtab {
            section: section.id,
            symbols: self.array(&section)?,
            strings,
            names_end: end_of_strings(strings),
            extended: match extended {
                Some(section) => self.array(&section)?,
                None => &[],
            },
        }))
    }

    /// The section that holds the symbol table.
    #[must_use]
    pub fn symtab_section(&self) -> Option<SectionId> {
        self.symtab.map(|t| t.section)
    }

    /// Whether the name of a symbol begins and ends within the table of names.
    pub(crate) fn has_name(&self, id: SymbolId) -> bool {
        let symbol = self.raw_symbols().get(id.0);
        let end = self.symtab.map_or(0, |table| table.names_end);
        symbol.is_some_and(|symbol| (symbol.st_name(self.endian) as usize) < end)
    }

    /// The symbols as they are in the file, the null one included.
    pub(crate) fn raw_symbols(&self) -> &'d [Sym64<E>] {
        self.symtab.map_or(&[], |t| t.symbols)
    }

    /// How many symbols there are, the null one included.
    #[must_use]
    pub fn symbol_count(&self) -> usize {
        self.symtab.map_or(0, |t| t.symbols.len())
    }

    /// One symbol.
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

    /// One symbol, if the file has it.
    #[must_use]
    pub fn get_symbol(&self, id: SymbolId) -> Option<Symbol<'d>> {
        let (table, endian) = (self.symtab?, self.endian);
        let symbol = table.symbols.get(id.0)?;
        let place = match symbol.st_shndx(endian) {
            elf::SHN_UNDEF => Place::Undefined,
            elf::SHN_ABS => Place::Absolute,
            elf::SHN_COMMON => Place::Common,
            index if index.0 == SHN_LIVEPATCH => Place::Livepatch,
            elf::SHN_XINDEX => {
                let index = table.extended.get(id.0).map(|i| i.get(endian));
                Place::Section(SectionId(index.unwrap_or(u32::MAX) as usize))
            }
            index if index.is_reserved() => Place::Reserved(index.0),
            index => Place::Section(SectionId(index.0.into())),
        };
        Some(Symbol {
            id,
            name: string_at(table.strings, symbol.st_name(endian)).unwrap_or_default(),
            value: symbol.st_value(endian),
            size: symbol.st_size(endian),
            bind: symbol.st_bind(),
            kind: symbol.st_type(),
            visibility: symbol.st_visibility(),
            place,
        })
    }

    /// The symbols, without the null one.
    pub fn symbols(&self) -> impl Iterator<Item = Symbol<'d>> + '_ {
        (1..self.symbol_count()).filter_map(|i| self.get_symbol(SymbolId(i)))
    }
}

/// What is longer is no name. kallsyms takes 511 bytes; without a limit, a file of a few megabytes
/// could have names of terabytes, since they may overlap.
const LONGEST_NAME: usize = 4096;

/// Where the last string of a string table ends, its NUL included.
pub(super) fn end_of_strings(table: &[u8]) -> usize {
    table
        .iter()
        .rposition(|&b| b == 0)
        .map_or(0, |last| last + 1)
}

/// The string that begins at `offset` of a string table and ends with a NUL.
pub(crate) fn string_at(table: &[u8], offset: u32) -> Option<&[u8]> {
    let rest = table.get(offset as usize..)?;
    let rest = rest.get(..=LONGEST_NAME).unwrap_or(rest);
    let string = CStr::from_bytes_until_nul(rest);
    string.ok().map(CStr::to_bytes)
}
