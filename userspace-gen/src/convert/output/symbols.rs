// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The symbols of a converted file, and their new numbers.

use super::rewrite::Rewriter;
use crate::elf::{Place, SymbolId, SHN_LIVEPATCH};
use crate::error::Result;
use crate::livepatch::KLP_SYMPOS;
use crate::printable::shown;
use object::elf;
use object::write::elf::Sym;
use std::borrow::Cow;
use std::collections::HashMap;

impl Rewriter<'_, '_> {
    pub(super) fn number_symbols(&mut self) {
        let mut next = 0;
        for id in 0..self.elf.symbol_count() {
            let section = self.elf.get_symbol(SymbolId(id)).and_then(|s| s.section());
            let gone = section.is_some_and(|section| self.dropped.contains(&section));
            self.symbol_numbers.push((!gone).then_some(next));
            if !gone {
                next += 1;
                self.locals += u32::from(id < self.symtab.info as usize);
            }
        }
    }

    pub(super) fn symbol_number(&self, id: SymbolId) -> Result<u32> {
        let number = self.symbol_numbers.get(id.0).copied().flatten();
        // Only the section symbol of a dropped section is in that section, and nothing refers to it.
        number.ok_or_else(|| {
            self.elf.malformed(format_args!(
                "expected references to symbols below {} in sections that stay, found one \
                 to symbol {}",
                self.symbol_numbers.len(),
                id.0
            ))
        })
    }

    pub(super) fn write_symbols(&mut self) -> Result<()> {
        let endian = self.elf.endian();
        let mut table = Vec::new();
        let mut names = HashMap::new();
        for reference in &self.plan.references {
            let name = reference.livepatch_name().unwrap_or_default();
            let offset = self.append_name(self.strtab, &name)?;
            names.insert(reference.symbol, offset);
        }
        for (id, raw) in self.elf.raw_symbols().iter().enumerate() {
            let Ok(_) = self.symbol_number(SymbolId(id)) else {
                continue;
            };
            let mut symbol = Sym::from_raw(endian, raw, None);
            let defined = self.elf.symbol(SymbolId(id))?;
            if let Place::Section(section) = defined.place {
                let number = self.linked_section(section.0, || {
                    format!("symbol {id} ({})", shown(defined.name))
                })?;
                symbol.section = Some(number);
            }
            if let Some(&name) = names.get(&SymbolId(id)) {
                symbol.st_name = name;
                symbol.st_shndx = elf::SymbolSection(SHN_LIVEPATCH);
                symbol.st_info = elf::SymbolInfo::new(elf::STB_GLOBAL, raw.st_type());
            }
            self.encoder.symbol(&mut table, &symbol);
        }
        let refers = self.elf.symbols().any(|s| s.name == KLP_SYMPOS);
        if self.plan.needs_klp_sympos && !refers {
            let symbol = Sym {
                section: None,
                st_name: self.append_name(self.strtab, KLP_SYMPOS)?,
                st_info: elf::SymbolInfo::new(elf::STB_GLOBAL, elf::STT_NOTYPE),
                st_other: elf::SymbolOther(0),
                st_shndx: elf::SHN_UNDEF,
                st_value: 0,
                st_size: 0,
            };
            self.encoder.symbol(&mut table, &symbol);
        }
        self.data.insert(self.symtab.id, Cow::Owned(table));
        Ok(())
    }
}
