// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The converted file. What the plan does not name is copied.

use super::modinfo;
use super::plan::Plan;
use crate::check::KLP_SYMPOS;
use crate::elf::number::{read_u32, u32_bytes, u64_bytes};
use crate::elf::write::{relocatable, NewSection};
use crate::elf::{ElfFile, Place, Section, SectionId, SymbolId, SHF_RELA_LIVEPATCH, SHN_LIVEPATCH};
use crate::error::{Error, Result};
use crate::livepatch::rela::Relocation;
use crate::livepatch::{rela_sections, Modinfo, RelaSection};
use klp_policy::{LivepatchSection, ObjName};
use object::elf;
use object::write::elf::{Encoder, Rel, SectionHeader, Sym};
use object::Endianness;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Symbol indexes that only a linker reads, and this changes.
const SHT_LLVM_ADDRSIG: elf::SectionType = elf::SectionType(0x6fff_4c03);

/// What `depends=` has to name for `klp_sympos` to be loaded first.
const KLP_SYMPOS_MODULE: &[u8] = b"klp_sympos";

/// `sizeof(Elf64_Rela)`
const RELA_SIZE: u64 = 24;

/// Makes the converted file.
///
/// # Errors
///
/// The file is malformed, or has what no kernel module has.
pub fn rewrite(elf: &ElfFile<'_>, plan: &Plan) -> Result<Vec<u8>> {
    let mut rewriter = Rewriter::new(elf, plan)?;
    rewriter.change_old_names()?;
    rewriter.change_modinfo()?;
    rewriter.split_relocations();
    rewriter.number_sections();
    rewriter.number_symbols();
    rewriter.write_symbols()?;
    rewriter.write()
}

struct Rewriter<'r, 'd> {
    elf: &'r ElfFile<'d>,
    plan: &'r Plan,
    encoder: Encoder<Endianness>,
    symtab: Section<'d>,
    /// The names of symbols, and those of sections; one table may serve both.
    strtab: SectionId,
    shstrtab: SectionId,
    rela: Vec<RelaSection<'d>>,
    /// What is written instead of a section's bytes.
    data: BTreeMap<SectionId, Cow<'d, [u8]>>,
    /// Relocations with another addend, by section and index.
    addends: HashMap<(SectionId, usize), i64>,
    dropped: BTreeSet<SectionId>,
    /// The relocations that stay in their section.
    kept: BTreeMap<SectionId, Vec<Relocation>>,
    /// The relocations that get a section of their own: for which object, from which section.
    moved: Vec<(Vec<u8>, RelaSection<'d>, Vec<Relocation>)>,
    section_numbers: Vec<u32>,
    symbol_numbers: Vec<Option<u32>>,
    locals: u32,
}

impl<'r, 'd> Rewriter<'r, 'd> {
    fn new(elf: &'r ElfFile<'d>, plan: &'r Plan) -> Result<Self> {
        let Some(symtab) = elf.symtab_section() else {
            return Err(elf.malformed("expected a symbol table, found none"));
        };
        let symtab = elf.section(symtab)?;
        for section in elf.sections() {
            let what = match section.kind {
                elf::SHT_REL => "relocations without addends",
                elf::SHT_SYMTAB_SHNDX => "more sections than a kernel module can have",
                _ => continue,
            };
            let name = String::from_utf8_lossy(section.name);
            return Err(Error::unsupported(
                elf.origin(),
                format_args!("section {name}: expected none of its type, found {what}"),
            ));
        }
        Ok(Self {
            elf,
            plan,
            encoder: Encoder::new(elf.endian(), true, elf.machine()),
            strtab: SectionId(symtab.link as usize),
            shstrtab: elf.section_names_id()?,
            symtab,
            rela: rela_sections(elf)?,
            data: BTreeMap::new(),
            addends: HashMap::new(),
            dropped: BTreeSet::new(),
            kept: BTreeMap::new(),
            moved: Vec::new(),
            section_numbers: Vec::new(),
            symbol_numbers: Vec::new(),
            locals: 0,
        })
    }

