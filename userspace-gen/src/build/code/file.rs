// SPDX-License-Identifier: GPL-2.0 OR MIT

//! An object file with its contents cut into pieces.

use super::piece::{Piece, PieceId, PieceKind};
use super::tables::TableEntry;
use crate::build::compare::names::clean;
use crate::elf::{ElfFile, Section, SectionId, SymbolId};
use crate::livepatch::rela::Relocation;
use crate::printable::shown;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// An object file with its contents cut into pieces.
#[derive(Debug)]
pub struct Code<'d> {
    pub(super) elf: ElfFile<'d>,
    pub(super) sections: Vec<Section<'d>>,
    pub(super) relocations: HashMap<SectionId, Vec<Relocation>>,
    pub(super) pieces: Vec<Piece<'d>>,
    /// The pieces of each section, by their beginning.
    pub(super) in_section: HashMap<SectionId, Vec<PieceId>>,
    /// The places in sections of loose chunks that something refers to.
    pub(super) chunks: BTreeSet<(SectionId, u64)>,
    /// The sizes of the symbols among mergeable constants.
    pub(super) constants: HashMap<(SectionId, u64), u64>,
    pub(super) entries: HashMap<PieceId, Vec<TableEntry>>,
    pub(super) places_of_entries: BTreeMap<(SectionId, u64), TableEntry>,
}

impl<'d> Code<'d> {
    /// Returns the type of a function as kCFI has it, if the function has one: callers of a pointer read it from an
    /// instruction `mov $type, %eax` among the padding in front of the function (`emitKCFITypeId()` of LLVM).
    #[must_use]
    pub fn type_id(&self, id: PieceId) -> Option<&'d [u8]> {
        let piece = self.piece(id);
        let front = self.bytes(piece.section, piece.start, piece.entry);
        let padding = front.iter().take_while(|&&byte| byte == 0x90).count();
        match front.get(padding..)? {
            [0xb8, id @ ..] if piece.kind == PieceKind::Function => id.get(..4),
            _ => None,
        }
    }

    /// Returns the file.
    #[must_use]
    pub fn elf(&self) -> &ElfFile<'d> {
        &self.elf
    }

    /// Returns a section; the null section for an index that the file does not have.
    #[must_use]
    pub fn section(&self, id: SectionId) -> &Section<'d> {
        self.sections.get(id.0).unwrap_or(&self.sections[0])
    }

    /// Returns the sections, the null section included.
    #[must_use]
    pub fn sections(&self) -> &[Section<'d>] {
        &self.sections
    }

    /// Returns all pieces.
    #[must_use]
    pub fn pieces(&self) -> &[Piece<'d>] {
        &self.pieces
    }

    /// Returns one piece.
    #[must_use]
    pub fn piece(&self, id: PieceId) -> &Piece<'d> {
        &self.pieces[id.0]
    }

    /// Returns true if a piece is a function.
    #[must_use]
    pub fn is_function(&self, id: PieceId) -> bool {
        self.piece(id).kind == PieceKind::Function
    }

    /// Returns the pieces with their numbers.
    pub fn numbered(&self) -> impl Iterator<Item = (PieceId, &Piece<'d>)> {
        self.pieces
            .iter()
            .enumerate()
            .map(|(at, piece)| (PieceId(at), piece))
    }

    /// Returns the bytes of a part of a section: none for a section without contents.
    #[must_use]
    pub fn bytes(&self, section: SectionId, start: u64, end: u64) -> &'d [u8] {
        let data = self
            .elf
            .section_data(self.section(section))
            .unwrap_or_default();
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        data.get(at(start)..at(end)).unwrap_or_default()
    }

    /// Returns the relocations of a part of a section, sorted by their places.
    #[must_use]
    pub fn relocations(&self, section: SectionId, start: u64, end: u64) -> &[Relocation] {
        let all = self.relocations.get(&section).map_or(&[][..], |all| all);
        let first = all.partition_point(|r| r.offset < start);
        let last = all.partition_point(|r| r.offset < end);
        all.get(first..last).unwrap_or_default()
    }

    /// Returns the name of a piece in the source: without the suffix of `ThinLTO`.
    #[must_use]
    pub fn name(&self, id: PieceId) -> String {
        let piece = self.piece(id);
        let name = piece.name.unwrap_or(self.section(piece.section).name);
        shown(&clean(name))
    }

    /// Returns the piece that a symbol begins or lies in.
    #[must_use]
    pub fn piece_of(&self, symbol: SymbolId) -> Option<PieceId> {
        let symbol = self.elf.get_symbol(symbol)?;
        self.piece_at(symbol.section()?, symbol.value)
    }

    /// Returns the piece that contains a byte of a section, or else the piece that ends there.
    #[must_use]
    pub fn piece_at(&self, section: SectionId, offset: u64) -> Option<PieceId> {
        let pieces = self.in_section.get(&section)?;
        let next = pieces.partition_point(|&id| self.piece(id).start <= offset);
        let id = *pieces.get(next.checked_sub(1)?)?;
        (offset <= self.piece(id).end).then_some(id)
    }
}
