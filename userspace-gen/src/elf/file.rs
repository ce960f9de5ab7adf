// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Reads a 64-bit ELF file: vmlinux, a module, a livepatch.
//!
//! Every part of a file may be malformed. Malformed headers are an error at once. An invalid name or index
//! is an error when it is used.

use super::section::{Section, SectionId};
use super::strings::{end_of_strings, string_at};
use super::symtab::Symtab;
use crate::error::{Error, Result};
use crate::file::sort::describe;
use crate::printable::shown;
use object::elf::{self, FileHeader64, Rela64, SectionHeader64};
use object::read::elf::{FileHeader as _, SectionHeader as _};
use object::read::ReadRef;
use object::write::elf::SectionHeader;
use object::{pod, Endianness};

type E = Endianness;

/// The headers and the symbol table of a 64-bit ELF file.
#[derive(Debug)]
pub struct ElfFile<'d, R: ReadRef<'d> = &'d [u8]> {
    origin: String,
    data: R,
    pub(super) endian: E,
    header: &'d FileHeader64<E>,
    section_headers: &'d [SectionHeader64<E>],
    section_names: &'d [u8],
    /// The decoded headers: nearly every question about a file goes through all of them.
    sections: Vec<Section<'d>>,
    pub(super) symtab: Option<Symtab<'d>>,
}

