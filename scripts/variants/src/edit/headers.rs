// SPDX-License-Identifier: GPL-2.0 OR MIT

//! Changes of section headers in the whole file: what no writer of ELF would write.

use klp_gen::elf::ElfFile;
use object::elf::{SectionHeader64, SectionType};
use object::LittleEndian as LE;

/// Lets a section begin at another place of the whole file, by its header.
pub fn move_section(file: &mut [u8], name: &str, offset: fn(u64) -> u64) {
    const SH_OFFSET: usize = 24;
    change_header(file, name, SH_OFFSET, offset);
}

/// Gives a section another size in the whole file, by its header.
pub fn resize_section(file: &mut [u8], name: &str, size: fn(u64) -> u64) {
    const SH_SIZE: usize = 32;
    change_header(file, name, SH_SIZE, size);
}

/// Gives a section another type in the whole file, by its header: what it has there stays.
pub fn retype_section(file: &mut [u8], name: &str, kind: SectionType) {
    const SH_TYPE: usize = 4;
    if let Some(at) = header_of(file, name) {
        file[at + SH_TYPE..][..4].copy_from_slice(&kind.0.to_le_bytes());
    }
}

/// Changes the bytes of a section in the whole file.
pub fn patch_section(file: &mut [u8], name: &str, change: fn(&mut [u8])) {
    let Ok(elf) = ElfFile::parse(name.to_owned(), &file[..]) else {
        return;
    };
    let section = elf.section_by_name(name.as_bytes());
    let start = section.and_then(|section| usize::try_from(section.offset).ok());
    if let Some(bytes) = start.and_then(|start| file.get_mut(start..)) {
        change(bytes);
    }
}

fn change_header(file: &mut [u8], name: &str, field: usize, change: fn(u64) -> u64) {
    if let Some(at) = header_of(file, name) {
        let place = &mut file[at + field..][..8];
        let old = place.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
        place.copy_from_slice(&change(old).to_le_bytes());
    }
}

/// Returns the offset of the header of the first section of that name.
fn header_of(file: &[u8], name: &str) -> Option<usize> {
    let elf = ElfFile::parse(name.to_owned(), file).ok()?;
    let section = elf.section_by_name(name.as_bytes())?;
    let headers = usize::try_from(elf.header().e_shoff.get(elf.endian())).ok()?;
    Some(headers + section.id.0 * size_of::<SectionHeader64<LE>>())
}
