// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Cuts the sections of an object file into pieces, by their symbols.

use super::file::Code;
use super::piece::{has_chunks, is_mergeable, Piece, PieceId, PieceKind, CFI_PREFIX};
use super::tables::is_table;
use crate::elf::{Section, SectionId, Symbol};
use crate::error::Result;
use object::elf;
use std::collections::HashMap;

/// Returns true if a section has functions or variables of the kernel.
fn has_pieces(section: &Section<'_>) -> bool {
    let is_table = is_table(section.name);
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
