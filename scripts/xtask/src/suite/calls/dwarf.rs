// SPDX-License-Identifier: GPL-2.0 OR MIT

//! `DW_AT_calling_convention` of functions.

use anyhow::{ensure, Context, Result};
use gimli::{AttributeValue, DebuggingInformationEntry, Dwarf, EndianSlice, LittleEndian, Unit};
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _};
use std::collections::HashSet;
use std::fs;
use std::path::Path;

type Reader<'d> = EndianSlice<'d, LittleEndian>;

/// Returns the addresses of the functions of vmlinux with `DW_CC_nocall`: LLVM sets it where it changed the arguments or
/// the result (`DeadArgumentElimination.cpp`, `ArgumentPromotion.cpp`).
///
/// # Errors
///
/// Fails if the file has no debug information, or what is there is malformed.
pub fn changed_calls(vmlinux: &Path) -> Result<HashSet<u64>> {
    let data = fs::read(vmlinux).with_context(|| format!("cannot read {}", vmlinux.display()))?;
    let file = ElfFile64::<object::Endianness>::parse(&*data)?;
    let section = |id: gimli::SectionId| -> Result<Reader<'_>> {
        let section = file.section_by_name(id.name());
        let data = section.map_or(Ok(&[][..]), |section| section.data())?;
        Ok(EndianSlice::new(data, LittleEndian))
    };
    let dwarf = Dwarf::load(section)?;
    let mut changed = HashSet::new();
    let mut functions = 0;
    let mut headers = dwarf.units();
    while let Some(header) = headers.next()? {
        let unit = dwarf.unit(header)?;
        let mut entries = unit.entries();
        while let Some(entry) = entries.next_dfs()? {
            if entry.tag() != gimli::DW_TAG_subprogram {
                continue;
            }
            let Some(address) = address(&dwarf, &unit, entry)? else {
                continue;
            };
            functions += 1;
            if is_nocall(&unit, entry)? {
                changed.insert(address);
            }
        }
    }
    ensure!(
        functions > 0,
        "{}: expected debug information, found no function in it",
        vmlinux.display()
    );
    Ok(changed)
}

/// Returns the first address of a function with code.
fn address(
    dwarf: &Dwarf<Reader<'_>>,
    unit: &Unit<Reader<'_>>,
    entry: &DebuggingInformationEntry<Reader<'_>>,
) -> Result<Option<u64>> {
    let Some(value) = entry.attr_value(gimli::DW_AT_low_pc) else {
        return Ok(None);
    };
    Ok(dwarf.attr_address(unit, value)?)
}

/// Returns true if a function, or the declaration that it refers to, has the convention.
fn is_nocall(
    unit: &Unit<Reader<'_>>,
    entry: &DebuggingInformationEntry<Reader<'_>>,
) -> Result<bool> {
    if let Some(convention) = entry.attr_value(gimli::DW_AT_calling_convention) {
        return Ok(convention == AttributeValue::CallingConvention(gimli::DW_CC_nocall));
    }
    for origin in [gimli::DW_AT_abstract_origin, gimli::DW_AT_specification] {
        if let Some(AttributeValue::UnitRef(offset)) = entry.attr_value(origin) {
            return is_nocall(unit, &unit.entry(offset)?);
        }
    }
    Ok(false)
}
