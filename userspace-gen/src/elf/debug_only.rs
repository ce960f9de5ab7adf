// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Files of debug packages: the loaded file's section headers and symbols, without its contents.
//!
//! `eu-strip -f` and `objcopy --only-keep-debug` change every loaded section to `SHT_NOBITS`. eu-strip changes relocation
//! sections as well. A table in such a section is not empty: its contents are in the installed file.

use super::file::ElfFile;
use super::section::{Section, SectionId};
use crate::error::{Error, Result};
use object::elf;
use object::read::ReadRef;

/// Sections of a module that always have contents, besides code.
const NEVER_EMPTY: [&[u8]; 2] = [b".modinfo", b".gnu.linkonce.this_module"];

impl<'d, R: ReadRef<'d>> ElfFile<'d, R> {
    /// Returns true if the contents of this file are in another file.
    #[must_use]
    pub fn is_debug_only(&self) -> bool {
        let has_contents = |s: &Section<'_>| s.is_code() || NEVER_EMPTY.contains(&s.name);
        self.sections()
            .any(|s| s.is_nobits() && s.size > 0 && has_contents(&s))
    }

    /// Returns the section headers as the loaded file has them, including the null one.
    #[must_use]
    pub fn loaded_sections(&self) -> Vec<Option<Section<'d>>> {
        let ids = (0..self.section_count()).map(SectionId);
        let mut sections: Vec<_> = ids.map(|id| self.get_section(id)).collect();
        if self.is_debug_only() {
            for section in sections.iter_mut().flatten() {
                let is_bss = section.name.starts_with(b".bss") || section.name == b".brk";
                if section.is_nobits() && !is_bss {
                    section.kind = elf::SHT_PROGBITS;
                }
            }
        }
        sections
    }

    /// Refuses a file of a debug package with a symbol table that has no contents.
    ///
    /// # Errors
    ///
    /// The contents of the symbol table are in the stripped file. eu-strip leaves them there if no debug
    /// information refers to the symbol table.
    pub fn expect_symtab_contents(&self) -> Result<()> {
        let symtab = self.section_by_name(b".symtab");
        if symtab.is_some_and(|s| s.is_nobits()) {
            let what =
                "expected a symbol table, found one without contents: this is a file of a debug \
                package (give the installed file, or the file of the build)";
            return Err(Error::unsupported(self.origin(), what));
        }
        Ok(())
    }

    /// Refuses a file without contents, which are in another file.
    ///
    /// # Errors
    ///
    /// The file is from a debug package.
    pub fn expect_contents(&self) -> Result<()> {
        if self.is_debug_only() {
            let what =
                "expected a file with its contents, found one with debug information only (give \
                the installed file, or the file of the build)";
            return Err(Error::unsupported(self.origin(), what));
        }
        Ok(())
    }
}
