// SPDX-License-Identifier: GPL-2.0 OR MIT

//! A module as a file that can be changed anywhere: no section or symbol gets another number.

use anyhow::{ensure, Context, Result};
use klp_gen::elf::write::{relocatable, NewSection};
use klp_gen::elf::ElfFile;
use object::elf::{Rela64, Sym64};
use object::write::elf::SectionHeader;
use object::{pod, LittleEndian};
use std::borrow::Cow;

/// A symbol as it is in the file.
pub type Sym = Sym64<LittleEndian>;
/// A relocation as it is in the file.
pub type Rela = Rela64<LittleEndian>;

/// A module that is being changed.
#[derive(Debug)]
pub struct Module {
    original: Vec<u8>,
    /// Without the null section: the section with the number n is at n - 1.
    sections: Vec<ModuleSection>,
    /// The numbers of the tables of symbols, of their names, and of the names of sections.
    symtab: usize,
    strtab: usize,
    shstrtab: usize,
    /// The changes to the bytes of the whole file.
    patches: Vec<fn(&mut Vec<u8>)>,
}

/// A section.
#[derive(Debug)]
pub struct ModuleSection {
    /// Its name.
    pub name: Vec<u8>,
    /// Its header; the name, the offset and the size in it are not used.
    pub header: SectionHeader,
    /// Its bytes.
    pub data: Vec<u8>,
}

impl Module {
    /// Takes a file apart.
    ///
    /// # Errors
    ///
    /// It is no module, or its symbols have no names.
    pub fn parse(origin: &str, original: Vec<u8>) -> Result<Self> {
        let elf = ElfFile::parse(origin.to_owned(), &original[..])?;
        let mut sections = Vec::new();
        for section in elf.sections() {
            sections.push(ModuleSection {
                name: section.name.to_vec(),
                header: SectionHeader {
                    sh_name: 0,
                    sh_type: section.kind,
                    sh_flags: section.flags,
                    sh_addr: section.address,
                    sh_offset: 0,
                    sh_size: section.size,
                    sh_link: section.link,
                    sh_info: section.info,
                    sh_addralign: section.align,
                    sh_entsize: section.entsize,
                },
                data: elf.section_data(&section)?.to_vec(),
            });
        }
        let symtab = elf.symtab_section().context("no symbol table")?.0;
        let strtab = sections[symtab - 1].header.sh_link as usize;
        let shstrtab = elf.section_by_name(b".shstrtab").context("no .shstrtab")?;
        let shstrtab = shstrtab.id.0;
        ensure!(shstrtab != strtab, "{origin}: one table for all names");
        let has_names = (1..=sections.len()).contains(&strtab) && strtab != symtab;
        ensure!(has_names, "{origin}: no table for the names of symbols");
        let size = sections[symtab - 1].data.len();
        let is_whole = size > 0 && size % size_of::<Sym>() == 0;
        ensure!(is_whole, "{origin}: the table of symbols is cut off");
        Ok(Self {
            sections,
            symtab,
            strtab,
            shstrtab,
            original,
            patches: Vec::new(),
        })
    }

    /// Puts the file together.
    ///
    /// # Errors
    ///
    /// It has more than a plain header can say.
    pub fn into_bytes(mut self) -> Result<Vec<u8>> {
        let mut names = vec![0];
        for part in &mut self.sections {
            part.header.sh_name = u32::try_from(names.len())?;
            names.extend_from_slice(&part.name);
            names.push(0);
        }
        self.sections[self.shstrtab - 1].data = names;
        let sections: Vec<_> = self
            .sections
            .iter()
            .map(|part| NewSection {
                header: part.header.clone(),
                data: Cow::Borrowed(&part.data[..]),
            })
            .collect();
        let original = ElfFile::parse(String::new(), &self.original[..])?;
        let mut bytes = relocatable(&original, &sections, self.shstrtab)?;
        for patch in self.patches {
            patch(&mut bytes);
        }
        Ok(bytes)
    }

    /// Changes the bytes of the whole file, after everything else.
    pub fn patch_file(&mut self, patch: fn(&mut Vec<u8>)) {
        self.patches.push(patch);
    }

    /// The number of the only section whose name begins so.
    ///
    /// # Errors
    ///
    /// There is none, or there are several.
    pub fn section(&self, prefix: &str) -> Result<usize> {
        let wanted = |part: &ModuleSection| part.name.starts_with(prefix.as_bytes());
        let first = self.sections.iter().position(wanted);
        let first = first.with_context(|| format!("no section {prefix}"))?;
        let count = self.sections.iter().filter(|part| wanted(part)).count();
        ensure!(count == 1, "{count} sections {prefix}");
        Ok(first + 1)
    }

