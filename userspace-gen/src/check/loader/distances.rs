// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Sections in which objtool lists places of the code, as 32-bit distances. Each distance counts from its
//! own place.

use crate::elf::{ElfFile, Section, SectionId, SymbolId};
use crate::livepatch::memory::{is_applied_at_load, Location};
use crate::livepatch::RelaSection;
use object::elf;
use object::read::ReadRef;
use std::collections::BTreeMap;

/// The length of a distance.
pub(super) const ENTRY: u64 = 4;

/// The relative relocations of sections of distances and of code.
pub(super) struct Distances(BTreeMap<Location, (SymbolId, i64)>);

impl Distances {
    pub(super) fn new<'d>(
        rela: &[RelaSection<'d>],
        is_wanted: impl Fn(&Section<'d>) -> bool,
    ) -> Self {
        let relative = [elf::R_X86_64_PC32.0, elf::R_X86_64_PLT32.0];
        let sections = rela
            .iter()
            .filter(|r| is_wanted(&r.target) && is_applied_at_load(&r.section));
        let entries = sections.flat_map(|r| {
            let relocations = r.relocations().filter(|r| relative.contains(&r.kind));
            relocations.map(|relocation| {
                let at = Location {
                    section: r.target.id,
                    offset: relocation.offset,
                };
                (at, (relocation.symbol, relocation.addend))
            })
        });
        Self(entries.collect())
    }

    /// Returns the symbol to which the distance at `at` leads.
    pub(super) fn symbol(&self, at: Location) -> Option<SymbolId> {
        self.0.get(&at).map(|&(symbol, _)| symbol)
    }

    /// Returns the place to which the distance at `at` leads.
    pub(super) fn target<'d, R: ReadRef<'d>>(
        &self,
        elf: &ElfFile<'d, R>,
        at: Location,
    ) -> Option<Location> {
        let &(symbol, addend) = self.0.get(&at)?;
        let symbol = elf.get_symbol(symbol)?;
        Some(Location {
            section: symbol.section()?,
            offset: symbol.value.wrapping_add_signed(addend),
        })
    }
}

/// Returns the section that `module_finalize()` finds: the last section of that name, whatever its flags.
pub(super) fn table<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>, name: &[u8]) -> Option<Section<'d>> {
    let null = elf.get_section(SectionId(0));
    let sections = null.into_iter().chain(elf.sections());
    sections.filter(|s| s.name == name).last()
}

/// Returns the places of the distances of a section.
pub(super) fn entries(section: &Section<'_>) -> impl Iterator<Item = Location> {
    let id = section.id;
    // The kernel reads an incomplete distance at the end of the section as a whole one.
    (0..section.size.div_ceil(ENTRY)).map(move |i| Location {
        section: id,
        offset: i * ENTRY,
    })
}
