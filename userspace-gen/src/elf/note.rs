// SPDX-License-Identifier: GPL-2.0 OR MIT

//! ELF notes.

use super::file::ElfFile;
use super::number::read_u32;
use object::elf;
use object::read::ReadRef;
use object::Endianness;

/// Returns the build id in notes, as a linker writes them and `/sys/kernel/notes` has them.
#[must_use]
pub fn build_id(endian: Endianness, mut notes: &[u8]) -> Option<&[u8]> {
    loop {
        let number = |at: usize| read_u32(endian, notes.get(at..)?);
        let (name_size, size, kind) = (number(0)?, number(4)?, number(8)?);
        let name = notes.get(12..)?.get(..name_size as usize)?;
        let rest = notes.get(12 + (name_size as usize).next_multiple_of(4)..)?;
        let description = rest.get(..size as usize)?;
        if name == b"GNU\0" && kind == elf::NT_GNU_BUILD_ID.0 {
            return Some(description);
        }
        notes = rest.get((size as usize).next_multiple_of(4)..)?;
    }
}

impl<'d, R: ReadRef<'d>> ElfFile<'d, R> {
    /// Returns the build id of a file.
    #[must_use]
    pub fn build_id(&self) -> Option<&'d [u8]> {
        let notes = self.sections().filter(|s| s.kind == elf::SHT_NOTE);
        let mut notes = notes.filter_map(|s| self.section_data(&s).ok());
        notes.find_map(|notes| build_id(self.endian(), notes))
    }
}
