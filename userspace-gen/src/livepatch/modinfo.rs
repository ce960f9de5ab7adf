// SPDX-License-Identifier: GPL-2.0 OR MIT

//! The `.modinfo` section: `key=value` strings, each ended by a NUL.

use crate::elf::ElfFile;
use crate::error::Result;
use object::read::ReadRef;

/// The strings of a module's `.modinfo` section.
#[derive(Clone, Copy, Debug, Default)]
pub struct Modinfo<'d> {
    /// The section, and the bytes behind it up to the end of its last string.
    bytes: &'d [u8],
    /// The length of the section: no string begins behind this length.
    size: usize,
}

impl<'d> Modinfo<'d> {
    /// The name of the section.
    pub const SECTION: &'static [u8] = b".modinfo";

    /// Returns the strings in the bytes of a section.
    #[must_use]
    pub fn new(bytes: &'d [u8]) -> Self {
        let size = bytes.len();
        Self { bytes, size }
    }

    /// Reads the section of a module. A file without the section has no strings.
    ///
    /// # Errors
    ///
    /// The file ends before the section does.
    pub fn of<R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Result<Self> {
        let Some(section) = elf.section_by_name(Self::SECTION) else {
            return Ok(Self::default());
        };
        let bytes = elf.section_data(&section)?;
        if section.is_nobits() {
            return Ok(Self::default());
        }
        let whole = Self::read(elf.data(), section.offset, section.size);
        Ok(whole.unwrap_or_else(|| Self::new(bytes)))
    }

    /// Returns the version magic in the file of a module. A file that klp-gen cannot read has none.
    #[must_use]
    pub fn vermagic_of_file(data: &'d [u8]) -> Option<&'d [u8]> {
        let elf = ElfFile::parse(String::new(), data).ok()?;
        Self::of(&elf).ok()?.vermagic()
    }

    /// Reads the section as the loader does: without regard to its type.
    ///
    /// Returns `None` if its last string does not end within the file.
    #[must_use]
    pub fn as_loaded<R: ReadRef<'d>>(elf: &ElfFile<'d, R>) -> Option<Self> {
        match elf.section_by_name(Self::SECTION) {
            Some(section) => Self::read(elf.data(), section.offset, section.size),
            None => Some(Self::default()),
        }
    }

    /// Reads `size` bytes at `offset` of a file as `get_next_modinfo()` in kernel/module/main.c does. The
    /// last string ends at the next NUL, also if that is behind the section.
    ///
    /// Returns `None` if there is no such NUL in the file.
    #[must_use]
    pub fn read<R: ReadRef<'d>>(data: R, offset: u64, size: u64) -> Option<Self> {
        let last = size.saturating_sub(1);
        let start = offset.checked_add(last)?;
        let behind = data.read_bytes_at_until(start..data.len().ok()?, 0).ok()?;
        let len = last.checked_add(behind.len() as u64)?;
        Some(Self {
            bytes: data.read_bytes_at(offset, len).ok()?,
            size: usize::try_from(size).ok()?,
        })
    }

    /// Returns all strings; several NULs in a row stand for one.
    pub fn strings(&self) -> impl Iterator<Item = &'d [u8]> {
        // The loader compares the first string before it checks the size.
        let size = self.size.max(1);
        let mut next = 0;
        let strings = self.bytes.split(|&b| b == 0).map(move |string| {
            let start = next;
            next += string.len() + 1;
            (start, string)
        });
        strings
            .take_while(move |&(start, _)| start < size)
            .map(|(_, string)| string)
            .filter(|string| !string.is_empty())
    }

    /// Returns the version magic.
    #[must_use]
    pub fn vermagic(&self) -> Option<&'d [u8]> {
        self.get(b"vermagic")
    }

    /// Returns the value of the first string with that key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&'d [u8]> {
        self.strings()
            .find_map(|s| s.strip_prefix(key)?.strip_prefix(b"="))
    }
}
