// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The targets of relocations, as a piece and a distance from it, not as a section and an offset.

use super::file::Code;
use super::instructions::Instructions;
use super::piece::{has_chunks, is_mergeable, PieceId};
use super::tables::TableEntry;
use crate::elf::{Place, Section, SectionId};
use crate::livepatch::rela::Relocation;
use object::elf;

/// A place to which something refers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceTarget<'d> {
    /// A symbol that the file does not define.
    External(&'d [u8]),
    /// A function or a variable of the file.
    Piece(PieceId),
    /// A constant that a linker may merge with equal ones.
    Constant {
        /// The section.
        section: SectionId,
        /// The first byte.
        start: u64,
        /// The place behind the last byte.
        end: u64,
    },
    /// Code without a symbol: a replacement of `.altinstructions`, or a target of `static_cpu_has()`.
    Chunk {
        /// The section.
        section: SectionId,
        /// The first byte.
        start: u64,
        /// The place behind the last byte.
        end: u64,
    },
    /// An entry of a table. On 7.3, code of `WARN()` hands on the address of its entry of `__bug_table`.
    Entry(TableEntry),
    /// A place that belongs to no piece.
    Loose(SectionId),
    /// A number.
    Absolute,
}

/// A relocation with its target.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'d> {
    /// The place, in its section.
    pub offset: u64,
    /// The type of the relocation.
    pub kind: u32,
    /// The target.
    pub target: ReferenceTarget<'d>,
    /// The distance from the target's entry to the place that is meant.
    pub delta: i64,
    /// The difference between `delta` and the addend: the distance to the end of the instruction.
    pub behind: i64,
    /// True if the reference is a call or a jump.
    pub is_branch: bool,
}

impl Reference<'_> {
    /// Returns the number of bytes that the relocation changes.
    #[must_use]
    pub fn width(&self) -> u64 {
        width(self.kind)
    }
}

/// Returns the number of bytes that a type of relocation changes.
#[must_use]
pub fn width(kind: u32) -> u64 {
    match elf::RelocationType(kind) {
        elf::R_X86_64_NONE => 0,
        elf::R_X86_64_64 | elf::R_X86_64_PC64 => 8,
        elf::R_X86_64_16 | elf::R_X86_64_PC16 => 2,
        elf::R_X86_64_8 | elf::R_X86_64_PC8 => 1,
        _ => 4,
    }
}

/// Returns true if a type of relocation counts from its own place.
#[must_use]
pub fn is_relative(kind: u32) -> bool {
    matches!(
        elf::RelocationType(kind),
        elf::R_X86_64_PC32
            | elf::R_X86_64_PLT32
            | elf::R_X86_64_GOTPCREL
            | elf::R_X86_64_GOTPCRELX
            | elf::R_X86_64_REX_GOTPCRELX
            | elf::R_X86_64_PC8
            | elf::R_X86_64_PC16
    )
}

