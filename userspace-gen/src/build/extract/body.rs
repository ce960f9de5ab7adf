// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The object file with the functions of a livepatch, which is assembled section by section.

use crate::build::code::references::width;
use crate::elf::write::{relocatable, NewSection};
use crate::elf::ElfFile;
use crate::error::{Error, Result};
use object::elf;
use object::write::elf::{Encoder, Rel, SectionHeader, Sym};
use std::borrow::Cow;
use std::collections::HashMap;

/// The index of a section of a [`Body`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BodySection(usize);

/// The index of a symbol of a [`Body`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BodySymbol(usize);

/// A symbol and a distance from it.
pub(super) type Referent = (BodySymbol, i64);

/// A section before it is written.
#[derive(Clone, Debug)]
pub struct Contents {
    /// Its name.
    pub name: Vec<u8>,
    /// `sh_type`.
    pub kind: elf::SectionType,
    /// `sh_flags`.
    pub flags: elf::SectionFlags,
    /// `sh_addralign`.
    pub align: u64,
    /// `sh_entsize`.
    pub entsize: u64,
    /// Its bytes; none for `SHT_NOBITS`.
    pub data: Vec<u8>,
    /// Its size: the size of `data`, or more if the file does not have the zeros at its end.
    pub size: u64,
    /// The section that it belongs to (`SHF_LINK_ORDER`).
    pub link: Option<BodySection>,
}

/// A relocation before it is written.
#[derive(Clone, Copy, Debug)]
pub struct BodyRelocation {
    /// The place.
    pub offset: u64,
    /// The type.
    pub kind: u32,
    /// The symbol.
    pub symbol: BodySymbol,
    /// The addend.
    pub addend: i64,
}

#[derive(Clone, Debug)]
struct Defined {
    name: Vec<u8>,
    value: u64,
    size: u64,
    kind: elf::SymbolType,
    bind: elf::SymbolBind,
    section: Option<BodySection>,
}

/// The properties of a symbol that is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SymbolSort {
    /// True for a function.
    pub is_function: bool,
    /// True if other object files of the livepatch refer to the symbol.
    pub is_global: bool,
}

/// An object file before it is written.
#[derive(Debug, Default)]
pub struct Body {
    sections: Vec<(Contents, Vec<BodyRelocation>)>,
    symbols: Vec<Defined>,
    section_symbols: HashMap<BodySection, BodySymbol>,
    undefined: HashMap<Vec<u8>, BodySymbol>,
}

impl Body {
    /// Adds a section.
    pub fn add_section(&mut self, contents: Contents) -> BodySection {
        self.sections.push((contents, Vec::new()));
        BodySection(self.sections.len() - 1)
    }

    /// Appends bytes to a section at a multiple of `align`, and returns where they begin.
    pub fn append(&mut self, section: BodySection, bytes: &[u8], align: u64) -> u64 {
        let (contents, _) = &mut self.sections[section.0];
        contents.align = contents.align.max(align);
        let start = contents.size.next_multiple_of(align.max(1));
        contents.data.resize(usize::try_from(start).unwrap_or(0), 0);
        contents.data.extend_from_slice(bytes);
        contents.size = contents.data.len() as u64;
        start
    }

    /// Adds a relocation to a section, and clears the field that it fills.
    ///
    /// A branch within a section has its distance there already, without a relocation. The kernel refuses to apply a
    /// livepatch relocation to a field that is not zero (`__write_relocate_add()` of `arch/x86/kernel/module.c`).
    pub fn add_relocation(&mut self, section: BodySection, relocation: BodyRelocation) {
        let (contents, relocations) = &mut self.sections[section.0];
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let end = relocation.offset.saturating_add(width(relocation.kind));
        if let Some(field) = contents.data.get_mut(at(relocation.offset)..at(end)) {
            field.fill(0);
        }
        relocations.push(relocation);
    }

    /// Defines a symbol.
    pub fn define(
        &mut self,
        name: Vec<u8>,
        section: BodySection,
        (value, size): (u64, u64),
        sort: SymbolSort,
    ) -> BodySymbol {
        let kind = if sort.is_function {
            elf::STT_FUNC
        } else {
            elf::STT_OBJECT
        };
        let bind = if sort.is_global {
            elf::STB_GLOBAL
        } else {
            elf::STB_LOCAL
        };
        self.push(Defined {
            name,
            value,
            size,
            kind,
            bind,
            section: Some(section),
        })
    }

    /// Returns the symbol of a section itself.
    pub fn section_symbol(&mut self, section: BodySection) -> BodySymbol {
        if let Some(&symbol) = self.section_symbols.get(&section) {
            return symbol;
        }
        let symbol = self.push(Defined {
            name: Vec::new(),
            value: 0,
            size: 0,
            kind: elf::STT_SECTION,
            bind: elf::STB_LOCAL,
            section: Some(section),
        });
        self.section_symbols.insert(section, symbol);
        symbol
    }

    /// Returns the undefined symbol of that name.
    pub fn undefined(&mut self, name: &[u8]) -> BodySymbol {
        if let Some(&symbol) = self.undefined.get(name) {
            return symbol;
        }
        let symbol = self.push(Defined {
            name: name.to_vec(),
            value: 0,
            size: 0,
            kind: elf::STT_NOTYPE,
            bind: elf::STB_GLOBAL,
            section: None,
        });
        self.undefined.insert(name.to_vec(), symbol);
        symbol
    }

