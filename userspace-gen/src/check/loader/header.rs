// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The first checks of the module loader, before it looks at the contents of a file:
//! `elf_validity_cache_copy()` in kernel/module/main.c.
//!
//! These checks read the bytes of the file. They do not use [`ElfFile`](crate::elf::ElfFile), which also
//! reads files that the loader refuses.

use crate::check::refusal::Refusal;
use crate::elf::number::{read_u16, read_u32, read_u64};
use crate::livepatch::{Modinfo, THIS_MODULE};
use crate::printable::shown;
use crate::release::Release;
use object::{elf, Endianness};
use std::mem::offset_of;

/// The length of the file header, and of a section header.
const HEADER: usize = size_of::<FileHeader>();

/// `struct elf64_hdr` and `struct elf64_shdr` of include/uapi/linux/elf.h.
type FileHeader = elf::FileHeader64<Endianness>;
type SectionHeader = elf::SectionHeader64<Endianness>;

/// `struct elf64_sym`; its first member is the place of the name.
type Symbol = elf::Sym64<Endianness>;

/// The sections of `CONFIG_EXTENDED_MODVERSIONS`: the CRC of each imported symbol, and its name.
const EXTENDED_CRCS: &[u8] = b"__version_ext_crcs";
const EXTENDED_NAMES: &[u8] = b"__version_ext_names";

/// Returns the refusal of a relocatable 64-bit ELF file because of its headers. `release` returns the release of the
/// kernel for the version magic of the file.
pub(in crate::check) fn refusal(
    data: &[u8],
    endian: Endianness,
    release: impl Fn(Option<&[u8]>) -> &'static Release,
) -> Option<Refusal> {
    let refusal = File { data, endian }.refusal(release);
    refusal.err().map(Refusal::Loader)
}

struct File<'d> {
    data: &'d [u8],
    endian: Endianness,
}

/// The members of a section header that the loader checks.
struct Section {
    name: u32,
    kind: u32,
    flags: u64,
    address: u64,
    offset: u64,
    size: u64,
    link: u32,
}

type Checked<T> = Result<T, String>;

impl<'d> File<'d> {
    fn refusal(&self, release: impl Fn(Option<&[u8]>) -> &'static Release) -> Checked<()> {
        let sections = self.sections()?;
        let names = self.names(&sections)?;
        let called = |wanted: &[u8]| -> Vec<usize> {
            let name = |s: &Section| names.get(s.name as usize..).map(until_nul);
            let is = |(_, s): &(usize, &Section)| name(s) == Some(wanted);
            let found = sections.iter().enumerate().skip(1).filter(is);
            found.map(|(i, _)| i).collect()
        };
        // elf_validity_cache_index_info()
        let modinfo = match called(Modinfo::SECTION)[..] {
            [] => None,
            [one] => {
                let Section { offset, size, .. } = sections[one];
                Modinfo::read(self.data, offset, size)
            }
            _ => return Err("Only one .modinfo section must exist.".to_owned()),
        };
        let release = release(modinfo.and_then(|m| m.vermagic()));
        let module = modinfo.and_then(|m| m.get(b"name"));
        let module = module.map_or("(missing .modinfo section or name field)".into(), shown);
        // elf_validity_cache_index_mod()
        let [this_module] = called(THIS_MODULE)[..] else {
            return Err(format!(
                "module {module}: Exactly one .gnu.linkonce.this_module section must exist."
            ));
        };
        if sections[this_module].kind == elf::SHT_NOBITS.0 {
            return Err(format!(
                "module {module}: .gnu.linkonce.this_module section must have a size set"
            ));
        }
        if sections[this_module].flags & elf::SHF_ALLOC.0 == 0 {
            return Err(format!(
                "module {module}: .gnu.linkonce.this_module must occupy memory during process \
                 execution"
            ));
        }
        // elf_validity_cache_index_sym()
        let is_symtab = |s: &&Section| s.kind == elf::SHT_SYMTAB.0;
        let mut tables = sections.iter().skip(1).filter(is_symtab);
        let (Some(symtab), None) = (tables.next(), tables.next()) else {
            return Err(format!("{module}: module has no symbols (stripped?)"));
        };
        // elf_validity_cache_index_str()
        let (link, count) = (symtab.link, sections.len());
        let strings = match sections.get(link as usize) {
            Some(strings) if link != 0 && strings.kind == elf::SHT_STRTAB.0 => strings,
            Some(strings) if link != 0 => {
                let kind = strings.kind;
                return Err(format!("Invalid ELF symbol string table type: {kind}"));
            }
            _ => {
                return Err(format!(
                    "Invalid ELF sh_link!=SHN_UNDEF({link}) or (sh_link({link}) >= \
                     hdr->e_shnum({count})"
                ))
            }
        };
        if release.checks_extended_versions {
            // find_sec() only sees sections with SHF_ALLOC.
            let find_sec = |name| {
                let mut found = called(name).into_iter().map(|index| &sections[index]);
                found.find(|section| section.flags & elf::SHF_ALLOC.0 != 0)
            };
            self.extended_versions(find_sec(EXTENDED_CRCS), find_sec(EXTENDED_NAMES))?;
        }
        if release.checks_symbol_names {
            self.symbol_names(symtab, strings)?;
        }
        Ok(())
    }