    /// The bytes of a section, to be changed.
    fn bytes(&mut self, id: SectionId) -> Result<&mut Vec<u8>> {
        let section = self.elf.section(id)?;
        let old = self.elf.section_data(&section)?;
        Ok(self.data.entry(id).or_insert(Cow::Borrowed(old)).to_mut())
    }

    /// Appends a string to a section and returns its offset there.
    fn append_string(&mut self, id: SectionId, string: &[u8]) -> Result<u64> {
        let bytes = self.bytes(id)?;
        let offset = bytes.len() as u64;
        bytes.extend_from_slice(string);
        bytes.push(0);
        Ok(offset)
    }

    fn append_name(&mut self, id: SectionId, name: &[u8]) -> Result<u32> {
        let offset = self.append_string(id, name)?;
        u32::try_from(offset).map_err(|_| self.elf.malformed("string table: too long"))
    }

    /// Points each `klp_func` that the plan names to another string.
    fn change_old_names(&mut self) -> Result<()> {
        for name in &self.plan.old_names {
            let pointer = self.rela.iter().find_map(|rela| {
                let at = |r: &Relocation| r.offset == name.at.offset;
                let here = rela.target.id == name.at.section;
                let relocation = here.then(|| rela.relocations().find(at))??;
                Some((rela.section.id, relocation))
            });
            let Some((rela, relocation)) = pointer else {
                return Err(self.elf.malformed("a klp_func without a relocation"));
            };
            let symbol = self.elf.symbol(relocation.symbol)?;
            let Place::Section(section) = symbol.place else {
                return Err(self.elf.malformed("an old_name outside of the module"));
            };
            let offset = self.append_string(section, &name.spelling.name)?;
            let addend = offset.wrapping_sub(symbol.value).cast_signed();
            self.addends.insert((rela, relocation.index), addend);

            let sympos = u64_bytes(self.elf.endian(), name.spelling.sympos.0);
            let start = usize::try_from(name.at.offset).ok();
            let start = start.and_then(|start| start.checked_add(16));
            let place = self.bytes(name.at.section)?;
            if let Some(place) = start.and_then(|s| place.get_mut(s..)?.get_mut(..8)) {
                place.copy_from_slice(&sympos);
            }
        }
        Ok(())
    }

    fn change_modinfo(&mut self) -> Result<()> {
        let Some(section) = self.elf.section_by_name(Modinfo::SECTION) else {
            return Ok(());
        };
        let needed = self.plan.needs_klp_sympos.then_some(KLP_SYMPOS_MODULE);
        let data = modinfo::complete(self.elf.section_data(&section)?, needed);
        self.data.insert(section.id, data);
        Ok(())
    }