impl<'d, R: ReadRef<'d>> ElfFile<'d, R> {
    /// Reads the headers; `origin` is the name of the file in messages.
    ///
    /// # Errors
    ///
    /// The file is no 64-bit ELF file, or truncated.
    pub fn parse(origin: String, data: R) -> Result<Self> {
        let bad = |what: &str, e: object::read::Error| {
            Error::malformed(&origin, format_args!("{what}: {e}"))
        };
        let ident = data.read_bytes_at(0, 5).unwrap_or_default();
        if !ident.starts_with(&elf::ELFMAG) {
            return Err(Error::malformed(
                &origin,
                format_args!("expected an ELF file, found {}", describe(data)),
            ));
        }
        if ident.get(4) != Some(&elf::ELFCLASS64.0) {
            return Err(Error::unsupported(
                &origin,
                "expected a 64-bit ELF file, found a 32-bit one (klp-gen only supports 64-bit files)",
            ));
        }
        let header = FileHeader64::<E>::parse(data).map_err(|e| bad("ELF header", e))?;
        let endian = header.endian().map_err(|e| bad("ELF header", e))?;
        let section_headers = header
            .section_headers(endian, data)
            .map_err(|e| bad("section headers", e))?;
        let mut section_names: &[u8] = &[];
        if !section_headers.is_empty() {
            let strings = header
                .section_strings_index(endian, data)
                .map_err(|e| bad("section name table", e))?;
            if let Some(section) = section_headers.get(strings.0) {
                if section.sh_type(endian) == elf::SHT_NOBITS {
                    let what = "section name table: expected contents, found none (SHT_NOBITS)";
                    return Err(Error::malformed(&origin, what));
                }
                section_names = section
                    .data(endian, data)
                    .map_err(|e| bad("section name table", e))?;
            }
        }
        let mut file = Self {
            origin,
            data,
            endian,
            header,
            section_headers,
            section_names,
            sections: decode(section_headers, endian, section_names),
            symtab: None,
        };
        file.symtab = file.find_symtab()?;
        Ok(file)
    }

    fn find_symtab(&self) -> Result<Option<Symtab<'d>>> {
        let Some(section) = self.sections().find(|s| s.kind == elf::SHT_SYMTAB) else {
            return Ok(None);
        };
        let strings = self.section(SectionId(section.link as usize))?;
        if strings.is_nobits() {
            let what = "symbol name table: expected contents, found none (SHT_NOBITS)";
            return Err(self.malformed(what));
        }
        let extended = self
            .sections()
            .find(|s| s.kind == elf::SHT_SYMTAB_SHNDX && s.link as usize == section.id.0);
        let strings = self.section_data(&strings)?;
        Ok(Some(Symtab {
            section: section.id,
            symbols: self.array(&section)?,
            strings,
            names_end: end_of_strings(strings),
            extended: match extended {
                Some(section) => self.array(&section)?,
                None => &[],
            },
        }))
    }

    /// Returns the name of the file in messages.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the byte order.
    #[must_use]
    pub fn endian(&self) -> E {
        self.endian
    }

    /// Returns the length of the file in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.data.len().unwrap_or(u64::MAX)
    }

    /// Returns the bytes of the file.
    pub(crate) fn data(&self) -> R {
        self.data
    }

    /// Returns the file header.
    #[must_use]
    pub fn header(&self) -> &'d FileHeader64<E> {
        self.header
    }

    /// Returns the architecture.
    #[must_use]
    pub fn machine(&self) -> elf::Machine {
        self.header.e_machine(self.endian)
    }

    /// Returns the number of section headers, including the null one.
    #[must_use]
    pub fn section_count(&self) -> usize {
        self.sections.len()
    }

    /// Returns a section.
    ///
    /// # Errors
    ///
    /// The file has no such section.
    pub fn section(&self, id: SectionId) -> Result<Section<'d>> {
        self.get_section(id).ok_or_else(|| {
            self.malformed(format_args!(
                "expected a section index below {}, found {}",
                self.sections.len(),
                id.0
            ))
        })
    }

    /// Returns a section, if the file has it.
    #[must_use]
    pub fn get_section(&self, id: SectionId) -> Option<Section<'d>> {
        self.sections.get(id.0).copied()
    }

    /// Returns the first section with a name that does not begin and end within the table of names. The
    /// null section counts, too.
    pub(crate) fn unnamed_section(&self) -> Option<SectionId> {
        let end = end_of_strings(self.section_names);
        let unnamed = |s: &SectionHeader64<E>| s.sh_name(self.endian) as usize >= end;
        let mut headers = self.section_headers.iter();
        headers.position(unnamed).map(SectionId)
    }

    /// Returns the header of a section, to be written again.
    pub(crate) fn raw_section_header(&self, id: SectionId) -> Result<SectionHeader> {
        let header = self.section_headers.get(id.0);
        let header = header.ok_or_else(|| self.malformed("expected a section"))?;
        Ok(SectionHeader::from_raw(self.endian, header))
    }

    /// Returns the section that has the names of sections.
    pub(crate) fn section_names_id(&self) -> Result<SectionId> {
        let index = self.header.shstrndx(self.endian, self.data);
        match index {
            Ok(index) if index != 0 => Ok(SectionId(index as usize)),
            _ => Err(self.malformed("expected a section name table, found none")),
        }
    }

    /// Returns the sections, without the null one.
    pub fn sections(&self) -> impl Iterator<Item = Section<'d>> + '_ {
        self.sections.iter().skip(1).copied()
    }

    /// Returns the first section of a name.
    #[must_use]
    pub fn section_by_name(&self, name: &[u8]) -> Option<Section<'d>> {
        self.sections().find(|s| s.name == name)
    }

    /// Returns the first section of a name among those with `SHF_ALLOC`: `find_sec()` in kernel/module/main.c.
    #[must_use]
    pub fn alloc_section_by_name(&self, name: &[u8]) -> Option<Section<'d>> {
        let mut sections = self.sections().filter(Section::is_alloc);
        sections.find(|s| s.name == name)
    }

    /// Returns the bytes of a section; no bytes for `SHT_NOBITS`.
    ///
    /// # Errors
    ///
    /// The file ends before the section does.
    pub fn section_data(&self, section: &Section<'_>) -> Result<&'d [u8]> {
        if section.is_nobits() {
            return Ok(&[]);
        }
        self.data
            .read_bytes_at(section.offset, section.size)
            .map_err(|()| {
                self.malformed(format_args!(
                    "section {}: expected {} bytes at offset {:#x}, found the end of the file",
                    shown(section.name),
                    section.size,
                    section.offset
                ))
            })
    }

    /// Returns the `size` bytes that a linked file has at `address`.
    #[must_use]
    pub fn bytes_at(&self, address: u64, size: u64) -> Option<&'d [u8]> {
        let end = address.checked_add(size)?;
        let section = self.sections().find(|s| {
            s.is_alloc()
                && !s.is_nobits()
                && s.contains_address(address)
                && end - s.address <= s.size
        })?;
        let offset = section.offset.checked_add(address - section.address)?;
        self.data.read_bytes_at(offset, size).ok()
    }

    /// Returns the string at an offset of a section, without its NUL.
    #[must_use]
    pub fn string_in(&self, section: &Section<'_>, offset: u64) -> Option<&'d [u8]> {
        if section.is_nobits() {
            return None;
        }
        let start = section.offset.checked_add(offset)?;
        let end = section.offset.checked_add(section.size)?;
        (start < end).then(|| self.data.read_bytes_at_until(start..end, 0).ok())?
    }

    /// Returns the string that a linked file has at `address`, without its NUL.
    #[must_use]
    pub fn string_at(&self, address: u64) -> Option<&'d [u8]> {
        let section = self
            .sections()
            .find(|s| s.is_alloc() && s.contains_address(address))?;
        self.string_in(&section, address - section.address)
    }

    /// Returns the entries of a section that is a table.
    pub(super) fn array<T: pod::Pod>(&self, section: &Section<'_>) -> Result<&'d [T]> {
        let bytes = self.section_data(section)?;
        let count = bytes.len() / size_of::<T>();
        match pod::slice_from_bytes(bytes, count) {
            Ok((entries, _)) => Ok(entries),
            Err(()) => Err(self.malformed(format_args!(
                "section {}: expected a table",
                shown(section.name)
            ))),
        }
    }

    /// Returns the entries of a relocation section with addends.
    ///
    /// # Errors
    ///
    /// The file ends before the section does.
    pub fn relocations(&self, section: &Section<'_>) -> Result<&'d [Rela64<E>]> {
        self.array(section)
    }

    /// Returns an error about this file.
    pub(crate) fn malformed(&self, what: impl std::fmt::Display) -> Error {
        Error::malformed(&self.origin, what)
    }
}

/// Returns the sections of a file by their indexes.
fn decode<'d>(headers: &[SectionHeader64<E>], endian: E, names: &'d [u8]) -> Vec<Section<'d>> {
    let numbered = headers.iter().enumerate();
    let sections = numbered.map(|(at, header)| Section {
        id: SectionId(at),
        name: string_at(names, header.sh_name(endian)).unwrap_or_default(),
        kind: header.sh_type(endian),
        flags: header.sh_flags(endian),
        address: header.sh_addr(endian),
        offset: header.sh_offset(endian),
        size: header.sh_size(endian),
        link: header.sh_link(endian),
        info: header.sh_info(endian),
        align: header.sh_addralign(endian),
        entsize: header.sh_entsize(endian),
    });
    sections.collect()
}
