// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The `.modinfo` section: `key=value` strings, each ended by a NUL.

use crate::elf::ElfFile;
use crate::error::Result;
use object::read::ReadRef;

/// The strings of a module's `.modinfo` section.
#[derive(Clone, Copy, Debug, Default)]
pub struct Modinfo<'d> {
    bytes: &'d [u8],
}

impl<'d> Modinfo<'d> {
    /// The name of the section.
    pub const SECTION: &'static [u8] = b".modinfo";

    /// The strings in the bytes of a section.
    #[must_use]
    pub fn new(bytes: &'d [u8]) -> Self {
        Self { bytes }
    }

    /// Reads the section of a module; a file without it has no strings.
    ///
    /// # Errors
    ///
    /// The file ends before the section does.
    pub fn of<R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Result<Self> {
        let bytes = match elf.section_by_name(Self::SECTION) {
            Some(section) => elf.section_data(&section)?,
            None => &[],
        };
        Ok(Self { bytes })
    }

    /// All strings; several NULs in a row stand for one.
    pub fn strings(&self) -> impl Iterator<Item = &'d [u8]> {
        self.bytes.split(|&b| b == 0).filter(|s| !s.is_empty())
    }

    /// The value of the first string with that key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&'d [u8]> {
        self.strings()
            .find_map(|s| s.strip_prefix(key)?.strip_prefix(b"="))
    }
}