    /// Returns the number of sections, without the null one: it is also the last number.
    #[must_use]
    pub fn section_count(&self) -> usize {
        self.sections.len()
    }

    /// The section with that number.
    pub fn part(&mut self, number: usize) -> &mut ModuleSection {
        &mut self.sections[number - 1]
    }

    /// Adds a section and returns its number.
    pub fn add_section(&mut self, part: ModuleSection) -> usize {
        self.sections.push(part);
        self.sections.len()
    }

    /// The symbols, the null one among them.
    ///
    /// # Errors
    ///
    /// The table is cut off.
    pub fn symbols(&mut self) -> Result<&mut [Sym]> {
        let data = &mut self.sections[self.symtab - 1].data;
        pod::slice_from_all_bytes_mut(data).map_err(|()| anyhow::anyhow!("symbols are cut off"))
    }

    /// The relocations in a section.
    ///
    /// # Errors
    ///
    /// The table is cut off.
    pub fn relocations(&mut self, number: usize) -> Result<&mut [Rela]> {
        let data = &mut self.sections[number - 1].data;
        pod::slice_from_all_bytes_mut(data).map_err(|()| anyhow::anyhow!("relocations are cut off"))
    }

    /// The number of the symbol of that name.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn symbol(&mut self, name: &str) -> Result<usize> {
        let names = self.sections[self.strtab - 1].data.clone();
        let is_it = |symbol: &Sym| {
            let rest = names.get(symbol.st_name.get(LittleEndian) as usize..);
            rest.and_then(|rest| rest.strip_prefix(name.as_bytes()))
                .is_some_and(|rest| rest.starts_with(b"\0"))
        };
        let found = self.symbols()?.iter().position(is_it);
        found.with_context(|| format!("no symbol {name}"))
    }

    /// Gives a symbol another name.
    ///
    /// # Errors
    ///
    /// The table of names is full.
    pub fn rename(&mut self, symbol: usize, name: &[u8]) -> Result<()> {
        let names = &mut self.sections[self.strtab - 1].data;
        let offset = u32::try_from(names.len())?;
        names.extend_from_slice(name);
        names.push(0);
        self.symbols()?[symbol].st_name.set(LittleEndian, offset);
        Ok(())
    }

    /// The section of relocations for that section which the module loader applies.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn rela_of(&self, section: usize) -> Result<usize> {
        let found = self.sections.iter().position(|part| {
            part.header.sh_type == object::elf::SHT_RELA
                && part.header.sh_info as usize == section
                && !part.name.starts_with(b".klp.rela.")
        });
        Ok(found.context("no relocations")? + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::write::{Object, Symbol, SymbolSection};
    use object::{Architecture, BinaryFormat, Endianness, SymbolFlags, SymbolKind, SymbolScope};

    /// A file with one symbol.
    fn file() -> Vec<u8> {
        let mut object = Object::new(BinaryFormat::Elf, Architecture::X86_64, Endianness::Little);
        object.add_symbol(Symbol {
            name: b"f".to_vec(),
            value: 0,
            size: 0,
            kind: SymbolKind::Text,
            scope: SymbolScope::Linkage,
            weak: false,
            section: SymbolSection::Undefined,
            flags: SymbolFlags::None,
        });
        object.write().unwrap()
    }

    /// Returns the offset of the header of the symbol table.
    fn symtab(file: &[u8]) -> usize {
        let elf = ElfFile::parse("f.o".to_owned(), file).unwrap();
        let start = usize::try_from(elf.header().e_shoff.get(elf.endian())).unwrap();
        start + 64 * elf.symtab_section().unwrap().0
    }

    #[test]
    fn a_file_whose_symbols_are_damaged_cannot_be_changed() {
        let good = file();
        let mut module = Module::parse("f.o", good.clone()).unwrap();
        assert_eq!(module.symbol("f").unwrap(), 1);
        let (sh_size, sh_link) = (32, 40);
        let itself = ElfFile::parse("f.o".to_owned(), &good[..]).unwrap();
        let itself = u8::try_from(itself.symtab_section().unwrap().0).unwrap();
        let links = [0, 99, itself].map(|number| (sh_link, number));
        let sizes = [0, 25].map(|number| (sh_size, number));
        for (field, number) in links.into_iter().chain(sizes) {
            let mut bytes = good.clone();
            let at = symtab(&bytes) + field;
            bytes[at] = number;
            assert!(Module::parse("f.o", bytes).is_err(), "{field} {number}");
        }
    }
}
