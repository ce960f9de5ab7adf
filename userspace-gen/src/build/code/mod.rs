// SPDX-License-Identifier: GPL-2.0 OR MIT

//! An object file as a `ThinLTO` backend writes it, cut into functions and variables.
//!
//! The linker's LTO makes one section for each function and each variable. Functions and variables with a
//! section in the source (`__init`, `__ro_after_init`, `__sched`) still share a section.
//!
//! - [`pieces`] cuts all sections by their symbols.
//! - [`references`] resolves the targets of relocations.
//! - [`instructions`] reads the code around a relocation.
//! - [`special`] finds the entries of tables such as `__bug_table` that belong to a function.

pub mod instructions;
pub mod pieces;
pub mod probe;
pub mod references;
pub mod special;

pub use pieces::{Piece, PieceId, PieceKind};
pub use references::{Reference, Target};
pub use special::{Entry, Layouts};

use crate::elf::{ElfFile, Section, SectionId, SymbolId};
use crate::error::Result;
use crate::livepatch::rela::Relocation;
use crate::livepatch::rela_sections;
use object::elf;
use object::read::ReadRef;
use std::collections::{BTreeSet, HashMap};

/// An object file with its contents cut into pieces.
#[derive(Debug)]
pub struct Code<'d> {
    elf: ElfFile<'d>,
    sections: Vec<Section<'d>>,
    relocations: HashMap<SectionId, Vec<Relocation>>,
    pieces: Vec<Piece<'d>>,
    /// The pieces of each section, by their beginning.
    in_section: HashMap<SectionId, Vec<PieceId>>,
    /// The places in sections of loose chunks that something refers to.
    chunks: BTreeSet<(SectionId, u64)>,
    /// The sizes of the symbols among mergeable constants.
    constants: HashMap<(SectionId, u64), u64>,
    entries: HashMap<PieceId, Vec<Entry>>,
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

    /// Reads an object file.
    ///
    /// # Errors
    ///
    /// The file is malformed, or not for x86-64.
    pub fn read(origin: String, data: &'d [u8], layouts: &Layouts) -> Result<Self> {
        let elf = ElfFile::parse(origin, data)?;
        if elf.machine() != elf::EM_X86_64 {
            return Err(crate::error::Error::unsupported(
                elf.origin(),
                "expected an object file for x86-64 (klp-gen build supports no other architecture)",
            ));
        }
        let mut code = Self {
            sections: sections(&elf),
            relocations: relocations(&elf)?,
            elf,
            pieces: Vec::new(),
            in_section: HashMap::new(),
            chunks: BTreeSet::new(),
            constants: HashMap::new(),
            entries: HashMap::new(),
        };
        code.cut()?;
        code.find_chunks();
        code.find_entries(layouts);
        Ok(code)
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
        crate::shown::shown(&super::compare::names::clean(name))
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

/// Returns the sections of a file by their indexes.
fn sections<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Vec<Section<'d>> {
    let ids = (0..elf.section_count().max(1)).map(SectionId);
    let null = Section {
        id: SectionId(0),
        name: b"",
        kind: elf::SHT_NULL,
        flags: elf::SectionFlags(0),
        address: 0,
        offset: 0,
        size: 0,
        link: 0,
        info: 0,
        align: 0,
        entsize: 0,
    };
    ids.map(|id| elf.get_section(id).unwrap_or(null)).collect()
}

/// Returns the relocations of each section, sorted by their places.
fn relocations(elf: &ElfFile<'_>) -> Result<HashMap<SectionId, Vec<Relocation>>> {
    let mut all: HashMap<SectionId, Vec<Relocation>> = HashMap::new();
    for section in rela_sections(elf)? {
        let of_section = all.entry(section.target.id).or_default();
        of_section.extend(section.relocations());
    }
    for of_section in all.values_mut() {
        of_section.sort_by_key(|r| r.offset);
    }
    Ok(all)
}
