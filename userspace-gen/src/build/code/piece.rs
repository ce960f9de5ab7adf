// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Pieces: functions and variables, with their beginning and end in a section.

use crate::elf::{Section, SectionId, SymbolId};
use object::elf;

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

/// A part of a section: the first place, and the place behind the last one.
pub type Span = (SectionId, u64, u64);

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
