// SPDX-License-Identifier: GPL-2.0 OR MIT

//! ELF files made of parts, right or wrong.

#![expect(
    clippy::cast_possible_truncation,
    reason = "files here have a few sections"
)]

use object::elf;
use object::write::elf::{Encoder, FileHeader, FileHeaderLayout, Rel, SectionHeader, Sym};
use object::Endianness;

/// A section; the builder adds symbol table, string tables and relocation sections behind them.
#[derive(Clone, Debug)]
pub struct Sec {
    /// The name.
    pub name: String,
    /// The type.
    pub kind: elf::SectionType,
    /// The flags.
    pub flags: elf::SectionFlags,
    /// The address.
    pub address: u64,
    /// The bytes.
    pub data: Vec<u8>,
    /// The size of a section without bytes.
    pub size: u64,
    /// The size of an entry of constants that a linker merges.
    pub entry_size: u64,
    /// The relocations, for a section of their own.
    pub relocations: Vec<Reloc>,
}

/// A relocation against a symbol, which is named by its place in [`Elf::symbols`].
#[derive(Clone, Copy, Debug)]
pub struct Reloc {
    /// The offset in the section.
    pub offset: u64,
    /// The place of the symbol.
    pub symbol: usize,
    /// The type.
    pub kind: elf::RelocationType,
    /// The addend.
    pub addend: i64,
}

/// A symbol; those of the file come sorted: local ones first.
#[derive(Clone, Debug)]
pub struct Symbol {
    /// The name.
    pub name: String,
    /// The value.
    pub value: u64,
    /// The size.
    pub size: u64,
    /// The binding.
    pub bind: elf::SymbolBind,
    /// The type.
    pub kind: elf::SymbolType,
    /// The place.
    pub place: Place,
    /// The visibility.
    pub visibility: elf::SymbolVisibility,
}

/// The place of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A section, by its place in [`Elf::sections`].
    Section(usize),
    /// A reserved index.
    Special(u16),
}

/// The place of an undefined symbol.
pub const UNDEFINED: Place = Place::Special(0);
/// The place of a symbol that is a number.
pub const ABSOLUTE: Place = Place::Special(0xfff1);
/// The place of a livepatch symbol.
pub const LIVEPATCH: Place = Place::Special(0xff20);

/// A file to be built.
#[derive(Clone, Debug)]
pub struct Elf {
    /// The type of the file.
    pub kind: elf::FileType,
    /// The architecture.
    pub machine: elf::Machine,
    /// The flags of the file header.
    pub flags: u32,
    /// The sections, without the null one.
    pub sections: Vec<Sec>,
    /// The symbols, without the null one.
    pub symbols: Vec<Symbol>,
}

impl Elf {
    /// Returns an empty file.
    pub fn new(kind: elf::FileType) -> Self {
        Self {
            kind,
            machine: elf::EM_X86_64,
            flags: 0,
            sections: Vec::new(),
            symbols: Vec::new(),
        }
    }

    /// Adds a section and returns its place.
    pub fn section(&mut self, name: &str, flags: elf::SectionFlags, data: &[u8]) -> usize {
        self.sections.push(Sec {
            name: name.to_owned(),
            kind: elf::SHT_PROGBITS,
            flags,
            address: 0,
            data: data.to_vec(),
            size: 0,
            entry_size: 0,
            relocations: Vec::new(),
        });
        self.sections.len() - 1
    }

    /// Adds a symbol and returns its place.
    pub fn symbol(
        &mut self,
        name: &str,
        bind: elf::SymbolBind,
        kind: elf::SymbolType,
        place: Place,
        value: u64,
        size: u64,
    ) -> usize {
        self.symbols.push(Symbol {
            name: name.to_owned(),
            value,
            size,
            bind,
            kind,
            place,
            visibility: elf::STV_DEFAULT,
        });
        self.symbols.len() - 1
    }

    /// An undefined global symbol.
    pub fn undefined(&mut self, name: &str) -> usize {
        self.symbol(name, elf::STB_GLOBAL, elf::STT_NOTYPE, UNDEFINED, 0, 0)
    }

    /// Adds a relocation to a section.
    pub fn relocate(
        &mut self,
        section: usize,
        offset: u64,
        symbol: usize,
        kind: elf::RelocationType,
        addend: i64,
    ) {
        self.sections[section].relocations.push(Reloc {
            offset,
            symbol,
            kind,
            addend,
        });
    }

