// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The sections of a module that the loader copies into the module's memory: `rewrite_section_headers()` and
//! `layout_and_allocate()` in kernel/module/main.c, `layout_symtab()` in kernel/module/kallsyms.c.

use super::Modinfo;
use crate::elf::{ElfFile, Section, SectionId};
use crate::release::{Release, KNOWN};
use object::read::ReadRef;

/// The sections of a module that the loader handles in a special way.
///
/// `SHF_ALLOC` alone does not tell which sections are in the module's memory: the loader removes the flag from some
/// sections, and sets it for others.
#[derive(Clone, Copy, Debug)]
pub struct Loaded {
    release: &'static Release,
    /// `.modinfo`, which the loader only reads.
    modinfo: Option<SectionId>,
    /// The versions of symbols, which the loader only reads.
    versions: [Option<SectionId>; VERSIONS],
    /// `.data..percpu`, which gets an allocation of its own.
    per_cpu: Option<SectionId>,
    /// The symbols and their names, which the loader copies whatever their flags are.
    tables: [Option<SectionId>; 2],
}

/// The largest number of sections with versions in a release.
const VERSIONS: usize = {
    let (mut most, mut at) = (0, 0);
    while at < KNOWN.len() {
        if KNOWN[at].versions.len() > most {
            most = KNOWN[at].versions.len();
        }
        at += 1;
    }
    most
};

/// `SHF_RO_AFTER_INIT`, which the loader sets for some sections by name.
const SHF_RO_AFTER_INIT: u64 = 0x0020_0000;

impl Loaded {
    /// Finds these sections in a module, for a kernel of `release`.
    #[must_use]
    pub fn new<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>, release: &'static Release) -> Self {
        let find_sec = |name| elf.alloc_section_by_name(name).map(|s| s.id);
        let symtab = elf.symtab_section();
        let strings = symtab.and_then(|id| elf.get_section(id)).map(|s| s.link);
        let mut versions = [None; VERSIONS];
        for (section, name) in versions.iter_mut().zip(release.versions) {
            *section = find_sec(name);
        }
        Self {
            release,
            modinfo: elf.section_by_name(Modinfo::SECTION).map(|s| s.id),
            versions,
            per_cpu: find_sec(b".data..percpu"),
            tables: [symtab, strings.map(|link| SectionId(link as usize))],
        }
    }

    /// Returns true if a section is part of the module's memory, where relocations change it.
    #[must_use]
    pub fn has_memory(&self, section: &Section<'_>) -> bool {
        let id = Some(section.id);
        self.is_table(section)
            || section.is_alloc() && !self.is_only_read(section) && self.per_cpu != id
    }

    /// Returns true if the loader reads a section with `SHF_ALLOC`, and does not keep it.
    fn is_only_read(&self, section: &Section<'_>) -> bool {
        let id = Some(section.id);
        self.modinfo == id || self.versions.contains(&id)
    }

    /// Returns true if the loader applies the relocations of a section: `apply_relocations()`.
    #[must_use]
    pub fn is_relocated(&self, section: &Section<'_>) -> bool {
        self.has_memory(section) || self.release.relocates_per_cpu && self.is_per_cpu(section)
    }

    /// Returns true if a section holds the symbols or their names.
    #[must_use]
    pub fn is_table(&self, section: &Section<'_>) -> bool {
        self.tables.contains(&Some(section.id))
    }

    /// Returns true if a writable section becomes read-only when the module has initialized.
    #[must_use]
    pub fn is_ro_after_init(&self, section: &Section<'_>) -> bool {
        let by_name = self.release.ro_after_init.contains(&section.name);
        by_name || section.flags.0 & SHF_RO_AFTER_INIT != 0
    }

    /// Returns true if a section holds the per-cpu variables.
    #[must_use]
    pub fn is_per_cpu(&self, section: &Section<'_>) -> bool {
        self.per_cpu == Some(section.id)
    }

    /// Returns the section of the per-cpu variables.
    #[must_use]
    pub fn per_cpu(&self) -> Option<SectionId> {
        self.per_cpu
    }
}