    /// `elf_validity_cache_index_versions()`
    fn extended_versions(&self, crcs: Option<&Section>, names: Option<&Section>) -> Checked<()> {
        let (crcs, names) = match (crcs, names) {
            (None, None) => return Ok(()),
            (Some(crcs), Some(names)) => (crcs, names),
            _ => return Err("extended version crc+name presence does not match".to_owned()),
        };
        let count = crcs.size / size_of::<u32>() as u64;
        // The part behind the last NUL is no name.
        let parts = self.bytes(names).split(|&byte| byte == 0);
        if count > parts.count() as u64 - 1 {
            return Err("more extended version crcs than names".to_owned());
        }
        Ok(())
    }

    /// `elf_validity_cache_strtab()`
    fn symbol_names(&self, symtab: &Section, strings: &Section) -> Checked<()> {
        let names = self.bytes(strings);
        let what = match names {
            [] => "empty symbol string table",
            [0, ..] if !names.ends_with(&[0]) => "symbol string table isn't NUL terminated",
            [0, ..] => {
                let mut symbols = self.bytes(symtab).chunks_exact(size_of::<Symbol>());
                let name = |symbol| read_u32(self.endian, symbol).unwrap_or_default();
                if symbols.all(|symbol| (name(symbol) as usize) < names.len()) {
                    return Ok(());
                }
                "symbol name out of bounds in string table"
            }
            _ => "symbol string table missing leading NUL",
        };
        Err(what.to_owned())
    }

    /// `elf_validity_cache_sechdrs()`
    fn sections(&self) -> Checked<Vec<Section>> {
        let length = || format!("Invalid ELF header len {}", self.data.len());
        let header = self.data.get(..HEADER).ok_or_else(length)?;
        let half = |at: usize| read_u16(self.endian, &header[at..]).unwrap_or_default();
        let start =
            read_u64(self.endian, &header[offset_of!(FileHeader, e_shoff)..]).unwrap_or_default();
        if usize::from(half(offset_of!(FileHeader, e_shentsize))) != HEADER {
            return Err("Invalid ELF section header size".to_owned());
        }
        let count = usize::from(half(offset_of!(FileHeader, e_shnum)));
        let overflow = || "Invalid ELF section header overflow".to_owned();
        let start = usize::try_from(start).map_err(|_| overflow())?;
        let table = self.data.get(start..).filter(|rest| !rest.is_empty());
        let table = table.ok_or_else(overflow)?;
        let table = table.get(..count * HEADER).ok_or_else(overflow)?;
        let sections: Vec<Section> = table
            .chunks_exact(HEADER)
            .filter_map(|header| self.section(header))
            .collect();
        if let Some(first) = sections.first() {
            if first.kind != 0 || first.size != 0 || first.address != 0 {
                return Err(format!(
                    "ELF Spec violation: section 0 type({})!=SH_NULL or non-zero len or addr",
                    first.kind
                ));
            }
        }
        for (i, section) in sections.iter().enumerate().skip(1) {
            let kind = section.kind;
            let without_bytes = [elf::SHT_NULL.0, elf::SHT_NOBITS.0].contains(&kind);
            let end = section.offset.checked_add(section.size);
            if !without_bytes && end.is_none_or(|end| end > self.data.len() as u64) {
                return Err(format!(
                    "Invalid ELF section in module (section {i} type {kind})"
                ));
            }
        }
        Ok(sections)
    }

    fn section(&self, header: &[u8]) -> Option<Section> {
        let number = |at| read_u32(self.endian, header.get(at..)?);
        let long = |at| read_u64(self.endian, header.get(at..)?);
        Some(Section {
            name: number(offset_of!(SectionHeader, sh_name))?,
            kind: number(offset_of!(SectionHeader, sh_type))?,
            flags: long(offset_of!(SectionHeader, sh_flags))?,
            address: long(offset_of!(SectionHeader, sh_addr))?,
            offset: long(offset_of!(SectionHeader, sh_offset))?,
            size: long(offset_of!(SectionHeader, sh_size))?,
            link: number(offset_of!(SectionHeader, sh_link))?,
        })
    }

    /// `elf_validity_cache_secstrings()`
    fn names(&self, sections: &[Section]) -> Checked<&'d [u8]> {
        let field = self.data.get(offset_of!(FileHeader, e_shstrndx)..);
        let index = read_u16(self.endian, field.unwrap_or_default());
        let index = usize::from(index.unwrap_or_default());
        let count = sections.len();
        let strings = match sections.get(index) {
            Some(strings) if index != 0 => strings,
            _ => {
                return Err(format!(
                    "Invalid ELF section name index: {index} || e_shstrndx ({index}) >= e_shnum \
                     ({count})"
                ))
            }
        };
        if strings.kind != elf::SHT_STRTAB.0 {
            let kind = strings.kind;
            return Err(format!("Invalid ELF section name table type: {kind}"));
        }
        let names = self.bytes(strings);
        match names.last() {
            None => return Err("empty section name table".to_owned()),
            Some(0) => {}
            Some(_) => {
                let what = "ELF Spec violation: section name table isn't null terminated";
                return Err(what.to_owned());
            }
        }
        for (i, section) in sections.iter().enumerate() {
            let kind = section.kind;
            if kind != elf::SHT_NULL.0 && section.name as usize >= names.len() {
                return Err(format!(
                    "Invalid ELF section name in module (section {i} type {kind})"
                ));
            }
        }
        Ok(names)
    }

    /// Returns the bytes of a section that is known to be within the file.
    fn bytes(&self, section: &Section) -> &'d [u8] {
        let range = usize::try_from(section.offset)
            .ok()
            .zip(usize::try_from(section.size).ok())
            .and_then(|(offset, size)| Some(offset..offset.checked_add(size)?));
        range
            .and_then(|range| self.data.get(range))
            .unwrap_or_default()
    }
}

fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&b| b == 0).next().unwrap_or_default()
}