    fn push(&mut self, symbol: Defined) -> BodySymbol {
        self.symbols.push(symbol);
        BodySymbol(self.symbols.len() - 1)
    }

    /// Returns the file with the header of `like`.
    ///
    /// # Errors
    ///
    /// The file has more sections or symbols than a plain ELF file can count.
    pub fn write(&self, like: &ElfFile<'_>) -> Result<Vec<u8>> {
        let encoder = Encoder::new(like.endian(), true, like.machine());
        let mut names = vec![0];
        let mut file = Vec::new();
        for (contents, _) in &self.sections {
            let link = contents.link;
            file.push(NewSection {
                header: SectionHeader {
                    sh_name: push_name(like, &mut names, &contents.name)?,
                    sh_type: contents.kind,
                    sh_flags: contents.flags,
                    sh_addr: 0,
                    sh_offset: 0,
                    sh_size: contents.size,
                    sh_link: link.map_or(Ok(0), |section| number(like, section.0 + 1))?,
                    sh_info: 0,
                    sh_addralign: contents.align,
                    sh_entsize: contents.entsize,
                },
                data: Cow::Borrowed(&contents.data[..]),
            });
        }
        let (numbers, symtab, locals) = self.symbol_table(like, &mut names)?;
        let has_relocations = |(_, relocations): &&(Contents, Vec<_>)| !relocations.is_empty();
        let relocated = self.sections.iter().filter(has_relocations).count();
        let symtab_index = number(like, self.sections.len() + relocated + 1)?;
        for (at, (contents, relocations)) in self.sections.iter().enumerate() {
            if relocations.is_empty() {
                continue;
            }
            let mut data = Vec::new();
            for relocation in relocations {
                let rel = Rel {
                    r_offset: relocation.offset,
                    r_sym: numbers[relocation.symbol.0],
                    r_type: elf::RelocationType(relocation.kind),
                    r_addend: relocation.addend,
                };
                encoder.relocation(&mut data, true, &rel);
            }
            let name = [b".rela", &contents.name[..]].concat();
            let mut header = encoder.relocation_section_header(true);
            header.sh_name = push_name(like, &mut names, &name)?;
            header.sh_flags = elf::SHF_INFO_LINK;
            header.sh_link = symtab_index;
            header.sh_info = number(like, at + 1)?;
            file.push(NewSection {
                header,
                data: Cow::Owned(data),
            });
        }
        let mut header = encoder.symtab_section_header(symtab_index + 1, locals);
        header.sh_name = push_name(like, &mut names, b".symtab")?;
        file.push(NewSection {
            header,
            data: Cow::Owned(symtab),
        });
        let mut header = encoder.strtab_section_header();
        header.sh_name = push_name(like, &mut names, b".strtab")?;
        file.push(NewSection {
            header,
            data: Cow::Owned(names),
        });
        relocatable(like, &file, file.len())
    }

    /// Returns the number of each symbol, the table with local symbols first, and the number of local
    /// symbols.
    fn symbol_table(
        &self,
        like: &ElfFile<'_>,
        names: &mut Vec<u8>,
    ) -> Result<(Vec<u32>, Vec<u8>, u32)> {
        let encoder = Encoder::new(like.endian(), true, like.machine());
        let mut order: Vec<usize> = (0..self.symbols.len()).collect();
        order.sort_by_key(|&at| self.symbols[at].bind != elf::STB_LOCAL);
        let mut numbers = vec![0; self.symbols.len()];
        let mut table = Vec::new();
        encoder.null_symbol(&mut table);
        for (position, &at) in order.iter().enumerate() {
            numbers[at] = number(like, position + 1)?;
            let symbol = &self.symbols[at];
            let section = symbol.section;
            let name = if symbol.name.is_empty() {
                0
            } else {
                push_name(like, names, &symbol.name)?
            };
            let sym = Sym {
                section: section.map(|s| number(like, s.0 + 1)).transpose()?,
                st_name: name,
                st_info: elf::SymbolInfo::new(symbol.bind, symbol.kind),
                st_other: elf::SymbolOther(0),
                st_shndx: elf::SHN_UNDEF,
                st_value: symbol.value,
                st_size: symbol.size,
            };
            encoder.symbol(&mut table, &sym);
        }
        let is_local = |s: &&Defined| s.bind == elf::STB_LOCAL;
        let locals = self.symbols.iter().filter(is_local).count();
        Ok((numbers, table, number(like, locals + 1)?))
    }
}

fn push_name(like: &ElfFile<'_>, names: &mut Vec<u8>, name: &[u8]) -> Result<u32> {
    let offset = number(like, names.len())?;
    names.extend_from_slice(name);
    names.push(0);
    Ok(offset)
}

fn number(like: &ElfFile<'_>, count: usize) -> Result<u32> {
    let what = "expected fewer functions: an ELF file cannot count so many";
    u32::try_from(count).map_err(|_| Error::unsupported(like.origin(), what))
}