    /// Parts the relocations that the module loader applies from those of the livepatch core.
    fn split_relocations(&mut self) {
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

    fn number_sections(&mut self) {
        let mut next = 0;
        self.section_numbers = (0..self.elf.section_count())
            .map(|id| {
                if self.dropped.contains(&SectionId(id)) {
                    return 0;
                }
                let number = next;
                next += 1;
                number
            })
            .collect();
    }

    /// The new index of a section; 0 if it is gone.
    fn section_number(&self, id: usize) -> u32 {
        self.section_numbers.get(id).copied().unwrap_or(0)
    }

    fn number_symbols(&mut self) {
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

    fn symbol_number(&self, id: SymbolId) -> Result<u32> {
        let number = self.symbol_numbers.get(id.0).copied().flatten();
        number.ok_or_else(|| {
            let what = "expected no reference to it, found one to symbol";
            self.elf
                .malformed(format_args!(".llvm_addrsig: {what} {}", id.0))
        })
    }

    fn write_symbols(&mut self) -> Result<()> {
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
            let place = self.elf.get_symbol(SymbolId(id)).map(|s| s.place);
            if let Some(Place::Section(section)) = place {
                symbol.section = Some(self.section_number(section.0));
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

    /// The bytes of relocations, with the new numbers of their symbols.
    fn relocations(&self, relocations: &[Relocation]) -> Result<Vec<u8>> {
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

    /// The members of a section group, with their new numbers.
    fn group(&self, section: &Section<'_>) -> Result<Vec<u8>> {
        let endian = self.elf.endian();
        let mut bytes = Vec::new();
        for (at, word) in self.elf.section_data(section)?.chunks_exact(4).enumerate() {
            let word = read_u32(endian, word).unwrap_or(0);
            let word = match at {
                // Its flags.
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

    fn write(mut self) -> Result<Vec<u8>> {
        let mut added = Vec::new();
        if self.elf.section_by_name(Modinfo::SECTION).is_none() {
            let needed = self.plan.needs_klp_sympos.then_some(KLP_SYMPOS_MODULE);
            added.push(NewSection {
                header: SectionHeader {
                    sh_name: self.append_name(self.shstrtab, Modinfo::SECTION)?,
                    sh_type: elf::SHT_PROGBITS,
                    sh_flags: elf::SHF_ALLOC,
                    sh_addralign: 1,
                    ..NO_HEADER
                },
                data: Cow::Owned(modinfo::complete(&[], needed).into_owned()),
            });
        }
        for (object, rela, relocations) in std::mem::take(&mut self.moved) {
            let section = rela.target.name;
            let section = section.strip_prefix(b".").unwrap_or(section);
            let mut name = Vec::new();
            let objname = ObjName::new(&object).unwrap_or(ObjName::VMLINUX);
            LivepatchSection::new(objname, section).write_to(|part| name.extend_from_slice(part));
            let flags = SHF_RELA_LIVEPATCH | elf::SHF_ALLOC.0 | elf::SHF_INFO_LINK.0;
            added.push(NewSection {
                header: SectionHeader {
                    sh_name: self.append_name(self.shstrtab, &name)?,
                    sh_type: elf::SHT_RELA,
                    sh_flags: elf::SectionFlags(flags),
                    sh_link: self.section_number(self.symtab.id.0),
                    sh_info: self.section_number(rela.target.id.0),
                    sh_addralign: 8,
                    sh_entsize: RELA_SIZE,
                    ..NO_HEADER
                },
                data: Cow::Owned(self.relocations(&relocations)?),
            });
        }
        let mut sections = Vec::new();
        for section in self.elf.sections() {
            if !self.dropped.contains(&section.id) {
                sections.push(self.section(&section)?);
            }
        }
        sections.append(&mut added);
        let names = self.section_number(self.shstrtab.0);
        relocatable(self.elf, &sections, names as usize)
    }

    /// A section of the old file with its new links.
    fn section(&self, section: &Section<'d>) -> Result<NewSection<'d>> {
        let old = self.elf.section_data(section)?;
        let mut header = self.elf.raw_section_header(section.id)?;
        header.sh_link = self.section_number(section.link as usize);
        let data = match (section.kind, self.kept.get(&section.id)) {
            (elf::SHT_RELA, Some(kept)) => Cow::Owned(self.relocations(kept)?),
            (elf::SHT_GROUP, _) => Cow::Owned(self.group(section)?),
            _ => match self.data.get(&section.id) {
                Some(changed) => changed.clone(),
                None => Cow::Borrowed(old),
            },
        };
        if section.id == self.symtab.id {
            header.sh_info = self.locals;
        } else if section.kind == elf::SHT_GROUP {
            header.sh_info = self.symbol_number(SymbolId(section.info as usize))?;
        } else if section.kind == elf::SHT_RELA || section.flags.contains(elf::SHF_INFO_LINK) {
            header.sh_info = self.section_number(section.info as usize);
        }
        Ok(NewSection { header, data })
    }
}

const NO_HEADER: SectionHeader = SectionHeader {
    sh_name: 0,
    sh_type: elf::SHT_NULL,
    sh_flags: elf::SectionFlags(0),
    sh_addr: 0,
    sh_offset: 0,
    sh_size: 0,
    sh_link: 0,
    sh_info: 0,
    sh_addralign: 0,
    sh_entsize: 0,
};
