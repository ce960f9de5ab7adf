// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Reads an object file of x86-64, cuts it into pieces, and gives these their entries of tables.

use super::file::Code;
use super::tables::Layouts;
use crate::elf::{ElfFile, Section, SectionId};
use crate::error::{Error, Result};
use crate::livepatch::rela::Relocation;
use crate::livepatch::rela_sections;
use object::elf;
use object::read::ReadRef;
use std::collections::{BTreeMap, BTreeSet, HashMap};

impl<'d> Code<'d> {
    /// Reads an object file.
    ///
    /// # Errors
    ///
    /// The file is malformed, or not for x86-64.
    pub fn read(origin: String, data: &'d [u8], layouts: &Layouts) -> Result<Self> {
        let elf = ElfFile::parse(origin, data)?;
        if elf.machine() != elf::EM_X86_64 {
            return Err(Error::unsupported(
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
            places_of_entries: BTreeMap::new(),
        };
        code.cut()?;
        code.find_chunks();
        code.find_entries(layouts);
        Ok(code)
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
