// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The converted file. All parts that the plan does not change are copied.

use super::modinfo;
use crate::convert::meaning::plan::Plan;
use crate::elf::write::{relocatable, NewSection};
use crate::elf::{ElfFile, Section, SectionId, SymbolId, SHF_RELA_LIVEPATCH};
use crate::error::{Error, Result};
use crate::livepatch::rela::Relocation;
use crate::livepatch::{rela_sections, Modinfo, RelaSection};
use crate::printable::shown;
use klp_policy::{LivepatchSection, ObjName};
use object::elf;
use object::write::elf::{Encoder, SectionHeader};
use object::Endianness;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The name of `klp_sympos` in `depends=`: modprobe loads the modules in this list first.
const KLP_SYMPOS_MODULE: &[u8] = b"klp_sympos";

/// `sizeof(Elf64_Rela)`
const RELA_SIZE: u64 = 24;

/// Makes the converted file.
///
/// # Errors
///
/// The file is malformed, or has sections of a type that no kernel module has.
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

/// A conversion that is under way.
pub(super) struct Rewriter<'r, 'd> {
    pub(super) elf: &'r ElfFile<'d>,
    pub(super) plan: &'r Plan,
    pub(super) encoder: Encoder<Endianness>,
    pub(super) symtab: Section<'d>,
    /// The names of symbols, and those of sections; one table may serve both.
    pub(super) strtab: SectionId,
    pub(super) shstrtab: SectionId,
    pub(super) rela: Vec<RelaSection<'d>>,
    /// The bytes to be written instead of a section's own.
    pub(super) data: BTreeMap<SectionId, Cow<'d, [u8]>>,
    /// Relocations with another addend, by section and index.
    pub(super) addends: HashMap<(SectionId, usize), i64>,
    pub(super) dropped: BTreeSet<SectionId>,
    /// The relocations that stay in their section.
    pub(super) kept: BTreeMap<SectionId, Vec<Relocation>>,
    /// The relocations that get a section of their own: the object, the old section, and the relocations.
    pub(super) moved: Vec<(Vec<u8>, RelaSection<'d>, Vec<Relocation>)>,
    pub(super) section_numbers: Vec<u32>,
    pub(super) symbol_numbers: Vec<Option<u32>>,
    pub(super) locals: u32,
}

impl<'r, 'd> Rewriter<'r, 'd> {
    pub(super) fn new(elf: &'r ElfFile<'d>, plan: &'r Plan) -> Result<Self> {
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
            let name = shown(section.name);
            return Err(Error::unsupported(
                elf.origin(),
                format_args!(
                    "section {name}: expected a type that kernel modules have, found {what}"
                ),
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

    /// Returns the bytes of a section, to be changed.
    pub(super) fn bytes(&mut self, id: SectionId) -> Result<&mut Vec<u8>> {
        let section = self.elf.section(id)?;
        let old = self.elf.section_data(&section)?;
        Ok(self.data.entry(id).or_insert(Cow::Borrowed(old)).to_mut())
    }

    /// Appends a string to a section and returns its offset there.
    pub(super) fn append_string(&mut self, id: SectionId, string: &[u8]) -> Result<u64> {
        let bytes = self.bytes(id)?;
        // The end of the section must not become a part of the string.
        if bytes.last().is_some_and(|&b| b != 0) {
            bytes.push(0);
        }
        let offset = bytes.len() as u64;
        bytes.extend_from_slice(string);
        bytes.push(0);
        Ok(offset)
    }

    pub(super) fn append_name(&mut self, id: SectionId, name: &[u8]) -> Result<u32> {
        let offset = self.append_string(id, name)?;
        u32::try_from(offset).map_err(|_| {
            self.elf
                .malformed("string table: expected at most 4 GiB, found more")
        })
    }

    fn change_modinfo(&mut self) -> Result<()> {
        let Some(section) = self.elf.section_by_name(Modinfo::SECTION) else {
            return Ok(());
        };
        let needed = self.plan.needs_klp_sympos.then_some(KLP_SYMPOS_MODULE);
        let data = modinfo::complete(
            self.elf.section_data(&section)?,
            needed,
            &self.plan.patched_exporters,
        );
        self.data.insert(section.id, data);
        Ok(())
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

    /// Returns the new index of a section; 0 if the section was dropped.
    pub(super) fn section_number(&self, id: usize) -> u32 {
        self.section_numbers.get(id).copied().unwrap_or(0)
    }

    /// Returns the new index of a section to which `by` refers. The old file must have that section.
    pub(super) fn linked_section(&self, id: usize, by: impl Fn() -> String) -> Result<u32> {
        let number = self.section_numbers.get(id).copied();
        number.ok_or_else(|| {
            self.elf.malformed(format_args!(
                "{}: expected a section index below {}, found {id}",
                by(),
                self.section_numbers.len()
            ))
        })
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
                data: Cow::Owned(modinfo::complete(&[], needed, &BTreeSet::new()).into_owned()),
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

    /// Returns a section of the old file with its new links.
    fn section(&self, section: &Section<'d>) -> Result<NewSection<'d>> {
        let old = self.elf.section_data(section)?;
        let mut header = self.elf.raw_section_header(section.id)?;
        let by = || format!("section {}", shown(section.name));
        header.sh_link = self.linked_section(section.link as usize, by)?;
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
            header.sh_info = self.linked_section(section.info as usize, by)?;
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