impl<'d> Code<'d> {
    /// Returns the references of a part of a section. Code is decoded.
    #[must_use]
    pub fn references(&self, id: SectionId, start: u64, end: u64) -> Vec<Reference<'d>> {
        let section = self.section(id);
        let relocations = self.relocations(id, start, end);
        let is_shared = self
            .in_section
            .get(&id)
            .is_some_and(|pieces| pieces.len() > 1);
        let instructions = if section.is_code() && (is_shared || !relocations.is_empty()) {
            Instructions::read(self.bytes(id, start, end), start..end, relocations)
        } else {
            Instructions::default()
        };
        let mut found: Vec<_> = relocations
            .iter()
            .filter(|r| width(r.kind) > 0)
            .map(|r| {
                let site = instructions.sites.get(&r.offset);
                let behind = match site {
                    Some(site) if is_relative(r.kind) => {
                        0_i64.wrapping_add_unsigned(site.end - r.offset)
                    }
                    _ => 0,
                };
                let (target, delta) = self.resolve(r, behind);
                Reference {
                    offset: r.offset,
                    kind: r.kind,
                    target,
                    delta,
                    behind,
                    is_branch: site.is_some_and(|site| site.is_branch),
                }
            })
            .collect();
        if is_shared {
            for leaving in &instructions.leaving {
                let (target, delta) = self.place(section, leaving.to, None);
                found.push(Reference {
                    offset: leaving.offset,
                    kind: elf::R_X86_64_PLT32.0,
                    target,
                    delta,
                    behind: 0_i64.wrapping_add_unsigned(leaving.end - leaving.offset),
                    is_branch: true,
                });
            }
            found.sort_by_key(|r| r.offset);
        }
        found
    }

    /// Returns the target of a relocation, and the distance from the target's entry.
    fn resolve(&self, relocation: &Relocation, behind: i64) -> (ReferenceTarget<'d>, i64) {
        let addend = relocation.addend.wrapping_add(behind);
        let Some(symbol) = self.elf.get_symbol(relocation.symbol) else {
            return (ReferenceTarget::Absolute, addend);
        };
        // Another file may define the symbol, too, and the linker then takes that definition for all.
        if symbol.bind == elf::STB_WEAK {
            return (ReferenceTarget::External(symbol.name), addend);
        }
        match symbol.place {
            Place::Section(id) => {
                let section = self.section(id);
                if symbol.kind == elf::STT_SECTION {
                    let offset = symbol.value.wrapping_add_signed(addend);
                    return self.place(section, offset, None);
                }
                // The target is the symbol, however far from it the place is.
                let (target, from) = self.place(section, symbol.value, Some(symbol.size));
                (target, from.wrapping_add(addend))
            }
            Place::Undefined | Place::Common => (ReferenceTarget::External(symbol.name), addend),
            _ => (
                ReferenceTarget::Absolute,
                addend.wrapping_add_unsigned(symbol.value),
            ),
        }
    }

    /// Returns the target at a place in a section; `size` is the size of the symbol there.
    fn place(
        &self,
        section: &Section<'d>,
        offset: u64,
        size: Option<u64>,
    ) -> (ReferenceTarget<'d>, i64) {
        if is_mergeable(section) {
            let start = match size {
                None => self.start_of_constant(section, offset),
                Some(_) => offset,
            };
            let constant = self.constant(section, start, size);
            return (constant, 0_i64.wrapping_add_unsigned(offset - start));
        }
        if has_chunks(section) {
            let next = self.chunks.range((section.id, offset + 1)..).next();
            let end = next
                .filter(|(id, _)| *id == section.id)
                .map(|(_, end)| *end);
            let chunk = ReferenceTarget::Chunk {
                section: section.id,
                start: offset,
                end: end.unwrap_or(section.size),
            };
            return (chunk, 0);
        }
        let (target, from) = if let Some(id) = self.piece_at(section.id, offset) {
            (ReferenceTarget::Piece(id), self.piece(id).entry)
        } else if let Some(entry) = self.entry_at(section.id, offset) {
            (ReferenceTarget::Entry(entry), entry.start)
        } else {
            (ReferenceTarget::Loose(section.id), 0)
        };
        let delta = 0_i64.wrapping_add_unsigned(offset.wrapping_sub(from));
        (target, delta)
    }

    /// Returns the beginning of the constant around a place. A linker merges whole entries only, except
    /// strings: the end of a string is a string as well.
    fn start_of_constant(&self, section: &Section<'d>, offset: u64) -> u64 {
        let is_named = self.constants.contains_key(&(section.id, offset));
        if is_named || section.flags.contains(elf::SHF_STRINGS) {
            return offset;
        }
        offset - offset % section.entsize.max(1)
    }

    /// Returns the constant that begins at a place: with the size of its symbol, or else one entry or one
    /// string.
    fn constant(
        &self,
        section: &Section<'d>,
        start: u64,
        size: Option<u64>,
    ) -> ReferenceTarget<'d> {
        let sized = size.filter(|&size| size > 0);
        let sized = sized.or_else(|| self.constants.get(&(section.id, start)).copied());
        let entry = section.entsize.max(1);
        let size = sized.unwrap_or_else(|| {
            if !section.flags.contains(elf::SHF_STRINGS) {
                return entry;
            }
            let step = usize::try_from(entry).unwrap_or(1);
            let rest = self.bytes(section.id, start, section.size);
            let whole = rest
                .chunks(step)
                .take_while(|unit| unit.iter().any(|&b| b != 0))
                .count();
            (whole as u64 + 1).saturating_mul(entry)
        });
        let end = start.saturating_add(size).min(section.size);
        ReferenceTarget::Constant {
            section: section.id,
            start,
            end,
        }
    }

    /// Finds the beginnings of chunks: the places in sections of chunks to which something refers.
    pub(super) fn find_chunks(&mut self) {
        let mut starts = Vec::new();
        for (&id, relocations) in &self.relocations {
            if !self.section(id).is_alloc() {
                continue;
            }
            let refers = |r: &&Relocation| {
                let place = self.elf.get_symbol(r.symbol).and_then(|s| s.section());
                place.is_some_and(|place| has_chunks(self.section(place)))
            };
            if !relocations.iter().any(|r| refers(&r)) {
                continue;
            }
            for piece in self.parts(id) {
                let relocations = self.relocations(id, piece.0, piece.1);
                let instructions = if self.section(id).is_code() {
                    Instructions::read(
                        self.bytes(id, piece.0, piece.1),
                        piece.0..piece.1,
                        relocations,
                    )
                } else {
                    Instructions::default()
                };
                for relocation in relocations.iter().filter(refers) {
                    let Some(symbol) = self.elf.get_symbol(relocation.symbol) else {
                        continue;
                    };
                    let site = instructions.sites.get(&relocation.offset);
                    let behind = match site {
                        Some(site) if is_relative(relocation.kind) => site.end - relocation.offset,
                        _ => 0,
                    };
                    let offset = symbol.value.wrapping_add_signed(relocation.addend);
                    if let Some(section) = symbol.section() {
                        starts.push((section, offset.wrapping_add(behind)));
                    }
                }
            }
        }
        self.chunks.extend(starts);
    }

    /// Returns the parts of a section, each of which is decoded by itself.
    fn parts(&self, id: SectionId) -> Vec<(u64, u64)> {
        match self.in_section.get(&id) {
            Some(pieces) => {
                let pieces = pieces.iter().map(|&id| self.piece(id));
                pieces.map(|piece| (piece.start, piece.end)).collect()
            }
            None => vec![(0, self.section(id).size)],
        }
    }
}
