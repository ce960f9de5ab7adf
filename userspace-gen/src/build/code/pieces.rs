// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Pieces: functions and variables, with their beginning and end in a section.

use super::Code;
use crate::elf::{Section, SectionId, Symbol, SymbolId};
use crate::error::Result;
use object::elf;
use std::collections::HashMap;

/// The index of a piece in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PieceId(pub usize);

/// The kind of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PieceKind {
    /// A function.
    Function,
    /// A variable or a constant.
    Data,
}

/// A function or a variable, with all bytes in its section that belong to it.
#[derive(Clone, Debug)]
pub struct Piece<'d> {
    /// The name of its symbol; none for a private constant, such as a switch table.
    pub name: Option<&'d [u8]>,
    /// Its symbol.
    pub symbol: Option<SymbolId>,
    /// True if the symbol is local to its file.
    pub is_local: bool,
    /// The section.
    pub section: SectionId,
    /// The first byte; for a function, that of the type id and the padding in front of it.
    pub start: u64,
    /// The place of the symbol.
    pub entry: u64,
    /// The place behind the last byte.
    pub end: u64,
    /// The kind.
    pub kind: PieceKind,
}

impl Piece<'_> {
    /// Returns true if a place in its section belongs to the piece.
    #[must_use]
    pub fn contains(&self, offset: u64) -> bool {
        (self.start..self.end).contains(&offset)
    }
}

/// The prefix of the symbol at a function's type id (`CONFIG_CFI_CLANG`).
pub const CFI_PREFIX: &[u8] = b"__cfi_";

/// Returns true if a section has constants that a linker merges, and no variables.
#[must_use]
pub fn is_mergeable(section: &Section<'_>) -> bool {
    section.flags.contains(elf::SHF_MERGE)
}

/// Returns true if a section has code without symbols, to which other code jumps.
#[must_use]
pub fn has_chunks(section: &Section<'_>) -> bool {
    [&b".altinstr_replacement"[..], b".altinstr_aux"].contains(&section.name)
}

/// Returns true if a section has functions or variables of the kernel.
fn has_pieces(section: &Section<'_>) -> bool {
    let is_table = super::special::is_table(section.name);
    section.is_alloc()
        && matches!(section.kind, elf::SHT_PROGBITS | elf::SHT_NOBITS)
        && !is_mergeable(section)
        && !has_chunks(section)
        && !is_table
}

impl<'d> Code<'d> {
    /// Cuts all sections.
    pub(super) fn cut(&mut self) -> Result<()> {
        let mut symbols: HashMap<SectionId, Vec<Symbol<'d>>> = HashMap::new();
        for symbol in self.elf.symbols() {
            let is_private = symbol.name.is_empty() || symbol.name.starts_with(b".L");
            let is_named = !matches!(symbol.kind, elf::STT_SECTION | elf::STT_FILE);
            let Some(section) = symbol.section().filter(|_| is_named) else {
                continue;
            };
            if is_mergeable(self.section(section)) && symbol.size > 0 {
                self.constants.insert((section, symbol.value), symbol.size);
            } else if !is_private {
                symbols.entry(section).or_default().push(symbol);
            }
        }
        for section in self.sections.clone() {
            if has_pieces(&section) {
                self.elf.section_data(&section)?;
                let of_section = symbols.remove(&section.id).unwrap_or_default();
                self.cut_section(&section, of_section);
            }
        }
        Ok(())
    }

    fn cut_section(&mut self, section: &Section<'d>, symbols: Vec<Symbol<'d>>) {
        let (prefixes, mut symbols): (Vec<_>, Vec<_>) = symbols
            .into_iter()
            .partition(|s| section.is_code() && s.name.starts_with(CFI_PREFIX));
        // An alias is no piece of its own. A symbol with a size is preferred, then the first in the table.
        symbols.sort_by_key(|s| (s.value, s.size == 0, s.id));
        symbols.dedup_by_key(|s| s.value);
        let is_sized = |s: &Symbol<'_>| s.size > 0 || s.kind == elf::STT_FUNC;
        if symbols.iter().any(is_sized) {
            symbols.retain(is_sized);
        }
        let kind = if section.is_code() {
            PieceKind::Function
        } else {
            PieceKind::Data
        };
        let mut pieces = Vec::new();
        if symbols.len() <= 1 && section.size > 0 {
            let symbol = symbols.first();
            pieces.push(Piece {
                name: symbol.map(|s| s.name),
                symbol: symbol.map(|s| s.id),
                is_local: symbol.is_none_or(|s| s.bind == elf::STB_LOCAL),
                section: section.id,
                start: 0,
                entry: symbol.map_or(0, |s| s.value),
                end: section.size,
                kind,
            });
        } else {
            let mut last_end = 0;
            for (at, symbol) in symbols.iter().enumerate() {
                let next = symbols.get(at + 1).map_or(section.size, |next| next.value);
                let end = symbol
                    .value
                    .saturating_add(symbol.size)
                    .min(next)
                    .min(section.size);
                let start = match kind {
                    PieceKind::Function => self.prefix(section, &prefixes, last_end, symbol.value),
                    PieceKind::Data => symbol.value,
                };
                pieces.push(Piece {
                    name: Some(symbol.name),
                    symbol: Some(symbol.id),
                    is_local: symbol.bind == elf::STB_LOCAL,
                    section: section.id,
                    start,
                    entry: symbol.value,
                    end,
                    kind,
                });
                last_end = end;
            }
        }
        let first = self.pieces.len();
        self.pieces.extend(pieces);
        let ids = (first..self.pieces.len()).map(PieceId).collect();
        self.in_section.insert(section.id, ids);
    }

    /// Returns the beginning of the bytes in front of a function: its type id, or the space that the
    /// compiler left.
    fn prefix(&self, section: &Section<'d>, prefixes: &[Symbol<'d>], from: u64, entry: u64) -> u64 {
        let between = from..entry;
        let by_symbol = prefixes
            .iter()
            .map(|s| s.value)
            .filter(|value| between.contains(value));
        let tables = self.sections.iter().filter(|table| {
            table.name == b"__patchable_function_entries" && table.link as usize == section.id.0
        });
        let by_table = tables
            .flat_map(|table| self.relocations(table.id, 0, u64::MAX))
            .filter_map(|r| {
                let symbol = self.elf.get_symbol(r.symbol)?;
                let place = symbol.value.wrapping_add_signed(r.addend);
                (symbol.section() == Some(section.id) && between.contains(&place)).then_some(place)
            });
        by_symbol.chain(by_table).min().unwrap_or(entry)
    }
}
