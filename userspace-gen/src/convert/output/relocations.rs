// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The relocations of a converted file: those of the module loader, those of the livepatch core, and their
//! new numbers.

use super::rewrite::Rewriter;
use crate::elf::number::{read_u32, u32_bytes, u64_bytes};
use crate::elf::{Place, Section, SymbolId};
use crate::error::Result;
use crate::livepatch::rela::Relocation;
use object::elf;
use object::write::elf::Rel;
use std::collections::{BTreeMap, HashMap};

/// `SHT_LLVM_ADDRSIG`: a section of symbol indexes, which only linkers read.
const SHT_LLVM_ADDRSIG: elf::SectionType = elf::SectionType(0x6fff_4c03);

impl Rewriter<'_, '_> {
    /// Points each `klp_func` whose name changes to another string.
    pub(super) fn change_old_names(&mut self) -> Result<()> {
        for name in self.plan.old_names.iter().filter(|name| name.changes) {
            let pointer = self.rela.iter().find_map(|rela| {
                let at = |r: &Relocation| r.offset == name.at.offset;
                let here = rela.target.id == name.at.section;
                let relocation = here.then(|| rela.relocations().find(at))??;
                Some((rela.section.id, relocation))
            });
            let Some((rela, relocation)) = pointer else {
                return Err(self.elf.malformed(
                    "expected a relocation for the old_name of each klp_func, found none",
                ));
            };
            let symbol = self.elf.symbol(relocation.symbol)?;
            let Place::Section(section) = symbol.place else {
                return Err(self
                    .elf
                    .malformed("expected an old_name within the module, found one outside of it"));
            };
            let offset = self.append_string(section, &name.kernel_name.name)?;
            let addend = 0_i64.wrapping_add_unsigned(offset.wrapping_sub(symbol.value));
            self.addends.insert((rela, relocation.index), addend);

            let sympos = u64_bytes(self.elf.endian(), name.kernel_name.sympos.0);
            let start = usize::try_from(name.sympos_at.offset).ok();
            let place = self.bytes(name.sympos_at.section)?;
            if let Some(place) = start.and_then(|s| place.get_mut(s..)?.get_mut(..8)) {
                place.copy_from_slice(&sympos);
            }
        }
        Ok(())
    }

    /// Separates the relocations that the module loader applies from those that the livepatch core applies.
    pub(super) fn split_relocations(&mut self) {
        let objects: HashMap<SymbolId, &[u8]> = self
            .plan
            .references
            .iter()
            .map(|r| (r.symbol, r.object.as_slice()))
            .collect();
        for rela in &self.rela {
            let applied = rela.target.is_alloc() && !rela.section.is_livepatch_rela();
            let mut kept = Vec::new();
            let mut moved = BTreeMap::<&[u8], Vec<_>>::new();
            for mut relocation in rela.relocations() {
                let place = (rela.section.id, relocation.index);
                relocation.addend = *self.addends.get(&place).unwrap_or(&relocation.addend);
                match objects.get(&relocation.symbol) {
                    Some(object) if applied => moved.entry(object).or_default().push(relocation),
                    _ => kept.push(relocation),
                }
            }
            if kept.is_empty() && !moved.is_empty() {
                self.dropped.insert(rela.section.id);
            } else {
                self.kept.insert(rela.section.id, kept);
            }
            for (object, relocations) in moved {
                self.moved.push((object.to_vec(), *rela, relocations));
            }
        }
        let addrsig = |s: &Section<'_>| s.kind == SHT_LLVM_ADDRSIG;
        self.dropped
            .extend(self.elf.sections().filter(addrsig).map(|s| s.id));
    }

    /// Returns the bytes of relocations, with the new numbers of their symbols.
    pub(super) fn relocations(&self, relocations: &[Relocation]) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for relocation in relocations {
            let rel = Rel {
                r_offset: relocation.offset,
                r_sym: self.symbol_number(relocation.symbol)?,
                r_type: elf::RelocationType(relocation.kind),
                r_addend: relocation.addend,
            };
            self.encoder.relocation(&mut bytes, true, &rel);
        }
        Ok(bytes)
    }

    /// Returns the bytes of a section group, with the new numbers of its members.
    pub(super) fn group(&self, section: &Section<'_>) -> Result<Vec<u8>> {
        let endian = self.elf.endian();
        let mut bytes = Vec::new();
        for (at, word) in self.elf.section_data(section)?.chunks_exact(4).enumerate() {
            let word = read_u32(endian, word).unwrap_or(0);
            let word = match at {
                // The first word has the flags.
                0 => word,
                _ => match self.section_number(word as usize) {
                    0 => continue,
                    number => number,
                },
            };
            bytes.extend(u32_bytes(endian, word));
        }
        Ok(bytes)
    }
}