    /// Returns the bytes of the file.
    pub fn build(&self) -> Vec<u8> {
        let encoder = Encoder::new(Endianness::Little, true, self.machine);
        let mut order: Vec<usize> = (0..self.symbols.len()).collect();
        order.sort_by_key(|&i| self.symbols[i].bind != elf::STB_LOCAL);
        let number = |symbol| 1 + order.iter().position(|&i| i == symbol).unwrap() as u32;
        let locals = order
            .iter()
            .filter(|&&i| self.symbols[i].bind == elf::STB_LOCAL)
            .count();

        let mut strings = vec![0];
        let mut symtab = Vec::new();
        encoder.null_symbol(&mut symtab);
        for &i in &order {
            let symbol = &self.symbols[i];
            let (section, special) = match symbol.place {
                Place::Section(at) => (Some(at as u32 + 1), 0),
                Place::Special(index) => (None, index),
            };
            encoder.symbol(
                &mut symtab,
                &Sym {
                    section,
                    st_name: append(&mut strings, &symbol.name),
                    st_info: elf::SymbolInfo::new(symbol.bind, symbol.kind),
                    st_other: elf::SymbolOther(symbol.visibility.0),
                    st_shndx: elf::SymbolSection(special),
                    st_value: symbol.value,
                    st_size: symbol.size,
                },
            );
        }

        let count = self.sections.len();
        let with_relocations = self.sections.iter().filter(|s| !s.relocations.is_empty());
        let symtab_index = (1 + count + with_relocations.count()) as u32;
        let mut names = vec![0];
        let mut written: Vec<(SectionHeader, Vec<u8>)> = Vec::new();
        for section in &self.sections {
            let mut header = header(&mut names, &section.name, section.kind);
            header.sh_flags = section.flags;
            header.sh_addr = section.address;
            header.sh_addralign = 8;
            header.sh_size = section.size;
            header.sh_entsize = section.entry_size;
            written.push((header, section.data.clone()));
        }
        for (at, section) in self.sections.iter().enumerate() {
            if section.relocations.is_empty() {
                continue;
            }
            let mut header = header(&mut names, &format!(".rela{}", section.name), elf::SHT_RELA);
            header.sh_flags = elf::SHF_INFO_LINK;
            header.sh_link = symtab_index;
            header.sh_info = at as u32 + 1;
            header.sh_addralign = 8;
            header.sh_entsize = 24;
            let mut data = Vec::new();
            for relocation in &section.relocations {
                let rel = Rel {
                    r_offset: relocation.offset,
                    r_sym: number(relocation.symbol),
                    r_type: relocation.kind,
                    r_addend: relocation.addend,
                };
                encoder.relocation(&mut data, true, &rel);
            }
            written.push((header, data));
        }
        let mut symtab_header = header(&mut names, ".symtab", elf::SHT_SYMTAB);
        symtab_header.sh_link = symtab_index + 1;
        symtab_header.sh_info = locals as u32 + 1;
        symtab_header.sh_addralign = 8;
        symtab_header.sh_entsize = 24;
        written.push((symtab_header, symtab));
        written.push((header(&mut names, ".strtab", elf::SHT_STRTAB), strings));
        let shstrtab = header(&mut names, ".shstrtab", elf::SHT_STRTAB);
        written.push((shstrtab, names));
        self.lay_out(encoder, written)
    }

    fn lay_out(
        &self,
        encoder: Encoder<Endianness>,
        mut sections: Vec<(SectionHeader, Vec<u8>)>,
    ) -> Vec<u8> {
        let mut offset = encoder.file_header_size();
        for (header, data) in &mut sections {
            offset = offset.next_multiple_of(8);
            header.sh_offset = offset;
            if header.sh_type != elf::SHT_NOBITS {
                header.sh_size = data.len() as u64;
                offset += header.sh_size;
            }
        }
        let layout = FileHeaderLayout {
            e_phoff: 0,
            segment_num: 0,
            e_shoff: offset.next_multiple_of(8),
            section_num: sections.len() as u32 + 1,
            shstrtab_index: sections.len() as u32,
        };
        let header = FileHeader {
            os_abi: elf::ELFOSABI_NONE,
            abi_version: 0,
            e_type: self.kind,
            e_machine: self.machine,
            e_entry: 0,
            e_flags: elf::FileFlags(self.flags),
        };
        let mut file = Vec::new();
        encoder.file_header(&mut file, &header, &layout).unwrap();
        for (header, data) in &sections {
            if header.sh_type != elf::SHT_NOBITS {
                file.resize(header.sh_offset as usize, 0);
                file.extend_from_slice(data);
            }
        }
        file.resize(layout.e_shoff as usize, 0);
        encoder.null_section_header(&mut file, &layout);
        for (header, _) in &sections {
            encoder.section_header(&mut file, header);
        }
        file
    }
}

fn append(table: &mut Vec<u8>, string: &str) -> u32 {
    if string.is_empty() {
        return 0;
    }
    let offset = table.len() as u32;
    table.extend_from_slice(string.as_bytes());
    table.push(0);
    offset
}

fn header(names: &mut Vec<u8>, name: &str, kind: elf::SectionType) -> SectionHeader {
    SectionHeader {
        sh_name: append(names, name),
        sh_type: kind,
        sh_flags: elf::SectionFlags(0),
        sh_addr: 0,
        sh_offset: 0,
        sh_size: 0,
        sh_link: 0,
        sh_info: 0,
        sh_addralign: 1,
        sh_entsize: 0,
    }
}
