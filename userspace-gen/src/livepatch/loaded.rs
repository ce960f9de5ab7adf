// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The sections of a module that the loader copies into the module's memory: `rewrite_section_headers()` and
//! `layout_and_allocate()` in kernel/module/main.c, `layout_symtab()` in kernel/module/kallsyms.c.

use super::Modinfo;
use crate::elf::{ElfFile, Section, SectionId};
use object::read::ReadRef;

/// The sections of a module that the loader handles in a special way.
///
/// `SHF_ALLOC` alone does not tell which sections are in the module's memory: the loader removes the flag from some
/// sections, and sets it for others.
#[derive(Clone, Copy, Debug)]
pub struct Loaded {
    /// `.modinfo` and `__versions`, which the loader only reads.
    read: [Option<SectionId>; 2],
    /// `.data..percpu`, which gets an allocation of its own.
    per_cpu: Option<SectionId>,
    /// The symbols and their names, which the loader copies whatever their flags are.
    tables: [Option<SectionId>; 2],
    /// The sections that are writable only until the module has initialized.
    ro_after_init: [Option<SectionId>; 2],
}

/// `SHF_RO_AFTER_INIT`, which the loader sets for some sections by name.
const SHF_RO_AFTER_INIT: u64 = 0x0020_0000;

impl Loaded {
    /// Finds these sections in a module.
    #[must_use]
    pub fn new<'d, R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Self {
        // find_sec() only sees sections with SHF_ALLOC.
        let find_sec = |name: &[u8]| {
            let mut found = elf.sections().filter(|s| s.is_alloc() && s.name == name);
            found.next().map(|s| s.id)
        };
        let symtab = elf.symtab_section();
        let strings = symtab.and_then(|id| elf.get_section(id)).map(|s| s.link);
        Self {
            read: [
                elf.section_by_name(Modinfo::SECTION).map(|s| s.id),
                find_sec(b"__versions"),
            ],
            per_cpu: find_sec(b".data..percpu"),
            tables: [symtab, strings.map(|link| SectionId(link as usize))],
            ro_after_init: [find_sec(b".data..ro_after_init"), find_sec(b"__jump_table")],
        }
    }

    /// Returns true if a section is part of the module's memory, where relocations change it.
    #[must_use]
    pub fn has_memory(&self, section: &Section<'_>) -> bool {
        let id = Some(section.id);
        self.is_table(section)
            || section.is_alloc() && !self.read.contains(&id) && self.per_cpu != id
    }

    /// Returns true if a section holds the symbols or their names.
    #[must_use]
    pub fn is_table(&self, section: &Section<'_>) -> bool {
        self.tables.contains(&Some(section.id))
    }

    /// Returns true if a writable section becomes read-only when the module has initialized.
    #[must_use]
    pub fn is_ro_after_init(&self, section: &Section<'_>) -> bool {
        self.ro_after_init.contains(&Some(section.id)) || section.flags.0 & SHF_RO_AFTER_INIT != 0
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
