// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Relocations with addends, decoded.

use crate::elf::{ElfFile, Section, SectionId, SymbolId};
use crate::error::Result;
use object::elf;
use object::read::ReadRef;
use object::Endianness;

/// A section of relocations, and the section that they change.
#[derive(Clone, Copy, Debug)]
pub struct RelaSection<'d> {
    /// The section with the relocations.
    pub section: Section<'d>,
    /// The section that they change.
    pub target: Section<'d>,
    relocations: &'d [elf::Rela64<Endianness>],
    endian: Endianness,
}

/// A relocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Its index in its section.
    pub index: usize,
    /// The offset in the target section.
    pub offset: u64,
    /// The symbol whose value is used.
    pub symbol: SymbolId,
    /// The type: how the value is used.
    pub kind: u32,
    /// The addend.
    pub addend: i64,
}

impl Relocation {
    /// Returns true if the loader skips relocations of this type: `apply_relocate_add()`.
    #[must_use]
    pub fn is_skipped(&self, machine: elf::Machine) -> bool {
        match machine {
            // R_ARM_NONE and R_AARCH64_NONE, as the kernel calls them.
            elf::EM_AARCH64 => [0, 256].contains(&self.kind),
            // The loader of powerpc knows no such type.
            elf::EM_PPC64 => false,
            _ => self.kind == elf::R_X86_64_NONE.0,
        }
    }
}

impl RelaSection<'_> {
    /// Returns the relocation that stands for all those of a section that are not in the file (`SHT_NOBITS`): in memory
    /// they are zeros.
    #[must_use]
    pub fn zeros(&self) -> Option<Relocation> {
        let zeros = Relocation {
            index: 0,
            offset: 0,
            symbol: SymbolId(0),
            kind: 0,
            addend: 0,
        };
        let has_any = self.section.size >= size_of::<elf::Rela64<Endianness>>() as u64;
        (self.section.is_nobits() && has_any).then_some(zeros)
    }

    /// Returns the relocations, in their order.
    pub fn relocations(&self) -> impl Iterator<Item = Relocation> + '_ {
        let endian = self.endian;
        self.relocations
            .iter()
            .enumerate()
            .map(move |(index, rela)| Relocation {
                index,
                offset: rela.r_offset.get(endian),
                symbol: SymbolId(rela.r_sym(endian, false) as usize),
                kind: rela.r_type(endian, false).0,
                addend: rela.r_addend.get(endian),
            })
    }
}

/// Returns the relocation sections of a file that change another section. `apply_relocations()` skips all
/// others.
///
/// # Errors
///
/// A section ends behind the end of the file, or sections overlap.
pub fn rela_sections<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Result<Vec<RelaSection<'d>>> {
    let mut found = Vec::new();
    let mut total = 0_u64;
    // SHF_RELA_LIVEPATCH makes a section one of livepatch relocations, whatever its type is.
    let has_any = |s: &Section<'_>| s.kind == elf::SHT_RELA || s.is_livepatch_rela();
    for section in elf.sections().filter(has_any) {
        let Some(target) = elf.get_section(SectionId(section.info as usize)) else {
            continue;
        };
        // The type does not count here: a section without memory is read from the file.
        let read = if section.is_nobits() && !section.is_alloc() {
            Section {
                kind: elf::SHT_RELA,
                ..section
            }
        } else {
            section
        };
        let relocations = elf.relocations(&read)?;
        found.push(RelaSection {
            section,
            target,
            relocations,
            endian: elf.endian(),
        });
        // Each section is within the file, so that the sum of these sizes limits the memory for all
        // relocations.
        total = total.saturating_add(size_of_val(relocations) as u64);
    }
    if total > elf.len() {
        return Err(elf.malformed(format_args!(
            "expected relocations of {} bytes at most, found {total}: sections overlap",
            elf.len()
        )));
    }
    Ok(found)
}
