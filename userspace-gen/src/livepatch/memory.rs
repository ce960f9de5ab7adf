// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The data of a module as its code will see it: bytes, and pointers where relocations are.

use super::rela::{RelaSection, Relocation};
use crate::elf::number::{read_u32, read_u64};
use crate::elf::{ElfFile, Place, Section, SectionId};
use object::read::ReadRef;
use std::collections::BTreeMap;
use std::ops::Range;

/// The section with a module's `struct module`.
pub const THIS_MODULE: &[u8] = b".gnu.linkonce.this_module";

/// Where in a file something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The section.
    pub section: SectionId,
    /// The offset in it.
    pub offset: u64,
}

impl Location {
    /// A place behind this one.
    #[must_use]
    pub fn plus(self, bytes: u64) -> Self {
        Self {
            offset: self.offset.wrapping_add(bytes),
            ..self
        }
    }
}

/// What a pointer in a module's data points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer<'d> {
    /// Nowhere.
    Null,
    /// Into the module.
    Local(Location),
    /// To a symbol of another object, or one that the livepatch core finds.
    External(&'d [u8]),
    /// It is a number, or cannot be told.
    Number(u64),
}

/// The data of a module.
#[derive(Debug)]
pub struct Memory<'f, 'd, R: ReadRef<'d>> {
    elf: &'f ElfFile<'d, R>,
    relocations: BTreeMap<Location, Relocation>,
    /// Where objects with a symbol begin and end.
    extents: BTreeMap<Location, u64>,
}

impl<'f, 'd, R: ReadRef<'d>> Memory<'f, 'd, R> {
    /// The data of `elf` after `relocations` are applied.
    #[must_use]
    pub fn new(elf: &'f ElfFile<'d, R>, relocations: &[RelaSection<'d>]) -> Self {
        let relocations = relocations
            .iter()
            .filter(|r| r.target.is_alloc() && !r.target.is_code())
            .flat_map(|r| {
                let section = r.target.id;
                r.relocations().map(move |relocation| {
                    let offset = relocation.offset;
                    (Location { section, offset }, relocation)
                })
            });
        let mut extents = BTreeMap::new();
        for symbol in elf.symbols().filter(|s| s.size > 0) {
            if let (Some(section), offset) = (symbol.section(), symbol.value) {
                let end = extents.entry(Location { section, offset }).or_insert(0);
                *end = offset.saturating_add(symbol.size).max(*end);
            }
        }
        Self {
            elf,
            relocations: relocations.collect(),
            extents,
        }
    }

    /// The first section of that name.
    #[must_use]
    pub fn section(&self, name: &[u8]) -> Option<Section<'d>> {
        self.elf.section_by_name(name)
    }

    /// The 64-bit number at a place; 0 in a section without bytes.
    #[must_use]
    pub fn number(&self, at: Location) -> Option<u64> {
        read_u64(self.elf.endian(), self.bytes(at, 8)?)
    }

    /// The 32-bit number at a place; 0 in a section without bytes.
    #[must_use]
    pub fn half(&self, at: Location) -> Option<u32> {
        read_u32(self.elf.endian(), self.bytes(at, 4)?)
    }

    /// The byte at a place; 0 in a section without bytes.
    #[must_use]
    pub fn byte(&self, at: Location) -> Option<u8> {
        self.bytes(at, 1)?.first().copied()
    }

    /// Up to 8 bytes at a place.
    fn bytes(&self, at: Location, len: u64) -> Option<&'d [u8]> {
        let section = self.elf.get_section(at.section)?;
        let end = at.offset.checked_add(len)?;
        if section.is_nobits() {
            return if end <= section.size {
                [0; 8].get(..usize::try_from(len).ok()?)
            } else {
                None
            };
        }
        let data = self.elf.section_data(&section).ok()?;
        data.get(usize::try_from(at.offset).ok()?..usize::try_from(end).ok()?)
    }

    /// The pointer at a place.
    #[must_use]
    pub fn pointer(&self, at: Location) -> Option<Pointer<'d>> {
        let number = self.number(at)?;
        let Some(relocation) = self.relocations.get(&at) else {
            return Some(match number {
                0 => Pointer::Null,
                number => Pointer::Number(number),
            });
        };
        let symbol = self.elf.get_symbol(relocation.symbol)?;
        Some(match symbol.place {
            Place::Section(section) => Pointer::Local(Location {
                section,
                offset: symbol.value.wrapping_add_signed(relocation.addend),
            }),
            Place::Undefined | Place::Livepatch => Pointer::External(symbol.name),
            _ => Pointer::Number(symbol.value.wrapping_add_signed(relocation.addend)),
        })
    }

    /// The string at a place, without its NUL.
    #[must_use]
    pub fn string(&self, at: Location) -> Option<&'d [u8]> {
        let section = self.elf.get_section(at.section)?;
        let data = self.elf.section_data(&section).ok()?;
        let rest = data.get(usize::try_from(at.offset).ok()?..)?;
        rest.get(..rest.iter().position(|&b| b == 0)?)
    }

    /// The places with a relocation in part of a section.
    pub fn relocated(
        &self,
        section: SectionId,
        range: Range<u64>,
    ) -> impl Iterator<Item = u64> + use<'_, 'f, 'd, R> {
        let at = move |offset| Location { section, offset };
        // An empty range that is given backwards would make BTreeMap panic.
        let end = range.end.max(range.start);
        self.relocations
            .range(at(range.start)..at(end))
            .map(|(location, _)| location.offset)
    }

    /// The places with a pointer to the `struct module` of the module itself.
    pub fn pointers_to_module(&self) -> impl Iterator<Item = Location> + use<'_, 'f, 'd, R> {
        let module = self.elf.section_by_name(THIS_MODULE).map(|s| s.id);
        self.relocations
            .keys()
            .copied()
            .filter(move |&at| match self.pointer(at) {
                Some(Pointer::Local(to)) => Some(to.section) == module && to.offset == 0,
                _ => false,
            })
    }

    /// How far the object at a place reaches: to the end of the symbol that covers it, or else of
    /// the section. The flag says which.
    #[must_use]
    pub fn extent(&self, at: Location) -> Option<(u64, bool)> {
        let before = self.extents.range(..=at).next_back();
        let covering = before
            .filter(|(start, &end)| start.section == at.section && end > at.offset)
            .map(|(_, &end)| end);
        match covering {
            Some(end) => Some((end, true)),
            None => Some((self.elf.get_section(at.section)?.size, false)),
        }
    }
}
