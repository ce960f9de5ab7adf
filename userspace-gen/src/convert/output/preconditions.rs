// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The properties that a file must have so that a changed copy means the same.

use crate::elf::strings::string_at;
use crate::elf::{ElfFile, SectionId};
use crate::error::Result;
use crate::printable::shown;

/// Refuses a file of which no changed copy can be made.
///
/// # Errors
///
/// The file lacks one of the properties.
pub(in crate::convert) fn expect(elf: &ElfFile<'_>, len: usize) -> Result<()> {
    expect_disjoint(elf, len)?;
    expect_names(elf)
}

/// Refuses sections that share bytes: each section is copied by itself.
fn expect_disjoint(elf: &ElfFile<'_>, len: usize) -> Result<()> {
    let sizes = elf.sections().filter(|s| !s.is_nobits()).map(|s| s.size);
    let total = sizes.fold(0, u64::saturating_add);
    if total > len as u64 {
        return Err(elf.malformed(format_args!(
            "expected sections with a sum of at most {len} bytes, found {total}: the sections overlap"
        )));
    }
    Ok(())
}

/// Refuses offsets of names beyond the table of names: they would be offsets of the names that are appended.
fn expect_names(elf: &ElfFile<'_>) -> Result<()> {
    let names = strings(elf, elf.section_names_id()?)?;
    for section in elf.sections() {
        let name = elf.raw_section_header(section.id)?.sh_name;
        if string_at(names, name).is_none() {
            let what = format_args!("section {}: expected a name, found none", section.id.0);
            return Err(elf.malformed(what));
        }
    }
    let Some(symtab) = elf.symtab_section() else {
        return Ok(());
    };
    let link = elf.section(symtab)?.link;
    let names = strings(elf, SectionId(link as usize))?;
    for (id, symbol) in elf.raw_symbols().iter().enumerate() {
        if string_at(names, symbol.st_name.get(elf.endian())).is_none() {
            let what = format_args!("symbol {id}: expected a name, found none");
            return Err(elf.malformed(what));
        }
    }
    Ok(())
}

/// Returns a table of strings, if it has the form that the kernel requires: `elf_validity_cache_strtab()` in
/// kernel/module/main.c.
fn strings<'d>(elf: &ElfFile<'d>, id: SectionId) -> Result<&'d [u8]> {
    let section = elf.section(id)?;
    let bytes = elf.section_data(&section)?;
    if bytes.first() == Some(&0) && bytes.last() == Some(&0) {
        return Ok(bytes);
    }
    Err(elf.malformed(format_args!(
        "section {}: expected strings that begin and end with a NUL, found others",
        shown(section.name)
    )))
}
