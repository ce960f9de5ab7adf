// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Files of debug packages: the loaded file's section headers and symbols, without its contents.
//!
//! `eu-strip -f` and `objcopy --only-keep-debug` turn every section that is loaded into `SHT_NOBITS`,
//! eu-strip relocation sections as well. A table in such a section is not empty, but elsewhere.

use super::file::ElfFile;
use super::section::{Section, SectionId};
use crate::error::{Error, Result};
use object::elf;
use object::read::ReadRef;

/// Sections of a module that are never without contents, besides code.
const NEVER_EMPTY: [&[u8]; 2] = [b".modinfo", b".gnu.linkonce.this_module"];

impl<'d, R: ReadRef<'d>> ElfFile<'d, R> {
    /// Returns whether the contents of this file are in another one.
    #[must_use]
    pub fn is_debug_only(&self) -> bool {
        let has_contents = |s: &Section<'_>| s.is_code() || NEVER_EMPTY.contains(&s.name);
        self.sections()
            .any(|s| s.is_nobits() && s.size > 0 && has_contents(&s))
    }

    /// The section headers as the loaded file has them, the null one included.
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

    /// Refuses a file of a debug package that has a symbol table in name only.
    ///
    /// # Errors
    ///
    /// The symbol table stayed in the file that was stripped. eu-strip leaves it there if no debug
    /// information refers to it.
    pub fn expect_symtab_contents(&self) -> Result<()> {
        let symtab = self.section_by_name(b".symtab");
        if symtab.is_some_and(|s| s.is_nobits()) {
            let what =
                "expected a symbol table, found one without contents: this is a file of a debug \
                        package (give the file that is installed, or built)";
            return Err(Error::unsupported(self.origin(), what));
        }
        Ok(())
    }

    /// Refuses a file whose contents are needed and are in another one.
    ///
    /// # Errors
    ///
    /// It is a file of a debug package.
    pub fn expect_contents(&self) -> Result<()> {
        if self.is_debug_only() {
            let what =
                "expected a file with its contents, found one with debug information only (give \
                        the file that is installed, or built)";
            return Err(Error::unsupported(self.origin(), what));
        }
        Ok(())
    }
}
