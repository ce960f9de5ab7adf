// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The data of a module as its code will see it: bytes, and pointers where relocations are.

use super::rela::{RelaSection, Relocation};
use crate::elf::number::{read_u32, read_u64};
use crate::elf::{ElfFile, Place, Section, SectionId};
use object::elf;
use object::read::ReadRef;
use std::collections::{BTreeMap, BTreeSet};
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
    /// What the code that calls `klp_enable_patch()` refers to.
    enabled: BTreeSet<Location>,
}

impl<'f, 'd, R: ReadRef<'d>> Memory<'f, 'd, R> {
    /// The data of `elf` after `relocations` are applied.
    #[must_use]
    pub fn new(elf: &'f ElfFile<'d, R>, relocations: &[RelaSection<'d>]) -> Self {
        let pointers = relocations
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
            relocations: pointers.collect(),
            extents,
            enabled: enabled(elf, relocations),
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

    /// Whether `len` bytes are 0, and stay it.
    pub(super) fn is_zero(&self, at: Location, len: u64) -> bool {
        let end = at.offset.saturating_add(len);
        let words = (0..len / 8).map(|i| at.plus(i * 8));
        let rest = (len / 8 * 8..len).map(|i| at.plus(i));
        self.relocated(at.section, at.offset..end).next().is_none()
            && words.map(|at| self.number(at)).all(|word| word == Some(0))
            && rest.map(|at| self.byte(at)).all(|byte| byte == Some(0))
    }

    /// Whether the module may write there, and nothing of the loader's is there.
    pub(super) fn is_own(&self, at: Location) -> bool {
        let section = self.elf.get_section(at.section);
        section.is_some_and(|s| s.is_writable() && s.is_alloc() && s.name != THIS_MODULE)
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
            // Part of what is relocated is no pointer that could be told.
            let around = at.offset.saturating_sub(7)..at.offset.saturating_add(8);
            if self.relocated(at.section, around).next().is_some() {
                return Some(Pointer::Number(number));
            }
            return Some(match number {
                0 => Pointer::Null,
                number => Pointer::Number(number),
            });
        };
        let symbol = self.elf.get_symbol(relocation.symbol)?;
        if self.elf.machine() == elf::EM_X86_64 {
            match elf::RelocationType(relocation.kind) {
                elf::R_X86_64_64 => {}
                elf::R_X86_64_NONE if number == 0 => return Some(Pointer::Null),
                // Half of one, or a distance.
                kind => return Some(Pointer::Number(kind.0.into())),
            }
        }
        Some(match symbol.place {
            Place::Section(section) => Pointer::Local(Location {
                section,
                offset: symbol.value.wrapping_add_signed(relocation.addend),
            }),
            Place::Undefined | Place::Livepatch => Pointer::External(symbol.name),
            _ => match symbol.value.wrapping_add_signed(relocation.addend) {
                0 => Pointer::Null,
                number => Pointer::Number(number),
            },
        })
    }

    /// The string at a place, without its NUL; none where something else will be written.
    #[must_use]
    pub fn string(&self, at: Location) -> Option<&'d [u8]> {
        let section = self.elf.get_section(at.section)?;
        let data = self.elf.section_data(&section).ok()?;
        let rest = data.get(usize::try_from(at.offset).ok()?..)?;
        let string = rest.get(..rest.iter().position(|&b| b == 0)?)?;
        // A relocation changes 8 bytes at most.
        let reach = at.offset.saturating_sub(7)..at.offset + string.len() as u64 + 1;
        let changes = self.relocated(at.section, reach).next().is_some();
        (!changes && section.name != THIS_MODULE).then_some(string)
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
        let places = self.relocations.keys().copied();
        places.filter(|&at| self.pointer(at).is_some_and(|to| self.is_module(to)))
    }

    /// Whether a pointer leads to the `struct module` of the module itself.
    #[must_use]
    pub fn is_module(&self, to: Pointer<'_>) -> bool {
        let module = self.elf.section_by_name(THIS_MODULE).map(|s| s.id);
        matches!(to, Pointer::Local(to) if Some(to.section) == module && to.offset == 0)
    }

    /// What is handed to `klp_enable_patch()`, if the code that calls it refers to one place of the
    /// module's data alone.
    #[must_use]
    pub fn handed_over(&self) -> Option<Location> {
        let mut places = self.enabled.iter().copied();
        places.next().filter(|_| places.next().is_none())
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

/// The function to which a livepatch hands its `klp_patch`.
const ENABLE: &[u8] = b"klp_enable_patch";

fn enabled<'d, R: ReadRef<'d>>(
    elf: &ElfFile<'d, R>,
    relocations: &[RelaSection<'d>],
) -> BTreeSet<Location> {
    let calls = |r: &Relocation| elf.get_symbol(r.symbol).is_some_and(|s| s.name == ENABLE);
    let mut found = BTreeSet::new();
    if elf.machine() != elf::EM_X86_64 {
        return found;
    }
    let code = relocations.iter().filter(|rela| rela.target.is_code());
    for rela in code.filter(|rela| rela.relocations().any(|r| calls(&r))) {
        for relocation in rela.relocations() {
            let before = match elf::RelocationType(relocation.kind) {
                elf::R_X86_64_64 | elf::R_X86_64_32 | elf::R_X86_64_32S => 0,
                // What is added is the distance to the next instruction.
                elf::R_X86_64_PC32 => 4,
                _ => continue,
            };
            let Some(symbol) = elf.get_symbol(relocation.symbol) else {
                continue;
            };
            let section = symbol.section().and_then(|id| elf.get_section(id));
            if let Some(section) = section.filter(Section::is_writable) {
                let offset = symbol.value.wrapping_add_signed(relocation.addend);
                found.insert(Location {
                    section: section.id,
                    offset: offset.wrapping_add(before),
                });
            }
        }
    }
    found
}
